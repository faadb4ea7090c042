"""Minutes of rows and the holes between them become windows of the ledger. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from workers.quality.holes import (
    MINUTE_NS,
    Hole,
    Range,
    Series,
    common,
    minute_of,
    subtract,
)
from workers.quality.stored_rows import Minute


@dataclass(frozen=True)
class End:
    """The row at one end of what was looked at: the last before a span, or the first behind."""

    first_id: int
    last_id: int
    at_ns: int
    filled: bool = False


@dataclass(frozen=True, kw_only=True)
class Window:
    """One window of one series; the fields are columns of `completeness`."""

    window_ns: int
    window_s: int = 60
    received: int = 0
    stored: int = 0
    duplicates: int = 0
    backfilled: int = 0
    missing: int = 0
    unused: int = 0
    first_id: int | None = None
    last_id: int | None = None
    first_ns: int | None = None
    last_ns: int | None = None
    first_filled: bool = False
    last_filled: bool = False

    @property
    def expected(self) -> int:
        """What should be there."""
        return self.stored + self.missing


def boundary_holes(
    series: Series,
    minutes: Sequence[Minute],
    before: End | None,
    behind: End | None,
    each: int = 1,
) -> list[Hole]:
    """Holes between the rows of a span and the nearest ones outside of it.

    `each` is the number of ids a row stands for, where there is no row in the span.
    """
    each = minutes[0].each if minutes else each
    ends: list[tuple[End, End]] = []
    if minutes:
        first, last = minutes[0], minutes[-1]
        begin = _end(first, first.first_ns, filled=first.first_filled)
        end = _end(last, last.last_ns, filled=last.last_filled)
        if before is not None:
            ends.append((before, begin))
        if behind is not None:
            ends.append((end, behind))
    elif before is not None and behind is not None:
        ends.append((before, behind))
    return [
        Hole(series, a.last_id + 1, b.first_id - 1, a.at_ns, b.at_ns, a.filled or b.filled, each)
        for a, b in ends
        if b.first_id > a.last_id + 1 and b.at_ns >= a.at_ns
    ]


def _end(minute: Minute, at_ns: int, *, filled: bool) -> End:
    assert minute.first_id is not None
    assert minute.last_id is not None
    return End(minute.first_id, minute.last_id, at_ns, filled)


def missing_of(hole: Hole, unused: Iterable[Range], known: Iterable[Range]) -> list[Range]:
    """Ids of a hole that are missing: without unused ones; at an edge, only known gaps."""
    left = subtract(hole.ids, unused)
    if not hole.edge:
        return left
    gaps = list(known)
    return sorted(each for part in left for each in common(part, gaps))


@dataclass(frozen=True)
class About:
    """What is known of a series beside its rows.

    Args:
        unused: ids the exchange left out.
        known: ids of known gaps.
        told: minutes that were told before, with the repeats counted then: merged repeats cannot
            be counted again, and what was missing there may not be any more.
        period_ns: the length of its periods, if it has any.
        quiet_ns: from here on minutes without a row get a window too; None: they do not.
    """

    unused: Sequence[Range] = ()
    known: Sequence[Range] = ()
    told: Mapping[int, int] = field(default_factory=dict)
    period_ns: int | None = None
    quiet_ns: int | None = None


def windows(
    minutes: Sequence[Minute],
    holes: Iterable[Hole],
    about: About,
    begin_ns: int,
    end_ns: int,
) -> list[Window]:
    """One row for each minute from `begin_ns` to `end_ns` of which there is something to say.

    Args:
        minutes: those with rows.
        holes: all that reach into the span.
        about: the series.
        begin_ns: of the first minute.
        end_ns: of the minute after the last.
    """
    found: dict[int, Window] = {}
    for each in minutes:
        if not begin_ns <= each.minute_ns < end_ns:
            continue
        repeats = max(each.received - each.rows, about.told.get(each.minute_ns, 0))
        found[each.minute_ns] = Window(
            window_ns=each.minute_ns,
            received=each.ids + repeats,
            stored=each.ids,
            duplicates=repeats,
            backfilled=each.backfilled,
            first_id=each.first_id,
            last_id=each.last_id,
            first_ns=each.first_ns,
            last_ns=each.last_ns,
            first_filled=each.first_filled,
            last_filled=each.last_filled,
        )

    def add(minute_ns: int, missing: int = 0, unused: int = 0) -> None:
        if begin_ns <= minute_ns < end_ns:
            before = found.get(minute_ns, Window(window_ns=minute_ns))
            found[minute_ns] = replace(
                before, missing=before.missing + missing, unused=before.unused + unused
            )

    for hole in holes:
        left = missing_of(hole, about.unused, about.known)
        for minute_ns, missing in hole.by_minute(left, about.period_ns).items():
            add(minute_ns, missing=missing)
        left_out = common(hole.ids, about.unused)
        if about.period_ns is not None:
            # Each in its own minute: what was told missing there before is told anew.
            for minute_ns, unused in hole.by_minute(left_out, about.period_ns).items():
                add(minute_ns, unused=unused)
        elif left_out:
            add(minute_of(hole.behind_ns), unused=hole.rows(left_out))
    for minute_ns in about.told:
        add(minute_ns)
    if about.quiet_ns is not None:
        for minute_ns in range(max(begin_ns, about.quiet_ns), end_ns, MINUTE_NS):
            add(minute_ns)
    return [found[each] for each in sorted(found)]
