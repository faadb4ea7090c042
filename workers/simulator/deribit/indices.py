"""Index prices, funding and volatility: functions of the time, so that anybody can check them."""

import math
from decimal import Decimal

from workers.simulator.market.fair import Worths
from workers.simulator.market.instruments import DOLLARS

HOUR_MS = 3_600_000
VOLATILITY = {"BTC": 45.0, "ETH": 62.0}
"""Middle of the volatility index, percent a year."""

CHATTY = tuple(
    f"{coin}_{quote}"
    for coin in ("btc", "eth", "sol", "xrp", "ada", "avax", "doge", "dot", "link", "ltc", "trx")
    for quote in ("usd", "usdc", "usdt")
)
"""Indices that platform_state talks about."""


def index_price(name: str, time_ms: int, worths: Worths) -> Decimal:
    """Dollars of an index's coin, in cents, changing each second with what the coin is worth."""
    coin = name.partition("_")[0].upper()
    dollars = DOLLARS.get(coin, 1.0) * worths.of(coin, time_ms // 1000 * 1_000_000)
    return Decimal(f"{dollars:.4f}" if dollars < 10 else f"{dollars:.2f}")


def hourly_interest(name: str, hour: int) -> Decimal:
    """Funding realised in one full hour, by hours since 1970."""
    return Decimal((hour * 7919 + len(name) * 31) % 2001 - 1000).scaleb(-8)


def eight_hour_interest(name: str, hour: int) -> Decimal:
    """Funding realised in the eight hours up to the end of one."""
    return sum((hourly_interest(name, hour - each) for each in range(8)), Decimal(0))


def current_interest(name: str, time_ms: int) -> Decimal:
    """Funding rate of the moment, for eight hours."""
    return Decimal(round(math.sin(time_ms // 1000 / 300) * 15_000)).scaleb(-8)


def volatility(currency: str, time_ms: int) -> Decimal:
    """The volatility index at a second."""
    value = VOLATILITY[currency] * (1 + 0.05 * math.sin(time_ms // 1000 / 900))
    return Decimal(f"{value:.2f}")


def volatility_row(
    currency: str, start_ms: int, end_ms: int
) -> tuple[int, Decimal, Decimal, Decimal, Decimal]:
    """Open time, open, high, low, close of an interval; seen at 60 moments."""
    step = max(1000, (end_ms - start_ms) // 60)
    seen = [volatility(currency, each) for each in range(start_ms, end_ms, step)]
    return start_ms, seen[0], max(seen), min(seen), seen[-1]
