"""The streams of one connection: which there are, and how they change while it reads."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workers.collector.connection.session import Session
from workers.collector.connection.watch import StreamWatch
from workers.exchanges.base import Exchange, Stream
from workers.model.events import AnyEvent
from workers.model.instrument import Instrument
from workers.telemetry.metrics import Counters


@dataclass(frozen=True)
class Change:
    """What is to become of one connection's streams.

    Args:
        instruments: all that are collected from now on, and those that were: what comes late of
            them must still be understood.
        collected: symbols that are collected from now on, on any connection.
        add: streams to subscribe to.
        drop: streams to end.
        before: the last published events of what is added.
    """

    instruments: Sequence[Instrument]
    collected: frozenset[str]
    add: Sequence[Stream] = ()
    drop: Sequence[Stream] = ()
    before: Sequence[AnyEvent] = ()


class Lineup:
    """For the connection's own thread.

    Attributes:
        streams: all that are wanted, in order.
        watches: their life, by channel and symbol.
        collected: symbols collected on any connection.
        mapper: knows the instruments.
    """

    def __init__(
        self,
        exchange: Exchange,
        streams: Iterable[Stream],
        instruments: Sequence[Instrument],
        counters: Counters,
        now_s: float,
    ) -> None:
        self._exchange, self._counters = exchange, counters
        self.streams = list(streams)
        self.watches = {
            (each.channel, each.symbol): StreamWatch(each, now_s) for each in self.streams
        }
        self.collected = {each.symbol for each in instruments}
        self.mapper = exchange.mapper(instruments)
        self._extra_counted: Counter[str] = Counter()
        self._checksums_counted: Counter[str] = Counter()

    def begin(self, session: Session) -> None:
        """Have a connected session ask for all streams; those refused before come last."""
        session.mapper = self.mapper
        watches = self.watches.values()
        off = {each.stream for each in watches if each.off is not None}
        refused = {each.stream: each.refused for each in watches if each.refused is not None}
        session.begin([each for each in self.streams if each not in off], refused)

    def change(self, change: Change, session: Session | None, now_s: float) -> list[Stream]:
        """Carry a change out, on the open session too; the streams that are new.

        A subscription that serves several streams is ended with the last of them, and not asked
        for again for one more.
        """
        self.count()
        self._extra_counted.clear()
        self._checksums_counted.clear()
        self.mapper = self._exchange.mapper(change.instruments)
        self.collected.clear()
        self.collected.update(change.collected)
        drop = {(each.channel, each.symbol) for each in change.drop} & self.watches.keys()
        gone = [self.watches.pop(key).stream for key in drop]
        self.streams = [each for each in self.streams if (each.channel, each.symbol) not in drop]
        name = self._exchange.channel_name
        carried = {name(each) for each in self.streams}
        new = [each for each in change.add if (each.channel, each.symbol) not in self.watches]
        self.streams += new
        self.watches |= {(each.channel, each.symbol): StreamWatch(each, now_s) for each in new}
        if session is not None:
            session.mapper = self.mapper
            session.forget(gone)
            session.unsubscribe([each for each in gone if name(each) not in carried])
            session.subscribe([each for each in new if name(each) not in carried])
        return new

    def count(self) -> None:
        """Bring the mapper's figures to the counters."""
        exchange, add = self._exchange.name, self._counters.add
        for field, count in list(self.mapper.extra_fields.items()):
            new = count - self._extra_counted[field]
            if new:
                self._extra_counted[field] = count
                add("extra_fields_total", exchange, field, by=new)
        # Only OKX has checksums, and since 2026-06 none that says anything.
        for result, count in list(getattr(self.mapper, "checksums", {}).items()):
            new = count - self._checksums_counted[result]
            self._checksums_counted[result] = count
            add("book_checksums_total", exchange, result, by=new)
