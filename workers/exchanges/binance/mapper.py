"""Binance spot frames to events. Pure: one mapper for live, replay and backfill.

Usual frames are recognised by their stream name or event name without decoding, then decoded once,
typed. Everything else (answers, notices, odd field order, errors) goes through unusual.py.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from workers.exchanges.base import Acknowledged, Mapped, ShutdownNotice
from workers.exchanges.binance.messages import (
    UNREADABLE,
    BinanceAggTrade,
    BinanceBookTicker,
    BinanceCombined,
    BinanceDepthUpdate,
    BinanceTicker,
    BinanceTrade,
)
from workers.exchanges.binance.requests import unreadable
from workers.exchanges.binance.unusual import IGNORED_EVENTS, PARTIAL_DEPTH, read_unusual
from workers.model.errors import WireError, WireErrorKind
from workers.model.events import AnyEvent, BookDelta, Levels, Ticker, Trade
from workers.model.instrument import Instrument
from workers.model.level import read_decimals, read_levels

MICROSECONDS_FROM = 10**14
"""Milliseconds have 13 digits until 2286; a time this large is in microseconds, not far away."""

NUMBERS = b'0123456789.,[]"'
"""What is left of a frame without these is its skeleton: its names, `true`, `null` and whatever is
odd in it, such as a field more, a sign or an exponent. A skeleton that was once read with care
needs no more than decoding; this check costs 0.5 us where reading the levels' numbers costs 5."""

SKELETONS_KEPT = 10_000
"""Two or three for each stream; further ones are read with care each time."""

NEWEST_ID = 2**63
NAMES_KEPT = 200
"""Names of unknown fields; what is beyond is counted under `other`."""

Build = Callable[[Any, bytes, int], AnyEvent]
Decoder = msgspec.json.Decoder[Any]


class _Shape(msgspec.Struct, frozen=True):
    """How one event looks on the wire.

    Args:
        event: its name in `e`; bookTicker has none and is called so by us.
        suffix: the end of its stream names.
        struct: what its fields decode to.
        fields: names it always has.
        optional: names it may have, which we do not read.
    """

    event: str
    suffix: str
    struct: type[msgspec.Struct]
    fields: frozenset[str]
    optional: frozenset[str] = frozenset()


def _shape(
    event: str, suffix: str, struct: type[msgspec.Struct], unread: str = "", optional: str = ""
) -> _Shape:
    names = frozenset(field.name for field in msgspec.structs.fields(struct) if field.required)
    return _Shape(event, suffix, struct, names | frozenset(unread), frozenset(optional))


SHAPES = (
    _shape("trade", "@trade", BinanceTrade, unread="M", optional="ba"),
    _shape("aggTrade", "@aggTrade", BinanceAggTrade, unread="M"),
    _shape("depthUpdate", "@depth@100ms", BinanceDepthUpdate),
    _shape("24hrTicker", "@ticker", BinanceTicker, unread="pPwxQOCFLn"),
    _shape("bookTicker", "@bookTicker", BinanceBookTicker, optional="eET"),
)
BY_EVENT = {shape.event: shape for shape in SHAPES}


class SpotMapper:
    """Turns frames of Binance spot, raw or combined, into events.

    Args:
        exchange: the name events carry.
        instruments: the symbols it may meet; any other is a WireError unknown_symbol.
    """

    def __init__(self, exchange: str, instruments: Sequence[Instrument]) -> None:
        self._exchange = exchange
        self._symbols = {each.raw_symbol: each.symbol for each in instruments}
        self.extra_fields: dict[str, int] = Counter()
        self.ignored: dict[str, int] = Counter()
        """Events that we know and do not collect, by name."""
        self._build: dict[str, Build] = {
            "trade": self._trade,
            "aggTrade": self._aggregate,
            "depthUpdate": self._delta,
            "24hrTicker": self._ticker,
            "bookTicker": self._book_ticker,
        }
        self._raw: dict[bytes, tuple[Decoder, Build]] = {}
        self._combined: dict[bytes, tuple[Decoder, Build]] = {}
        for shape in SHAPES:
            build = self._build[shape.event]
            raw = msgspec.json.Decoder(shape.struct)
            combined = msgspec.json.Decoder(BinanceCombined[shape.struct])  # type: ignore[name-defined]
            self._raw[shape.event.encode()] = raw, build
            self._combined[shape.suffix.encode()] = combined, build
        self._combined[b"@depth"] = self._combined[b"@depth@100ms"]
        self._skeletons: set[bytes] = set()

    def map(self, frame: bytes, received_ns: int) -> Sequence[Mapped]:
        """Events and notices in one frame; empty where it carries nothing for us.

        Raises:
            WireError: the frame cannot be used; its `kind` says why.
        """
        if frame.startswith(b'{"stream":"'):
            end = frame.find(b'"', 11)
            route = self._combined.get(frame[frame.find(b"@", 11, end) : end])
        elif frame.startswith(b'{"e":"'):
            route = self._raw.get(frame[6 : frame.find(b'"', 6)])
        else:
            route = self._raw[b"bookTicker"] if frame.startswith(b'{"u":') else None
        if route is None:
            return self._map_unusual(frame, received_ns)
        if frame.translate(None, NUMBERS) not in self._skeletons:
            return self._map_unusual(frame, received_ns)
        decoder, build = route
        try:
            message = decoder.decode(frame)
        except UNREADABLE:
            return self._map_unusual(frame, received_ns)
        return (build(getattr(message, "data", message), frame, received_ns),)

    def _map_unusual(self, frame: bytes, received_ns: int) -> Sequence[Mapped]:
        found = read_unusual(self._exchange, frame)
        if isinstance(found, Acknowledged | ShutdownNotice):
            return (found,)
        event, fields = found
        if event in IGNORED_EVENTS or event == PARTIAL_DEPTH:
            self.ignored[event] += 1
            return ()
        shape = BY_EVENT.get(event)
        if shape is None:
            raise WireError(self._exchange, "unknown_event", f"e is {event[:40]!r}", frame)
        try:
            message = msgspec.convert(fields, shape.struct)
        except UNREADABLE as error:
            raise unreadable(self._exchange, event, error, frame) from error
        if isinstance(message, BinanceDepthUpdate):
            self._check_levels(message.b, message.a, frame)
        mapped = self._build[event](message, frame, received_ns)
        extra = fields.keys() - shape.fields - shape.optional
        for name in extra:
            self._count_extra(f"{shape.struct.__name__}.{name[:40]}")
        if not extra and len(self._skeletons) < SKELETONS_KEPT:
            self._skeletons.add(frame.translate(None, NUMBERS))
        return (mapped,)

    def _count_extra(self, name: str) -> None:
        known = name in self.extra_fields or len(self.extra_fields) < NAMES_KEPT
        self.extra_fields[name if known else "other"] += 1

    def _trade(self, message: BinanceTrade, frame: bytes, received_ns: int) -> Trade:
        self._check_numbers((message.p, message.q), (message.t,), frame)
        return Trade(
            exchange=self._exchange,
            market_type="spot",
            symbol=self._symbol(message.s, frame),
            raw_symbol=message.s,
            exchange_ns=self._ns(message.T, frame),
            received_ns=received_ns,
            trade_id=message.t,
            price=message.p,
            quantity=message.q,
            side="sell" if message.m else "buy",
        )

    def _aggregate(self, message: BinanceAggTrade, frame: bytes, received_ns: int) -> Trade:
        self._check_numbers((message.p, message.q), (message.a, message.f, message.l), frame)
        return Trade(
            exchange=self._exchange,
            market_type="spot",
            symbol=self._symbol(message.s, frame),
            raw_symbol=message.s,
            exchange_ns=self._ns(message.T, frame),
            received_ns=received_ns,
            trade_id=message.a,
            price=message.p,
            quantity=message.q,
            side="sell" if message.m else "buy",
            aggregate=True,
            first_trade_id=message.f,
            last_trade_id=message.l,
        )

    def _delta(self, message: BinanceDepthUpdate, frame: bytes, received_ns: int) -> BookDelta:
        first, last = message.U, message.u
        if not 0 <= first <= last < NEWEST_ID:
            raise self._refused("absurd_number", f"update ids U {first}, u {last}", frame)
        return BookDelta(
            exchange=self._exchange,
            market_type="spot",
            symbol=self._symbol(message.s, frame),
            raw_symbol=message.s,
            exchange_ns=self._ns(message.E, frame),
            received_ns=received_ns,
            first_update_id=first,
            last_update_id=last,
            bids=message.b,
            asks=message.a,
        )

    def _ticker(self, message: BinanceTicker, frame: bytes, received_ns: int) -> Ticker:
        bid, bid_size, ask, ask_size = self._best(message, frame)
        day = (message.c, message.o, message.h, message.l, message.v, message.q)
        self._check_numbers(day, (), frame)
        return Ticker(
            exchange=self._exchange,
            market_type="spot",
            symbol=self._symbol(message.s, frame),
            raw_symbol=message.s,
            exchange_ns=self._ns(message.E, frame),
            received_ns=received_ns,
            best_bid_price=bid,
            best_bid_quantity=bid_size,
            best_ask_price=ask,
            best_ask_quantity=ask_size,
            last_price=message.c,
            open_24h=message.o,
            high_24h=message.h,
            low_24h=message.l,
            volume_24h=message.v,
            quote_volume_24h=message.q,
        )

    def _book_ticker(self, message: BinanceBookTicker, frame: bytes, received_ns: int) -> Ticker:
        self._check_numbers((), (message.u,), frame)
        bid, bid_size, ask, ask_size = self._best(message, frame)
        return Ticker(
            exchange=self._exchange,
            market_type="spot",
            symbol=self._symbol(message.s, frame),
            raw_symbol=message.s,
            exchange_ns=None if message.E is None else self._ns(message.E, frame),
            received_ns=received_ns,
            best_bid_price=bid,
            best_bid_quantity=bid_size,
            best_ask_price=ask,
            best_ask_quantity=ask_size,
        )

    def _best(
        self, message: BinanceTicker | BinanceBookTicker, frame: bytes
    ) -> tuple[str | None, str | None, str | None, str | None]:
        """Best bid and ask; an empty side comes as price 0, which is no price."""
        prices = self._check_numbers((message.b, message.a, message.B, message.A), (), frame)
        bid = (message.b, message.B) if prices[0] else (None, None)
        ask = (message.a, message.A) if prices[1] else (None, None)
        return *bid, *ask

    def _symbol(self, raw_symbol: str, frame: bytes) -> str:
        symbol = self._symbols.get(raw_symbol)
        if symbol is None:
            raise self._refused("unknown_symbol", f"{raw_symbol[:40]!r}", frame)
        return symbol

    def _ns(self, time_ms: int, frame: bytes) -> int:
        """A time of theirs as nanoseconds; the unit is never guessed."""
        if not 0 < time_ms < MICROSECONDS_FROM:
            raise self._refused("absurd_number", f"time {time_ms} is not in milliseconds", frame)
        return time_ms * 1_000_000

    def _check_numbers(
        self, texts: Sequence[str], ids: Sequence[int], frame: bytes
    ) -> Sequence[float]:
        for each in ids:
            if not 0 <= each < NEWEST_ID:
                raise self._refused("absurd_number", f"id {each}", frame)
        try:
            return read_decimals(texts) if texts else ()
        except ValueError as error:
            raise self._refused("absurd_number", str(error), frame) from None

    def _check_levels(self, bids: Levels, asks: Levels, frame: bytes) -> None:
        try:
            read_levels(bids, asks)
        except ValueError as error:
            raise self._refused("absurd_number", f"level {error}", frame) from None

    def _refused(self, kind: WireErrorKind, detail: str, frame: bytes) -> WireError:
        return WireError(self._exchange, kind, detail, frame)
