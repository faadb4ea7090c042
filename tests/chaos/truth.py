"""Rows held against what the exchange made: nothing may be lost, nothing may be there twice."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.chaos.stack import ChaosStack, Traded

KEY = "exchange, symbol, market_type, aggregate, trade_id"
MOST_ROWS = 5_000_000
MOST_ID = 2**63


Made = dict[int, dict[str, Any]]
"""What the exchange made, by trade id."""
Span = tuple[Traded, int, int]


class Unequal(AssertionError):
    """A stored trade differs from the one that was made."""


@dataclass
class Missing:
    """Trades that were made and are not stored.

    Attributes:
        lost: neither stored nor named by anybody.
        named: within a gap that says so, and not filled.
    """

    lost: dict[Traded, list[int]] = field(default_factory=dict)
    named: dict[Traded, list[int]] = field(default_factory=dict)

    @property
    def lost_count(self) -> int:
        return sum(map(len, self.lost.values()))

    @property
    def named_count(self) -> int:
        return sum(map(len, self.named.values()))

    def __bool__(self) -> bool:
        return bool(self.lost or self.named)

    def __str__(self) -> str:
        return f"lost {_spans(self.lost)}, named {_spans(self.named)}"


class Reckoning:
    """Follows each symbol from its first stored trade; what was proven is not asked for again.

    Args:
        stack: with trades of every symbol stored.
    """

    def __init__(self, stack: ChaosStack) -> None:
        self._stack = stack
        self.first = stack.first_stored()
        self._from = dict(self.first)
        self.made = 0
        self._truth: dict[Span, Made] = {}

    def stored_up_to(self, ends: dict[Traded, int]) -> bool:
        """Whether the newest row of each symbol is at least this one: it flows again."""
        newest = self._ask("max(trade_id)", self._from, dict.fromkeys(ends, MOST_ID))
        return all(newest.get(each, 0) >= end for each, end in ends.items())

    def missing(self, ends: dict[Traded, int], *, again: bool = False) -> Missing:
        """What was made from the last proven trade to `ends` and is not stored, now.

        Args:
            ends: the last trade of each symbol to look at.
            again: from the very first trade.

        Raises:
            Unequal: a row differs from the trade the exchange made.
        """
        found = Missing()
        begins = self.first if again else self._from
        counts = self._ask("uniqExact(trade_id)", begins, ends)
        for each, end in ends.items():
            truth = self._made(each, begins[each], end)
            if counts.get(each, 0) == len(truth) and not again:
                continue
            rows = self._rows(each, begins[each], end)
            self._compare(each, truth, rows)
            absent = sorted(set(truth) - {row[0] for row in rows})
            if absent:
                named = self._named(each)
                known = [number for number in absent if _within(number, named)]
                lost = sorted(set(absent) - set(known))
                found.named |= {each: known} if known else {}
                found.lost |= {each: lost} if lost else {}
        return found

    def prove(self, ends: dict[Traded, int]) -> None:
        """Compare every value up to `ends`, and go on from there.

        Raises:
            Unequal: a row differs from the trade the exchange made.
        """
        for each, end in ends.items():
            truth = self._made(each, self._from[each], end)
            self._compare(each, truth, self._rows(each, self._from[each], end))
            self.made += len(truth)
            self._from[each] = end
        self._truth.clear()

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

    def ledger_disagrees(self) -> list[str]:
        """What the ledger says is missing, although every trade is stored; in words."""
        gaps = self._stack.rows(
            "SELECT exchange, symbol, first_id, last_id, toString(state), why FROM gap_ledger "
            "WHERE data_type = 'trade' AND state != 'filled'"
        )
        minutes = self._stack.rows(
            "SELECT exchange, symbol, sum(missing) FROM completeness WHERE window_s = 60 "
            "AND data_type = 'trade' GROUP BY 1, 2 HAVING sum(missing) > 0"
        )
        return [
            *(f"the ledger holds {' '.join(map(str, row))}" for row in gaps),
            *(f"the ledger counts {row[2]} trades of {row[0]} {row[1]} missing" for row in minutes),
        ]

    def gaps_by_cause(self) -> dict[str, int]:
        """How many gaps of trades the ledger named, filled or not."""
        rows = self._stack.rows(
            "SELECT toString(cause), count() FROM gap_ledger WHERE data_type = 'trade' GROUP BY 1"
        )
        return {str(cause): int(count) for cause, count in rows}

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
        return self._stack.rows(
            f"SELECT trade_id, price, quantity, side FROM trades WHERE {where} LIMIT {MOST_ROWS}",
            max_rows=MOST_ROWS,
        )

    def _made(self, each: Traded, first: int, last: int) -> Made:
        if (each, first, last) not in self._truth:
            rows = self._stack.door(each.exchange).trades(each.raw_symbol, first, last)
            self._truth[each, first, last] = {row["id"]: row for row in rows}
        return self._truth[each, first, last]

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

    def _compare(
        self,
        each: Traded,
        truth: Made,
        rows: list[tuple[Any, ...]],
    ) -> None:
        """Quantities only where both sides count in the same unit."""
        for number, price, quantity, side in rows:
            made = truth.get(number)
            if made is None:
                raise Unequal(f"{each.exchange} {each.symbol}: trade {number} was never made")
            wanted = Decimal(made["price"]), made["side"]
            if (price, side) != wanted or (
                each.exchange == "binance_spot" and quantity != Decimal(made["quantity"])
            ):
                raise Unequal(
                    f"{each.exchange} {each.symbol}: trade {number} is stored as {price} "
                    f"{quantity} {side} and was made as {made}"
                )


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
