"""JSON numbers as Deribit writes them: `92288.0`, `4.2e3`, `1.423e-4`."""

from decimal import Decimal

import msgspec

from workers.simulator.market.instruments import SCALE

encode = msgspec.json.encode


def text(value: Decimal, exponents: bool = True) -> str:
    """A number's text; round thousands and very small numbers have an exponent.

    Args:
        value: finite.
        exponents: False to write thousands out.
    """
    sign, digits, exponent = value.normalize().as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"{value} is no number to write")
    if not any(digits):
        return "0.0"
    power = len(digits) + exponent - 1
    if power < -4 or (exponents and power >= 3 and len(digits) <= 2):
        tail = "".join(map(str, digits[1:])) or "0"
        return f"{'-' if sign else ''}{digits[0]}.{tail}e{power}"
    plain = f"{value.normalize():f}"
    return plain if "." in plain else f"{plain}.0"


def raw(value: Decimal, exponents: bool = True) -> msgspec.Raw:
    """A number for a payload."""
    return msgspec.Raw(text(value, exponents).encode())


def decimal(units: int) -> Decimal:
    """Units of 1e-8 as a number."""
    return Decimal(units) / SCALE
