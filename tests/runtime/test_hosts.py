"""What both hosts owe a service: the contract of bootstep.py and standalone.py."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.runtime.children import environment, run
from tests.runtime.conftest import WORKER, Start
from tests.runtime.demo import words
from tests.waiting import wait_until
from workers.local.redis import RedisServer
from workers.runtime.health import MAX_AGE_S, age_s


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_the_service_and_ends_the_process_within_10_s(
    host: list[str],
    start: Start,
    data_path: Path,
    steady_redis: RedisServer,
    number: signal.Signals,
) -> None:
    child = start(host, steady_redis.port)
    wait_until(lambda: words(data_path) == ["run"], 20, "the service runs")
    child.process.send_signal(number)
    # Celery answers Ctrl-C with 1, drained or not (apps/worker.py, install_worker_int_handler).
    expected = 1 if host == WORKER and number is signal.SIGINT else 0
    assert child.exit_code(10) == expected
    assert words(data_path) == ["run", "drain", "drained"]


@pytest.mark.parametrize("manner", ["crash-soon", "return-soon"])
def test_a_service_that_ends_by_itself_ends_the_process_with_70(
    host: list[str], start: Start, data_path: Path, steady_redis: RedisServer, manner: str
) -> None:
    child = start(host, steady_redis.port, DEMO=manner)
    assert child.exit_code(20) == 70
    assert words(data_path) == ["run", "drain", "drained"]
    assert "still lives" not in child.output, "the host must end it, not the exit deadline"
    assert ("asked to crash" if manner == "crash-soon" else "ended by itself") in child.output


def test_the_health_check_follows_the_service_and_asks_no_broker(
    host: list[str], start: Start, data_path: Path, steady_redis: RedisServer
) -> None:
    check = ["workers.runtime.health", "demo"]
    nobodys_port = environment(data_path, 1)
    assert run(check, nobodys_port).returncode == 1

    child = start(host, steady_redis.port)
    alive = data_path / "run" / "demo.alive"
    first = wait_until(lambda: alive.exists() and alive.stat().st_mtime_ns, 20, "first pulse")
    wait_until(lambda: alive.stat().st_mtime_ns > first, 5, "second pulse")
    assert run(check, nobodys_port).returncode == 0

    child.terminate()
    assert child.exit_code(10) == 0
    assert age_s(alive) is None
    assert run(check, nobodys_port).returncode == 1


def test_a_file_nobody_touches_any_more_is_not_healthy(data_path: Path) -> None:
    alive = data_path / "run" / "demo.alive"
    alive.parent.mkdir(parents=True)
    alive.touch()
    old = time.time() - MAX_AGE_S - 1
    os.utime(alive, (old, old))
    done = run(["workers.runtime.health", "demo"], environment(data_path, 1))
    assert done.returncode == 1
    assert "event loop seen 1" in done.stdout


def test_an_unknown_service_is_refused_with_the_known_ones(
    host: list[str], start: Start, steady_redis: RedisServer
) -> None:
    child = start([*host[:-1], "collectr"], steady_redis.port)
    assert child.exit_code(20) != 0
    assert "no service is called collectr; known: demo" in child.output
    assert "Traceback" not in child.output
