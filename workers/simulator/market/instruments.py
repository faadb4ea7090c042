"""What is traded: prices in whole ticks, quantities in whole lots, eight decimals on the wire.

Prices are plausible, not real: a table of dollars per coin, and for unknown coins a price made
from their name.
"""

import hashlib
import math
from dataclasses import dataclass

SCALE = 100_000_000
"""Units in 1.0: everything on the wire has eight decimals."""

DOLLARS = {
    "BTC": 96_000.0,
    "ETH": 3_300.0,
    "BNB": 650.0,
    "SOL": 240.0,
    "LTC": 90.0,
    "AVAX": 35.0,
    "LINK": 18.0,
    "DOT": 7.0,
    "XRP": 1.4,
    "ADA": 0.9,
    "DOGE": 0.4,
    "TRX": 0.2,
    "SHIB": 0.000025,
    "EUR": 1.05,
    "USDT": 1.0,
    "USDC": 1.0,
    "FDUSD": 1.0,
    "TUSD": 1.0,
    "DAI": 1.0,
}

QUOTES = (
    *("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USDS", "USD1", "USD", "DAI"),
    *("BTC", "ETH", "BNB", "EUR", "GBP", "TRY", "BRL", "JPY", "AUD", "TRX", "XRP", "DOGE"),
)
"""Quote coins that a joined name can end with, for recordings that do not say it."""


def decimal8(units: int) -> str:
    """Eight-decimal text of a number of 1e-8 units: 6183763000000 -> `61837.63000000`."""
    return f"{units // SCALE}.{units % SCALE:08d}"


@dataclass(frozen=True)
class Instrument:
    """One pair.

    Args:
        base: coin traded, `BTC`.
        quote: coin paid, `USDT`.
        price_ticks: where its price starts and is drawn back to.
        tick: smallest price step in 1e-8 units.
        lot: smallest quantity step in 1e-8 units.
    """

    base: str
    quote: str
    price_ticks: int
    tick: int
    lot: int

    @property
    def name(self) -> str:
        """The exchange's own name, `BTCUSDT`."""
        return self.base + self.quote

    @property
    def lot_value(self) -> float:
        """Value of one lot at the starting price, in quote coins."""
        return self.price_ticks * self.tick / SCALE * self.lot / SCALE

    def price(self, ticks: int) -> str:
        """A price as it stands on the wire."""
        units = ticks * self.tick
        return f"{units // SCALE}.{units % SCALE:08d}"

    def quantity(self, lots: int) -> str:
        """A quantity as it stands on the wire."""
        units = lots * self.lot
        return f"{units // SCALE}.{units % SCALE:08d}"

    def amount(self, ticks_times_lots: int) -> str:
        """Price times quantity, in quote coins, cut to eight decimals."""
        return decimal8(ticks_times_lots * self.tick * self.lot // SCALE)


def instrument(symbol: str) -> Instrument:
    """The instrument of a `BASE-QUOTE` name.

    Raises:
        ValueError: it is not two names joined by one hyphen.
    """
    base, hyphen, quote = symbol.upper().partition("-")
    if not (base and hyphen and quote) or "-" in quote:
        raise ValueError(f"{symbol!r}: write BASE-QUOTE, such as BTC-USDT")
    price = _dollars(base) / _dollars(quote)
    magnitude = math.floor(math.log10(price))
    tick_digits = min(8, max(2, 4 - magnitude))
    lot_digits = min(8, max(0, magnitude + 1))
    tick = 10 ** (8 - tick_digits)
    return Instrument(
        base=base,
        quote=quote,
        price_ticks=max(20, round(price * SCALE / tick)),
        tick=tick,
        lot=10 ** (8 - lot_digits),
    )


def split_name(name: str) -> tuple[str, str]:
    """Base and quote of a joined name such as `BTCUSDT`, by the known quote coins.

    Raises:
        ValueError: it ends with none of them.
    """
    for quote in QUOTES:
        if name.endswith(quote) and len(name) > len(quote):
            return name[: -len(quote)], quote
    raise ValueError(f"{name}: no known quote coin at its end; say it, such as {name}=BASE-QUOTE")


def _dollars(coin: str) -> float:
    known = DOLLARS.get(coin)
    if known is not None:
        return known
    digest = hashlib.sha256(coin.encode()).digest()
    exponent = digest[0] % 6 - 2
    return round((1.0 + digest[1] / 32) * 10.0**exponent, 6)
