"""What people and services ask the tables. Reads only, each with limits."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from config.settings import ClickHouseSettings
from workers.store.client import connect, translated
from workers.store.tables import TABLES

MAX_ROWS = 100_000
MAX_SECONDS = 30

_TRADES = """
SELECT trade_id, exchange_ns, received_ns, price, quantity, side, aggregate, off_book, source
FROM trades
WHERE exchange = %(exchange)s AND symbol = %(symbol)s
ORDER BY aggregate, trade_id DESC
LIMIT %(last)s
"""


class QueryResult(NamedTuple):
    """Column names and rows of plain Python values; decimals are Decimal, absent is None."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def query(
    settings: ClickHouseSettings,
    sql: str,
    parameters: Mapping[str, object] | None = None,
    *,
    max_rows: int = MAX_ROWS,
    max_seconds: float = MAX_SECONDS,
    final: bool = True,
    limit: int | None = None,
) -> QueryResult:
    """Run one reading statement.

    Args:
        settings: where.
        sql: may contain `%(name)s` if `parameters` are given.
        parameters: values for them.
        max_rows: a longer result is refused.
        max_seconds: a slower one too.
        final: count what was delivered twice once (ClickHouse's FINAL on every table).
        limit: rows to stop after, whatever the statement says; None: all.

    Raises:
        StoreError: ClickHouse refused or is away; `retryable` tells which.
    """
    session: dict[str, Any] = {
        "final": int(final),
        "max_result_rows": max_rows,
        "result_overflow_mode": "throw",
        "max_execution_time": max_seconds,
        **({} if limit is None else {"limit": limit}),
        "readonly": 2,  # last: it forbids changing what comes after
    }
    with translated("query"), connect(settings, **session) as client:
        answer = client.execute(sql, parameters and dict(parameters), with_column_types=True)
    if not isinstance(answer, tuple):
        return QueryResult([], [])
    rows, columns = answer
    flags = [index for index, (_, kind) in enumerate(columns) if kind in ("Bool", "Nullable(Bool)")]
    if flags:
        rows = [_with_flags(row, flags) for row in rows]
    return QueryResult([name for name, _ in columns], rows)


def _with_flags(row: tuple[Any, ...], flags: list[int]) -> tuple[Any, ...]:
    """The driver gives Bool as 0 and 1."""
    values = list(row)
    for index in flags:
        values[index] = None if values[index] is None else bool(values[index])
    return tuple(values)


def trades(settings: ClickHouseSettings, exchange: str, symbol: str, last: int = 20) -> QueryResult:
    """The last trades of one symbol, oldest first; raw trades where there are any.

    Raises:
        StoreError: see `query`.
    """
    found = query(settings, _TRADES, {"exchange": exchange, "symbol": symbol, "last": last})
    return QueryResult(found.columns, found.rows[::-1])


class Recent(NamedTuple):
    """What came lately: rows stored a second, and when the newest was received (UTC)."""

    rows_per_s: float
    newest_ns: int


def recent(
    settings: ClickHouseSettings, now_ns: int, *, window_s: float = 600.0, rate_s: float = 5.0
) -> dict[tuple[str, str], Recent]:
    """What was received in the last `window_s`, by (table, exchange); without rows it is left out.

    The window keeps the question cheap however long the tables are.

    Args:
        settings: where.
        now_ns: the time now.
        window_s: how far back to look.
        rate_s: over how long the rate is taken.

    Raises:
        StoreError: see `query`.
    """
    parts = [
        f"SELECT '{table}', exchange, countIf(stored_ns > %(rated)s), max(received_ns) "
        f"FROM {table} WHERE received_ns > %(since)s GROUP BY exchange"
        for table in TABLES
    ]
    since = {
        "since": now_ns - int(window_s * 1e9),
        "rated": now_ns - int(rate_s * 1e9),
    }
    rows = query(settings, " UNION ALL ".join(parts), since, final=False).rows
    return {
        (table, exchange): Recent(stored / rate_s, newest_ns)
        for table, exchange, stored, newest_ns in rows
    }


def row_counts(
    settings: ClickHouseSettings, *, final: bool = False
) -> dict[str, dict[tuple[str, str], int]]:
    """Rows of each table by (exchange, symbol).

    Args:
        settings: where.
        final: without it a row delivered twice counts twice until ClickHouse merged it, but the
            count costs next to nothing.

    Raises:
        StoreError: see `query`.
    """
    parts = [
        f"SELECT '{table}' AS stored, exchange, symbol, count() FROM {table} GROUP BY ALL"
        for table in TABLES
    ]
    counts: dict[str, dict[tuple[str, str], int]] = {table: {} for table in TABLES}
    for table, exchange, symbol, rows in query(settings, " UNION ALL ".join(parts), final=final)[1]:
        counts[table][exchange, symbol] = rows
    return counts
