"""The processes of the local stack: what runs, in which stage, how long it may take to stop."""

import sys
from dataclasses import dataclass, field
from typing import Literal

from config import queues
from config.settings import Settings
from workers.local.bound import bound
from workers.local.servers import servers

Stage = Literal["servers", "simulator", "collectors", "writer", "celery"]

STOP_ORDER: tuple[Stage, ...] = ("celery", "collectors", "writer", "simulator", "servers")
"""The writer stops after the collectors: what they published on their way out is still stored."""

_SERVER_STOP_S = 15.0


@dataclass(frozen=True)
class Program:
    """One process under the supervisor.

    Args:
        name: also of its log file.
        command: what to run, from the root of the repository.
        stage: when it starts and stops.
        stop_wait_s: from SIGTERM to SIGKILL.
        start_s: it counts as started once it lived that long.
    """

    name: str
    command: list[str] = field(repr=False)
    stage: Stage
    stop_wait_s: float
    start_s: int = 1


def programs(settings: Settings) -> list[Program]:
    """All processes these settings ask for, in the order they start.

    Raises:
        LocalStackError: a server's program is not installed.
    """
    stop_s = settings.local.stop_timeout
    found = [
        Program(each.name, bound(each.command()), "servers", _SERVER_STOP_S)
        for each in servers(settings)
    ]
    if settings.local.simulate:
        found.append(Program("simulator", simulator_command(), "simulator", stop_s))
    found += [
        Program(service, _worker(service), "collectors", stop_s)
        for service in settings.collectors()
    ]
    found.append(Program(queues.WRITER, _worker(queues.WRITER), "writer", stop_s))
    for name, arguments in {
        "worker": ["worker", "-P", "threads", "-n", "worker@%h"],
        "beat": ["beat"],
        "flower": ["flower"],
    }.items():
        found.append(Program(name, _celery(*arguments), "celery", stop_s))
    return found


def simulator_command() -> list[str]:
    """What runs the simulated exchange."""
    return _python("workers.simulator")


def _worker(service: str) -> list[str]:
    return _celery(
        *("worker", "--service", service, "-P", "threads", "-n", f"{service}@%h"),
        *("--without-gossip", "--without-mingle"),
    )


def _celery(*arguments: str) -> list[str]:
    return _python("celery", "-A", "tasks", *arguments)


def _python(module: str, *arguments: str) -> list[str]:
    return bound([sys.executable, "-m", module, *arguments])
