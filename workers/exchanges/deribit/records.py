"""One record of Deribit's and the events it becomes; the same for the stream and for REST.

A number that no market has is a ValueError (or an ArithmeticError of Decimal); the caller knows the
bytes and makes the WireError.
"""

from decimal import Decimal
from typing import Any

from workers.book.sequence import Snapshot
from workers.exchanges.base import BookReset
from workers.exchanges.deribit.answers import DeribitSummary
from workers.exchanges.deribit.messages import (
    DeribitBook,
    DeribitCandle,
    DeribitQuote,
    DeribitStats,
    DeribitTicker,
    DeribitTopBook,
    DeribitTrade,
)
from workers.exchanges.deribit.names import status_of
from workers.exchanges.deribit.numbers import (
    changes,
    checked_id,
    in_base,
    is_combo,
    is_inverse,
    nanoseconds,
    optional,
    pairs,
    signed,
    unsigned,
)
from workers.model.events import (
    AnyEvent,
    BookDelta,
    FundingRate,
    InstrumentChange,
    Kline,
    Liquidation,
    OpenInterest,
    Side,
    Source,
    Ticker,
    Trade,
)
from workers.model.instrument import Instrument
from workers.model.level import read_levels

OPPOSITE: dict[Side, Side] = {"buy": "sell", "sell": "buy"}

LIQUIDATED = frozenset({"M", "T", "MT"})
"""Who was liquidated in a trade: the maker, the taker, both."""


def common(
    instrument: Instrument, exchange_ns: int | None, received_ns: int, source: Source = "live"
) -> dict[str, Any]:
    """The fields all events have."""
    return {
        "exchange": instrument.exchange,
        "market_type": instrument.market_type,
        "symbol": instrument.symbol,
        "raw_symbol": instrument.raw_symbol,
        "exchange_ns": exchange_ns,
        "received_ns": received_ns,
        "source": source,
    }


def trade_events(
    row: DeribitTrade, instrument: Instrument, received_ns: int, source: Source
) -> list[AnyEvent]:
    """The trade, and one liquidation for each side that was liquidated in it.

    `trade_id` is `trade_seq`, contiguous per instrument; theirs is in `exchange_trade_id`.
    """
    fields = common(instrument, nanoseconds(row.timestamp), received_ns, source)
    price = signed(row.price) if is_combo(instrument) else unsigned(row.price)
    amount = unsigned(row.amount)
    quantity, raw_quantity = amount, None
    if is_inverse(instrument):
        quantity, raw_quantity = in_base(row.amount, row.price), amount
    trade_id = checked_id(row.trade_seq)
    events: list[AnyEvent] = [
        Trade(
            **fields,
            trade_id=trade_id,
            price=price,
            quantity=quantity,
            side=row.direction,
            raw_quantity=raw_quantity,
            exchange_trade_id=row.trade_id,
            off_book=_off_book(row),
        )
    ]
    if row.liquidation in LIQUIDATED:
        events += [
            Liquidation(
                **fields,
                side=side,
                price=price,
                quantity=quantity,
                sampled=False,
                raw_quantity=raw_quantity,
                trade_id=trade_id,
            )
            for role, side in (("T", row.direction), ("M", OPPOSITE[row.direction]))
            if role in row.liquidation
        ]
    return events


def _off_book(row: DeribitTrade) -> Any:
    """How a trade came about if not on its book; its price may be away from the book's."""
    if row.block_rfq_id is not None:
        return "rfq"
    if row.block_trade_id is not None:
        return "block"
    return "combo" if row.combo_id is not None else None


def book_change(row: DeribitBook, instrument: Instrument, received_ns: int) -> BookDelta:
    """A change; it covers the ids behind `prev_change_id` to `change_id`."""
    before = row.prev_change_id
    if before is None or before >= row.change_id:
        raise ValueError(f"change_id {row.change_id} behind prev_change_id {before}")
    inverse = is_inverse(instrument)
    bids, asks = changes(row.bids, inverse=inverse), changes(row.asks, inverse=inverse)
    read_levels(bids, asks)
    return BookDelta(
        **common(instrument, nanoseconds(row.timestamp), received_ns),
        first_update_id=checked_id(before) + 1,
        last_update_id=checked_id(row.change_id),
        prev_update_id=before,
        bids=bids,
        asks=asks,
    )


def book_reset(row: DeribitBook, instrument: Instrument, received_ns: int) -> BookReset:
    """The whole book, without a limit of depth: both sides are complete."""
    inverse = is_inverse(instrument)
    bids, asks = changes(row.bids, inverse=inverse), changes(row.asks, inverse=inverse)
    read_levels(bids, asks)
    snapshot = Snapshot(checked_id(row.change_id), bids, asks, True, True)
    return BookReset(instrument.symbol, snapshot, nanoseconds(row.timestamp), received_ns)


def top_book(
    row: DeribitTopBook, instrument: Instrument, received_ns: int, depth: int
) -> BookReset:
    """The best `depth` levels; a shorter side is the whole side."""
    inverse = is_inverse(instrument)
    bids, asks = pairs(row.bids, inverse=inverse), pairs(row.asks, inverse=inverse)
    read_levels(bids, asks)
    snapshot = Snapshot(
        checked_id(row.change_id),
        bids,
        asks,
        len(bids) < depth,
        len(asks) < depth,
    )
    return BookReset(instrument.symbol, snapshot, nanoseconds(row.timestamp), received_ns)


def ticker_events(
    row: DeribitTicker, instrument: Instrument, received_ns: int, source: Source
) -> list[AnyEvent]:
    """The ticker, open interest, and of a perpetual its funding.

    `funding_rate` is the rate of now for 8 hours; it is paid continuously, so there are no times.
    """
    fields = common(instrument, nanoseconds(row.timestamp), received_ns, source)
    bid, ask = _quote(row, instrument)
    events: list[AnyEvent] = [
        Ticker(
            **fields,
            best_bid_price=bid[0],
            best_bid_quantity=bid[1],
            best_ask_price=ask[0],
            best_ask_quantity=ask[1],
            last_price=optional(row.last_price),
            high_24h=optional(row.stats.high),
            low_24h=optional(row.stats.low),
            volume_24h=_volume(row.stats.volume),
            quote_volume_24h=_quote_volume(row.stats, instrument),
        )
    ]
    if instrument.market_type == "perpetual":
        events.append(
            FundingRate(
                **fields,
                funding_rate=optional(row.current_funding),
                mark_price=optional(row.mark_price),
                index_price=optional(row.index_price),
            )
        )
    if row.open_interest is not None:
        events.append(open_interest(row.open_interest, row.mark_price, instrument, fields))
    return events


def summary_events(
    row: DeribitSummary, instrument: Instrument, received_ns: int, source: Source
) -> list[AnyEvent]:
    """A ticker without quantities, of a perpetual its funding and marks, and open interest."""
    fields = common(instrument, nanoseconds(row.creation_timestamp), received_ns, source)
    combo = is_combo(instrument)
    events: list[AnyEvent] = [
        Ticker(
            **fields,
            best_bid_price=_price(row.bid_price, combo=combo),
            best_ask_price=_price(row.ask_price, combo=combo),
            last_price=optional(row.last),
            high_24h=optional(row.high),
            low_24h=optional(row.low),
            volume_24h=_volume(row.volume),
            quote_volume_24h=_quote_volume(row, instrument),
        )
    ]
    if instrument.market_type == "perpetual":
        events.append(
            FundingRate(
                **fields,
                funding_rate=optional(row.current_funding),
                mark_price=optional(row.mark_price),
                index_price=optional(row.estimated_delivery_price),
            )
        )
    if row.open_interest is not None:
        events.append(open_interest(row.open_interest, row.mark_price, instrument, fields))
    return events


def open_interest(
    amount: Decimal, mark_price: Decimal | None, instrument: Instrument, fields: dict[str, Any]
) -> OpenInterest:
    """Open interest in base units; of inverse instruments at the mark price of the same message."""
    text = unsigned(amount)
    if not is_inverse(instrument):
        return OpenInterest(**fields, open_interest=text)
    base = in_base(amount, mark_price) if mark_price else None
    return OpenInterest(
        **fields, open_interest=base, open_interest_value=text, raw_open_interest=text
    )


def quote_event(row: DeribitQuote, instrument: Instrument, received_ns: int) -> Ticker:
    """Best bid and ask alone."""
    bid, ask = _quote(row, instrument)
    return Ticker(
        **common(instrument, nanoseconds(row.timestamp), received_ns),
        best_bid_price=bid[0],
        best_bid_quantity=bid[1],
        best_ask_price=ask[0],
        best_ask_quantity=ask[1],
    )


def kline(row: DeribitCandle, interval: str, closed: bool | None, fields: dict[str, Any]) -> Kline:
    """A candle; `cost` of an option is premium in the coin it is paid in."""
    return Kline(
        **fields,
        interval=interval,
        open_time_ns=nanoseconds(row.tick),
        open=signed(row.open),
        high=signed(row.high),
        low=signed(row.low),
        close=signed(row.close),
        volume=unsigned(row.volume),
        quote_volume=signed(row.cost),
        closed=closed,
    )


def instrument_change(
    instrument: Instrument,
    raw_status: str,
    exchange_ns: int | None,
    received_ns: int,
    source: Source = "live",
) -> InstrumentChange:
    """The facts of an instrument with its new state."""
    return InstrumentChange(
        **common(instrument, exchange_ns, received_ns, source),
        status=status_of(raw_status),
        raw_status=raw_status,
        base=instrument.base,
        quote=instrument.quote,
        settle=instrument.settle,
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        contract_size=instrument.contract_size,
        expiry_ns=instrument.expiry_ns,
    )


Best = tuple[str | None, str | None]


def _quote(row: DeribitTicker | DeribitQuote, instrument: Instrument) -> tuple[Best, Best]:
    return (
        _best(row.best_bid_price, row.best_bid_amount, instrument),
        _best(row.best_ask_price, row.best_ask_amount, instrument),
    )


def _best(price: Decimal | None, amount: Decimal | None, instrument: Instrument) -> Best:
    """Price and quantity in base units; an empty side comes as null or 0."""
    text = _price(price, combo=is_combo(instrument))
    if text is None or price is None or not amount:
        return None, None
    return text, in_base(amount, price) if is_inverse(instrument) else unsigned(amount)


def _price(price: Decimal | None, *, combo: bool) -> str | None:
    if price is None or (not price and not combo):
        return None
    return signed(price) if combo else unsigned(price)


def _volume(volume: Decimal | None) -> str | None:
    return None if volume is None else unsigned(volume)


def _quote_volume(row: DeribitStats | DeribitSummary, instrument: Instrument) -> str | None:
    """Quote units; an option's volume_usd is the premium's worth, which is something else."""
    if instrument.market_type == "option":
        return None
    volume = row.volume_notional
    if volume is None and instrument.quote == "USD":
        volume = row.volume_usd
    return _volume(volume)
