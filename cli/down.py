"""`marketprism down`: stop a running stack, whoever started it."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli import options
from cli.output import console, fail, plain_errors
from cli.service_lines import span
from cli.stack_environment import choose
from cli.steps import Steps
from config.load import CURRENT_STACK, load
from config.settings import Settings
from workers.local.presence import AlreadyRunning, Presence, Running, running
from workers.local.stack import end_orphan
from workers.local.supervision import Supervisor, SupervisorAway

_MARGIN_S = 30.0


def down_command(
    config: options.ConfigFile = None,
    demo: Annotated[bool, typer.Option("--demo", help="The stack of config/demo.yaml.")] = False,
) -> None:
    """Stop the running stack; fine if nothing runs."""
    with plain_errors():
        if demo:
            choose(demo=True, log_level=None)
        settings = load()
        out = console()
        stack = running(settings.data_path)
        if stack is not None:
            _stop(settings, stack, out)
        elif not _end_orphans(settings, out):
            out.print(f"nothing runs in {settings.data_path}")


def _stop(settings: Settings, stack: Running, out: Console) -> None:
    """Ask `up` to stop and wait until it has."""
    names = _names(settings.data_path)
    age = span((time.time_ns() - stack.started_ns) / 1e9)
    limit_s = 4 * settings.local.stop_timeout + _MARGIN_S
    with Steps(out, live=out.is_terminal, mark="■") as steps:
        steps.begin("stack")
        os.kill(stack.pid, signal.SIGTERM)
        deadline, pause = time.monotonic() + limit_s, threading.Event()
        while running(settings.data_path) is not None:
            if time.monotonic() > deadline:
                fail(f"pid {stack.pid} still runs {limit_s:g} s after SIGTERM")
            pause.wait(0.1)
        steps.done("stack", f"of pid {stack.pid}, up for {age}, stopped")
    if names:
        out.print(f"stopped: {', '.join(names)}")


def _names(data_dir: Path) -> list[str]:
    """The processes that run now; empty while nobody knows."""
    try:
        states = Supervisor(data_dir).processes()
    except SupervisorAway:
        return []
    return [name for name, state in states.items() if state.pid]


def _end_orphans(settings: Settings, out: Console) -> bool:
    """End supervisors whose `up` was killed, here and in the checkout's data directories."""
    places = {settings.data_path, *(file.parents[1] for file in _descriptions())}
    ended = False
    with Steps(out, live=out.is_terminal, mark="■") as steps:
        for place in sorted(place for place in places if (place / "run").is_dir()):
            presence = Presence(place)
            try:
                presence.claim()
                ended |= end_orphan(place, steps, 2 * settings.local.stop_timeout)
            except AlreadyRunning:
                continue
            finally:
                presence.release()
    return ended


def _descriptions() -> list[Path]:
    return list(CURRENT_STACK.parent.glob("*/run/stack.json"))
