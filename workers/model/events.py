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


class Trade(Event, tag="trade"):
    """One trade, or with `aggregate` one taker order's fills at one price.

    `quantity` is in base units; `raw_quantity` is the exchange's own number where that differs.
    `first_trade_id` and `last_trade_id` are the raw trades an aggregate covers.
    """

    trade_id: int
    price: str
    quantity: str
    side: Side
    aggregate: bool = False
    first_trade_id: int | None = None
    last_trade_id: int | None = None
    raw_quantity: str | None = None


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


AnyEvent = Trade | OrderBook | BookDelta | Ticker | Gap
