"""Made-up events for tests of how they are shown."""

import time
from typing import Any

from workers.model.events import OrderBook, Trade

COMMON: dict[str, Any] = {
    "exchange": "binance_spot",
    "market_type": "spot",
    "symbol": "BTC-USDT",
    "raw_symbol": "BTCUSDT",
}
EXCHANGE_NS = 1_700_000_000_123_000_000  # 2023-11-14 22:13:20.123 UTC


def trade(trade_id: int = 4711, side: Any = "buy", **more: Any) -> Trade:
    fields = {"price": "64000.10", "quantity": "0.00100000", "side": side} | COMMON | more
    return Trade(
        trade_id=trade_id,
        exchange_ns=EXCHANGE_NS,
        received_ns=EXCHANGE_NS + 2_000_000,
        **fields,
    )


def book(received_ns: int | None = None, **more: Any) -> OrderBook:
    received = time.time_ns() if received_ns is None else received_ns
    fields = {
        "bids": [("64000.10", "1.5"), ("64000.00", "0.5")],
        "asks": [("64000.20", "1"), ("64000.30", "3")],
        "last_update_id": 99,
        "depth": 5000,
        "state": "SYNCED",
        "verified_depth": 4321,
    }
    return OrderBook(
        exchange_ns=received - 3_000_000,
        received_ns=received,
        published_ns=received + 1_000_000,
        **(fields | COMMON | more),
    )
