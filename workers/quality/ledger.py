"""One look at what was stored: minutes counted, holes found, both written down.

A minute is counted once it is over for `GRACE_NS`, and again whenever a trade of it is stored
later. What was looked at is noted at the end, so a look that dies is made again.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

from config.settings import ClickHouseSettings
from workers.quality import trade_rows
from workers.quality.gap_rows import KnownGap, read_gaps, write_gaps
from workers.quality.holes import MINUTE_NS, Hole, Range, Series, clusters, minute_of, ranges_of
from workers.quality.merging import Told, merge
from workers.quality.minutes import Window, boundary_holes, windows
from workers.quality.window_rows import duplicates, ends, reached, roll_up, until_ns, write_windows
from workers.store.queries import query

GRACE_NS = 30_000_000_000
"""A trade may be stored so long after its minute without being called missing."""
OVERLAP_NS = 120_000_000_000
"""Rows become visible some time after their `stored_ns`; the last look is repeated so far."""
APART_NS = 10 * MINUTE_NS
LONGEST_NS = 360 * MINUTE_NS
QUIET_NS = 2 * 1440 * MINUTE_NS
"""A symbol without a trade for longer has no rows until it trades again."""
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


class Look(NamedTuple):
    """What one look brought."""

    minutes: int
    holes: int
    gaps: int
    until_ns: int


def tell_gaps(settings: ClickHouseSettings, exchange: str) -> list[KnownGap]:
    """Take over what collectors told since the last time; returns what is new or better known.

    Raises:
        StoreError: ClickHouse refused or is away; the next time takes it over.
    """
    name, begun_ns = f"gaps:{exchange}", time.time_ns()
    since = max(0, until_ns(settings, name) - OVERLAP_NS)
    rows = query(settings, _TOLD, {"exchange": exchange, "since": since}).rows
    told = [
        Told(Series(exchange, kind, symbol, data_type), raw, cause, first, last, lost, told, at)
        for kind, symbol, data_type, raw, cause, first, last, lost, told, at in rows
    ]
    changed: list[KnownGap] = []
    if told:
        known = _about(settings, exchange, told, [])
        changed = merge(known, told, [], _unused_of(settings, exchange, told), begun_ns)
        write_gaps(settings, changed)
    reached(settings, name, begun_ns)
    return changed


def _unused_of(
    settings: ClickHouseSettings, exchange: str, told: Sequence[Told]
) -> dict[Series, list[Range]]:
    times = [each.told_ns for each in told]
    first, end = min(times) - UNUSED_LATE_NS, max(times) + UNUSED_LATE_NS
    unused = trade_rows.unused_ids(settings, exchange, first, end)
    return {series: ranges_of(ids) for series, ids in unused.items()}


def unused_in(settings: ClickHouseSettings, series: Series, ids: Range) -> list[Range]:
    """Ids of a range that the exchange left out and said so.

    Raises:
        StoreError: see `query`.
    """
    found = query(settings, _UNUSED_IN, {**series._asdict(), "first": ids[0], "last": ids[1]}).rows
    return ranges_of(row[0] for row in found)


def look(settings: ClickHouseSettings, exchange: str, now_ns: int | None = None) -> Look:
    """Count the closed minutes of one exchange that changed since the last look.

    Args:
        settings: of ClickHouse.
        exchange: ours.
        now_ns: default: our clock.

    Raises:
        StoreError: ClickHouse refused or is away; the next look counts the same minutes.
    """
    now_ns = time.time_ns() if now_ns is None else now_ns
    name, end_ns = f"trades:{exchange}", minute_of(now_ns - GRACE_NS)
    told = len(tell_gaps(settings, exchange))
    until = until_ns(settings, name)
    if until:
        changed = trade_rows.changed_minutes(settings, exchange, until - OVERLAP_NS, end_ns)
        changed += range(minute_of(until - OVERLAP_NS), end_ns, MINUTE_NS)
    else:
        first = trade_rows.first_trade_ns(settings, exchange)
        changed = [] if first is None else list(range(minute_of(first), end_ns, MINUTE_NS))
    counted = holes = 0
    for begin, end in clusters(sorted(set(changed)), APART_NS, LONGEST_NS):
        part = _Part(settings, exchange, begin, end, end_ns)
        told += part.name_gaps(now_ns)
        counted, holes = counted + part.write(), holes + len(part.found)
    if until or changed:
        reached(settings, name, now_ns)
    return Look(counted, holes, told, end_ns)


class _Part:
    """A span of closed minutes of one exchange that is counted now.

    Attributes:
        found: every hole that reaches into it.
    """

    def __init__(
        self, settings: ClickHouseSettings, exchange: str, begin: int, end: int, newest: int
    ) -> None:
        self._settings, self._exchange = settings, exchange
        self._before, behind = ends(settings, exchange, begin, end)
        nearest = [each.at_ns for each in behind.values() if each.at_ns < end + LONGEST_NS]
        if nearest:
            # A hole filled here changes the minute behind it too, so that one is counted again.
            end = min(newest, minute_of(max(nearest)) + MINUTE_NS)
            self._before, behind = ends(settings, exchange, begin, end)
        self._begin, self._end = begin, end
        self._minutes = trade_rows.minutes(settings, exchange, begin, end)
        inner = trade_rows.holes(settings, exchange, begin, end)
        traded = set(self._minutes) | {each for each in self._before if each in behind}
        self._holes = {
            each: [
                *inner.get(each, []),
                *boundary_holes(
                    each, self._minutes.get(each, []), self._before.get(each), behind.get(each)
                ),
            ]
            for each in traded
        }
        self._series = traded | {
            each for each, last in self._before.items() if begin - last.at_ns < QUIET_NS
        }
        self.found = [hole for each in self._holes.values() for hole in each]
        self._unused = self._told_unused()
        self._known: dict[Series, list[Range]] = {}

    def name_gaps(self, now_ns: int) -> int:
        """Bring the holes into the table of gaps; how many rows of it changed."""
        if not self.found:
            return 0
        known = _about(self._settings, self._exchange, [], self.found)
        changed = merge(known, [], self.found, self._unused, now_ns)
        write_gaps(self._settings, changed)
        for gap in [*known, *changed]:
            if gap.ids is not None and gap.ids not in self._known.setdefault(gap.series, []):
                self._known[gap.series].append(gap.ids)
        return len(changed)

    def write(self) -> int:
        """Write the minutes, add up hours and days; how many minutes."""
        repeats = duplicates(self._settings, self._exchange, self._begin, self._end)
        earliest = self._begin
        told: list[tuple[Series, Window]] = []
        for each in self._series:
            minutes = self._minutes.get(each, [])
            begin = self._first_minute(each) if minutes else self._begin
            rows = windows(
                minutes,
                self._holes.get(each, []),
                self._unused.get(each, []),
                self._known.get(each, []),
                begin,
                self._end,
                repeats.get(each),
            )
            told += [(each, row) for row in rows]
            earliest = min(earliest, begin)
        written = write_windows(self._settings, told)
        roll_up(self._settings, self._exchange, earliest, self._end)
        return written

    def _first_minute(self, series: Series) -> int:
        """Minutes without a trade since the last one are told again: what they lack is known now.

        A series that begins here has nothing before its first trade.
        """
        if series not in self._before:
            return max(self._begin, self._minutes[series][0].minute_ns)
        return min(self._begin, minute_of(self._before[series].at_ns) + MINUTE_NS)

    def _told_unused(self) -> dict[Series, list[Range]]:
        """Ids without a trade, told from the last trades before the span to some time behind it."""
        first = min([self._begin, *(each.before_ns for each in self.found)]) - UNUSED_LATE_NS
        end = self._end + UNUSED_LATE_NS
        told = trade_rows.unused_ids(self._settings, self._exchange, first, end)
        return {series: ranges_of(ids) for series, ids in told.items()}


def _about(
    settings: ClickHouseSettings, exchange: str, told: Sequence[Told], holes: Sequence[Hole]
) -> list[KnownGap]:
    """Known gaps that have ids in common with these, or were told together with them."""
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
