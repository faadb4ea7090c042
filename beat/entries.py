"""One line of the schedule: what is sent, when, where to, and when it becomes worthless."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from beat.due import Aligned, Due

Origin = Literal["default", "edited", "added", "disabled"]
"""default: as the settings say; edited: a person changed it; added: a person's own; disabled."""


@dataclass(frozen=True)
class Entry:
    """What beat sends again and again.

    Args:
        name: `group.exchange.symbol`, as far as it has them; a prefix of whole parts names many.
        task: its name, from config.queues.
        schedule: when.
        kwargs: its arguments; JSON.
        queue: who takes it; None: its usual queue.
        expires_s: seconds after which nobody needs the answer any more.
        phase: its place in the interval, from 0 to 1; entries of a group are spread by it.
        enabled: whether it is sent at all.
        origin: who made it so.
    """

    name: str
    task: str
    schedule: Due
    kwargs: Mapping[str, Any]
    queue: str | None
    expires_s: float
    phase: float = 0.0
    enabled: bool = True
    origin: Origin = "default"

    @property
    def lifetime_s(self) -> float:
        """Seconds a sent task lives: never longer than to the next one.

        Otherwise a long outage would end in a burst of stale commands.
        """
        if isinstance(self.schedule, Aligned):
            return min(self.schedule.interval_s, self.expires_s)
        return self.expires_s

    @property
    def options(self) -> dict[str, Any]:
        """Celery's options of each send."""
        options: dict[str, Any] = {"expires": self.lifetime_s}
        return options if self.queue is None else {"queue": self.queue, **options}


def every(
    interval_s: float,
    task: str,
    *,
    name: str,
    kwargs: Mapping[str, Any],
    queue: str,
    expires_s: float,
    phase: float = 0.0,
) -> Entry:
    """An entry sent each `interval_s` seconds, `phase` of it after the full interval."""
    schedule = Aligned(interval_s, interval_s * phase)
    return Entry(name, task, schedule, dict(kwargs), queue, expires_s, phase)
