"""What a price or quantity may look like: digits, at most one point, nothing else.

No sign, no exponent, no NaN: an exchange that sends one is wrong, and a book that took it would be.
"""

import re
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from workers.model.events import Levels

CEILING = 1e20
"""Nothing is this large; Decimal(38,18) holds everything below."""

CEILING_CHARACTERS = 20
"""A text of at most this many characters is below the ceiling."""

_PLAIN = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")


class LevelNumbers(NamedTuple):
    """Levels as floats: price, quantity, price, quantity, ...; `longest`: characters of a text."""

    numbers: list[float]
    longest: int


def read_levels(bids: Levels, asks: Levels) -> LevelNumbers:
    """The numbers of all levels, bids first, for sorting and comparing; the texts stay exact.

    Raises:
        ValueError: names the first text that is not a plain decimal below 1e20.
    """
    return _read([*chain.from_iterable(bids), *chain.from_iterable(asks)])


def read_decimals(texts: Sequence[str]) -> list[float]:
    """The numbers behind the texts.

    Raises:
        ValueError: names the first text that is not a plain decimal below 1e20.
    """
    return _read(texts).numbers


def _read(texts: Sequence[str]) -> LevelNumbers:
    """Checks all texts in a few passes in C: 4 us for 20 levels, a regular expression takes 10."""
    if not texts:
        return LevelNumbers([], 0)
    joined = ",".join(texts)
    if not joined.isascii() or joined.encode().translate(None, b"0123456789.,"):
        raise ValueError(_complaint(texts))
    try:
        numbers = list(map(float, texts))  # refuses what still is no number: "", "1.2.3", "1,2"
    except ValueError:
        raise ValueError(_complaint(texts)) from None
    longest = max(map(len, texts))
    if longest > CEILING_CHARACTERS and max(numbers) >= CEILING:
        raise ValueError(_complaint(texts))
    return LevelNumbers(numbers, longest)


def _complaint(texts: Sequence[str]) -> str:
    """What is wrong with the first bad text."""
    for text in texts:
        if not _PLAIN.fullmatch(text):
            return f"{text[:40]!r} is not a plain decimal"
        if float(text) >= CEILING:
            return f"{text[:40]!r} is 1e20 or more"
    raise AssertionError("called only for texts of which one is bad")
