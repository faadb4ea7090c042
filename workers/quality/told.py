"""What collectors told of gaps and unused ids, taken over into the table of gaps."""

import time
from collections.abc import Mapping, Sequence

from config.settings import ClickHouseSettings
from workers.quality import stored_rows
from workers.quality.gap_rows import KnownGap, read_gaps, write_gaps
from workers.quality.holes import MINUTE_NS, Hole, Range, Series, ranges_of
from workers.quality.merging import Told, merge
from workers.quality.window_rows import reached, until_ns
from workers.store.queries import query

OVERLAP_NS = 120_000_000_000
"""Rows become visible some time after their `stored_ns`; the last look is repeated so far."""
UNUSED_LATE_NS = 10 * MINUTE_NS
"""How far from its minute the word that an id is unused may come."""

_TOLD = """
SELECT toString(market_type), symbol, data_type, raw_symbol, cause, first_id, last_id, lost,
       received_ns, exchange_ns
FROM gaps
WHERE exchange = %(exchange)s AND stored_ns >= %(since)s
ORDER BY received_ns
"""
_UNUSED_IN = """
SELECT DISTINCT toUInt64OrZero(value) AS id
FROM quality_events
WHERE exchange = %(exchange)s AND symbol = %(symbol)s AND market_type = %(market_type)s
  AND check = 'unused_trade_id' AND data_type = %(data_type)s
  AND id BETWEEN %(first)s AND %(last)s
"""


def tell_gaps(settings: ClickHouseSettings, exchange: str) -> list[KnownGap]:
    """Take over what collectors told since the last time; returns what is new or better known.

    Raises:
        StoreError: ClickHouse refused or is away; the next time takes it over.
    """
    name, begun_ns = f"gaps:{exchange}", time.time_ns()
    since = max(0, until_ns(settings, [name]).get(name, 0) - OVERLAP_NS)
    rows = query(settings, _TOLD, {"exchange": exchange, "since": since}).rows
    told = [
        Told(Series(exchange, kind, symbol, data_type), raw, cause, first, last, lost, told, at)
        for kind, symbol, data_type, raw, cause, first, last, lost, told, at in rows
    ]
    changed: list[KnownGap] = []
    if told:
        known = gaps_about(settings, exchange, told, [])
        changed = merge(known, told, [], _unused_of(settings, exchange, told), begun_ns)
        write_gaps(settings, changed)
    reached(settings, {name: begun_ns})
    return changed


def _unused_of(
    settings: ClickHouseSettings, exchange: str, told: Sequence[Told]
) -> dict[Series, list[Range]]:
    times = [each.told_ns for each in told]
    first, end = min(times) - UNUSED_LATE_NS, max(times) + UNUSED_LATE_NS
    unused = stored_rows.unused_ids(settings, exchange, first, end)
    return {series: ranges_of(ids) for series, ids in unused.items()}


def unused_in(settings: ClickHouseSettings, series: Series, ids: Range) -> list[Range]:
    """Ids of a range that the exchange left out: it said so, or its history has no such row.

    Raises:
        StoreError: see `query`.
    """
    asked = {**series._asdict(), "first": ids[0], "last": ids[1]}
    said = ranges_of(row[0] for row in query(settings, _UNUSED_IN, asked).rows)
    where = (
        "exchange = %(exchange)s AND symbol = %(symbol)s AND market_type = %(market_type)s "
        "AND data_type = %(data_type)s AND told_as = 'absent' "
        "AND first_id <= %(last)s AND last_id >= %(first)s"
    )
    return sorted({*said, *(gap.ids for gap in read_gaps(settings, where, asked) if gap.ids)})


def gaps_about(
    settings: ClickHouseSettings, exchange: str, told: Sequence[Told], holes: Sequence[Hole]
) -> list[KnownGap]:
    """Known gaps that have ids in common with these, or none at all.

    Raises:
        StoreError: see `query`.
    """
    spans: dict[Series, Range] = {}
    for series, first, last in (
        *((each.series, each.first_id, each.last_id) for each in told),
        *((each.series, each.first_id, each.last_id) for each in holes),
    ):
        low, high = spans.get(series, (first or 0, last or 0))
        spans[series] = (min(low, first or 0), max(high, last or 0))
    conditions: list[str] = []
    asked: dict[str, object] = {"exchange": exchange}
    for place, (series, (low, high)) in enumerate(spans.items()):
        asked |= {f"symbol{place}": series.symbol, f"type{place}": series.data_type}
        conditions.append(
            f"(symbol = %(symbol{place})s AND data_type = %(type{place})s AND "
            f"(isNull(first_id) OR (first_id <= {int(high)} AND last_id >= {int(low)})))"
        )
    where = f"exchange = %(exchange)s AND ({' OR '.join(conditions)})"
    return read_gaps(settings, where, asked)


def absent_of(known: Sequence[KnownGap]) -> Mapping[Series, list[Range]]:
    """Ids that the exchange's own history has no row for, by series."""
    found: dict[Series, list[Range]] = {}
    for gap in known:
        if gap.absent and gap.ids is not None:
            found.setdefault(gap.series, []).append(gap.ids)
    return found
