"""Binance frames to events, as far as spot and USD-M futures agree. Pure, for live and replay.

Usual frames are recognised by their stream name or event name without decoding, then decoded once,
typed. Trades, the most frequent of all, go a lane of their own in which the decoder itself refuses
what is unusual. Everything else (answers, notices, odd order, errors) goes through unusual.py.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple

import msgspec

from workers.book.fast import positive
from workers.exchanges.base import (
    Acknowledged,
    Mapped,
    ShutdownNotice,
    UnusedTradeId,
    by_raw_symbol,
)
from workers.exchanges.binance.checks import NEWEST_ID, Checks
from workers.exchanges.binance.messages import (
    UNREADABLE,
    BinanceAggTrade,
    BinanceCandle,
    BinanceCombined,
    BinanceKline,
    Payload,
)
from workers.exchanges.binance.shapes import Shape, shape, strict
from workers.exchanges.binance.unusual import Fields, Row, read_unusual
from workers.model.events import AnyEvent, Kline, Trade
from workers.model.instrument import Instrument

NUMBERS = b'0123456789.,[]"'
"""What is left of a frame without these is its skeleton: its names, `true`, `null` and whatever is
odd in it, such as a field more, a sign or an exponent. A skeleton that was once read with care
needs no more than decoding; this check costs 0.5 us where reading the levels' numbers costs 5."""

SKELETONS_KEPT = 10_000
"""Two or three for each stream; further ones are read with care each time."""

NAMES_KEPT = 200
"""Names of unknown fields; what is beyond is counted under `other`."""

OTHER_SYMBOL = "other symbol"
"""Rows of all-symbol streams that are nobody's here are counted as ignored under this name."""

NAME = slice(11, 35)
"""Where a combined frame tells its stream; most names end within it."""

LANES_KEPT = 10_000
"""Streams whose way through the mapper is remembered; the others are looked up each time."""

Item = AnyEvent | UnusedTradeId
Build = Callable[[Any, bytes, int], Item | None]
BuildTrade = Callable[[Any, int], Item]
Decode = Callable[[bytes], Any]


class Trades(NamedTuple):
    """How trades of one shape are read; they have a price `p` and a quantity `q`.

    `ids` are the fields with ids. `of` makes what builds the events of one instrument, from its
    messages whose numbers are right. `only` are values that fields of usual trades have: any other
    is read with care.
    """

    shape: Shape
    ids: str
    of: Callable[[Instrument], BuildTrade]
    only: Mapping[str, object] = {}


Lane = tuple[Decode, Build | None, BuildTrade | None]
"""How frames of a stream are decoded and built; trades have the last, all others the second."""


class StrictCombined(msgspec.Struct, Generic[Payload], forbid_unknown_fields=True, gc=False):
    """BinanceCombined with nothing else in it."""

    stream: msgspec.Raw
    data: Payload


def kline_shape(intervals: Sequence[str]) -> Shape:
    """Candles of these lengths."""
    suffixes = [f"@kline_{each}" for each in intervals]
    return shape("kline", suffixes, BinanceKline, nested={"k": (BinanceCandle, "sfLVQB")})


class BinanceMapper:
    """What both mappers do; a subclass names its shapes and builds what differs.

    Args:
        exchange: the name events carry.
        instruments: the symbols it may meet; any other is a WireError unknown_symbol.
        builds: each shape with the method that makes its event.
        trades: the same for trades.
        uncollected: events that exist and become nothing.
    """

    def __init__(
        self,
        exchange: str,
        instruments: Sequence[Instrument],
        builds: Sequence[tuple[Shape, Build]],
        trades: Sequence[Trades],
        uncollected: frozenset[str],
    ) -> None:
        self._exchange, self._uncollected = exchange, uncollected
        self._instruments = by_raw_symbol(instruments)
        self._checks = Checks(exchange)
        self.extra_fields: dict[str, int] = Counter()
        self.ignored: dict[str, int] = Counter()
        """Events that we know and do not collect, by name."""
        every: list[tuple[Shape, Build]] = [*builds]
        every += [(each.shape, partial(self._careful, each)) for each in trades]
        self._by_event = {known.event: (known, build) for known, build in every}
        self._raw: dict[bytes, Lane] = {}
        self._combined: dict[bytes, Lane] = {}
        for known, build in every:
            decoder = msgspec.json.Decoder(BinanceCombined[known.struct])  # type: ignore[name-defined]
            raw = msgspec.json.Decoder(known.struct)
            self._raw[known.event.encode()] = raw.decode, build, None
            lane: Lane = decoder.decode, build, None
            self._combined |= {suffix.encode(): lane for suffix in known.suffixes}
        self._trades = {suffix.encode(): each for each in trades for suffix in each.shape.suffixes}
        self._streams: dict[bytes, Lane] = {}
        self._lanes: dict[bytes, Lane] = {}
        self._skeletons: set[bytes] = set()

    def map(self, frame: bytes, received_ns: int) -> Sequence[Mapped]:
        """Events and notices in one frame; empty where it carries nothing for us.

        An array of all symbols with one unusable row is refused as a whole.

        Raises:
            WireError: the frame cannot be used; its `kind` says why.
        """
        lane = self._lanes.get(frame[NAME]) or self._lane(frame)
        if lane is None:
            return self._map_unusual(frame, received_ns)
        decode, build, trade = lane
        try:
            if trade is not None:
                message = decode(frame).data
                if positive(message.p, message.q):
                    return (trade(message, received_ns),)
            elif build and frame.translate(None, NUMBERS) in self._skeletons:
                message = decode(frame)
                item = build(getattr(message, "data", message), frame, received_ns)
                return () if item is None else (item,)
        except UNREADABLE:
            return self._map_unusual(frame, received_ns)
        return self._map_unusual(frame, received_ns)

    def _lane(self, frame: bytes) -> Lane | None:
        """The way of a frame whose stream is new or has a long name."""
        if not frame.startswith(b'{"stream":"'):
            if frame.startswith(b'{"e":"'):
                return self._raw.get(frame[6 : frame.find(b'"', 6)])
            return self._raw.get(b"bookTicker") if frame.startswith(b'{"u":') else None
        end = frame.find(b'"', NAME.start)
        name = frame[NAME.start : end]
        lane = self._streams.get(name) or self._new_lane(name)
        if lane is not None and len(self._lanes) < LANES_KEPT:
            self._streams[name] = lane
            if end < NAME.stop:
                self._lanes[frame[NAME]] = lane
        return lane

    def _new_lane(self, stream: bytes) -> Lane | None:
        symbol, at, channel = stream.partition(b"@")
        trades = self._trades.get(at + channel)
        if trades is None:
            return self._combined.get(at + channel)
        instrument = self._instruments.get(symbol.upper().decode("ascii", "replace"))
        if instrument is None:
            return None
        # of one symbol each: the decoder compares it for less than a new text costs (0.05 us)
        usual: Any = strict(trades.shape, "pq", {**trades.only, "s": instrument.raw_symbol})
        decoder = msgspec.json.Decoder(StrictCombined[usual])
        return decoder.decode, None, trades.of(instrument)

    def _map_unusual(self, frame: bytes, received_ns: int) -> Sequence[Mapped]:
        found = read_unusual(self._exchange, frame)
        if isinstance(found, Acknowledged | ShutdownNotice):
            return (found,)
        items = (self._map_row(row, frame, received_ns) for row in found)
        return tuple(each for each in items if each is not None)

    def _map_row(self, row: Row, frame: bytes, received_ns: int) -> Item | None:
        event, fields = self._event(row), row.fields
        if event in self._uncollected:
            self.ignored[event] += 1
            return None
        if event not in self._by_event:
            raise self._checks.refused("unknown_event", f"e is {event[:40]!r}", frame)
        named = _raw_symbol(fields) if row.among_all else None
        if isinstance(named, str) and named not in self._instruments:
            self.ignored[OTHER_SYMBOL] += 1
            return None
        known, build = self._by_event[event]
        try:
            message: Any = msgspec.convert(fields, known.struct)
        except UNREADABLE as error:
            raise self._checks.unreadable(event, error, frame) from error
        if isinstance(getattr(message, "b", None), list):
            self._checks.levels(message.b, message.a, frame)
        item = build(message, frame, received_ns)
        extra = list(known.unknown(fields))
        for name in extra:
            self._count_extra(f"{known.struct.__name__}.{name[:40]}")
        if not extra and not row.among_all and len(self._skeletons) < SKELETONS_KEPT:
            self._skeletons.add(frame.translate(None, NUMBERS))
        return item

    def _event(self, row: Row) -> str:
        """The event's name, ours where theirs does not tell."""
        return row.event

    def _count_extra(self, name: str) -> None:
        known = name in self.extra_fields or len(self.extra_fields) < NAMES_KEPT
        self.extra_fields[name if known else "other"] += 1

    def _instrument(self, raw_symbol: str, frame: bytes) -> Instrument:
        instrument = self._instruments.get(raw_symbol)
        if instrument is None:
            raise self._checks.refused("unknown_symbol", f"{raw_symbol[:40]!r}", frame)
        return instrument

    def _update_ids(self, first: int, last: int, frame: bytes) -> tuple[int, int]:
        if not 0 <= first <= last < NEWEST_ID:
            detail = f"update ids U {first}, u {last}"
            raise self._checks.refused("absurd_number", detail, frame)
        return first, last

    def _careful(self, trades: Trades, message: Any, frame: bytes, received_ns: int) -> Item | None:
        """A trade at which nobody has looked yet."""
        ids = [getattr(message, name) for name in trades.ids]
        self._checks.numbers((message.p, message.q), ids, frame)
        instrument = self._instrument(message.s, frame)
        self._checks.ns(message.T, frame)
        return trades.of(instrument)(message, received_ns)

    def _aggregates(self, instrument: Instrument) -> BuildTrade:
        exchange, kind, raw_symbol = self._exchange, instrument.market_type, instrument.raw_symbol
        symbol = instrument.symbol

        def build(message: BinanceAggTrade, received_ns: int) -> Trade:
            return Trade(
                exchange=exchange,
                market_type=kind,
                symbol=symbol,
                raw_symbol=raw_symbol,
                exchange_ns=message.T * 1_000_000,
                received_ns=received_ns,
                trade_id=message.a,
                price=message.p,
                quantity=message.q,
                side="sell" if message.m else "buy",
                aggregate=True,
                first_trade_id=message.f,
                last_trade_id=message.l,
            )

        return build

    def _single_trades(self, instrument: Instrument) -> BuildTrade:
        exchange, kind, raw_symbol = self._exchange, instrument.market_type, instrument.raw_symbol
        symbol = instrument.symbol

        def build(message: Any, received_ns: int) -> Trade:
            return Trade(
                exchange=exchange,
                market_type=kind,
                symbol=symbol,
                raw_symbol=raw_symbol,
                exchange_ns=message.T * 1_000_000,
                received_ns=received_ns,
                trade_id=message.t,
                price=message.p,
                quantity=message.q,
                side="sell" if message.m else "buy",
            )

        return build

    def _kline(self, message: BinanceKline, frame: bytes, received_ns: int) -> Kline:
        k, checks = message.k, self._checks
        checks.numbers((k.o, k.h, k.l, k.c, k.v, k.q), (k.n,), frame)
        instrument = self._instrument(message.s, frame)
        return Kline(
            exchange=self._exchange,
            market_type=instrument.market_type,
            symbol=instrument.symbol,
            raw_symbol=message.s,
            exchange_ns=checks.ns(message.E, frame),
            received_ns=received_ns,
            interval=k.i,
            open_time_ns=checks.ns(k.t, frame),
            close_time_ns=checks.ns(k.T, frame),
            open=k.o,
            high=k.h,
            low=k.l,
            close=k.c,
            volume=k.v,
            quote_volume=k.q,
            trade_count=k.n,
            closed=k.x,
        )


def _raw_symbol(fields: Fields) -> object:
    order = fields.get("o")  # forceOrder; in a ticker `o` is the opening price
    return order.get("s") if isinstance(order, dict) else fields.get("s")
