"""REST requests of Binance spot and their replies. Pure: transport/http.py sends them.

Source: github.com/binance/binance-spot-api-docs, rest-api.md, snapshot of 2026-07-21.
"""

from typing import Literal

import msgspec

from workers.book.sequence import Snapshot
from workers.exchanges.base import Poll
from workers.exchanges.binance import replies, rest
from workers.exchanges.binance.checks import Checks
from workers.exchanges.binance.messages import (
    BinanceAggTradeRow,
    BinanceBestRow,
    BinanceDayRow,
    BinanceTradeRow,
)
from workers.exchanges.binance.replies import span
from workers.exchanges.binance.spot.messages import BinanceExchangeInfo
from workers.model.http import HttpRequest
from workers.model.instrument import Instrument

DEEPEST = 5000
"""Levels /api/v3/depth gives at most; it silently cuts what is above."""

WEIGHTS = ((100, 5), (500, 25), (1000, 50), (DEEPEST, 250))
"""What /api/v3/depth costs up to this many levels ("Order book")."""

MOST_ROWS = 1000
"""Rows of a history reply at most."""

_exchange_info = msgspec.json.Decoder(BinanceExchangeInfo)


def instruments_request() -> HttpRequest:
    """Every symbol with its rules; a reply of some megabytes."""
    return HttpRequest("/api/v3/exchangeInfo", weight=20)


def read_instruments(exchange: str, body: bytes) -> list[Instrument]:
    """Instruments in the reply to `instruments_request`.

    Our symbol is `baseAsset-quoteAsset`: BTCUSDT alone does not say where it divides.

    Raises:
        WireError: the reply is not what is documented.
    """
    info = replies.decode(_exchange_info, Checks(exchange), "exchangeInfo", body)
    instruments = []
    for each in info.symbols:
        tick, lot = rest.tick_and_lot(exchange, each.symbol, each.filters, body)
        instruments.append(
            Instrument(
                exchange=exchange,
                market_type="spot",
                symbol=f"{each.baseAsset}-{each.quoteAsset}",
                raw_symbol=each.symbol,
                status=_status(each.status),
                raw_status=each.status,
                base=each.baseAsset,
                quote=each.quoteAsset,
                tick_size=tick,
                lot_size=lot,
            )
        )
    return instruments


def snapshot_request(raw_symbol: str, depth: int) -> HttpRequest:
    """A book of `depth` levels a side, 5,000 at most; the weight goes by the depth."""
    limit = max(1, min(depth, DEEPEST))
    weight = next(cost for most, cost in WEIGHTS if limit <= most)
    return HttpRequest("/api/v3/depth", {"symbol": raw_symbol, "limit": str(limit)}, weight)


def read_snapshot(exchange: str, body: bytes, depth: int) -> Snapshot:
    """The book in the reply to `snapshot_request(..., depth)`.

    Raises:
        WireError: the reply is not what is documented.
    """
    return rest.read_snapshot(exchange, body, min(depth, DEEPEST))


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


def book_ticker(instrument: Instrument) -> Poll:
    """Best bid and ask; the reply has no time."""
    request = HttpRequest("/api/v3/ticker/bookTicker", {"symbol": instrument.raw_symbol}, weight=2)
    return replies.poll(instrument, request, BinanceBestRow, replies.read_best)


def _status(raw: str) -> Literal["trading", "halted"]:
    """Only TRADING trades; what we do not know does not. A delisted symbol is simply absent."""
    return "trading" if raw == "TRADING" else "halted"
