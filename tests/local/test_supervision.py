"""The three servers under supervisord, as `marketprism up` runs them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis

import config
from config.settings import Settings
from tests.waiting import wait_until
from workers.local.ports import free_ports, is_free
from workers.local.programs import Program, programs
from workers.local.servers import LocalServer, servers
from workers.local.supervision import Supervisor, gone


@pytest.fixture
def local_settings(tmp_path: Path) -> Settings:
    redis, nats, monitoring, native, http = free_ports(5)
    return config.load(
        config.ROOT / "config" / "marketprism.yaml",
        env={
            "MARKETPRISM_DATA_DIR": str(tmp_path / "50% of it"),
            "MARKETPRISM_REDIS__PORT": str(redis),
            "MARKETPRISM_NATS__SERVERS": f"nats://127.0.0.1:{nats}",
            "MARKETPRISM_NATS__MONITORING_PORT": str(monitoring),
            "MARKETPRISM_CLICKHOUSE__PORT": str(native),
            "MARKETPRISM_CLICKHOUSE__HTTP_PORT": str(http),
        },
    )


@pytest.fixture
def running(local_settings: Settings) -> Iterator[tuple[Supervisor, list[LocalServer]]]:
    supervisor, own = Supervisor(local_settings.data_path), servers(local_settings)
    names = {server.name for server in own}
    supervisor.start([each for each in programs(local_settings) if each.name in names], os.environ)
    for server in own:
        server.prepare()
        supervisor.start_program(server.name)
    wait_until(lambda: all(server.healthy() for server in own), 20, "servers healthy")
    yield supervisor, own
    if supervisor.alive:
        supervisor.shutdown()
        assert supervisor.wait(30), "supervisord did not end"


def pids(supervisor: Supervisor) -> dict[str, int]:
    return {name: state.pid for name, state in supervisor.processes().items()}


def test_redis_is_back_after_kill_with_what_it_was_told(
    running: tuple[Supervisor, list[LocalServer]], local_settings: Settings
) -> None:
    supervisor, own = running
    before = wait_until(
        lambda: pids(supervisor) if _all_running(supervisor) else None, 10, "all RUNNING"
    )
    with Redis(port=local_settings.redis.port) as client:
        client.set("kept", "yes")
        wait_until(lambda: client.info()["aof_pending_bio_fsync"] == 0, what="written to disk")
    os.kill(before["redis"], signal.SIGKILL)
    wait_until(lambda: pids(supervisor)["redis"] not in (0, before["redis"]), 10, "a new Redis")
    wait_until(own[0].healthy, 10, "Redis answers")
    with Redis(port=local_settings.redis.port) as client:
        assert client.get("kept") == b"yes"
    after = pids(supervisor)
    assert {n: p for n, p in after.items() if n != "redis"} == {
        n: p for n, p in before.items() if n != "redis"
    }


def test_nothing_outlives_a_killed_supervisor(
    running: tuple[Supervisor, list[LocalServer]],
) -> None:
    supervisor, own = running
    children = [psutil.Process(pid) for pid in pids(supervisor).values()]
    everyone = children + [each for child in children for each in child.children(recursive=True)]
    assert len(everyone) == 4  # ClickHouse is two
    supervisor.end()
    wait_until(lambda: all(gone(each.pid) for each in everyone), 20, "all processes gone")
    assert all(is_free(server.port) for server in own)


def test_a_process_that_cannot_live_is_reported_as_failed(tmp_path: Path) -> None:
    broken = Program("broken", [sys.executable, "-c", "raise SystemExit(3)"], "celery", 5.0)
    supervisor = Supervisor(tmp_path)
    supervisor.start([broken], os.environ)
    try:
        supervisor.start_program("broken")
        state = wait_until(
            lambda: (s := supervisor.processes()["broken"]).failed and s, 10, "failed"
        )
        assert state.state == "BACKOFF"
        assert "Exited too quickly" in state.detail
    finally:
        supervisor.shutdown()
        assert supervisor.wait(20)


def test_a_bound_command_ends_with_its_parent(tmp_path: Path) -> None:
    # The parent prints its child's pid and waits; the child would sleep for an hour.
    child = [sys.executable, "-c", "import time; time.sleep(3600)"]
    code = (
        "import os, subprocess; from workers.local.bound import bound;"
        f"p = subprocess.Popen(bound({child!r}, os.getpid())); print(p.pid, flush=True); p.wait()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    process = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: gone(process.pid), 10, "the child ended")


def _all_running(supervisor: Supervisor) -> bool:
    return all(state.state == "RUNNING" for state in supervisor.processes().values())
