"""Whether a stream lives: confirmed by its first data, silent when none comes for too long. Pure.

An exchange's acknowledgement proves nothing (Binance acknowledges streams that do not exist), and a
socket that pongs can carry a muted symbol. So life is data, measured against the stream's own pace.
"""

from workers.exchanges.base import Stream
from workers.model.address import event_type
from workers.model.events import AnyEvent, BookDelta, FundingRate, Kline, OrderBook, Ticker, Trade

SILENT_AFTER_S = 10.0
"""No stream is called silent before this, however busy it was."""
SILENT_AFTER_INTERVALS = 20.0
"""A stream is silent after this many of its mean intervals."""
FIRST_DATA_S = {
    "trade": 60.0,
    "aggregate-trade": 60.0,
    "kline": 90.0,  # some exchanges send candles of minutes with trades alone
    "funding-rate": 180.0,
    "index-price": 120.0,
    "open-interest": 120.0,
}
"""What may be quiet in quiet markets; books and tickers speak sooner. `kline` is all candles."""
FIRST_DATA_DEFAULT_S = 15.0
RARE = frozenset({"liquidation", "instrument", "instrument-creation", "platform"})
"""Channels that may say nothing for days: their silence means nothing."""
LONGEST_S = 300.0
PACE_FROM = 10
"""A stream's pace is known from this many intervals on."""
_WEIGHT = 0.02  # of the newest interval in the mean: about the last 50 messages count


def channel_of(event: AnyEvent) -> str:
    """The channel an event came through."""
    match event:
        case Trade():
            return "aggregate-trade" if event.aggregate else "trade"
        case BookDelta() | OrderBook():
            return "orderbook"
        case Ticker():
            return "book-ticker" if event.last_price is None else "ticker"
        case Kline():
            return "kline" if event.interval == "1m" else f"kline-{event.interval}"
        case FundingRate(funding_rate=None):
            return "index-price" if event.mark_price is None else "mark-price"
        case _:
            return event_type(event)


class StreamWatch:
    """Life of one subscribed stream.

    Attributes:
        messages: data messages seen since the service began.
        attempts: subscriptions sent in vain since the last data.
        refused: why the exchange does not give it; None: it does, or did not say.
        last: the latest event that has a time of the exchange's; a new subscription may repeat it.
        off: why it is not subscribed to, by our own choice; None: it is.
        lag_ms: exchange time to receive time, smoothed; None while unknown.
    """

    __slots__ = (
        "_asked_s",
        "_intervals",
        "_last_s",
        "_mean_s",
        "attempts",
        "confirmed",
        "lag_ms",
        "last",
        "messages",
        "off",
        "refused",
        "stream",
    )

    def __init__(self, stream: Stream, now_s: float) -> None:
        self.stream = stream
        self.refused: str | None = None
        self.off: str | None = None
        self.messages = 0
        self.last: AnyEvent | None = None
        self.lag_ms: float | None = None
        self._mean_s = 0.0
        self._intervals = 0
        self.subscribed(now_s)

    def subscribed(self, now_s: float) -> None:
        """A subscription was sent on a fresh connection."""
        self.confirmed = False
        self.attempts = 0
        self._asked_s = now_s
        self._last_s = now_s

    def asked_again(self, now_s: float) -> None:
        """The subscription was repeated because nothing came."""
        self.attempts += 1
        self._asked_s = now_s

    def seen(self, now_s: float) -> None:
        """One data message came."""
        if self.confirmed:
            self._intervals += 1
            # The plain mean at first, else the first interval would count for long.
            weight = max(_WEIGHT, 1.0 / self._intervals)
            self._mean_s += weight * (now_s - self._last_s - self._mean_s)
        self.messages += 1
        self._last_s = now_s
        self.confirmed = True
        self.attempts = 0

    def lagged(self, lag_ms: float) -> None:
        """Note the delay of one message from the exchange's clock to ours."""
        known = self.lag_ms
        self.lag_ms = lag_ms if known is None else known + 0.1 * (lag_ms - known)

    @property
    def last_s(self) -> float:
        """When the last data came, or the subscription went out while there was none."""
        return self._last_s

    def age_s(self, now_s: float) -> float:
        """Seconds since the last data, or since subscribing while there was none."""
        return now_s - self._last_s

    def limit_s(self) -> float:
        """Seconds of silence after which this stream is to be asked for again."""
        if not self.paced:
            kind = self.stream.channel.partition("-")[0]
            channel = "kline" if kind == "kline" else self.stream.channel
            limit_s = FIRST_DATA_S.get(channel, FIRST_DATA_DEFAULT_S)
        else:
            limit_s = max(SILENT_AFTER_S, SILENT_AFTER_INTERVALS * self._mean_s)
        # The first repeat may change nothing; the second, which does, must not wait for long.
        return min(LONGEST_S, limit_s * 2.0 ** max(0, self.attempts - 1))

    @property
    def paced(self) -> bool:
        """Whether it has spoken often enough for its silence to mean something."""
        return self.confirmed and self._intervals >= PACE_FROM

    @property
    def expected(self) -> bool:
        """Whether data is due at all."""
        return not (self.refused or self.off or self.stream.channel in RARE)

    def silent(self, now_s: float) -> bool:
        """Whether the stream has said nothing for longer than its pace allows."""
        if not self.expected:
            return False
        since_s = max(self._last_s, self._asked_s)
        return now_s - since_s > self.limit_s()

    def status(self, now_s: float) -> dict[str, object]:
        """Plain data for reports."""
        return {
            "messages": self.messages,
            "age_s": round(self.age_s(now_s), 3),
            "confirmed": self.confirmed,
            "attempts": self.attempts,
            "rate": round(1.0 / self._mean_s, 2) if self._mean_s > 0 else None,
            "lag_ms": None if self.lag_ms is None else round(self.lag_ms, 3),
            "refused": self.refused,
            "off": self.off,
        }
