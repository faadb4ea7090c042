"""What a backfill by hand takes: the rooms it works with, its span, its progress."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from cli.output import console
from config.settings import Settings
from workers.model.errors import MarketPrismError

STOP_S = 10.0


class Rooms:
    """What fetching takes, in this process."""

    def __init__(self, settings: Settings) -> None:
        from workers.exchanges import registry
        from workers.runtime.backfill_span import SpanBackfill
        from workers.runtime.backfills import Backfills
        from workers.runtime.poller import Pollers
        from workers.runtime.polls import Polls
        from workers.runtime.publishing import EventPublisher
        from workers.transport.network import Network

        self.pollers = Pollers(
            settings.exchanges,
            registry.exchange,
            redis_url=settings.redis.url,
            network=Network.from_settings(settings.network),
        )
        self.publisher = EventPublisher(settings.nats)
        self.polls = Polls(settings, self.pollers, self.publisher)
        backfills = Backfills(settings, self.pollers, self.publisher)
        self.spans = SpanBackfill(settings.clickhouse, backfills, self.pollers)


@contextmanager
def opened(settings: Settings) -> Iterator[Rooms]:
    """The same, closed at the end of the block."""
    rooms = Rooms(settings)
    try:
        yield rooms
    finally:
        rooms.pollers.close()
        rooms.publisher.stop(STOP_S)


def progress_bar() -> Progress:
    """On stderr: share, time so far and left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[reached]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console(stderr=True),
    )


def written(at_s: int) -> str:
    """A moment as people write it, UTC."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def span_ns(start: str, to: str | None) -> tuple[int, int]:
    """First and last moment of a span, nanoseconds.

    Raises:
        MarketPrismError: one is no time, or the end is not after the beginning.
    """
    now = datetime.now(UTC)
    begin, end = _moment("--from", start), now if to is None else _moment("--to", to)
    end = min(end, now)
    if end <= begin:
        raise MarketPrismError(
            f"--from {begin.isoformat()} is not before {end.isoformat()}; nothing to fetch"
        )
    return round(begin.timestamp()) * 10**9, round(end.timestamp()) * 10**9


def _moment(option: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise MarketPrismError(
            f"{option} {text!r}; write a time such as 2026-11-22 or 2026-11-22T08:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
