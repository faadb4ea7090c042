"""What the table of trades says: which minutes changed, what each holds, which ids are missing."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from config.settings import ClickHouseSettings
from workers.quality.holes import MINUTE_NS, Hole, Range, Series
from workers.store.queries import query

MOST_ROWS = 2_000_000
MOST_SECONDS = 120

# An aggregate named by its last trade covers all its trades; any other row covers its own id.
_COVERS = "if(ifNull(last_trade_id, 0) = trade_id, ifNull(first_trade_id, trade_id), trade_id)"
_AT = "coalesce(exchange_ns, received_ns)"
_TYPE = "if(aggregate, 'aggregate-trade', 'trade')"

_TRADES = f"""
SELECT symbol, market_type, aggregate, trade_id,
       min({_COVERS}) AS first_id,
       min({_AT}) AS at_ns,
       argMax(source, stored_ns) = 'backfill' AS filled,
       count() AS deliveries
FROM trades
WHERE exchange = %(exchange)s AND (
    (exchange_ns >= %(begin)s AND exchange_ns < %(end)s)
    OR (isNull(exchange_ns) AND received_ns >= %(begin)s AND received_ns < %(end)s))
GROUP BY symbol, market_type, aggregate, trade_id
"""
_CHANGED = f"""
SELECT DISTINCT intDiv({_AT}, {MINUTE_NS}) * {MINUTE_NS} AS minute
FROM trades
WHERE exchange = %(exchange)s AND stored_ns >= %(since)s AND {_AT} < %(end)s
"""
_MINUTES = f"""
SELECT toString(market_type), symbol, {_TYPE}, intDiv(at_ns, {MINUTE_NS}) * {MINUTE_NS} AS minute,
       sum(toInt64(deliveries)) AS received, sum(trade_id - first_id + 1), count(),
       countIf(filled), min(first_id), max(trade_id), min(at_ns), max(at_ns),
       argMin(filled, trade_id), argMax(filled, trade_id)
FROM ({_TRADES})
GROUP BY market_type, symbol, aggregate, minute
ORDER BY market_type, symbol, aggregate, minute
"""
_HOLES = f"""
SELECT toString(market_type), symbol, {_TYPE}, before_id + 1, first_id - 1, before_ns, at_ns,
       before_filled != filled
FROM (
    SELECT *,
           lagInFrame(toNullable(trade_id)) OVER w AS before_id,
           lagInFrame(at_ns) OVER w AS before_ns,
           lagInFrame(filled) OVER w AS before_filled
    FROM ({_TRADES})
    WINDOW w AS (PARTITION BY symbol, market_type, aggregate ORDER BY trade_id
                 ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
WHERE first_id > before_id + 1 AND at_ns + 1000000000 >= before_ns
ORDER BY symbol, first_id
"""
_IDS = f"""
SELECT before_id + 1, first_id - 1
FROM (
    SELECT first_id, lagInFrame(toNullable(trade_id)) OVER (
        ORDER BY trade_id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before_id
    FROM (
        SELECT trade_id, min({_COVERS}) AS first_id
        FROM trades
        WHERE exchange = %(exchange)s AND symbol = %(symbol)s AND market_type = %(market_type)s
          AND aggregate = %(aggregate)s AND trade_id BETWEEN %(first)s AND %(last)s
        GROUP BY trade_id
        UNION ALL SELECT toUInt64(%(first)s - 1), toUInt64(%(first)s - 1)
        UNION ALL SELECT toUInt64(%(last)s + 1), toUInt64({{beyond}})
    )
)
WHERE first_id > before_id + 1
ORDER BY 1
"""
_BEYOND = f"""
SELECT {_COVERS} FROM trades
WHERE exchange = %(exchange)s AND symbol = %(symbol)s AND market_type = %(market_type)s
  AND aggregate = %(aggregate)s AND trade_id > %(last)s
ORDER BY trade_id LIMIT 1
"""
_UNUSED = """
SELECT toString(market_type), symbol, data_type, groupUniqArray(toUInt64OrZero(value))
FROM quality_events
WHERE exchange = %(exchange)s AND check = 'unused_trade_id'
  AND received_ns >= %(begin)s AND received_ns < %(end)s
GROUP BY market_type, symbol, data_type
"""
_WHEN = f"SELECT min({_AT}) FROM trades WHERE exchange = %(exchange)s"


class Minute(NamedTuple):
    """One minute of one series: the trades stored of it."""

    minute_ns: int
    received: int
    ids: int
    rows: int
    backfilled: int
    first_id: int
    last_id: int
    first_ns: int
    last_ns: int
    first_filled: bool
    last_filled: bool


def changed_minutes(
    settings: ClickHouseSettings, exchange: str, since_ns: int, end_ns: int
) -> list[int]:
    """Minutes before `end_ns` of which a trade was stored since then.

    Raises:
        StoreError: see `query`.
    """
    asked = {"exchange": exchange, "since": since_ns, "end": end_ns}
    return [row[0] for row in _rows(settings, _CHANGED, asked)]


def first_trade_ns(settings: ClickHouseSettings, exchange: str) -> int | None:
    """When the oldest stored trade of an exchange was made; None: there is none."""
    ((found,),) = _rows(settings, _WHEN, {"exchange": exchange})
    return found or None


def minutes(
    settings: ClickHouseSettings, exchange: str, begin_ns: int, end_ns: int
) -> dict[Series, list[Minute]]:
    """The minutes of a span [begin, end) that hold trades, in order, by series."""
    found: dict[Series, list[Minute]] = {}
    asked = {"exchange": exchange, "begin": begin_ns, "end": end_ns}
    for kind, symbol, data_type, *facts in _rows(settings, _MINUTES, asked):
        of_series = found.setdefault(Series(exchange, kind, symbol, data_type), [])
        of_series.append(Minute._make([*facts[:-2], bool(facts[-2]), bool(facts[-1])]))
    return found


def holes(
    settings: ClickHouseSettings, exchange: str, begin_ns: int, end_ns: int
) -> dict[Series, list[Hole]]:
    """Ids missing between two trades of a span [begin, end), by series."""
    found: dict[Series, list[Hole]] = {}
    asked = {"exchange": exchange, "begin": begin_ns, "end": end_ns}
    for kind, symbol, data_type, first, last, before, behind, edge in _rows(
        settings, _HOLES, asked
    ):
        series = Series(exchange, kind, symbol, data_type)
        found.setdefault(series, []).append(
            Hole(series, first, last, min(before, behind), behind, bool(edge))
        )
    return found


def missing_ids(
    settings: ClickHouseSettings, series: Series, first_id: int, last_id: int
) -> list[Range]:
    """Ids of a range that no stored trade covers, as ranges.

    Raises:
        StoreError: see `query`.
    """
    asked: dict[str, Any] = {
        "exchange": series.exchange,
        "symbol": series.symbol,
        "market_type": series.market_type,
        "aggregate": series.data_type == "aggregate-trade",
        "first": first_id,
        "last": last_id,
    }
    beyond = _rows(settings, _BEYOND, asked)
    # An aggregate behind the range may cover its end.
    covered = min(beyond[0][0], last_id + 1) if beyond else last_id + 1
    sql = _IDS.format(beyond=max(covered, first_id))
    return [(row[0], row[1]) for row in _rows(settings, sql, asked)]


def unused_ids(
    settings: ClickHouseSettings, exchange: str, begin_ns: int, end_ns: int
) -> dict[Series, set[int]]:
    """Ids the exchange counted without a trade, told in a span, by series."""
    asked = {"exchange": exchange, "begin": begin_ns, "end": end_ns}
    return {
        Series(exchange, kind, symbol, data_type): set(ids)
        for kind, symbol, data_type, ids in _rows(settings, _UNUSED, asked)
    }


def _rows(
    settings: ClickHouseSettings, sql: str, parameters: dict[str, Any]
) -> Sequence[tuple[Any, ...]]:
    found = query(
        settings, sql, parameters, max_rows=MOST_ROWS, max_seconds=MOST_SECONDS, final=False
    )
    return found.rows
