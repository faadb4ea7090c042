"""Normalised events: what every exchange's messages become.

Decimals stay the exchange's own strings. Sides are the taker's. Times are nanoseconds UTC, None
where the exchange gives none. Field names are the columns of the tables and the fields of the API.
"""

from typing import Literal

import msgspec

from workers.model.instrument import MarketType

Levels = list[tuple[str, str]]
"""(price, quantity), best first in snapshots; quantity 0 removes in deltas."""

Side = Literal["buy", "sell"]
Source = Literal["live", "poll", "backfill", "replay"]
BookState = Literal["SYNCING", "SYNCED", "STALE"]


class Event(msgspec.Struct, kw_only=True, tag_field="type"):
    """Fields common to all events.

    `exchange_ns` is the exchange's time of the event, `received_ns` when its bytes reached us,
    `published_ns` when it was handed to NATS (0 before that).
    """

    exchange: str
    market_type: MarketType
    symbol: str
    raw_symbol: str
    exchange_ns: int | None
    received_ns: int
    published_ns: int = 0
    source: Source = "live"


OffBook = Literal["block", "rfq", "combo", "insurance_fund", "adl"]


class Trade(Event, tag="trade", gc=False):
    """One trade, or with `aggregate` one taker order's fills at one price.

    `quantity` is in base units; `raw_quantity` is the exchange's own number where that differs.
    `first_trade_id` and `last_trade_id` are the raw trades an aggregate covers. Where the exchange
    has two ids, `trade_id` is the contiguous one and `exchange_trade_id` the other, as text.
    `off_book`: how the trade came about if not on its book; its price may be away from the book's.
    It holds no containers, so the garbage collector need not look at it (4 % of a trade's time).
    """

    trade_id: int
    price: str
    quantity: str
    side: Side
    aggregate: bool = False
    first_trade_id: int | None = None
    last_trade_id: int | None = None
    raw_quantity: str | None = None
    exchange_trade_id: str | None = None
    off_book: OffBook | None = None


class OrderBook(Event, tag="orderbook"):
    """The best levels of a book after `last_update_id`.

    `depth` is the number of levels on the longer side, `verified_depth` how many levels a side are
    proven complete; only those are in `bids` and `asks`.
    """

    last_update_id: int
    bids: Levels
    asks: Levels
    depth: int
    state: BookState
    verified_depth: int


class BookDelta(Event, tag="orderbook-delta"):
    """A change of a book: absolute quantities, quantity 0 removes the level.

    Covers the exchange's update ids `first_update_id` to `last_update_id`, both inclusive;
    `prev_update_id` where the exchange chains its updates by it.
    """

    first_update_id: int
    last_update_id: int
    bids: Levels
    asks: Levels
    prev_update_id: int | None = None


class Ticker(Event, tag="ticker"):
    """Best bid and ask, and the rolling 24 h figures. What a message does not carry is None."""

    best_bid_price: str | None = None
    best_bid_quantity: str | None = None
    best_ask_price: str | None = None
    best_ask_quantity: str | None = None
    last_price: str | None = None
    open_24h: str | None = None
    high_24h: str | None = None
    low_24h: str | None = None
    volume_24h: str | None = None
    quote_volume_24h: str | None = None


GapCause = Literal[
    "sequence",
    "disconnect",
    "restart",
    "crossed",
    "malformed",
    "overflow",
    "stale",
    "command",
    "audit",
]


class Gap(Event, tag="gap"):
    """A proven hole in `data_type` (a type of event) of one symbol.

    `first_id` and `last_id` are the ids that are missing, inclusive; None where the exchange's ids
    cannot tell. `lost` counts events we dropped ourselves (`cause` overflow).
    """

    data_type: str
    cause: GapCause
    first_id: int | None = None
    last_id: int | None = None
    lost: int | None = None


class Kline(Event, tag="kline"):
    """One candle, running or closed; `interval` is `1m`, `5m`, `1h`, `1d`, ...

    `open_time_ns` is its first nanosecond, `close_time_ns` its last as the exchange gives it.
    Volumes are in base and in quote units.
    """

    interval: str
    open_time_ns: int
    open: str
    high: str
    low: str
    close: str
    closed: bool | None
    close_time_ns: int | None = None
    volume: str | None = None
    quote_volume: str | None = None
    trade_count: int | None = None


class FundingRate(Event, tag="funding-rate"):
    """A perpetual's funding, current or settled; fractions, 0.0001 = 1 bp a funding period.

    `funding_time_ns` is when the rate is or was paid, `next_funding_time_ns` the payment after it
    where the exchange tells both. A message that carries prices alone has no rate.
    """

    funding_rate: str | None = None
    funding_time_ns: int | None = None
    next_funding_time_ns: int | None = None
    mark_price: str | None = None
    index_price: str | None = None


class OpenInterest(Event, tag="open-interest"):
    """Open positions: base units, and their value in quote units where the exchange tells it.

    `raw_open_interest` is the exchange's own number where that is not base units.
    """

    open_interest: str | None
    open_interest_value: str | None = None
    raw_open_interest: str | None = None


class Liquidation(Event, tag="liquidation"):
    """A forced order. `side` is the side of that order: `sell` closed a long.

    `sampled`: the exchange shows only some of them. Quantities are base units. `trade_id` is the
    trade that carried it, where the exchange marks trades.
    """

    side: Side
    price: str | None
    quantity: str
    sampled: bool
    average_price: str | None = None
    filled_quantity: str | None = None
    status: str | None = None
    raw_quantity: str | None = None
    trade_id: int | None = None


RatioKind = Literal["all_accounts", "top_accounts", "top_positions", "taker_volume"]


class LongShortRatio(Event, tag="long-short-ratio"):
    """How many accounts, positions or takers are long and short, over one `period` (`5m`, `1d`).

    `long_ratio` and `short_ratio` are fractions, or volumes for `taker_volume`.
    """

    kind: RatioKind
    period: str
    long_short_ratio: str | None
    long_ratio: str | None = None
    short_ratio: str | None = None


class VolatilityIndex(Event, tag="volatility-index"):
    """A volatility index such as DVOL, percent a year; `symbol` is the index, `BTC-DVOL`.

    A live value has `close` alone; history has candles of `resolution` (`1m`, `1h`, `1d`).
    """

    close: str
    resolution: str | None = None
    open: str | None = None
    high: str | None = None
    low: str | None = None


class InstrumentChange(Event, tag="instrument"):
    """Facts of an instrument when it was listed, changed, halted or delisted."""

    status: Literal["trading", "halted", "delisted"]
    raw_status: str
    base: str
    quote: str
    settle: str | None = None
    tick_size: str | None = None
    lot_size: str | None = None
    contract_size: str | None = None
    expiry_ns: int | None = None


AuditResult = Literal["equal", "different", "unmatched"]


class BookAudit(Event, tag="book-audit"):
    """A live book compared with one the exchange gave apart from the stream.

    `last_update_id` is where both stood; `unmatched`: they could not be brought to one id, so
    nothing was compared and `detail` says why. Levels are counted on both sides together, only
    those that both prove complete. `detail` names the first level that differs.
    """

    result: AuditResult
    method: Literal["rest", "subscription"]
    last_update_id: int | None
    levels_compared: int
    levels_different: int
    detail: str | None = None


class Quality(Event, tag="quality"):
    """Something odd in the data, seen and counted; the data itself is kept as it came.

    `check` is the name of the rule, `data_type` the type of event it looked at, `count` how often
    it was broken since the last such event; `value` and `limit` show one case.
    """

    check: str
    data_type: str
    count: int = 1
    value: str | None = None
    limit: str | None = None
    detail: str | None = None


AnyEvent = (
    Trade
    | OrderBook
    | BookDelta
    | Ticker
    | Gap
    | Kline
    | FundingRate
    | OpenInterest
    | Liquidation
    | LongShortRatio
    | VolatilityIndex
    | InstrumentChange
    | BookAudit
    | Quality
)
