"""When a book that must be rebuilt may ask for its next snapshot. Pure.

The first resync of a healthy book is immediate. One that fails again waits `resync_delay`, and
after `resync_attempts` the delay doubles up to `reset_after`. A book that held for `reset_after` is
healthy again. A snapshot older than the buffer is no failure of the book: it is asked for again
soon.
"""

from config.settings import ErrorSettings

STALE_SNAPSHOT_DELAY_S = 0.25
MOST_DOUBLINGS = 20
"""Far beyond every limit of a delay, far below what a float can hold."""
IMMEDIATE = frozenset({"start", "disconnect", "command", "audit", "depth"})


class ResyncPolicy:
    """The delays of one book.

    Args:
        settings: `stability.errors`.
    """

    __slots__ = ("_failures", "_last_s", "_settings", "_stale_in_a_row")

    def __init__(self, settings: ErrorSettings) -> None:
        self._settings = settings
        self._failures = 0
        self._last_s = float("-inf")
        self._stale_in_a_row = 0

    def delay_s(self, cause: str, now_s: float) -> float:
        """Seconds to wait before the snapshot asked for because of `cause`."""
        if cause == "stale_snapshot":
            doubled = STALE_SNAPSHOT_DELAY_S * 2.0**self._stale_in_a_row
            self._stale_in_a_row = min(self._stale_in_a_row + 1, MOST_DOUBLINGS)
            return min(doubled, self._settings.resync_delay)
        self._stale_in_a_row = 0
        if cause in IMMEDIATE:
            return 0.0
        if now_s - self._last_s > self._settings.reset_after:
            self._failures = 0
        self._failures += 1
        self._last_s = now_s
        if self._failures == 1:
            return 0.0
        beyond = min(max(0, self._failures - 1 - self._settings.resync_attempts), MOST_DOUBLINGS)
        return min(self._settings.resync_delay * 2.0**beyond, self._settings.reset_after)
