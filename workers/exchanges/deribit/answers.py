"""What Deribit's REST API answers: wire structs with their payload, field names theirs.

Source: docs.deribit.com, api-reference, snapshot of 2026-07/09. The rows are those of the channels
where there is a channel; see messages.py. Fields we do not know are left out.
"""

from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

from workers.exchanges.deribit.messages import DeribitStats, DeribitTicker, DeribitTrade

Result = TypeVar("Result")


class DeribitResult(msgspec.Struct, Generic[Result]):
    """{"jsonrpc":"2.0","result":...,"usIn":1654246806051360,"usOut":...,"usDiff":3878}.

    usOut: when the answer left, microseconds.
    """

    result: Result
    usOut: int | None = None


class DeribitOrderBook(msgspec.Struct):
    """get_order_book: the fields of a ticker, and the book at `change_id`, best first."""

    instrument_name: str
    change_id: int
    bids: list[tuple[Decimal, Decimal]]
    asks: list[tuple[Decimal, Decimal]]


class DeribitTradeRow(DeribitTrade, forbid_unknown_fields=False):
    """A trade in a reply; fields we do not know do not matter here."""


class DeribitTrades(msgspec.Struct):
    """get_last_trades_*: {"trades":[...],"has_more":true}.

    has_more is not to be relied on; the history host's rows are unordered.
    """

    trades: list[DeribitTradeRow]


class DeribitStatsReply(DeribitStats, forbid_unknown_fields=False):
    """`stats` in a reply."""


class DeribitTickerReply(DeribitTicker, forbid_unknown_fields=False, kw_only=True):
    """public/ticker: what the channel sends."""

    stats: DeribitStatsReply


class DeribitSummary(msgspec.Struct):
    """A row of get_book_summary_by_*; some seconds old, refreshed every 2 s.

    {"instrument_name":"BTC-PERPETUAL","bid_price":86775.5,"ask_price":86776.0,"last":86775.5,
     "mark_price":86778.14,"high":88079.5,"low":85476.0,"volume":8123.4411,
     "open_interest":1132329370.0,"current_funding":0.0001423,
     "estimated_delivery_price":86744.11,"creation_timestamp":1790133840000, ...}
    estimated_delivery_price: of a perpetual the index.
    """

    instrument_name: str
    creation_timestamp: int
    bid_price: Decimal | None = None
    ask_price: Decimal | None = None
    last: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    volume: Decimal | None = None
    volume_notional: Decimal | None = None
    volume_usd: Decimal | None = None
    mark_price: Decimal | None = None
    open_interest: Decimal | None = None
    current_funding: Decimal | None = None
    estimated_delivery_price: Decimal | None = None


class DeribitFunding(msgspec.Struct):
    """A row of get_funding_rate_history, one for each full hour.

    {"timestamp":1569891600000,"index_price":8222.87,"prev_index_price":8305.72,
     "interest_8h":-0.00009234260068476106,"interest_1h":-4.739622041017375e-7}
    interest_1h: what was paid over that hour.
    """

    timestamp: int
    interest_1h: Decimal
    index_price: Decimal | None = None


class DeribitChart(msgspec.Struct):
    """get_tradingview_chart_data: parallel arrays; status `ok` or `no_data`."""

    status: str
    ticks: list[int] = []
    open: list[Decimal] = []
    high: list[Decimal] = []
    low: list[Decimal] = []
    close: list[Decimal] = []
    volume: list[Decimal] = []
    cost: list[Decimal] = []


class DeribitVolatilityCandles(msgspec.Struct):
    """get_volatility_index_data: [open time, open, high, low, close], oldest first.

    {"data":[[1790128800000,41.02,41.4,40.9,41.21]],"continuation":1790125200000}
    continuation: ask again with this end_timestamp for older rows; null: there are none.
    """

    data: list[tuple[int, Decimal, Decimal, Decimal, Decimal]]
    continuation: int | None = None
