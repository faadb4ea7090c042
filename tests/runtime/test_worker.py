"""The Celery host alone: broker trouble, commands, refusals."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from celery import Celery
from celery.result import AsyncResult

from tests.runtime.children import environment, run
from tests.runtime.conftest import WORKER, Start
from tests.runtime.demo import words
from tests.waiting import wait_until
from workers.local.redis import RedisServer


@contextmanager
def sender(port: int) -> Iterator[Celery]:
    """An app that sends commands to a test's Redis and reads their results."""
    url = f"redis://127.0.0.1:{port}/0"
    app = Celery("sender", broker=url, backend=url)
    yield app
    app.close()


def send(app: Celery, name: str, *args: object) -> "AsyncResult[object]":
    return app.send_task(name, args, queue="demo", expires=30)


def test_one_option_gives_queue_node_name_pool_and_status(
    start: Start, data_path: Path, steady_redis: RedisServer
) -> None:
    start(WORKER, steady_redis.port)
    wait_until(lambda: words(data_path) == ["run"], 20, "the service runs")
    with sender(steady_redis.port) as app:
        assert send(app, "demo.answer", 0.0, 5.0).get(timeout=20) == "after 0 s"
        stats = wait_until(lambda: app.control.inspect(timeout=2).stats(), 10, "stats")
    assert [name.split("@")[0] for name in stats] == ["demo"]
    (node,) = stats.values()
    assert node["pool"]["max-concurrency"] == 2
    assert node["pool"]["implementation"].endswith("thread:TaskPool")
    assert node["service"]["state"] == "running"
    assert node["service"]["status"]["ticks"] > 0


def test_a_worker_without_the_option_hosts_nothing(
    start: Start, data_path: Path, steady_redis: RedisServer
) -> None:
    start(WORKER[:4], steady_redis.port)
    with sender(steady_redis.port) as app:
        result = app.send_task("demo.answer", (0.0, 5.0), queue="polling", expires=30)
        with pytest.raises(Exception, match="celery -A tasks worker --service demo"):
            result.get(timeout=20)
    assert words(data_path) == []


def test_a_slow_call_times_out_and_the_queue_goes_on(
    start: Start, data_path: Path, steady_redis: RedisServer
) -> None:
    start(WORKER, steady_redis.port)
    with sender(steady_redis.port) as app:
        slow = [send(app, "demo.answer", 3600.0, 0.5) for _ in range(4)]
        quick = send(app, "demo.answer", 0.0, 5.0)
        for each in slow:
            with pytest.raises(TimeoutError, match=r"demo did not answer within 0\.5 s"):
                each.get(timeout=20)
        assert quick.get(timeout=20) == "after 0 s"
    assert words(data_path) == ["run", "answered"]


def test_a_crash_behind_a_command_ends_the_worker_with_70(
    start: Start, data_path: Path, steady_redis: RedisServer
) -> None:
    child = start(WORKER, steady_redis.port)
    wait_until(lambda: words(data_path) == ["run"], 20, "the service runs")
    with sender(steady_redis.port) as app:
        send(app, "demo.crash")
    assert child.exit_code(20) == 70


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        pytest.param(["-P", "solo"], '--service needs --pool threads, was solo; add "-P threads"'),
        pytest.param(["-Q", "polling"], "--service demo needs its queue demo"),
    ],
    ids=["pool", "queue"],
)
def test_a_worker_that_could_not_serve_is_refused(
    options: list[str], remedy: str, data_path: Path, steady_redis: RedisServer
) -> None:
    done = run([*WORKER, *options], environment(data_path, steady_redis.port))
    assert done.returncode == 1
    assert remedy in done.stderr
    assert "Traceback" not in done.stderr
    assert words(data_path) == []


def test_without_a_broker_the_service_runs_from_the_start_and_commands_follow(
    start: Start, data_path: Path, redis: RedisServer
) -> None:
    redis.stop()
    child = start(WORKER, redis.port)
    wait_until(lambda: words(data_path) == ["run"], 20, "the service runs without Redis")
    redis.start()
    with sender(redis.port) as app:
        assert send(app, "demo.answer", 0.0, 5.0).get(timeout=30) == "after 0 s"
    child.terminate()
    assert child.exit_code(10) == 0


def test_without_a_broker_sigterm_is_obeyed(
    start: Start, data_path: Path, redis: RedisServer
) -> None:
    redis.stop()
    child = start(WORKER, redis.port)
    wait_until(lambda: words(data_path) == ["run"], 20, "the service runs without Redis")
    child.terminate()
    assert child.exit_code(10) == 0
    assert words(data_path) == ["run", "drain", "drained"]


def test_a_broker_restart_does_not_touch_the_service(
    start: Start, data_path: Path, redis: RedisServer
) -> None:
    child = start(WORKER, redis.port)
    with sender(redis.port) as app:
        assert send(app, "demo.answer", 0.0, 5.0).get(timeout=20) == "after 0 s"
    redis.kill()
    wait_until(lambda: "Connection to broker lost" in child.output, 20, "the worker notices")
    redis.start()
    with sender(redis.port) as app:
        assert send(app, "demo.answer", 0.0, 5.0).get(timeout=30) == "after 0 s"
    assert words(data_path) == ["run", "answered", "answered"]
    assert child.alive()


def test_with_a_hung_broker_sigterm_drains_and_the_process_still_ends(
    start: Start, data_path: Path, redis: RedisServer
) -> None:
    child = start(WORKER, redis.port)
    with sender(redis.port) as app:
        assert send(app, "demo.answer", 0.0, 5.0).get(timeout=20) == "after 0 s"
    assert redis.pid is not None
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        # The worker's main thread now waits for Redis; neither drain nor end may depend on it.
        child.terminate()
        wait_until(lambda: words(data_path)[-1] == "drained", 5, "drained while the broker hangs")
        assert child.exit_code(15) == 0
    finally:
        os.kill(redis.pid, signal.SIGCONT)


def test_status_is_plain_json(start: Start, data_path: Path, steady_redis: RedisServer) -> None:
    start(WORKER, steady_redis.port)
    wait_until(lambda: words(data_path) == ["run"], 20, "the service runs")
    env = environment(data_path, steady_redis.port)
    stats = ["celery", "-A", "tests.runtime.demo", "inspect", "stats", "--json"]
    done = wait_until(
        lambda: (answer := run(stats, env)).returncode == 0 and answer, 20, "inspect answers"
    )
    (node,) = json.loads(done.stdout).values()
    assert node["service"]["name"] == "demo"
