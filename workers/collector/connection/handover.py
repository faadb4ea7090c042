"""Hands a connection's streams from one session to the next without a hole or a repeat. Pure.

Both sessions read for a while. What the old one says is published as ever; what the new one says is
held. The new one takes over once it is shown to continue the old one, stream by stream:

- a book: the first the new session brought of it ends, or follows, where the book stands or before.
  The book then is to the new session what a snapshot is to a stream: the exchange's own rule for
  that joins them;
- trades: the old session has brought the one before the first of the new one;
- anything else: the new session has spoken, unless the old one was silent too.

Then the held messages are taken in order. Books and trades drop by their ids what was there before;
of all else it is remembered what the old session said during the overlap and last before it, which
a new subscription may repeat; each of these is dropped once when the new one says it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from workers.collector.connection.intake import Item
from workers.collector.connection.watch import StreamWatch, channel_of
from workers.exchanges.base import BookReset, UnusedTradeId
from workers.model.events import AnyEvent, BookDelta, Trade

OVERLAP_S = 1.5
"""Both sessions read for at least this long after the new one's last answer."""
PATIENCE_S = 30.0
"""A session that does not continue the old one by then takes over with holes, or not at all."""
TAIL_S = 5.0
"""What the old session said is remembered so long after its end: the new one may be the slower."""
MOST_HELD = 200_000
"""Messages held at most; with more the new session takes over as it is."""

Key = tuple[str, str]
"""Channel and symbol."""


def key_of(item: Item) -> Key:
    """The stream a message came through."""
    if isinstance(item, BookReset):
        return "orderbook", item.symbol
    if isinstance(item, UnusedTradeId):
        return "trade", item.symbol
    return channel_of(item), item.symbol


def content_of(event: AnyEvent) -> tuple[object, ...]:
    """What an event says, whenever it reached us."""
    left_out = ("received_ns", "published_ns")
    fields = (name for name in event.__struct_fields__ if name not in left_out)
    return (type(event), *(_hashable(getattr(event, name)) for name in fields))


def _hashable(value: object) -> object:
    return msgspec.json.encode(value) if isinstance(value, list) else value


class Handover:
    """One handover, from the new session's first message on.

    Args:
        begun_s: monotonic, when the new session asked for its streams.
        last: the latest event of each stream.
    """

    def __init__(self, begun_s: float, last: Iterable[AnyEvent] = ()) -> None:
        self._begun_s = begun_s
        self._held: list[Item] = []
        self._first: dict[Key, Item] = {}
        self._said: Counter[tuple[object, ...]] = Counter()
        for event in last:
            self.published(event)

    def published(self, item: Item) -> None:
        """The old session brought this, and it is published."""
        if not isinstance(item, BookReset | UnusedTradeId | BookDelta | Trade):
            self._said[content_of(item)] += 1

    def hold(self, item: Item, now_s: float) -> None:
        """The new session brought this."""
        self._held.append(item)
        self._first.setdefault(key_of(item), item)

    @property
    def silent(self) -> bool:
        """The new session has brought nothing at all."""
        return not self._first

    def first_of(self, key: Key) -> Item | None:
        """The first that the new session brought of a stream."""
        return self._first.get(key)

    def unheard(self, watches: Iterable[StreamWatch], settled_s: float) -> list[StreamWatch]:
        """Streams that only the old session has spoken through since the new one was answered."""
        return [
            each
            for each in watches
            if each.expected
            and each.last_s > settled_s
            and (each.stream.channel, each.stream.symbol) not in self._first
        ]

    def over(self, now_s: float) -> bool:
        """It has taken too long, or too much."""
        return now_s - self._begun_s > PATIENCE_S or len(self._held) > MOST_HELD

    def release(self, joined: Mapping[str, int]) -> Iterator[Item]:
        """The held messages that are to be taken, in order; nothing is held afterwards.

        Args:
            joined: books that go on, by symbol, and where they stand: what they contain is not
                taken, and no full book replaces them.
        """
        held, self._held = self._held, []
        ahead: set[str] = set()
        for item in held:
            if isinstance(item, BookReset) and item.symbol in joined:
                continue
            if isinstance(item, BookDelta) and item.symbol in joined and item.symbol not in ahead:
                if item.last_update_id <= joined[item.symbol]:
                    continue
                ahead.add(item.symbol)
            if self.fresh(item):
                yield item

    def fresh(self, item: Item) -> bool:
        """Whether the old session did not say this already; each saying counts once."""
        if isinstance(item, BookReset | UnusedTradeId | BookDelta | Trade):
            return True  # their ids tell
        content = content_of(item)
        if self._said[content] <= 0:
            return True
        self._said[content] -= 1
        return False
