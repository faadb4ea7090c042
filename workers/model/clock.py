"""Time as an argument: the system's clock, or one that a test turns by hand."""

import time
from typing import Protocol


class Clock(Protocol):
    """What code may know of time."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds on a clock that never steps; only differences mean something."""
        ...


class SystemClock:
    """The machine's own clock."""

    now_ns = staticmethod(time.time_ns)
    monotonic_s = staticmethod(time.monotonic)


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now_ns: int = 1_700_000_000_000_000_000) -> None:
        self._now_ns = now_ns
        self._monotonic_s = 1000.0

    def now_ns(self) -> int:
        """Nanoseconds since 1970, UTC."""
        return self._now_ns

    def monotonic_s(self) -> float:
        """Seconds, moved by `advance` alone."""
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        self._now_ns += round(seconds * 1e9)
        self._monotonic_s += seconds
