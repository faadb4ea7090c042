"""What a coin is worth: one random walk that every market of the coin, on every exchange, follows.

Values are factors of the coin's usual price, so that pairs, contracts and indices share them.
"""

import math
import random
from array import array
from collections.abc import Callable

WINDOW_US = 100_000
"""The worth changes once in so many microseconds."""

DRIFT = 2e-5
"""Spread of one step: about 2 % a day."""

RETURN = 2e-6
"""Share of the way back to the usual price that is gone in each step."""

STILL = frozenset({"USDT", "USDC", "FDUSD", "TUSD", "BUSD", "DAI", "USD", "USDS", "USD1"})
"""Coins that are money; their worth does not change."""

WAVE, WAVE_S = 0.002, 600.0
"""Before the walk begins, the worth is a wave: any time of the past has a price."""


class Worth:
    """The walk of one coin, kept for ever in 80 bytes a second.

    Args:
        seed: of the walk.
        coin: whose.
        begin_us: engine time of the first step.
    """

    def __init__(self, seed: int | str, coin: str, begin_us: int) -> None:
        self._random = random.Random(f"{seed}:{coin}")
        self._first = begin_us // WINDOW_US
        self._factors = array("d", [wave(begin_us)])

    def at(self, time_us: int) -> float:
        """The factor at a time; what has not come yet is drawn."""
        index = time_us // WINDOW_US - self._first
        if index < 0:
            return wave(time_us)
        factors = self._factors
        while len(factors) <= index:
            last = factors[-1]
            factors.append(last + self._random.gauss(0.0, DRIFT) * last + (1.0 - last) * RETURN)
        return factors[index]


class Worths:
    """All coins.

    Args:
        seed: of all walks.
        begin_us: engine time of the first step.
    """

    def __init__(self, seed: int, begin_us: int) -> None:
        self._seed, self._begin_us = seed, begin_us
        self._known: dict[str, Worth] = {}

    def of(self, coin: str, time_us: int) -> float:
        """Factor of the coin's usual price."""
        if coin in STILL:
            return 1.0
        if coin not in self._known:
            self._known[coin] = Worth(self._seed, coin, self._begin_us)
        return self._known[coin].at(time_us)

    def pair(self, base: str, quote: str) -> Callable[[int], float]:
        """Factor of a pair's usual price, by time."""
        if quote in STILL:
            return lambda time_us: self.of(base, time_us)
        return lambda time_us: self.of(base, time_us) / self.of(quote, time_us)


def wave(time_us: int) -> float:
    """The factor before the walk began."""
    return 1.0 + WAVE * math.sin(time_us // 1_000_000 / WAVE_S)
