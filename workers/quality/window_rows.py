"""The table of the completeness ledger: written minute by minute, rolled up, and read."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from config.settings import ClickHouseSettings
from workers.quality.holes import Series
from workers.quality.minutes import End, Window
from workers.store.queries import QueryResult, query
from workers.store.rows import execute, insert_rows

HOUR_S, DAY_S = 3600, 86_400
NS = 1_000_000_000

_COLUMNS = [
    "exchange",
    "market_type",
    "symbol",
    "data_type",
    "window_s",
    "window_ns",
    "expected",
    "received",
    "stored",
    "duplicates",
    "backfilled",
    "missing",
    "unused",
    "proof",
    "first_id",
    "last_id",
    "first_ns",
    "last_ns",
    "stored_ns",
]
_ROLL_UP = """
INSERT INTO completeness ({columns})
SELECT exchange, market_type, symbol, data_type, {length}, intDiv(window_ns, {ns}) * {ns} AS began,
       sum(c.expected), sum(c.received), sum(c.stored), sum(c.duplicates), sum(c.backfilled),
       sum(c.missing), sum(c.unused), max(c.proof),
       argMinOrNullIf(assumeNotNull(c.first_id), c.window_ns, c.stored > 0),
       argMaxOrNullIf(assumeNotNull(c.last_id), c.window_ns, c.stored > 0),
       min(c.first_ns), max(c.last_ns), %(now)s
FROM completeness AS c
WHERE exchange = %(exchange)s AND window_s = 60 AND window_ns >= %(begin)s AND window_ns < %(end)s
GROUP BY exchange, market_type, symbol, data_type, began
"""
_NEXT = """
SELECT market_type, symbol, data_type,
       argMin((assumeNotNull(first_id), assumeNotNull(last_id), assumeNotNull(first_ns),
               backfilled = stored), window_ns)
FROM completeness
WHERE exchange = %(exchange)s AND window_s = 60 AND window_ns >= %(at)s AND stored > 0
GROUP BY market_type, symbol, data_type
"""
_LAST = """
SELECT market_type, symbol, data_type,
       argMax((assumeNotNull(first_id), assumeNotNull(last_id), assumeNotNull(last_ns),
               backfilled = stored), window_ns)
FROM completeness
WHERE exchange = %(exchange)s AND stored > 0 AND (
    (window_s = 60 AND window_ns >= %(day)s AND window_ns < %(at)s)
    OR (window_s = 86400 AND window_ns < %(day)s))
GROUP BY market_type, symbol, data_type
"""
_DUPLICATES = """
SELECT market_type, symbol, data_type, window_ns, duplicates
FROM completeness
WHERE exchange = %(exchange)s AND window_s = 60 AND duplicates > 0
  AND window_ns >= %(begin)s AND window_ns < %(end)s
"""
_READ = """
SELECT exchange, market_type, symbol, data_type, window_ns, expected, received, stored, duplicates,
       backfilled, missing, unused,
       if(proof = 'verified' AND window_ns + window_s * 1000000000 > ends.until_ns,
          'open', toString(proof)) AS proven
FROM completeness
LEFT JOIN (
    SELECT exchange, market_type, symbol, data_type, max(last_ns) AS until_ns FROM completeness
    WHERE window_s = 86400 GROUP BY ALL
) AS ends USING (exchange, market_type, symbol, data_type)
WHERE window_s = %(length)s AND window_ns >= %(begin)s AND window_ns < %(end)s
  AND (%(exchange)s = '' OR exchange = %(exchange)s) AND (%(symbol)s = '' OR symbol = %(symbol)s)
ORDER BY exchange, symbol, data_type, window_ns
"""


def write_windows(settings: ClickHouseSettings, windows: Iterable[tuple[Series, Window]]) -> int:
    """Store rows, all at once; how many."""
    now_ns = time.time_ns()
    rows = [
        [
            *(series.exchange, series.market_type, series.symbol, series.data_type),
            *(each.window_s, each.window_ns, each.expected, each.received, each.stored),
            *(each.duplicates, each.backfilled, each.missing, each.unused, "verified"),
            *(each.first_id, each.last_id, each.first_ns, each.last_ns, now_ns),
        ]
        for series, each in windows
    ]
    insert_rows(settings, "completeness", _COLUMNS, rows)
    return len(rows)


def roll_up(settings: ClickHouseSettings, exchange: str, begin_ns: int, end_ns: int) -> None:
    """Add up the hours and days that a span touches.

    Raises:
        StoreError: see `execute`.
    """
    for length_s in (HOUR_S, DAY_S):
        ns = length_s * NS
        sql = _ROLL_UP.format(columns=", ".join(_COLUMNS), length=length_s, ns=ns)
        first, end = begin_ns // ns * ns, -(-end_ns // ns) * ns
        asked = {"exchange": exchange, "begin": first, "end": end, "now": time.time_ns()}
        execute(settings, sql, asked)


def ends(
    settings: ClickHouseSettings, exchange: str, begin_ns: int, end_ns: int
) -> tuple[dict[Series, End], dict[Series, End]]:
    """The last trade before a span and the first behind it, by series, as the ledger knows them.

    Raises:
        StoreError: see `query`.
    """
    day_ns = begin_ns // (DAY_S * NS) * DAY_S * NS
    last = query(settings, _LAST, {"exchange": exchange, "at": begin_ns, "day": day_ns}).rows
    following = query(settings, _NEXT, {"exchange": exchange, "at": end_ns}).rows
    return _ends(exchange, last), _ends(exchange, following)


def duplicates(
    settings: ClickHouseSettings, exchange: str, begin_ns: int, end_ns: int
) -> dict[Series, dict[int, int]]:
    """Repeats counted in the minutes of a span before now."""
    found: dict[Series, dict[int, int]] = {}
    asked = {"exchange": exchange, "begin": begin_ns, "end": end_ns}
    for kind, symbol, data_type, minute, many in query(settings, _DUPLICATES, asked).rows:
        found.setdefault(Series(exchange, kind, symbol, data_type), {})[minute] = many
    return found


def read_windows(
    settings: ClickHouseSettings,
    length_s: int,
    begin_ns: int,
    end_ns: int,
    exchange: str = "",
    symbol: str = "",
) -> QueryResult:
    """Windows of one length that begin in a span, by series and time.

    `proof`: verified; open: no later trade proves yet that nothing is missing at its end;
    unverifiable: there are no ids.

    Raises:
        StoreError: see `query`.
    """
    asked: dict[str, Any] = {
        "length": length_s,
        "begin": begin_ns,
        "end": end_ns,
        "exchange": exchange,
        "symbol": symbol,
    }
    return query(settings, _READ, asked, max_rows=3_000_000)


def until_ns(settings: ClickHouseSettings, name: str) -> int:
    """How far a part of the ledger has read; 0: it never began."""
    sql = "SELECT max(until_ns) FROM ledger_progress WHERE name = %(name)s"
    ((found,),) = query(settings, sql, {"name": name}).rows
    return int(found)


def reached(settings: ClickHouseSettings, name: str, until: int) -> None:
    """Note how far a part of the ledger has read."""
    row = [name, until, time.time_ns()]
    insert_rows(settings, "ledger_progress", ["name", "until_ns", "stored_ns"], [row])


def _ends(exchange: str, rows: Sequence[tuple[Any, ...]]) -> dict[Series, End]:
    return {
        Series(exchange, kind, symbol, data_type): End(first, last, at, bool(filled))
        for kind, symbol, data_type, (first, last, at, filled) in rows
    }
