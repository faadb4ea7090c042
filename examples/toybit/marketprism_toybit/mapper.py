"""Frames of Toybit to events. Pure: the same bytes are the same events, live or in a test."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from workers.book.sequence import Snapshot
from workers.exchanges.base import Acknowledged, BookReset, Mapped, by_raw_symbol
from workers.model.errors import WireError, WireErrorKind
from workers.model.events import BookDelta, Levels, Ticker, Trade
from workers.model.instrument import Instrument
from workers.model.level import read_decimals, read_levels

NEWEST_ID, LATEST_MS = 2**63, 10**14


class ToybitTrade(msgspec.Struct):
    """{"channel":"trade","market":"BTC-USD","id":7,"price":"1.5","size":"2","taker":"buy",...}."""

    market: str
    id: int
    price: str
    size: str
    taker: Literal["buy", "sell"]
    time: int


class ToybitBook(msgspec.Struct):
    """{"channel":"book","market":"BTC-USD","seq":5,"prev":4,"bids":[["1.4","3"]],"asks":[],...}."""

    market: str
    seq: int
    prev: int | None
    bids: Levels
    asks: Levels
    time: int


class ToybitTicker(msgspec.Struct):
    """{"channel":"ticker","market":"BTC-USD","bid":"1.4","bid_size":"3","ask":"1.6",...}."""

    market: str
    bid: str
    bid_size: str
    ask: str
    ask_size: str
    last: str
    time: int


STRUCTS: dict[str, Any] = {"trade": ToybitTrade, "book": ToybitBook, "ticker": ToybitTicker}


class ToybitMapper:
    """Reads with care what another would read fast: an example first of all."""

    def __init__(self, exchange: str, instruments: Sequence[Instrument]) -> None:
        self._exchange, self._instruments = exchange, by_raw_symbol(instruments)
        self.extra_fields: dict[str, int] = Counter()

    def map(self, frame: bytes, received_ns: int) -> Sequence[Mapped]:
        """Events and answers in one frame. Raises WireError."""
        try:
            return self._map(msgspec.json.decode(frame), frame, received_ns)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise refused(self._exchange, error, frame) from error

    def _map(self, fields: Any, frame: bytes, received_ns: int) -> Sequence[Mapped]:
        if not isinstance(fields, dict):
            raise self._refused("unknown_event", "no object", frame)
        if "ok" in fields:
            error = None if fields["ok"] is True else str(fields.get("error"))[:200]
            request_id = fields.get("id")
            return (Acknowledged(request_id if isinstance(request_id, int) else None, error),)
        channel = fields.get("channel")
        struct = STRUCTS.get(channel) if isinstance(channel, str) else None
        if struct is None:
            raise self._refused("unknown_event", f"channel {channel!r:.40}", frame)
        message = msgspec.convert(fields, struct)
        instrument = self._instruments.get(message.market)
        if instrument is None:
            raise self._refused("unknown_symbol", f"{message.market[:40]!r}", frame)
        if not 0 < message.time < LATEST_MS:
            raise ValueError(f"time {message.time}")
        facts: dict[str, Any] = {
            "exchange": instrument.exchange,
            "market_type": instrument.market_type,
            "symbol": instrument.symbol,
            "raw_symbol": instrument.raw_symbol,
            "exchange_ns": message.time * 1_000_000,
            "received_ns": received_ns,
        }
        event = BUILD[channel](message, facts)
        for name in fields.keys() - {"channel", *struct.__struct_fields__}:
            self.extra_fields[f"{struct.__name__}.{name[:40]}"] += 1
        return (event,)

    def _refused(self, kind: WireErrorKind, detail: str, frame: bytes) -> WireError:
        return WireError(self._exchange, kind, detail, frame)


def _trade(message: ToybitTrade, facts: dict[str, Any]) -> Trade:
    read_decimals((message.price, message.size))
    return Trade(
        **facts,
        trade_id=_id(message.id),
        price=message.price,
        quantity=message.size,
        side=message.taker,
    )


def _book(message: ToybitBook, facts: dict[str, Any]) -> BookReset | BookDelta:
    read_levels(message.bids, message.asks)
    last = _id(message.seq)
    if message.prev is None:
        snapshot = Snapshot(last, message.bids, message.asks, True, True)
        return BookReset(facts["symbol"], snapshot, facts["exchange_ns"], facts["received_ns"])
    before = _id(message.prev)
    if before >= last:
        raise ValueError(f"seq {last} behind prev {before}")
    return BookDelta(
        **facts,
        first_update_id=before + 1,
        last_update_id=last,
        prev_update_id=before,
        bids=message.bids,
        asks=message.asks,
    )


def _ticker(message: ToybitTicker, facts: dict[str, Any]) -> Ticker:
    read_decimals((message.bid, message.bid_size, message.ask, message.ask_size, message.last))
    return Ticker(
        **facts,
        best_bid_price=message.bid,
        best_bid_quantity=message.bid_size,
        best_ask_price=message.ask,
        best_ask_quantity=message.ask_size,
        last_price=message.last,
    )


BUILD: dict[str, Any] = {"trade": _trade, "book": _book, "ticker": _ticker}


def _id(number: int) -> int:
    if not 0 <= number < NEWEST_ID:
        raise ValueError(f"id {number}")
    return number


def refused(exchange: str, error: Exception, frame: bytes) -> WireError:
    """The error for bytes that cannot be read."""
    if isinstance(error, msgspec.ValidationError):
        return WireError(exchange, "missing_field", str(error), frame)
    broken = isinstance(error, msgspec.DecodeError | RecursionError | UnicodeDecodeError)
    return WireError(exchange, "broken_json" if broken else "absurd_number", str(error), frame)
