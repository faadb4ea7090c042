"""When an entry is due: Celery's schedule protocol over one question, the next due time."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any


class Due:
    """Base of our schedules; `next_after` says it all.

    Unlike Celery's own intervals these do not count from a start: they keep their beat through
    restarts, and however many due times were missed, the answer is one run.
    """

    app: Any = None
    """Set by beat; not part of what the schedule is."""
    tz = UTC
    """Celery asks for it where an entry never ran."""

    def next_after(self, moment: datetime) -> datetime:
        """The first due time later than `moment`, UTC."""
        raise NotImplementedError

    def now(self) -> datetime:
        """The time beat compares with."""
        return datetime.now(UTC)

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        """Time until the first due time after `last_run_at`; negative once it has passed."""
        return self.next_after(last_run_at) - self.now()

    def is_due(self, last_run_at: datetime) -> tuple[bool, float]:
        """Whether a due time has passed since `last_run_at`, and seconds to the next check."""
        now = self.now()
        due = self.next_after(last_run_at)
        if due <= now:
            return True, (self.next_after(now) - now).total_seconds()
        return False, (due - now).total_seconds()


class Aligned(Due):
    """Due at `offset_s` after every full multiple of `interval_s` since 1970, UTC.

    A plain interval begins anew with every restart of beat, and all entries of one interval fall
    due together. This one spreads by its offset.

    Args:
        interval_s: seconds between two due times, above 0.
        offset_s: seconds, taken modulo the interval.
    """

    def __init__(self, interval_s: float, offset_s: float = 0.0) -> None:
        if not 0 < interval_s < math.inf:
            raise ValueError(f"interval {interval_s:g} s; choose more than 0")
        self.interval_s = interval_s
        self.offset_s = offset_s % interval_s

    def next_after(self, moment: datetime) -> datetime:
        """The first due time later than `moment`."""
        passed = (moment.timestamp() - self.offset_s) // self.interval_s
        due_s = (passed + 1) * self.interval_s + self.offset_s
        due = datetime.fromtimestamp(due_s, UTC)
        # A float's rounding must not make a due time follow itself.
        return due if due > moment else due + timedelta(seconds=self.interval_s)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Aligned) and (self.interval_s, self.offset_s) == (
            other.interval_s,
            other.offset_s,
        )

    def __hash__(self) -> int:
        return hash((self.interval_s, self.offset_s))

    def __reduce__(self) -> tuple[type["Aligned"], tuple[float, float]]:
        return Aligned, (self.interval_s, self.offset_s)

    def __repr__(self) -> str:
        return f"<every {self.interval_s:g} s, {self.offset_s:g} s after>"
