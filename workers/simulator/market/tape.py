"""Every trade made, kept for ever in 17 bytes each, and the aggregate trades over them."""

from array import array
from bisect import bisect_left, bisect_right
from typing import NamedTuple


class Fill(NamedTuple):
    """One trade. Price in ticks, quantity in lots, time in microseconds."""

    trade_id: int
    ticks: int
    lots: int
    time_us: int
    buyer_is_maker: bool


class AggregateFill(NamedTuple):
    """The fills of one taker order at one price; ids are inclusive."""

    aggregate_id: int
    ticks: int
    lots: int
    first_id: int
    last_id: int
    time_us: int
    buyer_is_maker: bool


class Tape:
    """Trades of one instrument in order; ids are contiguous.

    Args:
        first_id: id of the first trade.
        first_aggregate_id: id of the first aggregate.
        merge_us: fills of one price and side within this share an aggregate, until `cut`.
    """

    def __init__(self, first_id: int, first_aggregate_id: int, merge_us: int = 0) -> None:
        self._merge_us = merge_us
        self._whole = True
        self.first_id = first_id
        self.first_aggregate_id = first_aggregate_id
        self._ticks = array("i")
        self._lots = array("i")
        self._time_us = array("q")
        self._maker = bytearray()
        self._starts = array("q")

    def __len__(self) -> int:
        return len(self._ticks)

    @property
    def next_id(self) -> int:
        """Id the next trade will have."""
        return self.first_id + len(self._ticks)

    @property
    def next_aggregate_id(self) -> int:
        """Id the next aggregate will have."""
        return self.first_aggregate_id + len(self._starts)

    def begin_aggregate(self, ticks: int, time_us: int, buyer_is_maker: bool) -> None:
        """The trades added from here on belong to a new aggregate, or to one that goes on."""
        if self._merge_us and not self._whole and len(self._ticks) > self._starts[-1]:
            same = self._ticks[-1] == ticks and bool(self._maker[-1]) == buyer_is_maker
            if same and time_us < self._time_us[self._starts[-1]] + self._merge_us:
                return
        self._whole = False
        self._starts.append(len(self._ticks))

    def cut(self) -> None:
        """The latest aggregate has been told: nothing more is added to it."""
        self._whole = True

    def add(self, ticks: int, lots: int, time_us: int, buyer_is_maker: bool) -> None:
        """One more trade, belonging to the latest aggregate."""
        self._ticks.append(ticks)
        self._lots.append(lots)
        self._time_us.append(time_us)
        self._maker.append(buyer_is_maker)

    def fill(self, trade_id: int) -> Fill:
        """The trade with this id. Raises IndexError where there is none."""
        at = self._position(trade_id, self.first_id, len(self._ticks))
        return Fill(
            trade_id, self._ticks[at], self._lots[at], self._time_us[at], bool(self._maker[at])
        )

    def aggregate(self, aggregate_id: int) -> AggregateFill:
        """The aggregate with this id. Raises IndexError where there is none."""
        at = self._position(aggregate_id, self.first_aggregate_id, len(self._starts))
        first = self._starts[at]
        end = self._starts[at + 1] if at + 1 < len(self._starts) else len(self._ticks)
        return AggregateFill(
            aggregate_id,
            self._ticks[first],
            sum(self._lots[first:end]),
            self.first_id + first,
            self.first_id + end - 1,
            self._time_us[first],
            bool(self._maker[first]),
        )

    def fills(self, from_id: int, limit: int) -> list[Fill]:
        """Up to `limit` trades with ids from `from_id` on."""
        start = max(from_id, self.first_id)
        return [self.fill(each) for each in range(start, min(start + limit, self.next_id))]

    def aggregates(self, from_id: int, limit: int) -> list[AggregateFill]:
        """Up to `limit` aggregates with ids from `from_id` on."""
        start = max(from_id, self.first_aggregate_id)
        end = min(start + limit, self.next_aggregate_id)
        return [self.aggregate(each) for each in range(start, end)]

    def first_at(self, time_us: int) -> int:
        """Id of the first trade at or after a time."""
        return self.first_id + bisect_left(self._time_us, time_us)

    def first_aggregate_at(self, time_us: int) -> int:
        """Id of the first aggregate at or after a time."""
        position = bisect_left(self._time_us, time_us)
        return self.first_aggregate_id + bisect_left(self._starts, position)

    def aggregate_of(self, trade_id: int) -> int:
        """Id of the aggregate a trade belongs to."""
        at = self._position(trade_id, self.first_id, len(self._ticks))
        return self.first_aggregate_id + bisect_right(self._starts, at) - 1

    @staticmethod
    def _position(wanted: int, first: int, length: int) -> int:
        at = wanted - first
        if not 0 <= at < length:
            raise IndexError(f"id {wanted} is not in {first}..{first + length - 1}")
        return at
