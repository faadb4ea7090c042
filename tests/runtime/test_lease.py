"""One active holder of a service: what Redis, NATS and a killed or frozen process do to it."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from tests.runtime.children import Child, environment, run
from tests.runtime.conftest import WORKER, Start
from tests.runtime.demo import words
from tests.waiting import wait_until
from workers.local.nats import NatsServer
from workers.local.redis import RedisServer
from workers.runtime.host import ServiceThread
from workers.runtime.lease import ALONE_S, GRACE_S, Lease

NAME = "collector.somewhere"
CELERY = ["celery", "-A", "tests.runtime.demo"]
ASK = [*CELERY, "call", "demo.answer", "-a", "[0, 5]", "--queue", "demo"]


class Worker:
    """Counts how often it ran; works until cancelled."""

    name = NAME

    def __init__(self) -> None:
        self.runs = self.drains = 0

    async def run(self) -> None:
        self.runs += 1
        await asyncio.Event().wait()

    async def drain(self) -> None:
        self.drains += 1

    def status(self) -> dict[str, Any]:
        return {}


class Process(ServiceThread):
    """A host with a lease, as a second process on the machine would have it."""

    def lease(self) -> dict[str, Any]:
        return self.status()["lease"]


@pytest.fixture
def lease_settings(settings: Settings, redis: RedisServer, nats_server: NatsServer) -> Settings:
    own = settings.redis.model_copy(update={"port": redis.port, "password": None})
    return settings.model_copy(update={"redis": own})


@pytest.fixture
def begin(lease_settings: Settings) -> Iterator[Callable[[], Process]]:
    with ExitStack() as stack:

        def start() -> Process:
            thread = Process(Worker(), gate=Lease(lease_settings, NAME))
            thread.start()
            stack.callback(thread.stop, 10)
            return thread

        yield start


def running(process: Process) -> bool:
    return process.state == "running"


def test_of_two_one_runs_and_the_other_stands_by(begin: Callable[[], Process]) -> None:
    first = begin()
    wait_until(lambda: running(first), 10, "the first runs")
    second = begin()
    wait_until(lambda: second.lease()["holder"] == first.lease()["owner"], 10, "it sees the first")
    assert (first.state, second.state) == ("running", "standby")
    with pytest.raises(Exception, match="standby; the call was not made"):
        second.call(lambda worker: worker.drain(), timeout_s=5)


def test_who_leaves_gives_way_with_a_greater_token(begin: Callable[[], Process]) -> None:
    first = begin()
    wait_until(lambda: running(first), 10, "the first runs")
    second = begin()
    wait_until(lambda: second.state == "standby", 10, "the second stands by")
    first.stop(10)
    wait_until(lambda: running(second), 10, "the second runs")
    assert second.lease()["token"] > first.lease()["token"]
    assert first.state == "stopped"


def test_a_standby_that_is_told_to_stop_ends_without_having_run(
    begin: Callable[[], Process],
) -> None:
    first = begin()
    wait_until(lambda: running(first), 10, "the first runs")
    second = begin()
    wait_until(lambda: second.state == "standby", 10, "the second stands by")
    second.stop(10)
    assert second.state == "stopped"
    assert (second.service.runs, second.service.drains) == (0, 0)
    assert running(first)


def test_without_redis_the_holder_goes_on_and_the_standby_does_not_start(
    begin: Callable[[], Process], redis: RedisServer
) -> None:
    first = begin()
    wait_until(lambda: running(first), 10, "the first runs")
    second = begin()
    wait_until(lambda: second.lease()["holder"] is not None, 10, "it sees the first")
    redis.kill()
    wait_until(lambda: first.lease()["state"] == "alone", 15, "the first is without Redis")
    wait_until(lambda: second.lease()["redis_error"], 15, "the second is, too")
    with pytest.raises(AssertionError):  # longer than it waits when nobody is heard
        wait_until(lambda: running(second), ALONE_S + 2, "the second runs")
    assert running(first)
    redis.start()
    wait_until(lambda: first.lease()["state"] == "held", 15, "the first holds it again")
    wait_until(lambda: second.lease()["redis_error"] is None, 15, "the second sees Redis")
    assert (first.state, second.state) == ("running", "standby")


def test_without_redis_and_with_nobody_heard_it_starts_alone(
    begin: Callable[[], Process], redis: RedisServer
) -> None:
    redis.kill()
    only = begin()
    wait_until(lambda: running(only), 20, "it runs")
    assert only.lease()["state"] == "alone"
    redis.start()
    wait_until(lambda: only.lease()["state"] == "held", 15, "it holds the lease")


def test_a_redis_that_comes_back_empty_changes_no_holder(
    begin: Callable[[], Process], redis: RedisServer
) -> None:
    first = begin()
    wait_until(lambda: running(first), 10, "the first runs")
    second = begin()
    wait_until(lambda: second.lease()["holder"] is not None, 10, "it sees the first")
    token = first.lease()["token"]
    redis.kill()
    for dump in redis.data_dir.glob("*.rdb"):
        dump.unlink()
    redis.start()
    wait_until(lambda: second.lease()["redis_error"] is None, 15, "the second sees Redis")
    with pytest.raises(AssertionError):
        wait_until(lambda: running(second), GRACE_S + 2, "the second runs")
    assert running(first)
    assert first.lease()["token"] == token


def test_a_killed_worker_is_replaced_and_only_the_holder_takes_commands(
    start: Start, redis: RedisServer, nats_server: NatsServer, tmp_path: Path
) -> None:
    nats = {"MARKETPRISM_NATS_SERVERS": nats_server.url, "DEMO_LEASE": "1"}
    folders = [tmp_path / "one", tmp_path / "two"]
    one = start(WORKER, redis.port, MARKETPRISM_DATA_DIR=str(folders[0]), **nats)
    wait_until(lambda: words(folders[0]), 30, "the first runs")
    start(WORKER, redis.port, MARKETPRISM_DATA_DIR=str(folders[1]), **nats)

    def pinged() -> str:
        done = run([*CELERY, "inspect", "ping"], {**environment(tmp_path, redis.port), **nats})
        return done.stdout

    wait_until(lambda: "2 nodes online" in pinged(), 30, "both take part")
    assert words(folders[1]) == []

    def answered(at: int, count: int) -> bool:
        return words(folders[at]).count("answered") == count

    for _ in range(4):
        start(
            ASK,
            redis.port,
            **nats,
        ).exit_code(30)
    wait_until(lambda: answered(0, 4), 20, "the holder answered all")
    os.kill(one.pid, signal.SIGKILL)
    wait_until(lambda: "run" in words(folders[1]), 15, "the standby runs")
    start(
        ASK,
        redis.port,
        **nats,
    ).exit_code(30)
    wait_until(lambda: answered(1, 1), 20, "the new holder answers")


def test_commands_wait_in_their_queue_until_the_service_can_be_asked(
    start: Start, redis: RedisServer, nats_server: NatsServer, tmp_path: Path
) -> None:
    env = {"MARKETPRISM_NATS_SERVERS": nats_server.url, "DEMO_LEASE": "1"}
    start(ASK, redis.port, **env).exit_code(60)
    folder = tmp_path / "slow"
    start(WORKER, redis.port, MARKETPRISM_DATA_DIR=str(folder), DEMO="slow-start", **env)
    wait_until(lambda: "answered" in words(folder), 60, "the command answered")
    assert words(folder) == ["run", "ready", "answered"]


def test_a_holder_that_crashes_again_and_again_does_not_keep_the_standby_out(
    start: Start, redis: RedisServer, nats_server: NatsServer, tmp_path: Path
) -> None:
    env = {"MARKETPRISM_NATS_SERVERS": nats_server.url, "DEMO_LEASE": "1"}
    looping, steady = tmp_path / "looping", tmp_path / "steady"

    def crashing() -> Child:
        return start(WORKER, redis.port, MARKETPRISM_DATA_DIR=str(looping), DEMO="hold", **env)

    first = crashing()
    wait_until(lambda: words(looping), 60, "the first runs")
    second = start(WORKER, redis.port, MARKETPRISM_DATA_DIR=str(steady), **env)
    wait_until(lambda: "lease_held_by_another" in second.output, 60, "the second stands by")
    (looping / "crash").touch()
    assert first.exit_code(60) == 70
    again = crashing()
    wait_until(lambda: "run" in words(steady), 60, "the standby runs")
    wait_until(lambda: "lease_held_by_another" in again.output, 60, "the other stands by")
    assert words(looping).count("run") == 1


def test_a_frozen_holder_ends_when_it_wakes_and_was_replaced(
    start: Start, redis: RedisServer, nats_server: NatsServer, tmp_path: Path
) -> None:
    nats = {"MARKETPRISM_NATS_SERVERS": nats_server.url, "DEMO_LEASE": "1"}
    first = start(WORKER, redis.port, MARKETPRISM_DATA_DIR=str(tmp_path / "one"), **nats)
    wait_until(lambda: words(tmp_path / "one") == ["run"], 30, "the first runs")
    start(WORKER, redis.port, MARKETPRISM_DATA_DIR=str(tmp_path / "two"), **nats)
    os.kill(first.pid, signal.SIGSTOP)
    wait_until(lambda: "run" in words(tmp_path / "two"), 30, "the second runs")
    os.kill(first.pid, signal.SIGCONT)
    assert first.exit_code(30) == 70
    assert "is lost to" in first.output
    assert words(tmp_path / "one") == ["run", "drain", "drained"]
