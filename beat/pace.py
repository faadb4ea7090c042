"""How fast beat may send when many entries are due together, as after an outage."""

import time
from collections.abc import Iterable

from beat.due import Aligned
from beat.entries import Entry

CATCH_UP = 1.5
"""Times the schedule's own rate: what was missed is sent, but not all in one second."""
LEAST_PER_S = 20.0


class Pace:
    """A bucket that holds what may be sent in one second.

    Attributes:
        per_s: tasks a second.
    """

    def __init__(self) -> None:
        self.per_s = LEAST_PER_S
        self._left = self.per_s
        self._at_s = time.monotonic()

    def follow(self, entries: Iterable[Entry]) -> None:
        """Suit the rate to the schedule's."""
        intervals = (each.schedule for each in entries)
        own = sum(1 / each.interval_s for each in intervals if isinstance(each, Aligned))
        self.per_s = max(LEAST_PER_S, CATCH_UP * own)

    def allowance(self) -> int:
        """How many may be sent now, at least one."""
        now_s = time.monotonic()
        self._left = min(self.per_s, self._left + (now_s - self._at_s) * self.per_s)
        self._at_s = now_s
        return max(1, int(self._left))

    def spend(self) -> None:
        """One was sent."""
        self._left -= 1

    @property
    def pause_s(self) -> float:
        """Seconds until a few more may be sent."""
        return 2 / self.per_s
