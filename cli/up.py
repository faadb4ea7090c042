"""`marketprism up`: the whole system on this machine, until Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live

from cli import options
from cli.output import console, fail, plain_errors
from cli.stack_environment import choose
from cli.steps import Steps
from config.load import CONFIG_VARIABLE, ConfigError, load
from config.problem import short_path
from config.settings import ROOT, Settings
from workers.model.errors import MarketPrismError

if TYPE_CHECKING:
    from cli.board import Board
    from cli.look import Watcher

_PLAIN_EVERY_S = 5.0
_PLAIN_LATER_S = 60.0
"""After the first minute; what runs for days must not fill a log."""


class Mode(StrEnum):
    """What `up` is to do."""

    PRODUCTION = "production"
    TEST = "test"


class LogLevel(StrEnum):
    """Levels of `--log-level`."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def up_command(
    config: options.ConfigFile = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="The simulated exchange: config/demo.yaml.")
    ] = False,
    log_level: Annotated[
        LogLevel | None,
        typer.Option("--log-level", case_sensitive=False, help="Of every process."),
    ] = None,
    mode: Annotated[
        Mode,
        typer.Option(
            "--mode",
            case_sensitive=False,
            help="test: check configuration, connections and mapping, then exit 0 or 1.",
        ),
    ] = Mode.PRODUCTION,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds",
            min=1.0,
            help="End by itself; exit 0 only if data of every symbol was stored and every book "
            "is SYNCED.",
        ),
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines, no live table.")] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Come back once it is up; end it with down.")
    ] = False,
) -> None:
    """Run Redis, NATS, ClickHouse, collectors, writer, worker, beat and Flower here."""
    if demo and config is not None:
        fail("--demo is --config config/demo.yaml; name one of them", code=2)
    shared = choose(demo=demo, log_level=log_level)
    out = console()
    with plain_errors():
        settings = load()
        if mode is Mode.TEST:
            from cli.selfcheck import run_checks

            raise typer.Exit(0 if run_checks(settings, out) else 1)
        if detach:
            _detach(settings, seconds)
            return
    raise typer.Exit(_Up(settings, shared, out, live=out.is_terminal and not plain).run(seconds))


class _Up:
    """One run."""

    def __init__(
        self, settings: Settings, shared: dict[str, str], out: Console, *, live: bool
    ) -> None:
        from cli.status_source import StatusSource
        from workers.local.stack import Stack

        self._settings, self._out, self._live = settings, out, live
        self._steps = self._new_steps()
        self._source = StatusSource(settings)
        self._shared = shared
        self._stack = Stack(
            settings,
            {**os.environ, **shared},
            shared,
            self,
            lambda: self._source.answers("worker"),
        )

    def begin(self, step: str) -> None:
        """Pass a step on to whatever shows steps now."""
        self._steps.begin(step)

    def done(self, step: str, detail: str) -> None:
        """Pass a step on to whatever shows steps now."""
        self._steps.done(step, detail)

    def run(self, seconds: float | None) -> int:
        """Start, show, stop; the exit code."""
        code = 0
        with _stop_signals() as stop_signals:
            try:
                self._start()
                code = self._show(seconds)
            except KeyboardInterrupt:
                self._out.print("\nstopping ...")
            except (MarketPrismError, ConfigError) as error:
                self._out.print()
                print(f"marketprism: {error}", file=sys.stderr)
                code = 1
            finally:
                stop_signals.hold()
                self._stop()
        return code

    def _new_steps(self, mark: str = "✓") -> Steps:
        return Steps(self._out, live=self._live, mark=mark)

    def _start(self) -> None:
        begun_s = time.monotonic()
        simulate = self._settings.local.simulate
        kind = "simulated exchange" if simulate else "real exchanges"
        file = short_path(Path(self._shared[CONFIG_VARIABLE]))
        self._out.print(f"MarketPrism: starting on this machine ({kind}, {file})")
        with self._steps:
            self._stack.start()
        self._out.print(f"up after {time.monotonic() - begun_s:.1f} s\n")
        for line in banner(self._settings, self._shared):
            self._out.print(line, soft_wrap=True)
        self._out.print()

    def _show(self, seconds: float | None) -> int:
        from cli.board import Board
        from cli.look import Watcher

        ends_s = None if seconds is None else time.monotonic() + seconds
        watcher = Watcher(self._settings)
        board = Board(self._settings, watcher, ends_s)
        watcher.start()
        try:
            self._watch(board, ends_s)
            return 0 if seconds is None else self._judge(board, watcher)
        finally:
            watcher.stop()

    def _watch(self, board: "Board", ends_s: float | None) -> None:
        pause, begun_s = threading.Event(), time.monotonic()
        printed_s = begun_s
        screen = None
        if self._live:  # a run that ends by itself prints its last table afterwards
            passing = ends_s is not None
            board.cropped = True
            screen = Live(board, console=self._out, refresh_per_second=4, transient=passing)
        with screen or _nothing():
            while ends_s is None or time.monotonic() < ends_s:
                board.failed = self._stack.failed()
                now_s = time.monotonic()
                young = now_s - begun_s < _PLAIN_LATER_S or ends_s is not None
                every_s = _PLAIN_EVERY_S if young else _PLAIN_LATER_S
                if screen is None and now_s - printed_s >= every_s:
                    printed_s = now_s
                    for line in board.lines():
                        self._out.print(line)
                left_s = 1.0 if ends_s is None else min(1.0, ends_s - time.monotonic())
                pause.wait(max(0.0, left_s))

    def _judge(self, board: "Board", watcher: "Watcher") -> int:
        """The last table, and the exit code."""
        from cli.verdict import shortcomings, stored_since

        watcher.stop()
        look = watcher.look(timeout_s=5.0, final=True)
        watcher.add(look)
        missing = shortcomings(
            self._settings, look, stored_since(self._settings, self._stack.started_ns)
        )
        board.cropped = False
        if self._live:
            self._out.print(board)
        else:
            for line in board.lines():
                self._out.print(line)
        for line in missing:
            self._out.print(f"✗ {line}", style="red")
        if not missing:
            self._out.print(
                "✓ all that was subscribed to is stored, every book is SYNCED",
                style="green",
            )
        return 1 if missing else 0

    def _stop(self) -> None:
        self._source.close()
        begun_s = time.monotonic()
        self._steps = self._new_steps("■")
        started = self._stack.supervisor.started
        with self._steps:
            self._stack.stop()
        if started:
            self._out.print(f"stopped after {time.monotonic() - begun_s:.1f} s")


def banner(settings: Settings, shared: dict[str, str]) -> list[str]:
    """Addresses, and the line that lets a plain shell talk to the stack."""
    flower, clickhouse = settings.flower, settings.clickhouse
    lines = [
        f"  Flower              {flower.url}",
        f"  NATS monitoring     http://127.0.0.1:{settings.nats.monitoring_port}",
        f"  ClickHouse          http://{clickhouse.host}:{clickhouse.http_port}/play"
        f"  (database {clickhouse.database})",
    ]
    if settings.local.simulate:
        simulator = settings.simulator
        lines.append(f"  Simulated exchange  http://{simulator.address}:{simulator.port}")
    lines.append(f"  Logs                {settings.data_path / 'log'}")
    from cli.env import line_to_paste

    lines += ["", "  In another shell:", f"    {line_to_paste(settings, shared)}"]
    return lines


class _StopSignals:
    """Ctrl-C, SIGTERM and SIGHUP as KeyboardInterrupt, until stopping has begun."""

    def __init__(self) -> None:
        self._held = False

    def __call__(self, number: int, _frame: object) -> None:
        if not self._held:
            self._held = True
            raise KeyboardInterrupt

    def hold(self) -> None:
        """From now on signals change nothing: what is being done is stopping."""
        self._held = True


@contextmanager
def _stop_signals() -> Iterator[_StopSignals]:
    handler = _StopSignals()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield handler
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _detach(settings: Settings, seconds: float | None) -> None:
    """Start another `up` that outlives this command; come back once it is up.

    Raises:
        typer.Exit: with the other's exit code, if it did not come up.
        DataDirUnusable: its output has no place.
    """
    from workers.local.presence import DataDirUnusable, running

    log = settings.data_path / "log" / "up.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirUnusable(settings.data_path, error) from error
    command = [sys.executable, "-m", "cli.main", "up", "--plain"]
    if seconds is not None:
        command += ["--seconds", f"{seconds:g}"]
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    shown, pause = 0, threading.Event()
    while True:
        found = running(settings.data_path)
        ready = found is not None and found.pid == process.pid and found.ready
        code = process.poll()
        shown = _show_new(log, shown)
        if ready:
            print(f"runs as pid {process.pid}; stop it with: marketprism down")
            return
        if code is not None:
            _show_new(log, shown)
            raise typer.Exit(code or 1)
        pause.wait(0.1)


def _show_new(log: Path, shown: int) -> int:
    """Print what was added to a file since; the new length."""
    text = log.read_text(errors="replace")
    sys.stdout.write(text[shown:])
    sys.stdout.flush()
    return len(text)
