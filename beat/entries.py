"""One line of the schedule: what is sent, when, where to, and when it becomes worthless."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


class Aligned:
    """Due at `offset_s` after every full multiple of `interval_s` since 1970, UTC.

    A plain interval counts from beat's start: with every restart it begins anew, and all entries
    of one interval fall due together. This one keeps its beat through restarts and spreads by
    offset. It speaks Celery's schedule protocol without importing Celery; beat keeps it in its
    schedule file by pickle.

    Args:
        interval_s: seconds between two due times, above 0.
        offset_s: seconds, taken modulo the interval.
    """

    app: Any = None
    """Set by beat; not part of what the schedule is."""

    def __init__(self, interval_s: float, offset_s: float = 0.0) -> None:
        if interval_s <= 0:
            raise ValueError(f"interval {interval_s:g} s; choose more than 0")
        self.interval_s = interval_s
        self.offset_s = offset_s % interval_s

    def now(self) -> datetime:
        """The time beat compares with."""
        return datetime.now(UTC)

    def next_after(self, moment: datetime) -> datetime:
        """The first due time later than `moment`."""
        passed = (moment.timestamp() - self.offset_s) // self.interval_s
        due_s = (passed + 1) * self.interval_s + self.offset_s
        return datetime.fromtimestamp(due_s, UTC)

    def remaining_estimate(self, last_run_at: datetime) -> Any:
        """Time until the first due time after `last_run_at`; negative once it has passed."""
        return self.next_after(last_run_at) - self.now()

    def is_due(self, last_run_at: datetime) -> tuple[bool, float]:
        """Whether a due time has passed since `last_run_at`, and seconds to the next check.

        However many due times were missed, the answer is one run.
        """
        now = self.now()
        due = self.next_after(last_run_at)
        if due <= now:
            return True, (self.next_after(now) - now).total_seconds()
        return False, (due - now).total_seconds()

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


def every(
    interval_s: float,
    task: str,
    *,
    kwargs: Mapping[str, Any],
    queue: str,
    expires_s: float,
    offset_s: float = 0.0,
) -> dict[str, Any]:
    """An entry of `beat_schedule`.

    Args:
        interval_s: seconds between two sends.
        task: its name, from config.queues.
        kwargs: its arguments; JSON.
        queue: who takes it.
        expires_s: seconds after which nobody needs the answer any more; never later than the next
            send, so that a long outage does not end in a burst of stale commands.
        offset_s: seconds after the full interval.
    """
    return {
        "task": task,
        "schedule": Aligned(interval_s, offset_s),
        "kwargs": dict(kwargs),
        "options": {"queue": queue, "expires": min(interval_s, expires_s)},
    }
