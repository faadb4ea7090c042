"""Everything that is done to the system. Each fault returns once its cause is gone."""

import os
import random
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from tests.chaos.stack import SERVERS, ChaosStack
from tests.waiting import wait_until
from workers.local.supervision import gone

Strike = Callable[[ChaosStack, random.Random], str]
"""Does it and says in a few words what was done."""
Verify = Callable[[ChaosStack], tuple[str, list[str]]]
"""What became of it, in words, and what is wrong with that."""

KILLED = ("collector", "writer", "worker", "beat", *SERVERS)

HEALS_S = 20.0
"""Measured on two cores of their own, about: the median of what follows a fault."""


@dataclass(frozen=True)
class Fault:
    """One kind of trouble.

    Args:
        name: in the table.
        strike: see `Strike`.
        takes_s: about how long, healing and counting included.
        verify: looks once more when everything is healed, and again at the very end.
        at_once: False: at the very end alone.
        counted: wait until the ledger has counted every minute of it; else that is done at the end.
    """

    name: str
    strike: Strike
    takes_s: float = HEALS_S
    verify: Verify | None = None
    at_once: bool = True
    counted: bool = False


def kill(what: str) -> Fault:
    """kill -9 of a program; `collector` is any of them."""

    def strike(stack: ChaosStack, rng: random.Random) -> str:
        name = rng.choice(stack.collectors()) if what == "collector" else what
        pid = _kill(stack, name)
        return f"{name} (pid {pid})"

    return Fault(f"kill -9 {what}", strike, 30.0 if what == "collector" else 10.0)


def kill_row(*whats: str, within_s: float = 10.0) -> Fault:
    """Several kills, each at a moment of its own, before anybody has healed."""

    def strike(stack: ChaosStack, rng: random.Random) -> str:
        met = []
        for what in whats:
            nap(rng.uniform(0, within_s / len(whats)))
            met.append(kill(what).strike(stack, rng))
        return ", ".join(met)

    takes_s = within_s / 2 + (35.0 if "collector" in whats else 15.0)
    return Fault(f"kill -9 of {len(whats)} in a row", strike, takes_s)


def away(server: str, seconds: float) -> Fault:
    """A server is stopped as an operator would stop it, and started again."""

    def strike(stack: ChaosStack, rng: random.Random) -> str:
        with stopped(stack, server):
            nap(seconds)
        return f"{server} {seconds:g} s"

    long = seconds > 60
    takes_s = seconds * 1.05 + HEALS_S + 70 * long
    return Fault(f"{server} away {_length(seconds)}", strike, takes_s, counted=long)


def hung(server: str, seconds: float) -> Fault:
    """SIGSTOP: connections stay open and nothing answers."""

    def strike(stack: ChaosStack, rng: random.Random) -> str:
        pid = stack.pid_of(server)
        os.kill(pid, signal.SIGSTOP)
        try:
            nap(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)
        return f"{server} {seconds:g} s"

    return Fault(f"{server} hung {seconds:g} s", strike, seconds + HEALS_S)


def cut(seconds: float) -> Fault:
    """No way to the exchange: connections end at once, new ones and REST calls are refused."""

    def strike(stack: ChaosStack, rng: random.Random) -> str:
        for door in stack.doors():
            door.fault("refuse", duration_s=seconds, status=503)
            door.fault("http", duration_s=seconds, status=503)
            door.fault("1006", count=1000, duration_s=1)
        nap(seconds)
        for door in stack.doors():
            door.clear_faults()
        return f"{seconds:g} s"

    return Fault(f"exchange cut off {seconds:g} s", strike, seconds + HEALS_S)


def silent(seconds: float) -> Fault:
    """The exchange is still connected and says nothing; REST calls hang."""

    def strike(stack: ChaosStack, rng: random.Random) -> str:
        for door in stack.doors():
            door.fault("freeze", duration_s=seconds)
            door.fault("hang", duration_s=seconds)
        nap(seconds)
        for door in stack.doors():
            door.clear_faults()
        return f"{seconds:g} s"

    return Fault(f"exchange silent {seconds:g} s", strike, seconds + HEALS_S)


def left_out(many: int) -> Fault:
    """The exchange loses trades of one symbol on their way."""

    def strike(stack: ChaosStack, rng: random.Random) -> str:
        each = rng.choice(stack.traded)
        door = stack.door(each.exchange)
        stream = "trades." if each.exchange == "deribit" else "@trade"
        door.fault("drop", symbol=each.raw_symbol, stream=stream, count=many)
        wait_until(
            lambda: all(fault["hits"] >= many for fault in door.faults()), 30, "trades left out"
        )
        door.clear_faults()
        return f"{many} of {each.exchange} {each.symbol}"

    return Fault(f"{many} trades left out", strike)


def disk_full(seconds: float) -> Fault:
    """NATS is away and the collectors' disk takes no more than 256 KiB of any file."""

    def strike(stack: ChaosStack, rng: random.Random) -> str:
        with stopped(stack, "nats"), files_limited(stack, 256 << 10):
            nap(seconds)
        return f"{seconds:g} s"

    return Fault(f"disk full, nats away {seconds:g} s", strike, seconds + HEALS_S)


def clock_step(step_s: int, seconds: float) -> Fault:
    """The wall clock of collectors and writer jumps and, after a while, jumps back."""

    def strike(stack: ChaosStack, rng: random.Random) -> str:
        stack.clock.write_text(str(step_s))
        try:
            wait_until(lambda: _stepped(stack, step_s), 60, "a trade received by the other clock")
            nap(seconds)
        finally:
            stack.clock.write_text("0")
        wait_until(lambda: not _stepped(stack, step_s), 60, "a trade received by the right clock")
        return f"{step_s:+d} s for {seconds:g} s"

    return Fault(f"clock step {step_s:+d} s", strike, seconds + HEALS_S)


def _stepped(stack: ChaosStack, step_s: int) -> bool:
    """Whether the newest trades are told to have been received so much before or after now."""
    name = next(iter(stack.settings.enabled_exchanges()))
    offset_s = stack.rows(
        "SELECT (argMax(received_ns, trade_id) - toUnixTimestamp64Nano(now64(9))) / 1e9 "
        f"FROM trades WHERE exchange = '{name}' AND symbol = '{stack.traded[0].symbol}'"
    )[0][0]
    return bool(abs(offset_s - step_s) < abs(step_s) / 2)


@contextmanager
def stopped(stack: ChaosStack, server: str) -> Iterator[None]:
    """A program of the stack that does not run meanwhile."""
    supervisor = stack.supervisor()
    supervisor.stop_program(server)
    wait_until(lambda: supervisor.processes()[server].pid == 0, 30, f"{server} stopped")
    try:
        yield
    finally:
        supervisor.start_program(server)


@contextmanager
def files_limited(stack: ChaosStack, size: int) -> Iterator[None]:
    """Collectors can write no file beyond a size: EFBIG, as a full disk's ENOSPC an OSError."""
    processes = [psutil.Process(stack.pid_of(name)) for name in stack.collectors()]
    before = [each.rlimit(resource.RLIMIT_FSIZE) for each in processes]
    for each, (_, hard) in zip(processes, before, strict=True):
        each.rlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        for each, limits in zip(processes, before, strict=True):
            if each.is_running():
                each.rlimit(resource.RLIMIT_FSIZE, limits)


def calm(seconds: float) -> Fault:
    """Nothing at all is done: memory is watched."""

    def strike(stack: ChaosStack, rng: random.Random) -> str:
        nap(seconds)
        return _length(seconds)

    return Fault(f"nothing for {_length(seconds)}", strike, seconds + HEALS_S)


def nap(seconds: float) -> None:
    """The length of a fault is no wait for a condition."""
    threading.Event().wait(seconds)


def _length(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds > 60 else f"{seconds:g} s"


def _kill(stack: ChaosStack, name: str) -> int:
    """The supervisor may take a moment to see that a program has ended: that one is not killed."""

    def alive() -> int:
        pid = stack.pid_of(name)
        return 0 if not pid or gone(pid) else pid

    pid = wait_until(alive, 60, f"{name} runs")
    os.kill(pid, signal.SIGKILL)
    stack.killed.append(name)
    return pid
