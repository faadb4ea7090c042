"""The local stack: every process of MarketPrism on one machine, started and stopped in order.

Says what it does to a `Progress`; printing is the command line's business.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from config.settings import Settings
from workers.local import readiness
from workers.local.port_list import check_ports
from workers.local.ports import LocalStackError
from workers.local.presence import Presence
from workers.local.programs import STOP_ORDER, Program, programs
from workers.local.server import tail
from workers.local.servers import servers
from workers.local.simulated import forget_run, separate
from workers.local.supervision import Supervisor, SupervisorAway, gone

_TURN_S = 0.05
_END_S = 10.0


class Progress(Protocol):
    """Is told of each step."""

    def begin(self, step: str) -> None:
        """A step has begun; several may be under way."""
        ...

    def done(self, step: str, detail: str) -> None:
        """A step is finished; `detail` says what came out."""
        ...


class StartFailed(LocalStackError):
    """A process did not come up; the message holds the end of its log."""


class Stack:
    """The processes of one data directory.

    Args:
        settings: what to run and where.
        environment: of every process; must lead to the same settings.
        shared: the part of it that points other processes at this stack.
        progress: is told of each step.
        worker_ready: asks over the broker whether the general worker answers.
    """

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        shared: Mapping[str, str],
        progress: Progress,
        worker_ready: Callable[[], bool],
    ) -> None:
        self.settings, self._environment, self._shared = settings, environment, shared
        self._progress, self._worker_ready = progress, worker_ready
        self.data_dir: Path = settings.data_path
        self.supervisor = Supervisor(self.data_dir)
        self.started_ns = 0
        self._presence = Presence(self.data_dir)
        self._programs: list[Program] = []
        self._pids: list[int] = []

    def start(self) -> None:
        """Start everything and wait until it is ready. Call it from the main thread.

        Raises:
            LocalStackError: a port is taken, a stack runs here already, a process did not come
                up. Call `stop` in any case.
        """
        settings, step = self.settings, self._progress
        self._programs = programs(settings)
        self._presence.claim()
        self.started_ns = time.time_ns()
        if self._presence.left_behind:
            self._end_what_was_left()
        check_ports(settings, settings.local.stop_timeout if self._presence.left_behind else 0)
        self._presence.announce(self._shared, self.started_ns, ready=False)
        if separate(self.data_dir, simulate=settings.local.simulate):
            step.begin("data")
            step.done("data", "of the last simulated run removed")
        step.begin("supervisor")
        self.supervisor.start(self._programs, self._environment)
        step.done("supervisor", f"logs in {_short(self.supervisor.log_dir)}")
        for server in servers(settings):
            server.prepare()
        self._start_stage("servers", "simulator")
        if settings.local.simulate:
            forget_run(settings.redis)
        self._prepare_stores()
        self._start_stage("collectors", "writer", "celery")
        self._presence.announce(self._shared, self.started_ns, ready=True)

    def failed(self) -> dict[str, str]:
        """Processes that should run and do not, with the supervisor's words.

        Raises:
            SupervisorAway: the supervisor itself is gone.
        """
        states = self.supervisor.processes()
        self._pids = [state.pid for state in states.values() if state.pid]
        return {
            name: f"{state.state.lower()}: {state.detail}"
            for name, state in states.items()
            if state.failed
        }

    def stop(self) -> None:
        """Stop everything in reverse order; nothing is left behind, whatever state it was in."""
        try:
            if self.supervisor.alive:
                for stage in STOP_ORDER:
                    self._stop_stage([each for each in self._programs if each.stage == stage])
                self._end_supervisor()
            self._wait_for_orphans()
        finally:
            self._presence.release()

    def _start_stage(self, *stages: str) -> None:
        """Start all programs of these stages at once and wait until each is ready."""
        step, settings = self._progress, self.settings
        waiting = {each.name: each for each in self._programs if each.stage in stages}
        begun = time.time()
        for name in waiting:
            step.begin(name)
            self.supervisor.start_program(name)
        checks = readiness.checks(settings, begun, self._worker_ready)
        deadline = time.monotonic() + settings.local.start_timeout
        pause = threading.Event()
        while waiting:
            for name in [name for name in waiting if checks[name].ready()]:
                step.done(name, checks[name].where)
                del waiting[name]
            self._refuse_failed(waiting, late=time.monotonic() > deadline)
            pause.wait(_TURN_S)

    def _refuse_failed(self, waiting: Mapping[str, Program], *, late: bool) -> None:
        states = self.supervisor.processes()
        for name in waiting:
            if states[name].failed or late:
                why = f"is not ready after {self.settings.local.start_timeout:g} s"
                if states[name].failed:
                    why = f"ended ({states[name].detail})"
                log = self.supervisor.log_dir / f"{name}.log"
                raise StartFailed(f"{name} {why}; the end of {_short(log)}:\n\n{tail(log)}\n")

    def _prepare_stores(self) -> None:
        """Tables and streams, at the same time."""
        names = {"tables": self._migrate, "streams": self._ensure_streams}
        with ThreadPoolExecutor() as pool:
            work: dict[str, Future[str]] = {}
            for name, call in names.items():
                self._progress.begin(name)
                work[name] = pool.submit(call)
            for name, future in work.items():
                self._progress.done(name, future.result())

    def _migrate(self) -> str:
        from workers.store.migrate import migrate

        applied = migrate(self.settings.clickhouse)
        return f"{len(applied)} changes" if applied else "up to date"

    def _ensure_streams(self) -> str:
        from workers.bus.streams import ensure_streams

        nats = self.settings.nats
        changes = asyncio.run(ensure_streams(nats.servers, nats.streams_file))
        return f"{len(changes)} changes" if changes else "up to date"

    def _stop_stage(self, stage: Sequence[Program]) -> None:
        if not stage:
            return
        try:
            left = {each.name for each in stage if self._stop_one(each.name)}
            deadline = time.monotonic() + max(each.stop_wait_s for each in stage) + _END_S
            pause = threading.Event()
            while left and time.monotonic() < deadline:
                states = self.supervisor.processes()
                for name in [name for name in left if not states[name].pid]:
                    self._progress.done(name, "stopped")
                    left.discard(name)
                pause.wait(_TURN_S)
        except SupervisorAway:
            return  # its programs are being ended by the kernel's signal; `stop` sees to the rest

    def _stop_one(self, name: str) -> bool:
        """Ask a program to stop; whether there was one."""
        state = self.supervisor.processes()[name]
        if state.pid:
            self._progress.begin(name)
        if state.state not in ("STOPPED", "EXITED", "FATAL"):
            self.supervisor.stop_program(name)
        return bool(state.pid)

    def _end_supervisor(self) -> None:
        self._progress.begin("supervisor")
        try:
            self.supervisor.shutdown()
        except SupervisorAway:
            self.supervisor.end()
        if not self.supervisor.wait(_END_S):
            self.supervisor.end()
        self._progress.done("supervisor", "stopped")

    def _wait_for_orphans(self) -> None:
        """Where the supervisor was killed, its programs end by themselves, a little later."""
        left = [pid for pid in self._pids if not gone(pid)]
        if not left:
            return
        self._progress.begin("orphans")
        deadline, pause = time.monotonic() + self.settings.local.stop_timeout, threading.Event()
        while left and time.monotonic() < deadline:
            pause.wait(_TURN_S)
            left = [pid for pid in left if not gone(pid)]
        words = f"still running: {', '.join(map(str, left))}" if left else "of a killed supervisor"
        self._progress.done("orphans", words)

    def _end_what_was_left(self) -> None:
        """A stack died here without cleaning up; its supervisor may still be ending."""
        end_orphan(self.data_dir, self._progress, self.settings.local.stop_timeout * 2)


def end_orphan(data_dir: Path, progress: Progress, timeout_s: float) -> bool:
    """End a supervisor whose `marketprism up` is gone.

    Returns:
        whether there was one.

    Raises:
        LocalStackError: it does not end.
    """
    supervisor = Supervisor(data_dir)
    if not supervisor.answers():
        return False
    progress.begin("last run")
    supervisor.shutdown()
    deadline, pause = time.monotonic() + timeout_s, threading.Event()
    while supervisor.answers():
        if time.monotonic() > deadline:
            raise LocalStackError(
                f"the supervisor of an earlier run in {data_dir} does not end within "
                f"{timeout_s:g} s; see {data_dir / 'run' / 'supervisord.pid'}"
            )
        pause.wait(_TURN_S)
    progress.done("last run", "had been killed; its processes are ended now")
    return True


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
