"""Symbols and their life: what a USD-M contract is called here, and what its status means."""

from datetime import UTC, datetime
from typing import Literal

from workers.model.instrument import MarketType

NEVER_MS = 4_133_404_800_000
"""The deliveryDate of a contract without delivery: 2100-12-25."""

PERPETUAL_TYPES = frozenset({"PERPETUAL", "TRADIFI_PERPETUAL", "PERPETUAL_DELIVERING"})
GONE = frozenset({"CLOSE", "DELIVERED"})


def market_type(contract_type: str, delivery_ms: int) -> MarketType:
    """A perpetual being delisted has a delivery date too, so the contract's type decides.

    A type nobody knows (pending symbols have none) is a future if it has a date.
    """
    if contract_type in PERPETUAL_TYPES or delivery_ms >= NEVER_MS:
        return "perpetual"
    return "future"


def symbol(base: str, quote: str, kind: MarketType, delivery_ms: int) -> str:
    """`BTC-USDT-PERP`, `BTC-USDT-260327`; the date is that of the delivery, UTC."""
    if kind == "perpetual":
        return f"{base}-{quote}-PERP"
    return f"{base}-{quote}-{datetime.fromtimestamp(delivery_ms / 1000, UTC):%y%m%d}"


def status(raw: str) -> Literal["trading", "halted", "delisted"]:
    """Only TRADING trades; CLOSE and DELIVERED end it; any other word, also a new one, is a halt.

    Seen: PENDING_TRADING, PRE_SETTLE, SETTLING, PRE_DELIVERING, DELIVERING, BREAK, HALT.
    """
    if raw == "TRADING":
        return "trading"
    return "delisted" if raw in GONE else "halted"


def expiry_ns(delivery_ms: int) -> int | None:
    """When it is delivered or delisted; None: never."""
    return delivery_ms * 1_000_000 if 0 < delivery_ms < NEVER_MS else None
