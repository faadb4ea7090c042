"""REST of Binance spot that a collector needs: instruments and books. Pure. Polls: polls.py.

Source: github.com/binance/binance-spot-api-docs, rest-api.md, snapshot of 2026-07-21.
"""

from typing import Literal

import msgspec

from workers.book.sequence import Snapshot
from workers.exchanges.binance import replies, rest
from workers.exchanges.binance.checks import Checks
from workers.exchanges.binance.spot.messages import BinanceExchangeInfo
from workers.model.http import HttpRequest
from workers.model.instrument import Instrument

DEEPEST = 5000
"""Levels /api/v3/depth gives at most; it silently cuts what is above."""

WEIGHTS = ((100, 5), (500, 25), (1000, 50), (DEEPEST, 250))
"""What /api/v3/depth costs up to this many levels ("Order book")."""

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


def _status(raw: str) -> Literal["trading", "halted"]:
    """Only TRADING trades; what we do not know does not. A delisted symbol is simply absent."""
    return "trading" if raw == "TRADING" else "halted"
