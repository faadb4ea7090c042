"""Which channel's rows look how: what is read, what is known and not read. Tables."""

from typing import Any

import msgspec

from workers.exchanges.okx.messages import (
    OkxBest,
    OkxBook,
    OkxFunding,
    OkxIndexTicker,
    OkxInstrument,
    OkxLiquidation,
    OkxMarkPrice,
    OkxOpenInterest,
    OkxTicker,
    OkxTrade,
)
from workers.exchanges.okx.rows import BARS


class Shape(msgspec.Struct, frozen=True):
    """How the rows of one channel look.

    Args:
        kind: the mapper's name for them.
        row: what one decodes to.
        name: the wire struct's, for the counter of unknown fields.
        known: its fields, those that we do not read too; None: rows are lists.
    """

    kind: str
    row: Any
    name: str
    known: frozenset[str] | None


def _shape(kind: str, row: type[msgspec.Struct], unread: str = "") -> Shape:
    names = frozenset(field.name for field in msgspec.structs.fields(row))
    return Shape(kind, row, row.__name__, names | frozenset(unread.split()))


TRADE = _shape("trade", OkxTrade, "source seqId fillVol fwdPx idxPx instFamily markPx optType")
BOOK = _shape("book", OkxBook, "instId")
CANDLE = Shape("kline", list[str], "OkxCandle", None)

LOCAL_BARS = ("6H", "12H", "1D", "2D", "3D", "5D", "1W", "1M", "3M")
"""Bars that open at UTC+8; we do not subscribe to them."""

SHAPES = {
    "trades": TRADE,
    "trades-all": TRADE,
    "option-trades": TRADE,
    "books": BOOK,
    "books-l2-tbt": BOOK,
    "books50-l2-tbt": BOOK,
    "bbo-tbt": _shape("best", OkxBest, "seqId prevSeqId checksum instId"),
    "tickers": _shape("ticker", OkxTicker, "instType lastSz sodUtc0 sodUtc8"),
    "funding-rate": _shape(
        "funding",
        OkxFunding,
        "formulaType impactValue instType interestRate maxFundingRate method minFundingRate"
        " nextFundingRate premium prevFundingTime settFundingRate settState",
    ),
    "mark-price": _shape("price", OkxMarkPrice, "instType"),
    "index-tickers": _shape("index", OkxIndexTicker, "high24h low24h open24h sodUtc0 sodUtc8"),
    "open-interest": _shape("open_interest", OkxOpenInterest, "instType"),
    "liquidation-orders": _shape("liquidation", OkxLiquidation, "instFamily instType uly"),
    "instruments": _shape(
        "instrument",
        OkxInstrument,
        "alias auctionEndTime category contTdSwTime ctValCcy freq futureSettlement groupId"
        " instCategory instIdCode lever listTime longPosRemainingQuota maxIcebergSz maxLmtAmt"
        " maxLmtSz maxMktAmt maxMktSz maxPlatOILmt maxStopSz maxTriggerSz maxTwapSz method minSz"
        " openType optType posLmtAmt posLmtPct preMktSwTime ruleType seriesId"
        " shortPosRemainingQuota stk tradeQuoteCcyList upcChg",
    ),
    **{f"candle{bar}": CANDLE for bar in (*BARS.values(), *LOCAL_BARS)},
}

IGNORED_CHANNELS = frozenset(
    {
        "books5",  # five levels at a time, no chain: `books` has them
        "books-rpi",
        "books-elp",
        "books-elp-all",
        "price-limit",
        "estimated-price",
        "opt-summary",
        "adl-warning",
        "status",
        "block-tickers",
        "public-block-trades",
    }
)
"""Channels that exist and that we do not collect; mark and index candles beside them."""


def ignored(channel: str) -> bool:
    """A channel that we know and do not collect."""
    return channel in IGNORED_CHANNELS or channel.startswith(("mark-price-candle", "index-candle"))
