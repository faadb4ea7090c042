"""A span of closed minutes of one exchange that is counted now."""

from collections.abc import Sequence

from config.settings import ClickHouseSettings
from workers.quality import stored_rows
from workers.quality.countable import Countable, countable, period_ns
from workers.quality.gap_rows import write_gaps
from workers.quality.holes import MINUTE_NS, Hole, Range, Series, minute_of, ranges_of
from workers.quality.merging import merge
from workers.quality.minutes import About, Window, boundary_holes, windows
from workers.quality.told import UNUSED_LATE_NS, absent_of, gaps_about
from workers.quality.window_rows import ends, roll_up, told_before, write_windows

QUIET_NS = 2 * 1440 * MINUTE_NS
"""A series without a row for longer has no windows before the one in which one comes again."""


class Part:
    """Some kinds of rows in a span.

    Args:
        settings: of ClickHouse.
        exchange: ours.
        kinds: of rows.
        begin: of the first minute.
        end: of the minute after the last.

    Attributes:
        found: every hole that reaches into it.
        behind: the minute of the first row behind it, of each kind: holes up to there end in it, so
            it has to be counted again too.
    """

    def __init__(
        self,
        settings: ClickHouseSettings,
        exchange: str,
        kinds: Sequence[Countable],
        begin: int,
        end: int,
    ) -> None:
        self._settings, self._exchange = settings, exchange
        self._before, behind = ends(settings, exchange, begin, end)
        self._begin, self._end = begin, end
        self._minutes = stored_rows.minutes(settings, exchange, kinds, begin, end)
        inner = stored_rows.holes(settings, exchange, kinds, begin, end)
        quiet = {
            series
            for series in self._before
            if (kind := countable(series.data_type)) in kinds and kind.quiet_minutes
        }
        traded = {each for each in self._minutes if countable(each.data_type).proof != "none"}
        traded |= {each for each in quiet if each in behind}
        self._holes = {
            each: [
                *inner.get(each, []),
                *(
                    part
                    for hole in boundary_holes(
                        each,
                        self._minutes.get(each, []),
                        self._before.get(each),
                        behind.get(each),
                        countable(each.data_type).ids_each,
                    )
                    for part in self._confirmed(hole)
                ),
            ]
            for each in traded
        }
        self._series = {
            *traded,
            *self._minutes,
            *(each for each in quiet if begin - self._before[each].at_ns < QUIET_NS),
        }
        self.behind: dict[Countable, set[int]] = {}
        for each in traded & set(behind):
            minutes = self.behind.setdefault(countable(each.data_type), set())
            minutes.add(minute_of(behind[each].at_ns))
        self.found = [hole for each in self._holes.values() for hole in each]
        self._unused = self._told_unused()
        self._known: dict[Series, list[Range]] = {}

    def name_gaps(self, now_ns: int) -> int:
        """Bring the holes into the table of gaps; how many rows of it changed."""
        if not self.found:
            return 0
        known = gaps_about(self._settings, self._exchange, [], self.found)
        for series, absent in absent_of(known).items():
            self._unused.setdefault(series, []).extend(absent)
        changed = merge(known, [], self.found, self._unused, now_ns)
        write_gaps(self._settings, changed)
        for gap in [*known, *changed]:
            if gap.ids is not None and gap.ids not in self._known.setdefault(gap.series, []):
                self._known[gap.series].append(gap.ids)
        return len(changed)

    def write(self) -> int:
        """Write the minutes, add up hours and days; how many minutes."""
        begins = {
            each: self._first_minute(each) if each in self._minutes else self._begin
            for each in self._series
        }
        earliest = min([self._begin, *begins.values()])
        before = told_before(self._settings, self._exchange, earliest, self._end)
        told: list[tuple[Series, Window]] = []
        for each, begin in begins.items():
            about = About(
                self._unused.get(each, []),
                self._known.get(each, []),
                before.get(each, {}),
                period_ns(each.data_type),
                self._begin - QUIET_NS if countable(each.data_type).quiet_minutes else None,
            )
            minutes, holes = self._minutes.get(each, []), self._holes.get(each, [])
            told += [(each, row) for row in windows(minutes, holes, about, begin, self._end)]
        written = write_windows(self._settings, told)
        roll_up(self._settings, self._exchange, earliest, self._end)
        return written

    def _confirmed(self, hole: Hole) -> list[Hole]:
        """What the table lacks of it: rows beyond the span may be stored and not counted yet."""
        length = period_ns(hole.series.data_type) or 0
        return [
            hole._replace(
                first_id=first,
                last_id=last,
                before_ns=hole.before_ns + (first - hole.first_id) * length,
            )
            for first, last in stored_rows.missing_ids(self._settings, hole.series, *hole.ids)
        ]

    def _first_minute(self, series: Series) -> int:
        """Minutes without a row since the last one are told again: what they lack is known now.

        A series that begins here has nothing before its first row.
        """
        if series not in self._before:
            return max(self._begin, self._minutes[series][0].minute_ns)
        return min(self._begin, minute_of(self._before[series].at_ns) + MINUTE_NS)

    def _told_unused(self) -> dict[Series, list[Range]]:
        """Ids without a trade, told from the last trades before the span to some time behind it."""
        first = min([self._begin, *(each.before_ns for each in self.found)]) - UNUSED_LATE_NS
        end = self._end + UNUSED_LATE_NS
        told = stored_rows.unused_ids(self._settings, self._exchange, first, end)
        return {series: ranges_of(ids) for series, ids in told.items()}
