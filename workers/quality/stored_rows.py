"""What the tables say: which minutes changed, what each holds, which ids are missing.

One question for all kinds of rows that are looked at together, built from countable.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from config.settings import ClickHouseSettings
from workers.exchanges.asking import DAY_NS
from workers.quality.countable import Countable, countable, period_ns
from workers.quality.holes import MINUTE_NS, Hole, Range, Series
from workers.store.queries import query

MOST_ROWS = 2_000_000
MOST_SECONDS = 120
CADENCE_NS = 3 * DAY_NS
"""Payments so far around a span tell how often there is one."""

_ROWS = """
SELECT symbol, toString(market_type) AS market, {series} AS data_type, {row_id} AS id,
       min({first_id}) AS first, min({at}) AS at_ns,
       countIf(source != 'backfill') = 0 AS filled, count() AS deliveries,
       toUInt64({each}) AS ids_each
FROM {table} WHERE exchange = %(exchange)s AND {between} AND ({where})
GROUP BY symbol, market_type, data_type, id
"""
_MINUTES = """
SELECT market, symbol, toString(data_type), intDiv(at_ns, {minute}) * {minute} AS minute,
       sum(toInt64(deliveries)), sum(if(ids_each = 1, toInt64(id - first + 1), 1)),
       toInt64(count()), toInt64(countIf(filled)), toNullable(min(first)), toNullable(max(id)),
       min(at_ns), max(at_ns), any(ids_each), argMin(filled, id), argMax(filled, id)
FROM ({rows})
GROUP BY market, symbol, data_type, minute
"""
_UNPROVEN = """
SELECT toString(market_type), symbol, toString({series}) AS data_type,
       intDiv({at}, {minute}) * {minute} AS minute,
       toInt64(count()), toInt64(uniqExact({identity})) AS rows, rows, toInt64(0),
       CAST(NULL, 'Nullable(UInt64)'), CAST(NULL, 'Nullable(UInt64)'),
       min({at}), max({at}), toUInt64(1), toUInt8(0), toUInt8(0)
FROM {table} WHERE exchange = %(exchange)s AND {between} AND ({where})
GROUP BY market_type, symbol, data_type, minute
"""
_HOLES = """
SELECT market, symbol, toString(data_type), assumeNotNull(before_id) + 1, first - 1, before_ns,
       at_ns, before_filled OR filled, ids_each
FROM (
    SELECT *,
           lagInFrame(toNullable(id)) OVER w AS before_id,
           lagInFrame(at_ns) OVER w AS before_ns,
           lagInFrame(filled) OVER w AS before_filled
    FROM ({rows})
    WINDOW w AS (PARTITION BY symbol, market, data_type ORDER BY id
                 ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
WHERE first > before_id + 1 AND at_ns + 1000000000 >= before_ns
"""
_CHANGED = """
SELECT DISTINCT {place} AS place, intDiv({at}, {minute}) * {minute} AS minute
FROM {table}
WHERE exchange = %(exchange)s AND stored_ns >= {since} AND {at} < %(end)s AND ({where})
"""
_FIRST = "SELECT {place}, min({at}), count() FROM {table} WHERE {of} AND ({where})"
_IDS = """
SELECT before_id + 1, first - 1
FROM (
    SELECT first, lagInFrame(toNullable(id)) OVER (
        ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before_id
    FROM (
        SELECT {row_id} AS id, min({first_id}) AS first
        FROM {table}
        WHERE exchange = %(exchange)s AND symbol = %(symbol)s AND market_type = %(market_type)s
          AND {series} = %(data_type)s AND ({where}) AND {within}
        GROUP BY id
        UNION ALL SELECT toUInt64(%(first)s - 1), toUInt64(%(first)s - 1)
        UNION ALL SELECT toUInt64(%(last)s + 1), toUInt64({beyond})
    )
)
WHERE first > before_id + 1
ORDER BY 1
"""
_BEYOND = """
SELECT {first_id} FROM {table}
WHERE exchange = %(exchange)s AND symbol = %(symbol)s AND market_type = %(market_type)s
  AND {series} = %(data_type)s AND ({where}) AND {row_id} > %(last)s
ORDER BY {row_id} LIMIT 1
"""
_UNUSED = """
SELECT toString(market_type), symbol, data_type, groupUniqArray(toUInt64OrZero(value))
FROM quality_events
WHERE exchange = %(exchange)s AND check = 'unused_trade_id'
  AND received_ns >= %(begin)s AND received_ns < %(end)s
GROUP BY market_type, symbol, data_type
"""
_CADENCES = """
SELECT symbol, toUInt64(min(apart)) FROM (
    SELECT symbol, toInt64(id) - lagInFrame(toNullable(toInt64(id))) OVER (
        PARTITION BY symbol ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS apart
    FROM (SELECT DISTINCT symbol, {row_id} AS id FROM {table}
          WHERE exchange = %(exchange)s AND {between} AND ({where}))
) WHERE apart > 0 GROUP BY symbol
"""


class Minute(NamedTuple):
    """One minute of one series: the rows stored of it. Without a proof there are no ids.

    `ids` are those that are there, `rows` how many rows hold them, `each` how many ids a row stands
    for (0: nobody can tell).
    """

    minute_ns: int
    received: int
    ids: int
    rows: int
    backfilled: int
    first_id: int | None
    last_id: int | None
    first_ns: int
    last_ns: int
    each: int
    first_filled: bool
    last_filled: bool


def changed_minutes(
    settings: ClickHouseSettings,
    exchange: str,
    since_ns: Mapping[Countable, int],
    end_ns: int,
) -> dict[Countable, list[int]]:
    """Minutes before `end_ns` of which a row was stored since a moment, each kind its own.

    Raises:
        StoreError: see `query`.
    """
    kinds = list(since_ns)
    parts = [
        _sql(_CHANGED, each, place=place, since=int(since_ns[each]))
        for place, each in enumerate(kinds)
    ]
    found: dict[Countable, list[int]] = {each: [] for each in kinds}
    for place, minute in _rows(settings, parts, {"exchange": exchange, "end": end_ns}):
        found[kinds[place]].append(minute)
    return found


def first_ns(
    settings: ClickHouseSettings, exchange: str, kinds: Sequence[Countable]
) -> dict[Countable, int]:
    """When the oldest stored row of each kind was made; those without a row are left out."""
    parts = [
        _sql(_FIRST, each, place=place, of="exchange = %(exchange)s")
        for place, each in enumerate(kinds)
    ]
    rows = _rows(settings, parts, {"exchange": exchange})
    return {kinds[place]: first for place, first, many in rows if many}


def minutes(
    settings: ClickHouseSettings,
    exchange: str,
    kinds: Iterable[Countable],
    begin_ns: int,
    end_ns: int,
) -> dict[Series, list[Minute]]:
    """The minutes of a span [begin, end) that hold rows, in order, by series."""
    asked = _asked(settings, exchange, kinds, begin_ns, end_ns)
    parts = [
        _sql(_UNPROVEN, each)
        if each.proof == "none"
        else _MINUTES.format(minute=MINUTE_NS, rows=_sql(_ROWS, each))
        for each in kinds
    ]
    found: dict[Series, list[Minute]] = {}
    for kind, symbol, data_type, *facts in _rows(settings, parts, asked):
        of_series = found.setdefault(Series(exchange, kind, symbol, data_type), [])
        of_series.append(Minute._make([*facts[:-2], bool(facts[-2]), bool(facts[-1])]))
    for of_series in found.values():
        of_series.sort()
    return found


def holes(
    settings: ClickHouseSettings,
    exchange: str,
    kinds: Iterable[Countable],
    begin_ns: int,
    end_ns: int,
) -> dict[Series, list[Hole]]:
    """Ids missing between two rows of a span [begin, end), by series."""
    proven = [each for each in kinds if each.proof != "none"]
    asked = _asked(settings, exchange, proven, begin_ns, end_ns)
    parts = [_HOLES.format(rows=_sql(_ROWS, each)) for each in proven]
    found: dict[Series, list[Hole]] = {}
    for kind, symbol, data_type, first, last, before, behind, edge, each in _rows(
        settings, parts, asked
    ):
        series = Series(exchange, kind, symbol, data_type)
        found.setdefault(series, []).append(
            Hole(series, first, last, min(before, behind), behind, bool(edge), each)
        )
    for of_series in found.values():
        of_series.sort()
    return found


def missing_ids(
    settings: ClickHouseSettings, series: Series, first_id: int, last_id: int
) -> list[Range]:
    """Ids of a range that no stored row covers, as ranges.

    Raises:
        StoreError: see `query`.
    """
    kind, length = countable(series.data_type), period_ns(series.data_type)
    within = f"{kind.row_id} BETWEEN %(first)s AND %(last)s"
    asked: dict[str, Any] = {**series._asdict(), "first": first_id, "last": last_id}
    if length is not None:
        # The table is in the order of time; ids are counted from it.
        asked |= {"begin": first_id * length - length, "end": (last_id + 2) * length}
        within = f"{within} AND {kind.between}"
        asked |= _cadences(settings, series.exchange, [kind], asked["begin"], asked["end"])
    beyond = [] if length is not None else _rows(settings, [_sql(_BEYOND, kind)], asked)
    # An aggregate behind the range may cover its end.
    covered = min(beyond[0][0], last_id + 1) if beyond else last_id + 1
    sql = _sql(_IDS, kind, within=within, beyond=max(covered, first_id))
    return [(row[0], row[1]) for row in _rows(settings, [sql], asked)]


def unused_ids(
    settings: ClickHouseSettings, exchange: str, begin_ns: int, end_ns: int
) -> dict[Series, set[int]]:
    """Ids the exchange counted without a trade, told in a span, by series."""
    asked = {"exchange": exchange, "begin": begin_ns, "end": end_ns}
    return {
        Series(exchange, kind, symbol, data_type): set(ids)
        for kind, symbol, data_type, ids in _rows(settings, [_UNUSED], asked)
    }


def _asked(
    settings: ClickHouseSettings,
    exchange: str,
    kinds: Iterable[Countable],
    begin_ns: int,
    end_ns: int,
) -> dict[str, Any]:
    span = {"exchange": exchange, "begin": begin_ns, "end": end_ns}
    return span | _cadences(settings, exchange, kinds, begin_ns, end_ns)


def _cadences(
    settings: ClickHouseSettings,
    exchange: str,
    kinds: Iterable[Countable],
    begin_ns: int,
    end_ns: int,
) -> dict[str, Any]:
    """Hours between two payments, by symbol, as parameters; nothing where none are counted."""
    paid = [each for each in kinds if "%(cadence)s" in each.each]
    if not paid:
        return {}
    span = {"exchange": exchange, "begin": begin_ns - CADENCE_NS, "end": end_ns + CADENCE_NS}
    rows = _rows(settings, [_sql(_CADENCES, each) for each in paid], span)
    # An empty list has no type in SQL; nothing has this name.
    found = dict(rows) or {"": 1}
    return {"paid": list(found), "cadence": list(found.values())}


def _sql(template: str, kind: Countable, **more: Any) -> str:
    return template.format(
        minute=MINUTE_NS,
        table=kind.table,
        series=kind.series,
        row_id=kind.row_id,
        first_id=kind.first_id,
        each=kind.each,
        identity=kind.identity,
        at=kind.at,
        between=kind.between,
        where=kind.where,
        **more,
    )


def _rows(
    settings: ClickHouseSettings, parts: Sequence[str], parameters: dict[str, Any]
) -> Sequence[tuple[Any, ...]]:
    """All parts in one question; FINAL would hide what was delivered twice."""
    if not parts:
        return []
    sql = " UNION ALL ".join(parts)
    found = query(
        settings, sql, parameters, max_rows=MOST_ROWS, max_seconds=MOST_SECONDS, final=False
    )
    return found.rows
