"""A service's own thread and event loop, inside whatever process hosts it.

States: starting -> running -> draining -> stopped; with a gate, `standby` before running;
`crashed` if the service failed, ended by itself, lost its gate or could not drain in time. The
hosts (bootstep.py, standalone.py) differ only in who asks for the drain and who ends the process.
"""

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, Literal, TypeVar

from workers.model.errors import RestartWanted, ServiceClosed
from workers.runtime.deadline import ExitDeadline
from workers.runtime.service import Gate, Readying, Service, Warming

logger = logging.getLogger(__name__)
T = TypeVar("T")

State = Literal["starting", "standby", "running", "draining", "stopped", "crashed"]

CRASH_EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h; a supervisor restarts the process."""

DRAIN_TIMEOUT_S = 10.0
PULSE_S = 1.0
CANCEL_AGAIN_S = 1.0
"""Python 3.11's `asyncio.wait_for`, with which redis-py sends, loses a cancel that meets its result
(python/cpython#86296); what still runs after this is cancelled once more."""
END_TIMEOUT_S = 1.0
"""For tasks the service left behind to end once they are cancelled."""


class ServiceThread:
    """Runs one service on an event loop in a daemon thread of its own.

    Args:
        service: what to run; nothing outside the thread touches it but `status()`.
        alive_file: touched by the loop every second, so its age tells a stuck loop; None: no file.
        on_crash: called once, in the service's thread, with the error that ended it.
        exit_grace_s: the process is ended this long after the service, if it still lives then;
            None: the process is left alone.
        drain_timeout_s: a drain that takes longer is given up, which counts as a crash.
        gate: the service runs only while this lets it; None: at once and always.
        on_running: called in the service's thread once the service runs and can be asked.
    """

    def __init__(
        self,
        service: Service,
        *,
        alive_file: Path | None = None,
        on_crash: Callable[[BaseException], None] | None = None,
        exit_grace_s: float | None = None,
        drain_timeout_s: float = DRAIN_TIMEOUT_S,
        gate: Gate | None = None,
        on_running: Callable[[], None] | None = None,
    ) -> None:
        self.service, self.gate = service, gate
        self._on_running = on_running
        self.state: State = "starting"
        self.error: BaseException | None = None
        self._alive_file = alive_file
        self._on_crash = on_crash
        self._exit_grace_s = exit_grace_s
        self._drain_timeout_s = drain_timeout_s
        self._started_s = time.monotonic()
        self._drain_requested = False
        self._begun = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._drain: asyncio.Event | None = None
        self._deadline = ExitDeadline(service.name, self._final_exit_code)
        # A daemon: a live worker must not be held by a service that cannot end.
        self._thread = threading.Thread(
            target=self._main, name=f"service-{service.name}", daemon=True
        )

    @property
    def exit_code(self) -> int:
        """What the process should exit with."""
        return CRASH_EXIT_CODE if self.state == "crashed" else 0

    def _final_exit_code(self) -> int:
        return 0 if self.state == "stopped" else CRASH_EXIT_CODE

    def start(self) -> None:
        """Start the thread and return at once; connecting is the service's own business."""
        self._thread.start()

    def request_drain(self) -> None:
        """Ask the service to drain. Idempotent, and safe in a signal handler."""
        self._drain_requested = True
        loop, drain = self._loop, self._drain
        if loop is not None and drain is not None:
            # A closed loop has nothing left to drain.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(drain.set)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the thread to end; False if it still runs after `timeout_s`."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def stop(self, timeout_s: float) -> None:
        """Drain and wait for the end, at most `timeout_s`."""
        self.request_drain()
        if not self.wait(timeout_s):
            logger.error(
                "%s: still %s after %g s; the process ends without it",
                self.service.name,
                self.state,
                timeout_s,
            )

    def call(self, make: Callable[[Any], Coroutine[Any, Any, T]], timeout_s: float) -> T:
        """Run a coroutine on the service's loop and wait for its result.

        Args:
            make: called on the loop with the service; returns the coroutine to run.
            timeout_s: after that the coroutine is cancelled.

        Raises:
            ServiceClosed: the service is not running, or ended before it answered.
            TimeoutError: it did not answer in time.
        """
        end_s = time.monotonic() + timeout_s
        self._begun.wait(timeout_s)  # a command may come in the first milliseconds
        name, loop = self.service.name, self._loop
        if self.state != "running" or loop is None:
            raise ServiceClosed(f"{name} is {self.state}; the call was not made")

        async def invoke() -> T:
            return await make(self.service)

        coroutine = invoke()
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        except RuntimeError:
            coroutine.close()
            raise ServiceClosed(f"{name} is {self.state}; the call was not made") from None
        try:
            return future.result(max(0.0, end_s - time.monotonic()))
        except concurrent.futures.CancelledError:
            raise ServiceClosed(f"{name} ended before it answered") from None
        except TimeoutError:
            if future.done() and not future.cancelled():
                raise  # the coroutine's own
            future.cancel()
            raise TimeoutError(f"{name} did not answer within {timeout_s:g} s") from None

    def status(self) -> dict[str, Any]:
        """Plain JSON data: the host's view, and below `status` the service's own."""
        view: dict[str, Any] = {
            "name": self.service.name,
            "state": self.state,
            "pid": os.getpid(),
            "uptime_s": round(time.monotonic() - self._started_s, 1),
        }
        if self.error is not None:
            view["error"] = repr(self.error)
        if self.gate is not None:
            view["lease"] = self.gate.status()
        try:
            view["status"] = self.service.status()
        except Exception as error:
            # The worker's event loop asks; a faulty figure must not end it.
            logger.exception("%s: status failed", self.service.name)
            view["status"] = {"error": repr(error)}
        return view

    def _main(self) -> None:
        name = self.service.name
        try:
            self._run_loop()
        except RestartWanted as error:
            self.error, self.state = error, "crashed"
            logger.warning("%s: drained to be started anew: %s", name, error)
        except BaseException as error:
            self.error, self.state = error, "crashed"
            logger.critical("%s: crashed, the process will end", name, exc_info=error)
        else:
            self.state = "stopped"
            logger.info("%s: drained and stopped", name)
        finally:
            if self._exit_grace_s is not None:
                self._deadline.arm(self._exit_grace_s)
            if self.error is not None and self._on_crash is not None:
                self._on_crash(self.error)
            if self._alive_file is not None:
                self._alive_file.unlink(missing_ok=True)

    def _run_loop(self) -> None:
        """Run to the end on a new loop.

        Not `asyncio.run`: that waits without limit for blocking calls in the loop's executor, and
        a REST call nobody waits for any more may take a minute.
        """
        loop = asyncio.new_event_loop()
        executor = concurrent.futures.ThreadPoolExecutor(
            thread_name_prefix=f"{self.service.name}-blocking"
        )
        loop.set_default_executor(executor)
        try:
            loop.run_until_complete(self._run())
        finally:
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            if left:
                loop.run_until_complete(asyncio.wait(left, timeout=END_TIMEOUT_S))
            loop.run_until_complete(loop.shutdown_asyncgens())
            executor.shutdown(wait=False, cancel_futures=True)
            loop.close()

    async def _run(self) -> None:
        self._loop, self._drain = asyncio.get_running_loop(), asyncio.Event()
        if self._drain_requested:  # before there was a loop to tell
            self._drain.set()
        pulse = asyncio.create_task(self._pulse(), name="pulse")
        asked = asyncio.create_task(self._drain.wait(), name="asked")
        try:
            if await self._entered(asked):
                await self._work(asked, self._loop)
        finally:
            if self.gate is not None:
                await self.gate.leave()
            for task in (pulse, asked):
                task.cancel()

    async def _entered(self, asked: "asyncio.Task[Any]") -> bool:
        """Wait for the gate, the service getting warm meanwhile; False: asked to drain before."""
        if self.gate is None:
            return True
        self.state = "standby"
        self._begun.set()
        entering = [asyncio.create_task(self.gate.enter(), name="enter")]
        if isinstance(self.service, Warming):
            entering.append(asyncio.create_task(self.service.warm(), name="warm"))
        gate = entering[0]
        await asyncio.wait({gate, asked}, return_when=asyncio.FIRST_COMPLETED)
        entered = gate.done() and not asked.done()
        await _cancelled(entering, self._drain_timeout_s)
        if gate.done() and not gate.cancelled():
            gate.result()
        return entered

    async def _work(self, asked: "asyncio.Task[Any]", loop: asyncio.AbstractEventLoop) -> None:
        """Run the service until it ends, the gate closes or a drain is asked for; then drain."""
        work = asyncio.create_task(self.service.run(), name="run")
        held = None if self.gate is None else asyncio.create_task(self.gate.hold(), name="hold")
        self.state = "running"
        self._begun.set()
        telling = asyncio.create_task(self._tell_running(), name="ready")
        ends = {work, asked} if held is None else {work, asked, held}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        telling.cancel()
        self.state = "draining"
        if self._exit_grace_s is not None:
            self._deadline.arm(self._drain_timeout_s + self._exit_grace_s)
        end_s = loop.time() + self._drain_timeout_s
        failure = await self._ended(work, end_s)
        undrained = await self._drained(end_s)
        lost = None
        if held is not None:
            lost = held.exception() if held.done() and not held.cancelled() else None
            held.cancel()
        failure = lost or failure or undrained
        if failure is not None:
            raise failure

    async def _tell_running(self) -> None:
        """Commands are taken from when they make sense: until then they wait in their queue."""
        if isinstance(self.service, Readying):
            await self.service.ready()
        if self._on_running is not None:
            self._on_running()

    async def _ended(self, work: "asyncio.Task[None]", end_s: float) -> BaseException | None:
        """End `run`; the error that makes its end a crash, None if it ended because it was told."""
        if work.done():
            failure = None if work.cancelled() else work.exception()
            return failure or RuntimeError(f"{self.service.name}: run() ended by itself")
        # Half of the time is kept for the drain, which saves what was accepted.
        left_s = (end_s - asyncio.get_running_loop().time()) / 2
        await _cancelled([work], left_s)
        if not work.done():
            return TimeoutError(f"{self.service.name}: run() still works {left_s:g} s after cancel")
        return None if work.cancelled() else work.exception()

    async def _drained(self, end_s: float) -> BaseException | None:
        """Drain until `end_s` at most; what went wrong, logged, None if nothing did."""
        name = self.service.name
        try:
            async with asyncio.timeout_at(end_s) as limit:
                await self.service.drain()
        except Exception as error:
            if limit.expired():
                logger.error("%s: not drained within %g s; given up", name, self._drain_timeout_s)
            else:
                logger.exception("%s: drain failed", name)
            return error
        return None

    async def _pulse(self) -> None:
        """Touch the liveness file; it grows old when the loop is stuck."""
        if self._alive_file is None:
            return
        complained = False
        while True:
            try:
                self._alive_file.parent.mkdir(parents=True, exist_ok=True)
                self._alive_file.touch()
                complained = False
            except OSError as error:
                if not complained:
                    logger.error("%s: cannot touch the liveness file: %s", self.service.name, error)
                complained = True
            await asyncio.sleep(PULSE_S)


async def _cancelled(tasks: Iterable["asyncio.Task[Any]"], timeout_s: float) -> None:
    """Cancel tasks until they have ended, for so long at most."""
    end_s = time.monotonic() + timeout_s
    left = set(tasks)
    while left and (left_s := end_s - time.monotonic()) > 0:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=min(CANCEL_AGAIN_S, left_s))
