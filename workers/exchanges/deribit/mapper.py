"""Deribit frames to events. Pure: one mapper for live, replay and normalising.

Usual frames are recognised by their channel without decoding, then decoded once, typed. Answers,
heartbeats, odd field order and fields we do not know go through unusual.py.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from workers.exchanges.base import Mapped, ShutdownNotice
from workers.exchanges.deribit import records
from workers.exchanges.deribit.messages import (
    UNREADABLE,
    DeribitBook,
    DeribitCandle,
    DeribitIndexPrice,
    DeribitInstrument,
    DeribitNotification,
    DeribitPerpetual,
    DeribitPlatform,
    DeribitQuote,
    DeribitState,
    DeribitTicker,
    DeribitTopBook,
    DeribitTrade,
    DeribitVolatility,
)
from workers.exchanges.deribit.names import (
    INTERVALS,
    index_of,
    instrument_named,
    instrument_of,
    volatility_symbol,
)
from workers.exchanges.deribit.numbers import nanoseconds, optional, signed, unsigned
from workers.exchanges.deribit.unusual import Notification, convert, read_unusual, unreadable
from workers.model.errors import WireError, WireErrorKind
from workers.model.events import AnyEvent, FundingRate, VolatilityIndex
from workers.model.instrument import Instrument

PREFIX = b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"'

NAMES_KEPT = 200
"""Names of unknown fields; what is beyond is counted under `other`."""

IGNORED = frozenset(
    {
        "announcements",
        "block_rfq",
        "block_trade_confirmations",
        "deribit_price_ranking",
        "deribit_price_statistics",
        "estimated_expiration_price",
        "markprice",
        "rfq",
    }
)
"""First words of channels that exist and that we do not collect."""


class UnknownSymbol(Exception):
    """An instrument that was not asked for."""


Build = Callable[[str, Any, int], Sequence[Mapped]]


class Route(NamedTuple):
    """How one kind of channel is read."""

    data: Any
    decoder: msgspec.json.Decoder[Any]
    build: Build


class DeribitMapper:
    """Turns frames of Deribit into events.

    Of an index that is locked it remembers that much, as platform_state repeats itself without end.

    Args:
        exchange: the name events carry.
        instruments: those it may meet; any other is a WireError unknown_symbol, except in what is
            said about all instruments (states, listings, `trades.{kind}.{currency}`).
    """

    def __init__(self, exchange: str, instruments: Sequence[Instrument]) -> None:
        self._exchange = exchange
        self._instruments = {each.raw_symbol: each for each in instruments}
        self._by_index: dict[str, list[Instrument]] = {}
        for each in instruments:
            self._by_index.setdefault(index_of(each.base, each.quote), []).append(each)
        self._locked: set[str] = set()
        self.extra_fields: dict[str, int] = Counter()
        self.ignored: dict[str, int] = Counter()
        """What we know and do not collect, by name."""
        self._top_book = _route(DeribitTopBook, self._top_books)
        self._routes = {
            "book": _route(DeribitBook, self._books),
            "trades": _route(list[DeribitTrade], self._trades),
            "ticker": _route(DeribitTicker, self._tickers),
            "incremental_ticker": _route(DeribitTicker, self._tickers),
            "quote": _route(DeribitQuote, self._quotes),
            "perpetual": _route(DeribitPerpetual, self._perpetuals),
            "chart": _route(DeribitCandle, self._candles),
            "deribit_volatility_index": _route(DeribitVolatility, self._volatility),
            "deribit_price_index": _route(DeribitIndexPrice, self._index_prices),
            "instrument": _route(DeribitState, self._states),
            "platform_state": _route(DeribitPlatform, self._platform),
        }
        self._creation = _route(DeribitInstrument, self._creations)

    def map(self, frame: bytes, received_ns: int) -> Sequence[Mapped]:
        """Events and notices in one frame; empty where it carries nothing for us.

        Raises:
            WireError: the frame cannot be used; its `kind` says why.
        """
        route = None
        if frame.startswith(PREFIX):
            end = frame.find(b'"', len(PREFIX))
            route = self._route(frame[len(PREFIX) : end].decode("ascii", "replace"))
        if route is None:
            return self._map_unusual(frame, received_ns)
        try:
            params = route.decoder.decode(frame).params
        except UNREADABLE:
            return self._map_unusual(frame, received_ns)
        return self._built(route, params.channel, params.data, frame, received_ns)

    def _route(self, channel: str) -> Route | None:
        first, _, rest = channel.partition(".")
        if first == "book" and rest.count(".") > 1:
            return self._top_book
        if first == "instrument" and rest.startswith("creation."):
            return self._creation
        if channel == "platform_state.public_methods_state":
            return None
        return self._routes.get(first)

    def _map_unusual(self, frame: bytes, received_ns: int) -> Sequence[Mapped]:
        found = read_unusual(self._exchange, frame)
        if found is None:
            return ()
        if not isinstance(found, Notification):
            return (found,)
        channel = found.channel
        route = self._route(channel)
        if route is None:
            first = channel.partition(".")[0]
            if first not in IGNORED and channel != "platform_state.public_methods_state":
                raise self._refused("unknown_event", f"channel {channel[:60]!r}", frame)
            self.ignored[first] += 1
            return ()
        try:
            params = convert(found, route.data, self._count_extra).params
        except UNREADABLE as error:
            raise unreadable(self._exchange, channel[:60], error, frame) from error
        return self._built(route, channel, params.data, frame, received_ns)

    def _built(
        self, route: Route, channel: str, data: Any, frame: bytes, received_ns: int
    ) -> Sequence[Mapped]:
        try:
            return route.build(channel, data, received_ns)
        except UnknownSymbol as error:
            raise self._refused("unknown_symbol", f"{str(error)[:60]!r}", frame) from error
        except (ValueError, ArithmeticError) as error:
            raise self._refused("absurd_number", f"{channel[:60]}: {error}", frame) from error

    def _books(self, channel: str, row: DeribitBook, received_ns: int) -> Sequence[Mapped]:
        instrument = self._instrument(row.instrument_name)
        if row.type == "snapshot" or (row.type is None and row.prev_change_id is None):
            return (records.book_reset(row, instrument, received_ns),)
        return (records.book_change(row, instrument, received_ns),)

    def _top_books(self, channel: str, row: DeribitTopBook, received_ns: int) -> Sequence[Mapped]:
        instrument = self._instrument(row.instrument_name)
        if _word(channel, 2) != "none":  # prices are rounded: these are no levels of the book
            self.ignored["grouped book"] += 1
            return ()
        return (records.top_book(row, instrument, received_ns, int(_word(channel, 3))),)

    def _trades(self, channel: str, rows: list[DeribitTrade], received_ns: int) -> Sequence[Mapped]:
        for_many = channel.count(".") > 2
        events: list[AnyEvent] = []
        for row in rows:
            if for_many and row.instrument_name not in self._instruments:
                self.ignored["trades of other instruments"] += 1
                continue
            instrument = self._instrument(row.instrument_name)
            events += records.trade_events(row, instrument, received_ns, "live")
            if row.liquidation is not None and row.liquidation not in records.LIQUIDATED:
                self.ignored[f"liquidation {row.liquidation[:20]}"] += 1
        return events

    def _tickers(self, channel: str, row: DeribitTicker, received_ns: int) -> Sequence[Mapped]:
        if row.type == "change":  # holds only what changed
            self.ignored["incremental_ticker change"] += 1
            return ()
        instrument = self._instrument(row.instrument_name)
        return records.ticker_events(row, instrument, received_ns, "live")

    def _quotes(self, channel: str, row: DeribitQuote, received_ns: int) -> Sequence[Mapped]:
        instrument = self._instrument(row.instrument_name)
        return (records.quote_event(row, instrument, received_ns),)

    def _perpetuals(
        self, channel: str, row: DeribitPerpetual, received_ns: int
    ) -> Sequence[Mapped]:
        instrument = self._instrument(_word(channel, 1))
        return (
            FundingRate(
                **records.common(instrument, nanoseconds(row.timestamp), received_ns),
                funding_rate=signed(row.interest),
                index_price=optional(row.index_price),
            ),
        )

    def _candles(self, channel: str, row: DeribitCandle, received_ns: int) -> Sequence[Mapped]:
        instrument = self._instrument(_word(channel, 2))
        interval = INTERVALS.get(_word(channel, 3))
        if interval is None:
            raise ValueError("a resolution that is not documented")
        return (records.kline(row, interval, None, records.common(instrument, None, received_ns)),)

    def _volatility(
        self, channel: str, row: DeribitVolatility, received_ns: int
    ) -> Sequence[Mapped]:
        return (
            VolatilityIndex(
                exchange=self._exchange,
                market_type="option",
                symbol=volatility_symbol(row.index_name),
                raw_symbol=row.index_name,
                exchange_ns=nanoseconds(row.timestamp),
                received_ns=received_ns,
                close=unsigned(row.volatility),
            ),
        )

    def _index_prices(
        self, channel: str, row: DeribitIndexPrice, received_ns: int
    ) -> Sequence[Mapped]:
        """An index is the index price of the perpetuals that follow it."""
        followers = [
            each
            for each in self._by_index.get(row.index_name, ())
            if each.market_type == "perpetual"
        ]
        if not followers:
            self.ignored["index without a perpetual"] += 1
        price, exchange_ns = unsigned(row.price), nanoseconds(row.timestamp)
        return [
            FundingRate(**records.common(each, exchange_ns, received_ns), index_price=price)
            for each in followers
        ]

    def _states(self, channel: str, row: DeribitState, received_ns: int) -> Sequence[Mapped]:
        name = row.instrument_name
        instrument = self._instruments.get(name) or instrument_named(self._exchange, name)
        if instrument is None:
            self.ignored["state of a combo"] += 1
            return ()
        exchange_ns = nanoseconds(row.timestamp)
        return (records.instrument_change(instrument, row.state, exchange_ns, received_ns),)

    def _creations(
        self, channel: str, row: DeribitInstrument, received_ns: int
    ) -> Sequence[Mapped]:
        instrument = instrument_of(self._exchange, row)
        return (records.instrument_change(instrument, instrument.raw_status, None, received_ns),)

    def _platform(self, channel: str, row: DeribitPlatform, received_ns: int) -> Sequence[Mapped]:
        if row.maintenance:
            return (ShutdownNotice("platform_state: maintenance"),)
        index = row.price_index
        if index is None or row.locked is None or row.locked == (index in self._locked):
            self.ignored["platform_state"] += 1
            return ()
        if row.locked:
            self._locked.add(index)
        else:
            self._locked.discard(index)
        return [
            records.instrument_change(
                each, "locked" if row.locked else each.raw_status, None, received_ns
            )
            for each in self._by_index.get(index, ())
        ]

    def _instrument(self, raw_symbol: str) -> Instrument:
        instrument = self._instruments.get(raw_symbol)
        if instrument is None:
            raise UnknownSymbol(raw_symbol)
        return instrument

    def _count_extra(self, name: str) -> None:
        known = name in self.extra_fields or len(self.extra_fields) < NAMES_KEPT
        self.extra_fields[name if known else "other"] += 1

    def _refused(self, kind: WireErrorKind, detail: str, frame: bytes) -> WireError:
        return WireError(self._exchange, kind, detail, frame)


def _route(data: Any, build: Build) -> Route:
    return Route(data, msgspec.json.Decoder(DeribitNotification[data]), build)


def _word(channel: str, index: int) -> str:
    """A part of a channel's name; instrument names have no dots."""
    words = channel.split(".")
    if index >= len(words):
        raise ValueError("the channel's name is too short")
    return words[index]
