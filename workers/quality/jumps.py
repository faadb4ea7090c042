"""Trade prices far from a rolling median. Pure.

The median is of prices half a second apart, so that a burst of trades is one opinion; a price that
stays becomes the new middle after about fifteen seconds and is odd no more.
"""

from collections import deque
from statistics import median
from typing import NamedTuple

SAMPLE_NS = 500_000_000
SAMPLES = 61
"""About half a minute on a busy symbol."""
ENOUGH = 10
"""Prices below which nothing is judged."""
LIMIT = 0.05
"""Farther from the median than this fraction is a jump."""


class Jump(NamedTuple):
    """A price too far from the median of those before."""

    price: float
    middle: float


class PriceJumps:
    """Prices of one symbol's trades."""

    __slots__ = ("_due_ns", "_high", "_low", "_middle", "_prices")

    def __init__(self) -> None:
        self._prices: deque[float] = deque(maxlen=SAMPLES)
        self._low, self._high, self._middle = float("-inf"), float("inf"), 0.0
        self._due_ns = 0

    def look(self, price: str, received_ns: int) -> Jump | None:
        """Judge a price by those before it, and remember it now and then."""
        number = float(price)
        jump = None if self._low <= number <= self._high else Jump(number, self._middle)
        if received_ns >= self._due_ns:
            self._due_ns = received_ns + SAMPLE_NS
            self._remember(number)
        return jump

    def _remember(self, number: float) -> None:
        self._prices.append(number)
        if len(self._prices) >= ENOUGH:
            middle = self._middle = median(self._prices)
            reach = abs(middle) * LIMIT
            self._low, self._high = middle - reach, middle + reach
