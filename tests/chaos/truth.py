"""Rows held against what the exchange made: nothing may be lost, nothing may be there twice."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.chaos.stack import ChaosStack, Traded

KEY = "exchange, symbol, market_type, aggregate, trade_id"
MOST_ID = 2**63
AT_ONCE = 20_000
"""Trades compared in one go: a long outage is more than memory should hold."""
MOST_SHOWN = 5


@dataclass
class Missing:
    """Trades that were made and are not stored, and rows that are not what was made.

    Attributes:
        lost: neither stored nor named by anybody.
        named: within a gap that says so, and not filled.
        unequal: rows that differ from the trade, in words.
    """

    lost: dict[Traded, list[int]] = field(default_factory=dict)
    named: dict[Traded, list[int]] = field(default_factory=dict)
    unequal: list[str] = field(default_factory=list)

    @property
    def lost_count(self) -> int:
        return sum(map(len, self.lost.values()))

    @property
    def named_count(self) -> int:
        return sum(map(len, self.named.values()))

    def __bool__(self) -> bool:
        return bool(self.lost or self.named or self.unequal)

    def __str__(self) -> str:
        return f"lost {_spans(self.lost)}, named {_spans(self.named)}"


class Reckoning:
    """Follows each symbol from its first stored trade; what was proven is not asked for again.

    Args:
        stack: with trades of every symbol stored.

    Attributes:
        first: the first trade of each symbol.
        made: trades compared by value until now.
    """

    def __init__(self, stack: ChaosStack) -> None:
        self._stack = stack
        self.first = stack.first_stored()
        self._from = dict(self.first)
        self.made = 0

    def stored_up_to(self, ends: dict[Traded, int]) -> bool:
        """Whether the newest row of each symbol is at least this one: it flows again."""
        newest = self._ask("max(trade_id)", self._from, dict.fromkeys(ends, MOST_ID))
        return all(newest.get(each, 0) >= end for each, end in ends.items())

    def whole(self, ends: dict[Traded, int], *, again: bool = False) -> bool:
        """Whether as many trades are stored as were made; the simulator counts them one by one.

        Args:
            ends: the last trade of each symbol to look at.
            again: from the very first trade, else from the last one proven.
        """
        begins = self.first if again else self._from
        counts = self._ask("uniqExact(trade_id)", begins, ends)
        return all(counts.get(each, 0) == end - begins[each] + 1 for each, end in ends.items())

    def missing(self, ends: dict[Traded, int], *, again: bool = False) -> Missing:
        """Every trade up to `ends` compared by value with the exchange's own."""
        found = Missing()
        begins = self.first if again else self._from
        self.made = sum(end - self.first[each] + 1 for each, end in ends.items())
        for each, end in ends.items():
            absent: list[int] = []
            for first, last in _pieces(begins[each], end):
                truth = self._made(each, first, last)
                rows = self._rows(each, first, last)
                found.unequal += _differences(each, truth, rows)
                absent += sorted(set(truth) - {row[0] for row in rows})
            if absent:
                named = self._named(each)
                known = [number for number in absent if _within(number, named)]
                lost = sorted(set(absent) - set(known))
                found.named |= {each: known} if known else {}
                found.lost |= {each: lost} if lost else {}
        return found

    def prove(self, ends: dict[Traded, int]) -> Missing:
        """Compare every value up to `ends`, and go on from there."""
        found = self.missing(ends)
        self._from = {each: end + 1 for each, end in ends.items()}
        return found

    def duplicated(self) -> int:
        """Trades that a reader would count twice, and keys whose rows contradict each other."""
        (twice,) = self._stack.rows(f"SELECT count() - uniqExact({KEY}) FROM trades")[0]
        (at_odds,) = self._stack.physical(
            "SELECT count() FROM (SELECT 1 FROM trades "
            f"GROUP BY {KEY} HAVING uniqExact(price, quantity, side) > 1)"
        )[0]
        return int(twice) + int(at_odds)

    def written_twice(self) -> int:
        """Rows that came again and lie beside the first until ClickHouse merges them."""
        (repeats,) = self._stack.physical(f"SELECT count() - uniqExact({KEY}) FROM trades")[0]
        return int(repeats)

    def _ask(
        self, what: str, begins: dict[Traded, int], ends: dict[Traded, int]
    ) -> dict[Traded, int]:
        """One figure for each symbol."""
        where = " OR ".join(f"({_where(each, begins[each], end)})" for each, end in ends.items())
        rows = self._stack.rows(
            f"SELECT exchange, symbol, raw_symbol, {what} FROM trades WHERE {where} "
            "GROUP BY 1, 2, 3"
        )
        return {Traded(*row[:3]): row[3] for row in rows}

    def _rows(self, each: Traded, first: int, last: int) -> list[tuple[Any, ...]]:
        where = _where(each, first, last)
        most = 2 * AT_ONCE
        return self._stack.rows(
            f"SELECT trade_id, price, quantity, side FROM trades WHERE {where} LIMIT {most}",
            max_rows=most,
        )

    def _made(self, each: Traded, first: int, last: int) -> dict[int, dict[str, Any]]:
        rows = self._stack.door(each.exchange).trades(each.raw_symbol, first, last)
        return {row["id"]: row for row in rows}

    def _named(self, each: Traded) -> list[tuple[int, int]]:
        where = (
            f"exchange = '{each.exchange}' AND symbol = '{each.symbol}' AND data_type = 'trade' "
            "AND first_id IS NOT NULL"
        )
        rows = self._stack.rows(
            f"SELECT first_id, last_id FROM gaps WHERE {where} "
            f"UNION ALL SELECT first_id, last_id FROM gap_ledger WHERE {where}"
        )
        return [(first, last) for first, last in rows]


def _differences(
    each: Traded, truth: dict[int, dict[str, Any]], rows: list[tuple[Any, ...]]
) -> list[str]:
    """Quantities only where both sides count in the same unit."""
    found = []
    where = f"{each.exchange} {each.symbol}: trade"
    for number, price, quantity, side in rows:
        made = truth.get(number)
        if made is None:
            found.append(f"{where} {number} was never made")
            continue
        same = (price, side) == (Decimal(made["price"]), made["side"])
        if same and each.exchange == "binance_spot":
            same = quantity == Decimal(made["quantity"])
        if not same:
            found.append(f"{where} {number} is stored as {price} {quantity} {side}, made as {made}")
    return found[:MOST_SHOWN]


def _pieces(first: int, last: int) -> Iterator[tuple[int, int]]:
    for begin in range(first, last + 1, AT_ONCE):
        yield begin, min(begin + AT_ONCE - 1, last)


def _where(each: Traded, first: int, last: int) -> str:
    return (
        f"exchange = '{each.exchange}' AND symbol = '{each.symbol}' AND NOT aggregate "
        f"AND trade_id BETWEEN {first} AND {last}"
    )


def _within(number: int, ranges: list[tuple[int, int]]) -> bool:
    return any(first <= number <= last for first, last in ranges)


def _spans(missing: dict[Traded, list[int]]) -> str:
    parts = [
        f"{each.exchange} {each.symbol} {len(ids)} in {ids[0]}-{ids[-1]}"
        for each, ids in missing.items()
    ]
    return "; ".join(parts) or "none"
