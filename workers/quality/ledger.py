"""One look at what was stored: minutes counted, holes found, both written down.

A minute is counted once it is over for `GRACE_NS`, and again whenever a row of it is stored
later. What was looked at is noted at the end, so a look that dies is made again.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from config.settings import ClickHouseSettings
from workers.quality import stored_rows
from workers.quality.countable import COUNTABLES, Countable, countable
from workers.quality.gap_rows import changed_by_filling
from workers.quality.holes import MINUTE_NS, Range, clusters, minute_of
from workers.quality.part import Part
from workers.quality.told import OVERLAP_NS, tell_gaps
from workers.quality.window_rows import reached, until_ns

GRACE_NS = 30_000_000_000
"""A row may be stored so long after its minute without being called missing."""
OF_PERIODS = 720 * MINUTE_NS, 1440 * MINUTE_NS
APART_NS, LONGEST_NS = 10 * MINUTE_NS, 60 * MINUTE_NS
"""Minutes so near are counted together, up to so many: they must fit into ClickHouse's memory. Of
periods there are few rows, and a poll or a backfill brings those of many hours: `OF_PERIODS`."""
MANY = 24
"""Of more spans, neighbours are joined: few rows of many hours must not take many questions."""
NEW_NS = 1440 * MINUTE_NS
"""How far back rows are counted when the ledger begins; trades from the first one on."""


class Look(NamedTuple):
    """What one look brought."""

    minutes: int
    holes: int
    gaps: int
    until_ns: int


def look(
    settings: ClickHouseSettings,
    exchange: str,
    now_ns: int | None = None,
    between: Callable[[], object] = bool,
) -> Look:
    """Count the closed minutes of one exchange that changed since the last look.

    Args:
        settings: of ClickHouse.
        exchange: ours.
        now_ns: default: our clock.
        between: called after each span, of which a look over old data has many.

    Raises:
        StoreError: ClickHouse refused or is away; the next look counts the same minutes.
    """
    now_ns = time.time_ns() if now_ns is None else now_ns
    end_ns = minute_of(now_ns - GRACE_NS)
    told = len(tell_gaps(settings, exchange))
    counted = holes = 0
    spans = _spans(_changed(settings, exchange, end_ns), end_ns)
    following: dict[Countable, set[int]] = {}
    for again in (False, True):
        for (begin, end), kinds in spans.items():
            part = Part(settings, exchange, kinds, begin, end)
            told += part.name_gaps(now_ns)
            counted, holes = counted + part.write(), holes + len(part.found)
            for kind, minutes in part.behind.items():
                following.setdefault(kind, set()).update(minutes)
            between()
        spans = {} if again else _spans(following, end_ns)
    reached(settings, {name_of(each, exchange): now_ns for each in COUNTABLES})
    return Look(counted, holes, told, end_ns)


def name_of(kind: Countable, exchange: str) -> str:
    """Under which the progress of a kind is noted; kinds of one table go on together."""
    return f"{kind.table}:{exchange}"


def _changed(
    settings: ClickHouseSettings, exchange: str, end_ns: int
) -> dict[Countable, list[int]]:
    """Minutes that are to be counted, of each kind of rows."""
    until = until_ns(settings, [name_of(each, exchange) for each in COUNTABLES])
    since = {each: until.get(name_of(each, exchange), 0) for each in COUNTABLES}
    begun = {each: at - OVERLAP_NS for each, at in since.items() if at}
    minutes: dict[Countable, list[int]] = {each: [] for each in COUNTABLES}
    minutes |= stored_rows.changed_minutes(settings, exchange, begun, end_ns)
    for kind, at in begun.items():
        if kind.quiet_minutes:
            minutes[kind] += range(minute_of(at), end_ns, MINUTE_NS)
    new = [each for each in COUNTABLES if each not in begun]
    for kind, first in stored_rows.first_ns(settings, exchange, new).items():
        oldest = first if kind.event_type == "trade" else max(first, end_ns - NEW_NS)
        minutes[kind] = list(range(minute_of(oldest), end_ns, MINUTE_NS))
    if begun:
        for data_type, at in changed_by_filling(settings, exchange, min(begun.values())):
            minutes[countable(data_type)].append(minute_of(at))
    return minutes


def _spans(minutes: Mapping[Countable, Iterable[int]], end_ns: int) -> dict[Range, list[Countable]]:
    """Spans of minutes, in order, with the kinds of rows to count in each.

    Most kinds change in the last minutes; they share a span, so they are asked for together.
    """
    found: dict[Range, list[Countable]] = {}
    for periods in (True, False):
        kinds = {
            kind: sorted({each for each in changed if each < end_ns})
            for kind, changed in minutes.items()
            if (kind.proof == "period") == periods
        }
        every = sorted({each for changed in kinds.values() for each in changed})
        apart_ns, longest_ns = OF_PERIODS if periods else (APART_NS, LONGEST_NS)
        spans = clusters(every, apart_ns, longest_ns)
        if len(spans) > MANY:
            spans = clusters(every, longest_ns, longest_ns)
        for begin, end in spans:
            inside = [kind for kind, changed in kinds.items() if _any_in(changed, begin, end)]
            found.setdefault((begin, end), []).extend(inside)
    return dict(sorted(found.items(), key=lambda each: each[0]))


def _any_in(minutes: Sequence[int], begin: int, end: int) -> bool:
    """Whether one of these sorted minutes lies in a span."""
    place = bisect_left(minutes, begin)
    return place < len(minutes) and minutes[place] < end
