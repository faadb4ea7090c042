"""Memory and open files of each program, before and after trouble."""

import msgspec
import psutil

from tests.chaos.stack import SERVERS, ChaosStack

HANDLES_MORE = 16
"""A connection or two, a log."""
MEMORY_MORE_MB = 64
MEMORY_GROWTH = 1.5
"""A minute after its start a service has not yet seen all its buffers full."""
SERVER_HANDLES_MORE, SERVER_MEMORY_MORE_MB = 2000, 2048
"""ClickHouse keeps parts open (452 files more after five minutes) and caches up to its own limit,
NATS the ids of its duplicate window and the blocks it read last: with or without trouble."""


class Level(msgspec.Struct, frozen=True):
    """One program now, children included.

    Attributes:
        pid: of the program; another one after a restart.
        memory_mb: resident.
        own_mb: of them what is in no file and shared with nobody: only this can leak.
        handles: open files and sockets.
    """

    pid: int
    memory_mb: float
    own_mb: float
    handles: int


def levels(stack: ChaosStack) -> dict[str, Level]:
    """Of every program that runs at this moment."""
    found = {}
    for name, state in stack.programs().items():
        level = level_of(state.pid) if state.pid else None
        if level is not None:
            found[name] = level
    return found


def level_of(pid: int) -> Level | None:
    """Of one program; None: it is gone."""
    try:
        family = psutil.Process(pid)
        each = [family, *family.children(recursive=True)]
        memory = [process.memory_info() for process in each]
        handles = sum(process.num_fds() for process in each)
    except psutil.NoSuchProcess:
        return None
    resident = sum(one.rss for one in memory)
    own = sum(one.rss - one.shared for one in memory)
    return Level(pid, resident / (1 << 20), own / (1 << 20), handles)


def grown(before: dict[str, Level], after: dict[str, Level]) -> list[str]:
    """Programs that hold more than they may, in words."""
    found = []
    for name, was in before.items():
        now = after.get(name)
        if now is None:
            found.append(f"{name} does not run")
            continue
        server = name in SERVERS
        if now.handles > was.handles + (SERVER_HANDLES_MORE if server else HANDLES_MORE):
            found.append(f"{name} holds {now.handles} handles, before {was.handles}")
        more_mb = SERVER_MEMORY_MORE_MB if server else MEMORY_MORE_MB
        limit_mb = was.memory_mb * MEMORY_GROWTH + more_mb
        if now.memory_mb > limit_mb:
            found.append(f"{name} holds {now.memory_mb:.0f} MB, before {was.memory_mb:.0f} MB")
    return found
