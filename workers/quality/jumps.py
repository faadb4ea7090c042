"""Trade prices far from a rolling median. Pure.

The median is of prices half a second apart, so that a burst of trades is one opinion; a price that
stays becomes the new middle after about fifteen seconds and is odd no more.
"""

from collections import deque
from statistics import median
from typing import NamedTuple

SAMPLE_NS = 500_000_000
"""Between two prices that are remembered."""
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
    """Prices of one symbol's trades.

    Attributes:
        low: what is lower is a jump.
        high: what is higher is one.
    """

    __slots__ = ("_middle", "_prices", "high", "low")

    def __init__(self) -> None:
        self._prices: deque[float] = deque(maxlen=SAMPLES)
        self.low, self.high, self._middle = float("-inf"), float("inf"), 0.0

    def judge(self, price: str) -> Jump | None:
        """Compare a price with those remembered."""
        number = float(price)
        return None if self.low <= number <= self.high else Jump(number, self._middle)

    def remember(self, price: str) -> None:
        """Take a price into the median; one every SAMPLE_NS."""
        self._prices.append(float(price))
        if len(self._prices) >= ENOUGH:
            middle = self._middle = median(self._prices)
            reach = abs(middle) * LIMIT
            self.low, self.high = middle - reach, middle + reach
