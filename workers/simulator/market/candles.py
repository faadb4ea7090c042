"""Candles by the minute, any longer interval from them, and the rolling day."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta

MINUTE_US = 60_000_000
DAY_MINUTES = 1440

INTERVALS_US = {
    "1s": 1_000_000,
    "1m": MINUTE_US,
    "3m": 3 * MINUTE_US,
    "5m": 5 * MINUTE_US,
    "15m": 15 * MINUTE_US,
    "30m": 30 * MINUTE_US,
    "1h": 60 * MINUTE_US,
    "2h": 120 * MINUTE_US,
    "4h": 240 * MINUTE_US,
    "6h": 360 * MINUTE_US,
    "8h": 480 * MINUTE_US,
    "12h": 720 * MINUTE_US,
    "1d": DAY_MINUTES * MINUTE_US,
    "3d": 3 * DAY_MINUTES * MINUTE_US,
    "1w": 7 * DAY_MINUTES * MINUTE_US,
    "1M": 0,
}
"""Lengths by name; a month has none of its own."""

MONDAY_US = 4 * DAY_MINUTES * MINUTE_US
"""The first Monday after 1970-01-01, where weeks start."""


def bounds_us(interval: str, time_us: int, east_us: int = 0) -> tuple[int, int]:
    """Start and end (exclusive) of the interval that a time lies in.

    Args:
        interval: its name.
        time_us: the time, UTC.
        east_us: where days begin earlier than in UTC, by how much.
    """
    if east_us:
        first, last = bounds_us(interval, time_us + east_us)
        return first - east_us, last - east_us
    if interval == "1M":
        start = datetime.fromtimestamp(time_us // 1_000_000, UTC).replace(
            day=1, hour=0, minute=0, second=0
        )
        end = (start + timedelta(days=32)).replace(day=1)
        return int(start.timestamp()) * 1_000_000, int(end.timestamp()) * 1_000_000
    length = INTERVALS_US[interval]
    shift = MONDAY_US if interval == "1w" else 0
    begin = (time_us - shift) // length * length + shift
    return begin, begin + length


class Candle:
    """Trades of one interval. Prices in ticks, volumes in lots, `value` in ticks times lots.

    A candle without a trade has `count` 0 and carries the price before it.
    """

    __slots__ = (
        *("start_us", "first_id", "last_id", "open", "high", "low", "close", "last_lots"),
        *("volume", "value", "taker_volume", "taker_value", "count"),
    )

    def __init__(self, start_us: int, price: int) -> None:
        self.start_us = start_us
        self.first_id = self.last_id = -1
        self.open = self.high = self.low = self.close = price
        self.last_lots = self.volume = self.value = 0
        self.taker_volume = self.taker_value = self.count = 0

    def add(self, trade_id: int, ticks: int, lots: int, buyer_is_maker: bool) -> None:
        """Count one trade in."""
        if not self.count:
            self.first_id = trade_id
            self.open = self.high = self.low = ticks
        elif ticks > self.high:
            self.high = ticks
        elif ticks < self.low:
            self.low = ticks
        self.last_id = trade_id
        self.close = ticks
        self.last_lots = lots
        self.count += 1
        self.volume += lots
        self.value += ticks * lots
        if not buyer_is_maker:
            self.taker_volume += lots
            self.taker_value += ticks * lots

    def merge(self, later: "Candle") -> None:
        """Count a later candle in."""
        if not later.count:
            return
        if not self.count:
            self.first_id = later.first_id
            self.open, self.high, self.low = later.open, later.high, later.low
        else:
            self.high = max(self.high, later.high)
            self.low = min(self.low, later.low)
        self.last_id, self.close, self.last_lots = later.last_id, later.close, later.last_lots
        self.count += later.count
        self.volume += later.volume
        self.value += later.value
        self.taker_volume += later.taker_volume
        self.taker_value += later.taker_value


class Candles:
    """One-minute candles of one instrument, without holes from the first trade on."""

    def __init__(self, start_us: int, price: int) -> None:
        self._minutes = [Candle(start_us // MINUTE_US * MINUTE_US, price)]
        self._day_until = -1
        self._day = self._minutes[0]

    def add(self, trade_id: int, ticks: int, lots: int, time_us: int, maker: bool) -> None:
        """Count one trade in; times never run backwards."""
        if time_us >= self._minutes[-1].start_us + MINUTE_US:
            self.advance(time_us)
        self._minutes[-1].add(trade_id, ticks, lots, maker)

    def advance(self, time_us: int) -> None:
        """Open the minutes up to a time, empty ones too."""
        last = self._minutes[-1]
        while time_us >= last.start_us + MINUTE_US:
            last = Candle(last.start_us + MINUTE_US, last.close)
            self._minutes.append(last)

    def range(self, start_us: int, end_us: int) -> Candle:
        """All trades of the minutes that start in a range, as one candle."""
        first = self._index(start_us)
        last = self._index(end_us)
        price = self._minutes[max(0, first - 1)].close if first else self._minutes[0].open
        whole = Candle(start_us, price)
        for minute in self._minutes[first:last]:
            whole.merge(minute)
        return whole

    def day(self, now_us: int) -> Candle:
        """The last 24 hours, to the minute. Closed minutes are summed up once a minute."""
        self.advance(now_us)
        current = self._minutes[-1]
        if self._day_until != current.start_us:
            self._day = self.range(
                current.start_us - (DAY_MINUTES - 1) * MINUTE_US, current.start_us
            )
            self._day_until = current.start_us
        whole = Candle(self._day.start_us, self._day.open)
        whole.merge(self._day)
        whole.merge(current)
        return whole

    def before(self, start_us: int) -> int:
        """Last price before a time, in ticks."""
        first = self._index(start_us)
        return self._minutes[first - 1].close if first else self._minutes[0].open

    @property
    def first_us(self) -> int:
        """Start of the oldest minute."""
        return self._minutes[0].start_us

    def _index(self, time_us: int) -> int:
        return bisect_left(self._minutes, time_us, key=lambda minute: minute.start_us)
