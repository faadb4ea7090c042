"""Deribit's JSON numbers as the plain decimal text of our events, and its amounts in base units.

Amounts of inverse futures and perpetuals are US dollars; base units are amount / price, rounded to
the 18 places the tables hold. Amounts of everything else are base units already, whatever the
contract size (docs.deribit.com, "amount"; the text "amount is in USD units" of the incremental book
is wrong for linear instruments). Both are done in Decimal; the text of a number is kept as it came,
unless it had an exponent.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal

from workers.exchanges.deribit.messages import Change
from workers.model.events import Levels
from workers.model.instrument import Instrument
from workers.model.level import CEILING

EXPONENT_LIMIT = 40
"""1e40 and 1e-40 are no market's numbers, and their plain text must not grow without end."""

MILLISECONDS_END = 10**14
"""Milliseconds have 13 digits until 2286; a time this large is in another unit."""

NEWEST_ID = 2**63

_EXACT = Context(prec=50, rounding=ROUND_HALF_EVEN)
_divide, _quantize = _EXACT.divide, _EXACT.quantize
_PLACES = Decimal(1).scaleb(-18)
_ZERO, _LIMIT = Decimal(0), Decimal(CEILING)


def plain(number: Decimal) -> str:
    """The number without an exponent, otherwise as it was written.

    Raises:
        ValueError: its exponent is absurd.
    """
    text = str(number)
    if "E" not in text:
        return text
    if not -EXPONENT_LIMIT < number.adjusted() < EXPONENT_LIMIT:
        raise ValueError(f"{text[:40]!r} has an absurd exponent")
    return format(number, "f")


def signed(number: Decimal) -> str:
    """A number that may be below zero: a rate, the price of a combo.

    Raises:
        ValueError: it is not finite, or 1e20 or more.
    """
    if not number.is_finite() or abs(number) >= _LIMIT:
        raise ValueError(f"{str(number)[:40]!r} is no sane number")
    return plain(number)


def unsigned(number: Decimal) -> str:
    """A price or quantity.

    Raises:
        ValueError: it is below zero, not finite, or 1e20 or more.
    """
    if number.is_signed():
        raise ValueError(f"{str(number)[:40]!r} is below zero")
    return signed(number)


def optional(number: Decimal | None) -> str | None:
    """`signed`, with null as None."""
    return None if number is None else signed(number)


def is_combo(instrument: Instrument) -> bool:
    """Combos keep their native name, may have prices below zero, and amounts of their own kind."""
    return instrument.symbol == instrument.raw_symbol


def is_inverse(instrument: Instrument) -> bool:
    """Its amounts are US dollars: a future or perpetual that is settled in its base."""
    return (
        instrument.market_type in ("perpetual", "future")
        and instrument.settle == instrument.base
        and not is_combo(instrument)
    )


def in_base(amount: Decimal, price: Decimal) -> str:
    """A dollar amount of an inverse instrument in base units.

    Raises:
        ValueError: there is no price, or a number is absurd.
    """
    if not _ZERO < price < _LIMIT or not _ZERO <= amount < _LIMIT:
        raise ValueError(f"amount {str(amount)[:40]} at price {str(price)[:40]} is no quantity")
    if not amount:
        return "0"
    base = _quantize(_divide(amount, price), _PLACES)
    if not _ZERO < base < _LIMIT:
        raise ValueError(f"amount {str(amount)[:40]} at price {str(price)[:40]} is no quantity")
    return format(base, "f").rstrip("0").rstrip(".")


def changes(rows: Iterable[Change], *, inverse: bool) -> Levels:
    """Levels of a book's message in base units; quantity 0 removes, whatever the action says.

    Raises:
        ValueError, ArithmeticError: a number is absurd, or a `delete` leaves an amount. Signs and
            sizes of the texts are for `read_levels` to look at.
    """
    levels = []
    for action, price, amount in rows:
        if action == "delete" and amount:
            raise ValueError(f"delete at {plain(price)} leaves {plain(amount)}")
        text, size = str(price), str(amount)
        if "E" in text:
            text = plain(price)
        if not inverse:
            levels.append((text, plain(amount) if "E" in size else size))
        elif amount:
            levels.append((text, _level_in_base(amount, price)))
        elif price > _ZERO:
            levels.append((text, "0"))
        else:
            raise ValueError(f"price {text[:40]}")
    return levels


def _level_in_base(amount: Decimal, price: Decimal) -> str:
    """`in_base` without its checks for signs and size: every level's text is looked at later.

    Raises:
        ValueError: there is no price, or the quantity is too small to be written.
        ArithmeticError: it is too large.
    """
    base = _quantize(_divide(amount, price), _PLACES)
    if not base:
        raise ValueError(f"amount {str(amount)[:40]} at price {str(price)[:40]} is no quantity")
    return format(base, "f").rstrip("0").rstrip(".")


def pairs(rows: Iterable[tuple[Decimal, Decimal]], *, inverse: bool) -> Levels:
    """Levels of a whole book, [price, amount], in base units.

    Raises:
        ValueError: a number is absurd.
    """
    return changes((("new", price, amount) for price, amount in rows), inverse=inverse)


def nanoseconds(time_ms: int) -> int:
    """A time of theirs in nanoseconds; the unit is never guessed.

    Raises:
        ValueError: it is not in milliseconds.
    """
    if not 0 < time_ms < MILLISECONDS_END:
        raise ValueError(f"time {time_ms} is not in milliseconds")
    return time_ms * 1_000_000


def checked_id(number: int) -> int:
    """An id; they exceed 2^53 but not 63 bits.

    Raises:
        ValueError: it is below zero or too large.
    """
    if not 0 <= number < NEWEST_ID:
        raise ValueError(f"id {number}")
    return number
