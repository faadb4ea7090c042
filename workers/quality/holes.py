"""Ranges of ids, and what is missing between rows. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

Range = tuple[int, int]
"""First and last id, both inclusive."""

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS
MOST_MINUTES = 2880
"""Minutes of one hole that are told one by one: two days. The ledger of a month's outage of many
symbols would fill the memory."""


MOST_SPREAD = 1_000_000
"""Rows of one hole that are told minute by minute exactly; of more the even spread is near."""


class Series(NamedTuple):
    """What has ids of its own: the trades of a symbol, its candles of one minute, ...

    `data_type` is the type of event, with what tells series of one type apart: `trade`,
    `aggregate-trade`, `kline-1m`, `long-short-ratio-top_accounts-5m`.
    """

    exchange: str
    market_type: str
    symbol: str
    data_type: str


class Hole(NamedTuple):
    """Ids first to last are not stored; rows on both sides are.

    `edge`: one side came from history, so that the hole may be where somebody chose to begin; it
    counts only where a gap is known. `each`: ids that one row stands for; 0: nobody can tell, at
    least one row is missing.
    """

    series: Series
    first_id: int
    last_id: int
    before_ns: int
    behind_ns: int
    edge: bool = False
    each: int = 1

    @property
    def ids(self) -> Range:
        """Both ends."""
        return self.first_id, self.last_id

    def rows(self, left: Iterable[Range]) -> int:
        """How many rows are missing if these ids of it are."""
        parts = list(left)
        if not self.each:
            return min(1, len(parts))
        return sum(-(-(last - first + 1) // self.each) for first, last in parts)

    def by_minute(self, left: Sequence[Range], period_ns: int | None) -> dict[int, int]:
        """Missing rows by minute: exactly where ids are periods, else spread evenly.

        Of a hole of days each hour's are told in its first minute.
        """
        missing = self.rows(left)
        if period_ns is None or not 0 < missing <= MOST_SPREAD:
            return by_hour(shares(missing, self.before_ns, self.behind_ns))
        # Candles of some exchanges do not begin at multiples since 1970.
        shift = self.before_ns - (self.first_id - 1) * period_ns
        found: dict[int, int] = {}
        for first, last in left:
            for each in range(first + self.each - 1, last + self.each, self.each):
                minute = minute_of(min(each, last) * period_ns + shift)
                found[minute] = found.get(minute, 0) + 1
        return by_hour(found)


def subtract(whole: Range, parts: Iterable[Range]) -> list[Range]:
    """What is left of a range without some parts."""
    left, first = [], whole[0]
    for begin, end in sorted(parts):
        if end < first:
            continue
        if begin > whole[1]:
            break
        if begin > first:
            left.append((first, begin - 1))
        first = end + 1
    if first <= whole[1]:
        left.append((first, whole[1]))
    return left


def common(whole: Range, parts: Iterable[Range]) -> list[Range]:
    """What a range and others have in common."""
    pairs = ((max(whole[0], begin), min(whole[1], end)) for begin, end in parts)
    return [(first, last) for first, last in pairs if first <= last]


def count(ranges: Iterable[Range]) -> int:
    """How many ids there are in ranges that do not overlap."""
    return sum(last - first + 1 for first, last in ranges)


def ranges_of(ids: Iterable[int]) -> list[Range]:
    """Single ids as ranges."""
    found: list[Range] = []
    for each in sorted(set(ids)):
        if found and found[-1][1] == each - 1:
            found[-1] = (found[-1][0], each)
        else:
            found.append((each, each))
    return found


def minute_of(ns: int) -> int:
    """The beginning of its minute."""
    return ns - ns % MINUTE_NS


def shares(missing: int, before_ns: int, behind_ns: int) -> dict[int, int]:
    """Missing ids by minute, spread evenly: after the minute of `before_ns`, up to `behind_ns`.

    The sum is exact; a hole within a minute is that minute's.
    """
    last = minute_of(behind_ns)
    first = min(minute_of(before_ns) + MINUTE_NS, last)
    minutes = (last - first) // MINUTE_NS + 1
    done, found = 0, {}
    for place in range(minutes):
        until = missing * (place + 1) // minutes
        if until > done:
            found[first + place * MINUTE_NS] = until - done
        done = until
    return found


def by_hour(found: dict[int, int]) -> dict[int, int]:
    """The same in fewer minutes where there are many: each hour's in the first of them."""
    if len(found) <= MOST_MINUTES:
        return found
    firsts: dict[int, int] = {}
    told: dict[int, int] = {}
    for minute_ns in sorted(found):
        first = firsts.setdefault(minute_ns // HOUR_NS, minute_ns)
        told[first] = told.get(first, 0) + found[minute_ns]
    return told


def clusters(minutes: Sequence[int], apart_ns: int, longest_ns: int) -> list[Range]:
    """Minutes as spans [first, end), neighbours nearer than `apart_ns` together."""
    found: list[Range] = []
    for each in sorted(minutes):
        end = each + MINUTE_NS
        if found and each - found[-1][1] <= apart_ns and end - found[-1][0] <= longest_ns:
            found[-1] = (found[-1][0], end)
        else:
            found.append((each, end))
    return found
