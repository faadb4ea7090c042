"""What a run of a polling task brought, as the small JSON that people and tables see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from workers.exchanges.base import Poll
from workers.model.events import AnyEvent, Kline

SHOWN_MISSING = 20


@dataclass
class PollResult:
    """Counts of one run, filled as it goes.

    Args:
        task: its name.
        exchange: ours.
        about: symbol or currency; None: everything collected.
        started_s: monotonic, when it began.
        events: handed to NATS.
        published: whether JetStream has acknowledged all of them; they stay queued otherwise.
        calls: questions that were answered.
        weight: what they cost of the exchange's budget, in its own unit.
        newest_ns: the exchange's time of the newest datum.
        received_ns: when that came.
        missing: symbols that an answer for all of them lacked.
        more: figures of this task alone.
    """

    task: str
    exchange: str
    about: str | None
    started_s: float
    events: int = 0
    published: bool = True
    calls: int = 0
    weight: int = 0
    newest_ns: int | None = None
    received_ns: int | None = None
    missing: Sequence[str] = ()
    more: dict[str, Any] = field(default_factory=dict)

    def count(self, poll: Poll, events: Iterable[AnyEvent]) -> None:
        """Add one answered question."""
        self.calls += 1
        self.weight += poll.request.weight
        for event in events:
            self.events += 1
            when = moment_ns(event)
            if when is not None and (self.newest_ns is None or when > self.newest_ns):
                self.newest_ns, self.received_ns = when, event.received_ns

    def shown(self, now_s: float) -> dict[str, Any]:
        """As the task's result; times are ISO 8601, UTC."""
        newest, lag_s = None, None
        if self.newest_ns is not None and self.received_ns is not None:
            moment = datetime.fromtimestamp(self.newest_ns / 1e9, UTC)
            newest = moment.isoformat(timespec="milliseconds")
            lag_s = round((self.received_ns - self.newest_ns) / 1e9, 3)
        missing = list(self.missing)
        return {
            "task": self.task,
            "exchange": self.exchange,
            "about": self.about,
            "events": self.events,
            "published": self.published,
            "newest": newest,
            "lag_s": lag_s,
            "calls": self.calls,
            "weight": self.weight,
            "duration_s": round(now_s - self.started_s, 3),
            **({"missing": missing[:SHOWN_MISSING], "lacking": len(missing)} if missing else {}),
            **self.more,
        }


def moment_ns(event: AnyEvent) -> int | None:
    """The time of a datum: the exchange's, of a candle its beginning."""
    return event.open_time_ns if isinstance(event, Kline) else event.exchange_ns
