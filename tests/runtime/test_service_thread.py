"""ServiceThread in this process: states, calls, limits."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import wait_until
from workers.model.errors import ServiceClosed
from workers.runtime.host import CRASH_EXIT_CODE, ServiceThread
from workers.runtime.hosted import announce, hosted


class Scripted:
    """A service that notes what happens to it."""

    name = "scripted"

    def __init__(self, drain_s: float = 0.0, ignored: int = 0) -> None:
        self.notes: list[str] = []
        self.drain_s, self.ignored = drain_s, ignored
        self.release = threading.Event()

    async def run(self) -> None:
        self.notes.append("run")
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.ignored -= 1
                if self.ignored < 0:
                    raise

    async def drain(self) -> None:
        self.notes.append("drain")
        await asyncio.sleep(self.drain_s)
        self.notes.append("drained")

    def status(self) -> dict[str, Any]:
        return {"notes": len(self.notes)}

    async def echo(self, word: str) -> str:
        return word

    async def fail(self) -> None:
        raise LookupError("no such book")

    async def hang(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.notes.append("cancelled")
            raise

    async def block(self) -> None:
        await asyncio.to_thread(self.release.wait, 30)


@pytest.fixture
def service() -> Scripted:
    return Scripted()


@pytest.fixture
def thread(service: Scripted) -> Any:
    thread = ServiceThread(service)
    thread.start()
    yield thread
    service.release.set()
    thread.stop(5)


def test_a_call_right_after_the_start_is_answered(thread: ServiceThread) -> None:
    assert thread.call(lambda service: service.echo("hello"), 5) == "hello"
    assert thread.state == "running"


def test_an_error_of_the_call_is_the_callers(thread: ServiceThread) -> None:
    with pytest.raises(LookupError, match="no such book"):
        thread.call(lambda service: service.fail(), 5)
    assert thread.state == "running"


def test_a_call_that_takes_too_long_is_cancelled(thread: ServiceThread, service: Scripted) -> None:
    with pytest.raises(TimeoutError, match=r"scripted did not answer within 0\.05 s"):
        thread.call(lambda service: service.hang(), 0.05)
    wait_until(lambda: "cancelled" in service.notes, 5, "the coroutine is cancelled")
    assert thread.call(lambda service: service.echo("on"), 5) == "on"


def test_a_call_that_the_drain_overtakes_says_so(thread: ServiceThread, service: Scripted) -> None:
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            thread.call(lambda service: service.hang(), 30)
        except ServiceClosed as error:
            errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    thread.call(lambda service: service.echo("in line behind"), 5)
    thread.stop(5)
    asking.join(5)
    assert [str(error) for error in errors] == ["scripted ended before it answered"]


def test_after_the_end_no_call_is_made(thread: ServiceThread) -> None:
    thread.stop(5)
    with pytest.raises(ServiceClosed, match="scripted is stopped; the call was not made"):
        thread.call(lambda service: service.echo("too late"), 5)


def test_drain_is_asked_often_and_done_once(thread: ServiceThread, service: Scripted) -> None:
    thread.call(lambda service: service.echo("up"), 5)
    for _ in range(3):
        thread.request_drain()
    assert thread.wait(5)
    thread.request_drain()
    assert service.notes == ["run", "drain", "drained"]
    assert (thread.state, thread.exit_code) == ("stopped", 0)


def test_a_drain_asked_before_the_start_is_not_forgotten(service: Scripted) -> None:
    thread = ServiceThread(service)
    thread.request_drain()
    thread.start()
    assert thread.wait(5)
    assert service.notes[-1] == "drained"
    assert thread.state == "stopped"


def test_a_drain_without_end_is_a_crash() -> None:
    thread = ServiceThread(Scripted(drain_s=3600), drain_timeout_s=0.1)
    thread.start()
    thread.call(lambda service: service.echo("up"), 5)
    thread.stop(5)
    assert (thread.state, thread.exit_code) == ("crashed", CRASH_EXIT_CODE)
    assert isinstance(thread.error, TimeoutError)


def test_a_run_that_ignores_its_cancellation_is_drained_all_the_same() -> None:
    service = Scripted(ignored=1000)
    thread = ServiceThread(service, drain_timeout_s=0.2)
    thread.start()
    thread.call(lambda service: service.echo("up"), 5)
    thread.stop(5)
    assert service.notes == ["run", "drain", "drained"]
    assert thread.state == "crashed"


def test_a_cancellation_that_is_lost_is_repeated() -> None:
    service = Scripted(ignored=1)
    thread = ServiceThread(service)
    thread.start()
    assert thread.call(lambda s: s.echo("x"), 5) == "x"
    thread.stop(15)
    assert (thread.state, service.notes[-1]) == ("stopped", "drained")


def test_a_blocking_call_nobody_waits_for_does_not_hold_the_end(
    thread: ServiceThread, service: Scripted
) -> None:
    with pytest.raises(TimeoutError):
        thread.call(lambda service: service.block(), 0.05)
    thread.request_drain()
    assert thread.wait(5)
    assert thread.state == "stopped"


def test_a_crash_is_told_once_with_its_error() -> None:
    told: list[BaseException] = []

    class Broken(Scripted):
        async def run(self) -> None:
            raise ZeroDivisionError("by design")

    thread = ServiceThread(Broken(), on_crash=told.append)
    thread.start()
    assert thread.wait(5)
    assert [type(error) for error in told] == [ZeroDivisionError]
    assert thread.status()["error"] == "ZeroDivisionError('by design')"


def test_a_stuck_loop_lets_the_liveness_file_grow_old(tmp_path: Path) -> None:
    alive = tmp_path / "run" / "scripted.alive"
    service = Scripted()
    thread = ServiceThread(service, alive_file=alive)
    thread.start()
    wait_until(alive.exists, 5, "first pulse")

    async def stick(service: Scripted) -> None:
        service.release.wait(30)  # holds the loop, as a bug would

    with pytest.raises(TimeoutError):
        thread.call(stick, 0.05)
    before = alive.stat().st_mtime_ns
    with pytest.raises(AssertionError, match="a pulse"):
        wait_until(lambda: alive.stat().st_mtime_ns > before, 1.5, "a pulse")
    service.release.set()
    wait_until(lambda: alive.stat().st_mtime_ns > before, 5, "the pulse is back")
    thread.stop(5)
    assert not alive.exists()


def test_a_status_that_fails_is_reported_not_raised(thread: ServiceThread) -> None:
    def broken() -> dict[str, Any]:
        raise KeyError("books")

    thread.service.status = broken  # type: ignore[method-assign]
    assert thread.status()["status"] == {"error": "KeyError('books')"}


def test_tasks_find_the_hosted_service_or_hear_what_to_start(
    monkeypatch: pytest.MonkeyPatch, service: Scripted
) -> None:
    monkeypatch.setattr("workers.runtime.hosted._threads", {})
    find: Callable[[str], ServiceThread] = hosted
    with pytest.raises(
        ServiceClosed,
        match="this worker hosts no service, not writer; start one that does: "
        "celery -A tasks worker --service writer",
    ):
        find("writer")
    thread = ServiceThread(service)
    announce(thread)
    assert find("scripted") is thread
    with pytest.raises(ServiceClosed, match="hosts scripted, not writer"):
        find("writer")
