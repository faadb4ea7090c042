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

Strike = Callable[[ChaosStack, random.Random], str]
"""Does it and says in a few words what was done."""

KILLED = ("collector", "writer", "worker", "beat", *SERVERS)


@dataclass(frozen=True)
class Fault:
    """One kind of trouble.

    Args:
        name: in the table.
        strike: see `Strike`.
    """

    name: str
    strike: Strike


def kill(what: str) -> Fault:
    """kill -9 of a program; `collector` is any of them."""

    def strike(stack: ChaosStack, rng: random.Random) -> str:
        name = rng.choice(stack.collectors()) if what == "collector" else what
        pid = _kill(stack, name)
        return f"{name} (pid {pid})"

    return Fault(f"kill -9 {what}", strike)


def kill_row(*whats: str, within_s: float = 10.0) -> Fault:
    """Several kills, each at a moment of its own, before anybody has healed."""

    def strike(stack: ChaosStack, rng: random.Random) -> str:
        met = []
        for what in whats:
            nap(rng.uniform(0, within_s / len(whats)))
            met.append(kill(what).strike(stack, rng))
        return ", ".join(met)

    return Fault(f"kill -9 of {len(whats)} in a row", strike)


def away(server: str, seconds: float) -> Fault:
    """A server is stopped as an operator would stop it, and started again."""

    def strike(stack: ChaosStack, rng: random.Random) -> str:
        with stopped(stack, server):
            nap(seconds)
        return f"{server} {seconds:g} s"

    return Fault(f"{server} away {seconds:g} s", strike)


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

    return Fault(f"{server} hung {seconds:g} s", strike)


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

    return Fault(f"exchange cut off {seconds:g} s", strike)


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

    return Fault(f"exchange silent {seconds:g} s", strike)


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

    return Fault(f"disk full, nats away {seconds:g} s", strike)


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

    return Fault(f"clock step {step_s:+d} s", strike)


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


def nap(seconds: float) -> None:
    """The length of a fault is no wait for a condition."""
    threading.Event().wait(seconds)


def _kill(stack: ChaosStack, name: str) -> int:
    pid = wait_until(lambda: stack.pid_of(name), 30, f"{name} runs")
    stack.kill(name)
    return pid
