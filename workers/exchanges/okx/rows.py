"""Rows of OKX, from the stream or from REST, as events: one reading for both. Pure.

Every function raises ValueError or ArithmeticError for a value that cannot be; the caller knows the
bytes and makes it a WireError.
"""

from workers.exchanges.okx.contracts import Contract
from workers.exchanges.okx.messages import (
    OkxBest,
    OkxCandle,
    OkxForcedOrder,
    OkxFunding,
    OkxIndexTicker,
    OkxMarkPrice,
    OkxOpenInterest,
    OkxSettledFunding,
    OkxTicker,
    OkxTrade,
)
from workers.model.events import (
    FundingRate,
    Kline,
    Liquidation,
    OpenInterest,
    Source,
    Ticker,
    Trade,
)
from workers.model.level import read_decimals

MICROSECONDS_FROM = 10**14
"""Milliseconds have 13 digits until 2286; a time this large is in another unit, not far away."""

NEWEST_ID = 2**63

BARS = {
    "1s": "1s",
    "1m": "1m",
    "3m": "3m",
    "5m": "5m",
    "15m": "15m",
    "30m": "30m",
    "1h": "1H",
    "2h": "2H",
    "4h": "4H",
    "6h": "6Hutc",
    "12h": "12Hutc",
    "1d": "1Dutc",
    "2d": "2Dutc",
    "3d": "3Dutc",
    "1w": "1Wutc",
    "1M": "1Mutc",
    "3M": "3Mutc",
}
"""Our intervals and their bars. From six hours on theirs open at UTC+8 unless they end in `utc`."""

INTERVALS = {bar: interval for interval, bar in BARS.items()}


def interval(bar: str) -> str:
    """Our name of a bar; one that opens at UTC+8 keeps theirs, `1D`, as it is another candle."""
    return INTERVALS.get(bar, bar)


def whole(text: str, what: str) -> int:
    """A whole number below 2**63."""
    if not (text.isascii() and text.isdigit()) or int(text) >= NEWEST_ID:
        raise ValueError(f"{what} {text[:40]!r} is no whole number")
    return int(text)


def time_ns(text: str) -> int:
    """A time of theirs as nanoseconds."""
    time_ms = whole(text, "time")
    if not 0 < time_ms < MICROSECONDS_FROM:
        raise ValueError(f"time {time_ms} is not in milliseconds")
    return time_ms * 1_000_000


def time_or_none(text: str) -> int | None:
    """A time that may be empty."""
    return time_ns(text) if text else None


def present(text: str) -> str | None:
    """A plain decimal, None where it is empty."""
    if not text:
        return None
    read_decimals((text,))
    return text


def signed(text: str) -> str | None:
    """A decimal that may be below zero, None where it is empty."""
    return None if present(text.removeprefix("-")) is None else text


def positive(text: str, what: str) -> str:
    """A price: above zero."""
    if not read_decimals((text,))[0]:
        raise ValueError(f"{what} 0")
    return text


def trade(row: OkxTrade, contract: Contract, received_ns: int, source: Source = "live") -> Trade:
    """One trade; with a count, the fills of one taker order at one price, `tradeId` the last."""
    instrument, last = contract.instrument, whole(row.tradeId, "trade id")
    price, quantity = read_decimals((row.px, row.sz))
    if not price or not quantity:
        raise ValueError(f"price {row.px}, quantity {row.sz}: no trade")
    first = None
    if row.count is not None:
        count = whole(row.count, "count")
        if not 0 < count <= last + 1:
            raise ValueError(f"count {count} of trades up to {last}")
        first = last - count + 1
    return Trade(
        exchange=instrument.exchange,
        market_type=instrument.market_type,
        symbol=instrument.symbol,
        raw_symbol=row.instId,
        exchange_ns=time_ns(row.ts),
        received_ns=received_ns,
        source=source,
        trade_id=last,
        price=row.px,
        quantity=contract.base(row.sz, row.px),
        side=row.side,
        aggregate=first is not None,
        first_trade_id=first,
        last_trade_id=None if first is None else last,
        raw_quantity=contract.raw(row.sz),
    )


def best(row: OkxBest, contract: Contract, received_ns: int) -> Ticker:
    """Best bid and ask alone."""
    instrument = contract.instrument
    read_decimals([text for level in (*row.bids[:1], *row.asks[:1]) for text in level[:2]])
    bid, ask = contract.levels(row.bids[:1]), contract.levels(row.asks[:1])
    return Ticker(
        exchange=instrument.exchange,
        market_type=instrument.market_type,
        symbol=instrument.symbol,
        raw_symbol=instrument.raw_symbol,
        exchange_ns=time_ns(row.ts),
        received_ns=received_ns,
        best_bid_price=bid[0][0] if bid else None,
        best_bid_quantity=bid[0][1] if bid else None,
        best_ask_price=ask[0][0] if ask else None,
        best_ask_quantity=ask[0][1] if ask else None,
    )


def ticker(row: OkxTicker, contract: Contract, received_ns: int, source: Source = "live") -> Ticker:
    """Best bid and ask and the day. Derivatives tell no quote volume.

    Quantities at a price are converted at that price; an empty text is absent.
    """
    instrument = contract.instrument
    spot = instrument.market_type == "spot"
    bid, ask = present(row.bidPx), present(row.askPx)
    bid_size, ask_size = present(row.bidSz), present(row.askSz)
    return Ticker(
        exchange=instrument.exchange,
        market_type=instrument.market_type,
        symbol=instrument.symbol,
        raw_symbol=row.instId,
        exchange_ns=time_ns(row.ts),
        received_ns=received_ns,
        source=source,
        best_bid_price=bid,
        best_bid_quantity=None if not bid or not bid_size else contract.base(bid_size, bid),
        best_ask_price=ask,
        best_ask_quantity=None if not ask or not ask_size else contract.base(ask_size, ask),
        last_price=present(row.last),
        open_24h=present(row.open24h),
        high_24h=present(row.high24h),
        low_24h=present(row.low24h),
        volume_24h=present(row.vol24h if spot else row.volCcy24h),
        quote_volume_24h=present(row.volCcy24h) if spot else None,
    )


def kline(
    row: OkxCandle, bar: str, contract: Contract, received_ns: int, source: Source = "live"
) -> Kline:
    """One candle. Rows of seven are recordings from before the last two columns came."""
    if len(row) not in (7, 9):
        raise ValueError(f"a candle of {len(row)} columns")
    read_decimals(row[1:7])
    instrument = contract.instrument
    spot = instrument.market_type == "spot"
    quote = row[7] if len(row) == 9 else (row[6] if spot else "")
    return Kline(
        exchange=instrument.exchange,
        market_type=instrument.market_type,
        symbol=instrument.symbol,
        raw_symbol=instrument.raw_symbol,
        exchange_ns=None,
        received_ns=received_ns,
        source=source,
        interval=interval(bar),
        open_time_ns=time_ns(row[0]),
        open=row[1],
        high=row[2],
        low=row[3],
        close=row[4],
        volume=row[5] if spot else row[6],
        quote_volume=present(quote),
        closed=row[8] == "1" if len(row) == 9 else None,
    )


def funding(
    row: OkxFunding, contract: Contract, received_ns: int, source: Source = "live"
) -> FundingRate:
    """The rate expected for the next payment. Perpetuals, and futures that pay funding."""
    instrument = contract.instrument
    return FundingRate(
        exchange=instrument.exchange,
        market_type=instrument.market_type,
        symbol=instrument.symbol,
        raw_symbol=row.instId,
        exchange_ns=time_or_none(row.ts),
        received_ns=received_ns,
        source=source,
        funding_rate=signed(row.fundingRate),
        funding_time_ns=time_or_none(row.fundingTime),
        next_funding_time_ns=time_or_none(row.nextFundingTime),
    )


def settled_funding(
    row: OkxSettledFunding, contract: Contract, received_ns: int, source: Source
) -> FundingRate:
    """A rate that was paid: the realised one, not what was expected before."""
    instrument = contract.instrument
    paid_ns = time_ns(row.fundingTime)
    return FundingRate(
        exchange=instrument.exchange,
        market_type=instrument.market_type,
        symbol=instrument.symbol,
        raw_symbol=row.instId,
        exchange_ns=paid_ns,
        received_ns=received_ns,
        source=source,
        funding_rate=signed(row.realizedRate) or signed(row.fundingRate),
        funding_time_ns=paid_ns,
    )


def price_of(
    row: OkxMarkPrice | OkxIndexTicker,
    contract: Contract,
    received_ns: int,
    source: Source = "live",
) -> FundingRate:
    """A mark price, or the price of the index below the contract."""
    instrument = contract.instrument
    mark = positive(row.markPx, "mark price") if isinstance(row, OkxMarkPrice) else None
    index = positive(row.idxPx, "index price") if isinstance(row, OkxIndexTicker) else None
    return FundingRate(
        exchange=instrument.exchange,
        market_type=instrument.market_type,
        symbol=instrument.symbol,
        raw_symbol=instrument.raw_symbol,
        exchange_ns=time_ns(row.ts),
        received_ns=received_ns,
        source=source,
        mark_price=mark,
        index_price=index,
    )


def open_interest(
    row: OkxOpenInterest, contract: Contract, received_ns: int, source: Source = "live"
) -> OpenInterest:
    """Open contracts in base units, as the exchange itself converts them, and in US dollars."""
    instrument = contract.instrument
    return OpenInterest(
        exchange=instrument.exchange,
        market_type=instrument.market_type,
        symbol=instrument.symbol,
        raw_symbol=row.instId or instrument.raw_symbol,
        exchange_ns=time_ns(row.ts),
        received_ns=received_ns,
        source=source,
        open_interest=present(row.oiCcy),
        open_interest_value=present(row.oiUsd),
        raw_open_interest=present(row.oi),
    )


def liquidation(row: OkxForcedOrder, contract: Contract, received_ns: int) -> Liquidation:
    """One forced order at its bankruptcy price. "Not the total": always sampled."""
    instrument = contract.instrument
    read_decimals((row.sz,))
    return Liquidation(
        exchange=instrument.exchange,
        market_type=instrument.market_type,
        symbol=instrument.symbol,
        raw_symbol=instrument.raw_symbol,
        exchange_ns=time_ns(row.ts),
        received_ns=received_ns,
        side=row.side,
        price=positive(row.bkPx, "bankruptcy price"),
        quantity=contract.base(row.sz, row.bkPx),
        sampled=True,
        raw_quantity=row.sz,
    )
