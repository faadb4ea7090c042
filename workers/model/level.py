"""What a price or quantity may look like: digits, at most one point, nothing else.

No sign, no exponent, no NaN: an exchange that sends one is wrong, and a book that took it would be.
"""

import re
from collections.abc import Sequence

CEILING = 1e20
"""Nothing is this large; Decimal(38,18) holds everything below."""

_PLAIN_BYTES = b"0123456789.,"
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?")


def read_decimals(texts: Sequence[str]) -> list[float]:
    """The numbers behind the texts, for sorting and comparing; the texts stay the exact values.

    Raises:
        ValueError: names the first text that is not a plain decimal below 1e20.
    """
    joined = ",".join(texts)
    # One pass over the joined text is ten times cheaper than a check of each (20 levels: 1.5 us).
    if (
        not joined.isascii()
        or joined.encode().translate(None, _PLAIN_BYTES)
        or ",." in joined
        or ".," in joined
    ):
        raise ValueError(_complaint(texts))
    try:
        numbers = list(map(float, texts))
    except ValueError:
        raise ValueError(_complaint(texts)) from None
    if numbers and (max(numbers) >= CEILING or joined[0] == "." or joined[-1] == "."):
        raise ValueError(_complaint(texts))
    return numbers


def _complaint(texts: Sequence[str]) -> str:
    """What is wrong with the first bad text."""
    for text in texts:
        if not _PLAIN.fullmatch(text):
            return f"{text[:40]!r} is not a plain decimal"
        if float(text) >= CEILING:
            return f"{text[:40]!r} is 1e20 or more"
    return "not plain decimals"
