"""One side of a book: its levels in order, and how far they are proven complete. Pure.

Two parallel lists, worst level first: a float to sort by (prices of asks negated, so that the best
is last on both sides) and the level as JSON text in the exchange's own spelling. Changes happen
near the best level, where a list moves little memory; the best n levels are one slice and one join.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from workers.model.errors import BookError
from workers.model.events import Levels

UNIQUE_CHARACTERS = 16
"""A price of 15 digits and a point: up to here every decimal has a float of its own."""


class Comparison(NamedTuple):
    """Two sides held against each other, within the range both have proven complete.

    Args:
        proven: there is such a range; without one nothing was compared.
        compared: prices that stand on either side.
        different: those whose quantities differ, or that stand on one side alone.
        first: the best of them, in words.
    """

    proven: bool
    compared: int = 0
    different: int = 0
    first: str | None = None


class Side:
    """The bids, or with `sign` -1 the asks, of one book.

    Args:
        sign: 1.0 for bids, -1.0 for asks.
        limit: levels kept; the worst ones beyond it, and some slack, are pruned.
    """

    __slots__ = ("floor", "keys", "limit", "long_prices", "sign", "slack", "values")

    def __init__(self, sign: float, limit: int) -> None:
        self.sign, self.limit, self.slack = sign, limit, max(1, limit // 10)
        self.keys: list[float] = []
        self.values: list[str] = []
        self.floor = math.inf
        """Every level whose key is at least this is here; -inf: the whole side is known."""
        self.long_prices = False
        """A price came that is long enough to share its float with another."""

    @property
    def complete(self) -> bool:
        """The whole side is known."""
        return self.floor == -math.inf

    @property
    def verified(self) -> int:
        """Levels from the best on that are proven complete."""
        if self.floor == -math.inf:
            return len(self.keys)
        return len(self.keys) - bisect_left(self.keys, self.floor)

    def load(
        self,
        levels: Levels,
        prices: Sequence[float],
        quantities: Sequence[float],
        *,
        complete: bool,
    ) -> None:
        """Replace all levels; quantity 0 is no level.

        Raises:
            BookError: two different prices share a float; nothing changed.
        """
        long_prices = _has_long(levels)
        found: dict[float, tuple[str, str]] = {}
        for level, price, quantity in zip(levels, prices, quantities, strict=True):
            key = price * self.sign
            if not quantity:
                found.pop(key, None)
                continue
            if long_prices and key in found:
                _require_same(found[key][0], level[0])
            found[key] = level
        worst = min(prices, key=lambda price: price * self.sign, default=None)
        self.keys = sorted(found)
        self.values = [_join(*found[key]) for key in self.keys]
        self.long_prices = long_prices
        if complete:
            self.floor = -math.inf
        else:
            self.floor = math.inf if worst is None else worst * self.sign
        self._prune(self.limit)

    def check(self, levels: Levels, prices: Sequence[float]) -> None:
        """Make sure that no price shares its float with a different one.

        Raises:
            BookError: one does; nothing changed.
        """
        if not self.long_prices:
            if not _has_long(levels):
                return
            self.long_prices = True
        keys, coming = self.keys, dict[float, str]()
        for (text, _), price in zip(levels, prices, strict=True):
            key = price * self.sign
            index = bisect_left(keys, key)
            if index < len(keys) and keys[index] == key:
                _require_same(_split(self.values[index])[0], text)
            _require_same(coming.setdefault(key, text), text)

    def apply(self, levels: Levels, prices: Sequence[float], quantities: Sequence[float]) -> None:
        """Set the quantities of some levels; 0 removes, also a level that is not here.

        The caller has validated all of it: nothing fails half-way.
        """
        keys, values, sign = self.keys, self.values, self.sign
        count = len(keys)
        for (text, size), price, quantity in zip(levels, prices, quantities):  # noqa: B905
            key = price * sign
            index = bisect_left(keys, key)
            if index < count and keys[index] == key:
                if quantity:
                    values[index] = f'["{text}","{size}"]'
                else:
                    del keys[index], values[index]
                    count -= 1
            elif quantity:
                keys.insert(index, key)
                values.insert(index, f'["{text}","{size}"]')
                count += 1
        self.trim()

    def trim(self) -> None:
        """Prune the worst levels once there are more than the limit and the slack."""
        if len(self.keys) > self.limit + self.slack:
            self._prune(self.limit)

    def best(self) -> tuple[str, str] | None:
        """The best level, if it is proven to be the best."""
        if not self.keys or self.keys[-1] < self.floor:
            return None
        return _split(self.values[-1])

    def top(self, n: int) -> bytes:
        """The best n levels as a JSON array, fewer where fewer are proven."""
        n = min(n, self.verified)
        return f"[{','.join(self.values[: -n - 1 : -1])}]".encode()

    def levels(self, n: int | None = None) -> Levels:
        """The best n proven levels; with None all levels, unproven ones too."""
        n = len(self.values) if n is None else min(n, self.verified)
        return [_split(value) for value in self.values[: -n - 1 : -1]]

    def copy(self) -> "Side":
        """A side of its own with the same levels."""
        twin = Side(self.sign, self.limit)
        twin.keys, twin.values = self.keys.copy(), self.values.copy()
        twin.floor, twin.long_prices = self.floor, self.long_prices
        return twin

    def compare(self, other: "Side") -> Comparison:
        """Hold another side against this one."""
        floor = max(self.floor, other.floor)
        if floor == math.inf:
            return Comparison(proven=False)
        start, their_start = bisect_left(self.keys, floor), bisect_left(other.keys, floor)
        mine, theirs = self.values[start:], other.values[their_start:]
        if mine == theirs:
            return Comparison(True, len(mine))
        here = dict(zip(self.keys[start:], mine, strict=True))
        there = dict(zip(other.keys[their_start:], theirs, strict=True))
        prices = sorted(here.keys() | there.keys(), reverse=True)
        odd = [key for key in prices if not _same_level(here.get(key), there.get(key))]
        if not odd:
            return Comparison(True, len(prices))
        left, right = here.get(odd[0], "nothing"), there.get(odd[0], "nothing")
        return Comparison(True, len(prices), len(odd), f"{left} here, {right} there")

    def _prune(self, limit: int) -> None:
        """Keep the best `limit` levels. What lies beyond a level that was dropped is unproven."""
        excess = len(self.keys) - limit
        if excess > 0:
            del self.keys[:excess], self.values[:excess]
            self.floor = max(self.floor, self.keys[0])


def _join(price: str, quantity: str) -> str:
    """A level as JSON; plain decimals need no escapes."""
    return f'["{price}","{quantity}"]'


def _split(value: str) -> tuple[str, str]:
    """The level behind its JSON text."""
    price, quantity = value[2:-2].split('","')
    return price, quantity


def _same_level(left: str | None, right: str | None) -> bool:
    """Whether two levels are equal as numbers, however they are spelled."""
    if left is None or right is None:
        return False
    return left == right or list(map(Decimal, _split(left))) == list(map(Decimal, _split(right)))


def _has_long(levels: Levels) -> bool:
    return max((len(price) for price, _ in levels), default=0) > UNIQUE_CHARACTERS


def _require_same(kept: str, other: str) -> None:
    if kept != other and Decimal(kept) != Decimal(other):
        raise BookError(f"prices {kept} and {other} are too close to be told apart")
