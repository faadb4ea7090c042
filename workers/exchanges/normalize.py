"""One raw frame of any exchange to events: for files, shells and notebooks. Pure, no clock.

Instruments make it exact. Without them an event says what its frame says and no more:

| exchange            | symbol              | market type                     | quantities       |
|---------------------|---------------------|---------------------------------|------------------|
| binance_spot        | theirs, `BTCUSDT`   | spot                            | base units       |
| binance_derivatives | theirs, `BTCUSDT`   | future if dated, else perpetual | base units       |
| okx_*               | ours, from the id   | from the id, and so is which of | spot: base units |
|                     |                     | the two exchanges it is         | else: contracts  |
| deribit             | ours, from the name | from the name                   | base units       |

BTCUSDT does not say where it divides, so it is not divided: `symbol` equals `raw_symbol`, and the
facts of an instrument (Binance's contractInfo) become no event. Contracts of OKX without their size
stay contracts: `raw_quantity` equals `quantity`, and `Normalizer.unconverted` names them. What a
name does not tell (combos of Deribit) is a WireError unknown_symbol. A `depthUpdate` of USD-M
without its stream's name is taken for a change of the book: nothing tells it from a partial one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from workers.exchanges import registry
from workers.exchanges.base import BookReset, Exchange, Mapped, Mapper
from workers.exchanges.deribit.names import instrument_named
from workers.exchanges.okx.exchange import OKX_DERIVATIVES, OKX_SPOT
from workers.exchanges.okx.symbols import guess, market_type
from workers.model.events import AnyEvent, Event, InstrumentChange, OrderBook
from workers.model.instrument import Instrument

DATED = re.compile(r"[^_]+_[0-9]{6}", re.ASCII)
"""A USD-M symbol with its delivery, `BTCUSDT_260327`."""

NAMES = {
    "binance_spot": "s",
    "binance_derivatives": "s",
    "okx_spot": "instId",
    "okx_derivatives": "instId",
    "deribit": "instrument_name",
}
"""The field an exchange names an instrument in."""

Guess = Callable[[str], Instrument | None]


def normalize(
    exchange_name: str,
    frame: bytes | str,
    *,
    instruments: Sequence[Instrument] = (),
    received_ns: int = 0,
) -> list[AnyEvent]:
    """The events in one frame; empty for answers, heartbeats and what is not collected.

    Nothing is remembered between calls; a Normalizer is faster for many frames.

    Args:
        exchange_name: `okx_spot`. A swap's frame given to it becomes events of okx_derivatives.
        frame: one message as the WebSocket brought it, raw or in the exchange's wrapper.
        instruments: what `read_instruments` of the exchange gave; see the table for without.
        received_ns: what the events carry; 0 where nobody knows.

    Raises:
        UnknownExchange: there is none of this name.
        WireError: the frame cannot be used; its `kind` says why.
    """
    return Normalizer(exchange_name, instruments).events(frame, received_ns)


class Normalizer:
    """Reads many frames of one exchange.

    Attributes:
        unconverted: raw symbols whose quantities stayed contracts, as their size is unknown.
    """

    def __init__(self, exchange_name: str, instruments: Sequence[Instrument] = ()) -> None:
        self._exchange = registry.exchange(exchange_name)
        self._given = list(instruments)
        self._known = {each.raw_symbol: each for each in instruments}
        self._mappers: dict[str, Mapper] = {}
        self.unconverted: set[str] = set()

    def events(self, frame: bytes | str, received_ns: int = 0) -> list[AnyEvent]:
        """The events in one frame; see `normalize`."""
        if isinstance(frame, str):
            frame = frame.encode("utf-8", "surrogatepass")
        named = list(dict.fromkeys(_names(self._exchange.name, frame)))
        found = self._mapper(named, frame).map(frame, received_ns)
        return [event for item in found if (event := self._event(item)) is not None]

    def _mapper(self, named: Sequence[str], frame: bytes) -> Mapper:
        """The mapper that knows these instruments, as far as they can be known."""
        exchange = self._exchange
        if exchange in (OKX_SPOT, OKX_DERIVATIVES):
            return self._okx_mapper(named, of_index=b'"index-tickers"' in frame)
        fresh = [each for each in named if each not in self._known]
        guessed = [each for raw in fresh if (each := _guess(exchange, raw)) is not None]
        self._known |= {each.raw_symbol: each for each in guessed}
        if guessed or exchange.name not in self._mappers:
            self._mappers[exchange.name] = exchange.mapper(list(self._known.values()))
        return self._mappers[exchange.name]

    def _okx_mapper(self, named: Sequence[str], *, of_index: bool) -> Mapper:
        """OKX: one language, two exchanges; the ids say which.

        An index is called like a spot pair, and is the index price of its perpetual.
        """
        kinds = [kind for kind in map(_okx_kind, named) if kind is not None]
        okx = OKX_SPOT if self._exchange is OKX_SPOT else OKX_DERIVATIVES
        if of_index:
            okx = OKX_DERIVATIVES
        elif kinds:
            okx = OKX_SPOT if set(kinds) == {"spot"} else OKX_DERIVATIVES
        for raw in named:
            if raw not in self._known and _okx_kind(raw) is not None:
                self._known[raw] = guess(okx.name, raw)
            known = self._known.get(raw)
            if known and known.market_type != "spot" and known.contract_size is None:
                self.unconverted.add(raw)
        if okx.name not in self._mappers:
            self._mappers[okx.name] = okx.guessing_mapper(self._given)
        return self._mappers[okx.name]

    def _event(self, item: Mapped) -> AnyEvent | None:
        if isinstance(item, BookReset):
            return self._whole_book(item)
        if isinstance(item, InstrumentChange) and not item.base:
            return None
        return item if isinstance(item, Event) else None

    def _whole_book(self, reset: BookReset) -> OrderBook:
        """A book that came on the stream, as an event."""
        instrument = next(each for each in self._known.values() if each.symbol == reset.symbol)
        bids, asks = reset.snapshot.bids, reset.snapshot.asks
        return OrderBook(
            exchange=instrument.exchange,
            market_type=instrument.market_type,
            symbol=instrument.symbol,
            raw_symbol=instrument.raw_symbol,
            exchange_ns=reset.exchange_ns,
            received_ns=reset.received_ns,
            last_update_id=reset.snapshot.last_update_id,
            bids=bids,
            asks=asks,
            depth=max(len(bids), len(asks)),
            state="SYNCED",
            verified_depth=min(len(bids), len(asks)),
        )


def _names(exchange_name: str, frame: bytes) -> Iterator[str]:
    """Instruments a frame names, in its order; none where it cannot be read."""
    field = NAMES.get(exchange_name)
    if field is None:
        return
    try:
        stack: list[Any] = [msgspec.json.decode(frame)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return  # the mapper says what is wrong with it
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            name = value.get(field)
            if isinstance(name, str):
                yield name
            channel = value.get("channel")
            if exchange_name == "deribit" and isinstance(channel, str):
                yield from channel.split(".")[1:3]
            stack += [each for each in reversed(value.values()) if isinstance(each, dict | list)]
        elif isinstance(value, list):
            stack += [each for each in reversed(value) if isinstance(each, dict)]


def _guess(exchange: Exchange, raw_symbol: str) -> Instrument | None:
    """What the name tells, where it tells enough."""
    if exchange.name == "deribit":
        return instrument_named(exchange.name, raw_symbol)
    if exchange.name not in NAMES or not raw_symbol:
        return None
    dated = exchange.name == "binance_derivatives" and DATED.fullmatch(raw_symbol)
    return Instrument(
        exchange=exchange.name,
        market_type="future" if dated else exchange.market_type,
        symbol=raw_symbol,
        raw_symbol=raw_symbol,
        status="trading",
        raw_status="",
        base="",
        quote="",
    )


def _okx_kind(raw_symbol: str) -> str | None:
    try:
        return market_type(raw_symbol)
    except ValueError:
        return None
