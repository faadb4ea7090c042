"""Quantities of OKX in base units, exactly. Pure.

Spot quantities are base units as they are. A linear contract, and an option, is `contract_size`
coins: base = contracts * contract_size, exact. An inverse contract is `contract_size` quote units
(US dollars): base = contracts * contract_size / price, which no decimal may hold exactly: rounded
half-even to 18 places, what the store keeps. `raw_quantity` has the contracts.
contract_size is their ctVal * ctMult. Source: OKX API v5 guide, "Get instruments".
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation

from workers.exchanges.okx.messages import WireLevel
from workers.model.events import Levels
from workers.model.instrument import Instrument, MarketType

PLACES = Decimal("1e-18")
CACHED = 10_000
"""Quantities remembered with their base units: small ones come again and again."""

_exact = Context(prec=120, traps=[Inexact, InvalidOperation])
_rounded = Context(prec=120, rounding=ROUND_HALF_EVEN, traps=[DivisionByZero, InvalidOperation])


class Contract:
    """Says what a quantity of one instrument is in base units.

    Args:
        instrument: with its contract size, unless it is spot.
        as_is: a missing contract size is no error, quantities stay the exchange's own.

    Raises:
        ValueError: the contract size is missing.
    """

    __slots__ = ("_cache", "_size", "instrument", "inverse", "plain")

    def __init__(self, instrument: Instrument, *, as_is: bool = False) -> None:
        self.instrument = instrument
        size = instrument.contract_size
        self.plain = instrument.market_type == "spot" or (size is None and as_is)
        """Quantities are taken as they come."""
        self.inverse = is_inverse(instrument.market_type, instrument.base, instrument.settle)
        if not self.plain and size is None:
            raise ValueError(f"the contract size of {instrument.raw_symbol} is unknown")
        self._size = Decimal(1) if self.plain or size is None else Decimal(size)
        self._cache: dict[str, str] = {}

    def base(self, quantity: str, price: str) -> str:
        """A quantity at a price, both plain decimals, in base units.

        Raises:
            ArithmeticError: the price of an inverse contract is 0, or a number is too long.
        """
        if self.plain:
            return quantity
        if self.inverse:
            notional = _exact.multiply(Decimal(quantity), self._size)
            if not notional:
                return "0"
            coins = _rounded.quantize(_rounded.divide(notional, Decimal(price)), PLACES)
            if not coins:
                raise ArithmeticError(f"{quantity} contracts at {price} are less than {PLACES}")
            return format(coins, "f").rstrip("0").rstrip(".")
        found = self._cache.get(quantity)
        if found is None:
            found = format(_exact.multiply(Decimal(quantity), self._size), "f")
            if len(self._cache) < CACHED:
                self._cache[quantity] = found
        return found

    def raw(self, quantity: str) -> str | None:
        """The exchange's own number, where it is not base units."""
        return None if self.instrument.market_type == "spot" else quantity

    def levels(self, levels: Sequence[WireLevel]) -> Levels:
        """Levels with quantities in base units. Raises ArithmeticError like `base`."""
        if self.plain:
            return [(price, quantity) for price, quantity, _, _ in levels]
        base = self.base
        return [(price, base(quantity, price)) for price, quantity, _, _ in levels]


def is_inverse(kind: MarketType, base: str, settle: str | None) -> bool:
    """A contract worth a fixed sum of quote money: a perpetual or future paid in its own coin.

    read_instruments makes sure that this is what their `ctType` says.
    """
    return kind in ("perpetual", "future") and settle == base


def contract_size(value: str, multiplier: str) -> str | None:
    """Their ctVal * ctMult, exactly; None if they tell none.

    Raises:
        ArithmeticError: one is no number.
    """
    if not value:
        return None
    if multiplier in ("", "1"):
        return value
    return format(_exact.multiply(Decimal(value), Decimal(multiplier)), "f")
