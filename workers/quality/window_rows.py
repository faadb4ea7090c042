"""The table of the completeness ledger: written minute by minute, rolled up, and read."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from config.settings import ClickHouseSettings
from workers.quality.countable import countable
from workers.quality.holes import Series
from workers.quality.minutes import End, Window
from workers.store.queries import QueryResult, query
from workers.store.rows import execute, insert_rows

HOUR_S, DAY_S = 3600, 86_400
NS = 1_000_000_000
HOUR_NS, DAY_NS = HOUR_S * NS, DAY_S * NS

_COUNTS = ("expected", "received", "stored", "duplicates", "backfilled", "missing", "unused")
_COLUMNS = [
    *("exchange", "market_type", "symbol", "data_type", "window_s", "window_ns"),
    *_COUNTS,
    *("proof", "first_id", "last_id", "first_ns", "last_ns", "first_filled", "last_filled"),
    "stored_ns",
]
_ROLL_UP = """
INSERT INTO completeness ({columns})
SELECT exchange, market_type, symbol, data_type, {length}, intDiv(window_ns, {ns}) * {ns} AS began,
       {sums}, max(c.proof),
       argMinOrNullIf(assumeNotNull(c.first_id), c.window_ns, isNotNull(c.first_id)),
       argMaxOrNullIf(assumeNotNull(c.last_id), c.window_ns, isNotNull(c.last_id)),
       min(c.first_ns), max(c.last_ns),
       argMinIf(c.first_filled, c.window_ns, c.stored > 0),
       argMaxIf(c.last_filled, c.window_ns, c.stored > 0), %(now)s
FROM completeness AS c
WHERE exchange = %(exchange)s AND window_s = {part}
  AND window_ns >= %(begin)s AND window_ns < %(end)s
GROUP BY exchange, market_type, symbol, data_type, began
"""
_NEAREST = """
SELECT market_type, symbol, data_type, {choose}(
       (assumeNotNull(first_id), assumeNotNull(last_id), assumeNotNull({side}_ns), {side}_filled),
       window_ns)
FROM completeness
WHERE exchange = %(exchange)s AND isNotNull(first_id) AND ({where})
GROUP BY market_type, symbol, data_type
"""
# The hour and the day that a moment lies in are not over on that side: their parts are asked.
_BEHIND = _NEAREST.format(
    choose="argMin",
    side="first",
    where="(window_s = 60 AND window_ns >= %(at)s AND window_ns < %(hour)s) OR "
    "(window_s = 3600 AND window_ns >= %(hour)s AND window_ns < %(day)s) OR "
    "(window_s = 86400 AND window_ns >= %(day)s)",
)
_BEFORE = _NEAREST.format(
    choose="argMax",
    side="last",
    where="(window_s = 60 AND window_ns >= %(hour)s AND window_ns < %(at)s) OR "
    "(window_s = 3600 AND window_ns >= %(day)s AND window_ns < %(hour)s) OR "
    "(window_s = 86400 AND window_ns < %(day)s)",
)
_TOLD = """
SELECT market_type, symbol, data_type, window_ns, duplicates
FROM completeness
WHERE exchange = %(exchange)s AND window_s = 60 AND (duplicates > 0 OR missing > 0)
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
    WHERE window_s = 86400 AND window_ns >= %(begin)s - 86400000000000 GROUP BY ALL
) AS ends USING (exchange, market_type, symbol, data_type)
WHERE window_s = %(length)s AND window_ns >= %(begin)s AND window_ns < %(end)s
  AND (%(exchange)s = '' OR exchange = %(exchange)s) AND (%(symbol)s = '' OR symbol = %(symbol)s)
  AND (%(names)s = '' OR match(data_type, %(names)s))
ORDER BY exchange, symbol, data_type, window_ns
"""


def write_windows(settings: ClickHouseSettings, windows: Iterable[tuple[Series, Window]]) -> int:
    """Store rows, all at once; how many."""
    now_ns = time.time_ns()
    rows = [
        [
            *(series.exchange, series.market_type, series.symbol, series.data_type),
            *(each.window_s, each.window_ns),
            *(getattr(each, name) for name in _COUNTS),
            "unverifiable" if countable(series.data_type).proof == "none" else "verified",
            *(each.first_id, each.last_id, each.first_ns, each.last_ns),
            *(each.first_filled, each.last_filled, now_ns),
        ]
        for series, each in windows
    ]
    insert_rows(settings, "completeness", _COLUMNS, rows)
    return len(rows)


def roll_up(settings: ClickHouseSettings, exchange: str, begin_ns: int, end_ns: int) -> None:
    """Add up the hours that a span touches, and the days from their hours.

    Raises:
        StoreError: see `execute`.
    """
    sums = ", ".join(f"sum(c.{name})" for name in _COUNTS)
    for part_s, length_s in ((60, HOUR_S), (HOUR_S, DAY_S)):
        ns = length_s * NS
        sql = _ROLL_UP.format(
            columns=", ".join(_COLUMNS), length=length_s, ns=ns, sums=sums, part=part_s
        )
        first, end = begin_ns // ns * ns, -(-end_ns // ns) * ns
        asked = {"exchange": exchange, "begin": first, "end": end, "now": time.time_ns()}
        execute(settings, sql, asked)


def ends(
    settings: ClickHouseSettings, exchange: str, begin_ns: int, end_ns: int
) -> tuple[dict[Series, End], dict[Series, End]]:
    """The last row before a span and the first behind it, by series, as the ledger knows them.

    Raises:
        StoreError: see `query`.
    """
    before = {
        "at": begin_ns,
        "hour": begin_ns // HOUR_NS * HOUR_NS,
        "day": begin_ns // DAY_NS * DAY_NS,
    }
    behind = {
        "at": end_ns,
        "hour": -(-end_ns // HOUR_NS) * HOUR_NS,
        "day": -(-end_ns // DAY_NS) * DAY_NS,
    }
    last = query(settings, _BEFORE, {"exchange": exchange, **before}).rows
    following = query(settings, _BEHIND, {"exchange": exchange, **behind}).rows
    return _ends(exchange, last), _ends(exchange, following)


def told_before(
    settings: ClickHouseSettings, exchange: str, begin_ns: int, end_ns: int
) -> dict[Series, dict[int, int]]:
    """Minutes of a span in which repeats were counted or rows were missing: their repeats.

    Raises:
        StoreError: see `query`.
    """
    found: dict[Series, dict[int, int]] = {}
    asked = {"exchange": exchange, "begin": begin_ns, "end": end_ns}
    rows = query(settings, _TOLD, asked, max_rows=3_000_000).rows
    for kind, symbol, data_type, minute, many in rows:
        found.setdefault(Series(exchange, kind, symbol, data_type), {})[minute] = many
    return found


def read_windows(
    settings: ClickHouseSettings,
    length_s: int,
    begin_ns: int,
    end_ns: int,
    exchange: str = "",
    symbol: str = "",
    names: str = "",
) -> QueryResult:
    """Windows of one length that begin in a span, by series and time.

    `names`: a pattern of series. `proven`: verified; open: no later row proves yet that nothing is
    missing at its end; unverifiable: there is nothing to count by.

    Raises:
        StoreError: see `query`.
    """
    asked: dict[str, Any] = {
        "length": length_s,
        "begin": begin_ns,
        "end": end_ns,
        "exchange": exchange,
        "symbol": symbol,
        "names": names,
    }
    return query(settings, _READ, asked, max_rows=3_000_000)


def symbols_counted(settings: ClickHouseSettings, exchange: str = "") -> set[str]:
    """Every symbol the ledger knows, of one exchange or of all.

    Raises:
        StoreError: see `query`.
    """
    sql = (
        "SELECT DISTINCT symbol FROM completeness WHERE window_s = 86400 "
        "AND (%(exchange)s = '' OR exchange = %(exchange)s)"
    )
    return {row[0] for row in query(settings, sql, {"exchange": exchange}).rows}


def until_ns(settings: ClickHouseSettings, names: Iterable[str]) -> dict[str, int]:
    """How far parts of the ledger have read; those that never began are left out."""
    sql = "SELECT name, max(until_ns) FROM ledger_progress WHERE has(%(names)s, name) GROUP BY name"
    return dict(query(settings, sql, {"names": list(names)}).rows)


def reached(settings: ClickHouseSettings, until: dict[str, int]) -> None:
    """Note how far parts of the ledger have read."""
    now_ns = time.time_ns()
    rows = [[name, until_ns, now_ns] for name, until_ns in until.items()]
    insert_rows(settings, "ledger_progress", ["name", "until_ns", "stored_ns"], rows)


def _ends(exchange: str, rows: Sequence[tuple[Any, ...]]) -> dict[Series, End]:
    return {
        Series(exchange, kind, symbol, data_type): End(first, last, at, bool(filled))
        for kind, symbol, data_type, (first, last, at, filled) in rows
    }
