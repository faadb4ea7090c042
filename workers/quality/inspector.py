"""Everything that looks at one connection's data: finds what is odd, drops nothing. Pure.

| check            | said when                                                                   |
|------------------|-----------------------------------------------------------------------------|
| `time_reversed`  | the exchange's time of a stream lies before one that came earlier           |
| `price_jump`     | a trade is farther than 5 % from the rolling median (jumps.py); not asked   |
|                  | of options, which jump, and of trades beside the book                       |
| `crossed_book`   | a live book's best bid met its best ask                                     |
| `stale_stream`   | a stream is silent for longer than its own pace allows (freshness.py)       |
| `unusable_frame` | a frame became a dead letter                                                |
| `unknown_field`  | a message has a field that no wire struct knows                             |
| `vanished_field` | see drift.py                                                                |
| `constant_field` | see drift.py                                                                |

Beside them go those of model/checks.py: time_ahead, time_behind, crossed_quote and others.
"""

from collections.abc import Iterable, Mapping

import structlog

from workers.model.checks import AHEAD_NS
from workers.model.errors import WireError
from workers.model.events import AnyEvent, Event, Gap, Quality, Trade
from workers.model.instrument import MarketType
from workers.quality.drift import SAMPLE_NS, Drift
from workers.quality.freshness import LOOK_EVERY_S, Paced, stale
from workers.quality.jumps import LIMIT, PriceJumps
from workers.quality.order import TimeOrder
from workers.quality.tally import EVERY, Tally

log = structlog.get_logger(__name__)

UNKNOWN_AGAIN_S = 3600.0
"""A field that stays unknown is told again this often."""


class _Stream(TimeOrder):
    """What is remembered of one stream. `jumps`: None where prices are not looked at."""

    __slots__ = ("due_ns", "jumps", "kind")

    def __init__(self, kind: str, jumps: PriceJumps | None) -> None:
        super().__init__()
        self.kind, self.jumps = kind, jumps
        self.due_ns = 0


class Inspector:
    """Used by one connection's thread alone.

    Args:
        exchange: the name events carry.
        market_type: of what is about no instrument.

    Attributes:
        wanted: kind and symbol of the message in hand, if its frame is to be looked at.
    """

    def __init__(self, exchange: str, market_type: MarketType) -> None:
        self._exchange = exchange
        self._tally = Tally(exchange, market_type)
        self._streams: dict[tuple[str, str], _Stream] = {}
        self._drift = Drift()
        self._unknown: dict[str, int] = {}
        self._unknown_said_s: dict[str, float] = {}
        self._fresh_due_s = float("-inf")
        self.wanted: tuple[str, str] | None = None

    def event(self, event: AnyEvent, key: tuple[str, str]) -> None:
        """Look at one event; every one of them comes here, so this is short.

        Args:
            event: one of a symbol that is collected.
            key: its channel and symbol.
        """
        stream = self._streams.get(key) or self._begin(event, key)
        exchange_ns, received_ns = event.exchange_ns, event.received_ns
        if exchange_ns is not None:
            # a time far ahead is wrong (time_ahead) and must not be what others are measured by
            if stream.latest_ns <= exchange_ns < received_ns + AHEAD_NS:
                stream.latest_ns = exchange_ns
            elif exchange_ns < stream.latest_ns:
                behind_ms = f"{stream.behind_ns(exchange_ns) / 1e6:g} ms"
                self.odd("time_reversed", event, key[0], value=behind_ms, limit="0 ms")
        jumps = stream.jumps
        if jumps is not None and not jumps.low <= float(event.price) <= jumps.high:  # type: ignore[union-attr, arg-type]
            self._jumped(jumps, event, key[0])  # type: ignore[arg-type]
        if received_ns >= stream.due_ns:
            self._sample(stream, event)

    def _begin(self, event: AnyEvent, key: tuple[str, str]) -> _Stream:
        judged = type(event) is Trade and event.market_type != "option"
        stream = _Stream(f"{key[0]} {event.market_type}", PriceJumps() if judged else None)
        self._streams[key] = stream
        return stream

    def _jumped(self, jumps: PriceJumps, trade: Trade, channel: str) -> None:
        jump = jumps.judge(trade.price)
        if jump is not None and trade.off_book is None:
            limit = f"{jump.middle:.10g} +- {LIMIT:.0%}"
            self.odd("price_jump", trade, channel, value=f"{jump.price:.10g}", limit=limit)

    def _sample(self, stream: _Stream, event: AnyEvent) -> None:
        """What need not be done for every event."""
        stream.due_ns = event.received_ns + SAMPLE_NS
        if stream.jumps is not None and type(event) is Trade and event.off_book is None:
            stream.jumps.remember(event.price)
        if self._drift.wants(stream.kind, event.symbol, event.received_ns):
            self.wanted = stream.kind, event.symbol

    def odd(
        self,
        check: str,
        event: Event,
        channel: str,
        *,
        value: str | None = None,
        limit: str | None = None,
    ) -> None:
        """Count what a check says of one event."""
        self._tally.of_event(check, channel, event, value=value, limit=limit)

    def frame(self, frame: bytes, now_ns: int) -> None:
        """Look at the shape of the frame whose message was `wanted`."""
        if self.wanted is None:
            return
        (kind, symbol), self.wanted = self.wanted, None
        channel = kind.partition(" ")[0]
        for each in self._drift.look(kind, symbol, frame, now_ns):
            log.warning(
                "exchange drifts",
                exchange=self._exchange,
                channel=channel,
                check=each.check,
                detail=each.detail,
            )
            self._tally.of_exchange(
                each.check,
                channel,
                symbol=symbol,
                raw_symbol=symbol,
                value=each.value,
                detail=f"{channel}: {each.detail}",
            )

    def crossed(self, gap: Gap) -> None:
        """A live book crossed; it is being built anew."""
        self._tally.of_event("crossed_book", gap.data_type, gap, detail="the book is built anew")

    def unusable(self, error: WireError) -> None:
        """A frame became a dead letter."""
        detail = f"{error.kind}: {error.detail[:100]}"
        self._tally.of_exchange("unusable_frame", "frame", value=error.kind, detail=detail)

    def unknown(self, extra_fields: Mapping[str, int], now_s: float) -> None:
        """Compare a mapper's counts of fields it does not know with those before."""
        for name, count in list(extra_fields.items()):
            known = self._unknown.get(name)
            if known == count:
                continue
            if now_s - self._unknown_said_s.get(name, float("-inf")) < UNKNOWN_AGAIN_S:
                continue
            self._unknown[name], self._unknown_said_s[name] = count, now_s
            new = max(1, count - (known or 0))
            self._tally.of_exchange("unknown_field", "frame", detail=name, by=new)

    def due(
        self, now_s: float, now_ns: int, streams: Iterable[tuple[tuple[str, str], Paced]]
    ) -> list[Quality]:
        """What is to be published now.

        Args:
            now_s: monotonic seconds.
            now_ns: nanoseconds UTC.
            streams: the subscribed ones by (channel, symbol).
        """
        if now_s >= self._fresh_due_s:
            self._fresh_due_s = now_s + LOOK_EVERY_S
            for each in stale(streams, now_s):
                symbol = EVERY if each.symbol == "*" else each.symbol
                self._tally.of_exchange(
                    "stale_stream",
                    each.channel,
                    symbol=symbol,
                    raw_symbol=symbol,
                    value=f"{each.age_s:.1f} s",
                    limit=f"{each.limit_s:.1f} s",
                    detail=each.channel,
                )
        return self._tally.due(now_s, now_ns)

    def take_counts(self) -> dict[str, int]:
        """Cases by check since the last call, for the metrics."""
        return self._tally.take_counts()
