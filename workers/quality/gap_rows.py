"""The table of gaps: one row for each known hole, told again with every change."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from config.settings import ClickHouseSettings
from workers.quality.holes import Range, Series
from workers.store.queries import query
from workers.store.rows import insert_rows

Cause = Literal["exchange", "network", "ours", "unknown"]
State = Literal["open", "filling", "filled", "unfillable"]
STATES: tuple[State, ...] = get_args(State)

CAUSES: dict[str, Cause] = {
    "sequence": "exchange",
    "crossed": "exchange",
    "malformed": "exchange",
    "audit": "exchange",
    "disconnect": "network",
    "stale": "network",
    "restart": "ours",
    "overflow": "ours",
    "command": "ours",
}
"""Whose doing a gap is, by what the collector said of it."""
ABSENT = "absent"
"""Told so by a backfill: the exchange's own history has no row for these periods."""


@dataclass(frozen=True, kw_only=True)
class KnownGap:
    """One gap as it stands; the fields are the columns of `gap_ledger`.

    `told_as` is the collector's cause, empty where no collector told it. `begun_ns` and `ended_ns`
    are the exchange's times of the trades on both sides, as far as they are known.
    """

    exchange: str
    market_type: str
    symbol: str
    raw_symbol: str = ""
    data_type: str
    first_id: int | None
    last_id: int | None
    told_ns: int
    begun_ns: int | None = None
    ended_ns: int | None = None
    cause: Cause = "unknown"
    told_as: str = ""
    state: State = "open"
    why: str = ""
    missing: int = 0
    attempts: int = 0
    next_try_ns: int = 0
    closed_ns: int | None = None
    stored_ns: int = 0

    @property
    def series(self) -> Series:
        """Whose ids they are."""
        return Series(self.exchange, self.market_type, self.symbol, self.data_type)

    @property
    def ids(self) -> Range | None:
        """First and last id as they were first told; None: it has none."""
        if self.first_id is None or self.last_id is None:
            return None
        return self.first_id, self.last_id

    @property
    def absent(self) -> bool:
        """It is no gap: the exchange itself has nothing there."""
        return self.told_as == ABSENT

    @property
    def name(self) -> str:
        """For people: `binance_spot BTC-USDT trade 100-120`."""
        ids = self.ids
        where = f"{ids[0]}-{ids[1]}" if ids else "without ids"
        return f"{self.exchange} {self.symbol} {self.data_type} {where}"

    def now(self, state: State, **changes: Any) -> "KnownGap":
        """The same gap, one step on."""
        closed = time.time_ns() if state in ("filled", "unfillable") else None
        return replace(self, state=state, closed_ns=closed, **changes)


_COLUMNS = [each.name for each in fields(KnownGap)]
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM gap_ledger"


def read_gaps(
    settings: ClickHouseSettings,
    where: str = "1",
    parameters: dict[str, object] | None = None,
    *,
    limit: int = 100_000,
) -> list[KnownGap]:
    """Gaps that a condition holds for, oldest first.

    Raises:
        StoreError: see `query`.
    """
    sql = f"{_SELECT} WHERE {where} ORDER BY told_ns, symbol, first_id LIMIT {int(limit)}"
    return [
        KnownGap(**dict(zip(_COLUMNS, row, strict=True)))
        for row in query(settings, sql, parameters or None).rows
    ]


def changed_by_filling(
    settings: ClickHouseSettings, exchange: str, since_ns: int
) -> list[tuple[str, int]]:
    """Series and times of gaps that proved to be none since a moment: no row of theirs will come.

    Raises:
        StoreError: see `query`.
    """
    sql = (
        "SELECT DISTINCT data_type, assumeNotNull(ended_ns) FROM gap_ledger WHERE "
        "exchange = %(exchange)s AND told_as = %(absent)s AND stored_ns >= %(since)s "
        "AND isNotNull(ended_ns)"
    )
    asked = {"exchange": exchange, "absent": ABSENT, "since": since_ns}
    return [(row[0], row[1]) for row in query(settings, sql, asked).rows]


def write_gaps(settings: ClickHouseSettings, gaps: Iterable[KnownGap]) -> None:
    """Tell how these gaps stand now.

    Raises:
        StoreError: see `insert_rows`.
    """
    now_ns = time.time_ns()
    rows = []
    for gap in gaps:
        told = replace(gap, stored_ns=max(now_ns, gap.stored_ns + 1))
        rows.append([getattr(told, name) for name in _COLUMNS])
    insert_rows(settings, "gap_ledger", _COLUMNS, rows)
