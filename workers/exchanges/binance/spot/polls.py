"""What Binance spot gives over REST alone, or again: one Poll a question. Pure.

Source: github.com/binance/binance-spot-api-docs, rest-api.md, snapshot of 2026-07-21. Times are
inclusive; rows ascend.
"""

from collections.abc import Sequence

import msgspec

from workers.exchanges.base import Poll
from workers.exchanges.binance import replies
from workers.exchanges.binance.messages import (
    BinanceAggTradeRow,
    BinanceBestRow,
    BinanceDayRow,
    BinanceTradeRow,
)
from workers.exchanges.binance.replies import span
from workers.model.http import HttpRequest
from workers.model.instrument import Instrument

MOST_ROWS = 1000
"""Rows of a history reply at most."""

TICKER_WEIGHTS = ((20, 2), (100, 40))
"""What /api/v3/ticker/24hr costs for up to so many named symbols."""

ALL_TICKERS_WEIGHT = 80


def klines(
    instrument: Instrument,
    interval: str = "1m",
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int = MOST_ROWS,
) -> Poll:
    """Candles; without times the newest. The last one may still be running."""
    params = span(instrument, start_ns, end_ns, limit) | {"interval": interval}
    request = HttpRequest("/api/v3/klines", params, weight=2)
    return replies.klines_poll(instrument, request, interval)


def aggregate_trades(instrument: Instrument, from_id: int, limit: int = MOST_ROWS) -> Poll:
    """Aggregates from an id on, that one included; a page that is not full is the last."""
    params = {"symbol": instrument.raw_symbol, "fromId": str(from_id), "limit": str(limit)}
    request = HttpRequest("/api/v3/aggTrades", params, weight=4)
    return replies.poll(instrument, request, BinanceAggTradeRow, replies.read_aggregate)


def trades(instrument: Instrument, from_id: int | None = None, limit: int = MOST_ROWS) -> Poll:
    """Raw trades: the newest, or from an id on (not served by data-api.binance.vision)."""
    params = {"symbol": instrument.raw_symbol, "limit": str(limit)}
    path = "/api/v3/trades"
    if from_id is not None:
        path, params["fromId"] = "/api/v3/historicalTrades", str(from_id)
    request = HttpRequest(path, params, weight=25)
    return replies.poll(instrument, request, BinanceTradeRow, replies.read_trade)


def ticker(instrument: Instrument) -> Poll:
    """The rolling 24 h figures with best bid and ask."""
    request = HttpRequest("/api/v3/ticker/24hr", {"symbol": instrument.raw_symbol}, weight=2)
    return replies.poll(instrument, request, BinanceDayRow, replies.read_day)


def tickers(instruments: Sequence[Instrument]) -> Poll:
    """The same of many symbols; above a hundred, all there are."""
    names = [each.raw_symbol for each in instruments]
    weight = next((cost for most, cost in TICKER_WEIGHTS if len(names) <= most), None)
    request = HttpRequest("/api/v3/ticker/24hr", weight=ALL_TICKERS_WEIGHT)
    if weight is not None:
        text = msgspec.json.encode(names).decode()
        request = HttpRequest("/api/v3/ticker/24hr", {"symbols": text}, weight)
    return replies.poll_all(instruments, request, BinanceDayRow, replies.read_day)


def book_ticker(instrument: Instrument) -> Poll:
    """Best bid and ask; the reply has no time."""
    request = HttpRequest("/api/v3/ticker/bookTicker", {"symbol": instrument.raw_symbol}, weight=2)
    return replies.poll(instrument, request, BinanceBestRow, replies.read_best)
