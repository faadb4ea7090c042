"""Gaps that collectors told and holes found in the table, in one list without overlaps. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from workers.quality.countable import fillable
from workers.quality.gap_rows import CAUSES, KnownGap
from workers.quality.holes import Hole, Range, Series, common, subtract

LATE_NS = 60_000_000_000
"""A collector tells a break without ids at most so long after the first row behind it."""
NO_HISTORY = "no exchange keeps a history of book changes; the book went on from a new snapshot"
COUNTED_ANEW = "the exchange began to count anew; what lies between cannot be told"
NO_IDS = "dropped by us, counted, without ids"


@dataclass(frozen=True)
class Told:
    """A gap event of a collector."""

    series: Series
    raw_symbol: str
    cause: str
    first_id: int | None
    last_id: int | None
    lost: int | None
    told_ns: int
    exchange_ns: int | None


def merge(
    known: Iterable[KnownGap],
    told: Iterable[Told],
    holes: Iterable[Hole],
    unused: Mapping[Series, list[Range]],
    now_ns: int,
) -> list[KnownGap]:
    """What has to be written: new gaps, and known ones of which more is known now.

    Ids that the exchange left out are in no gap. A hole at the edge of a backfill is told only
    where it lies in a known gap. A filled gap whose ids are missing again is open again.
    """
    by_series: dict[Series, list[KnownGap]] = {}
    for gap in known:
        by_series.setdefault(gap.series, []).append(gap)
    changed: dict[tuple[Series, object, object], KnownGap] = {}

    def keep(gap: KnownGap, instead_of: KnownGap | None = None) -> None:
        gaps = by_series.setdefault(gap.series, [])
        if instead_of is not None:
            gaps.remove(instead_of)
        gaps.append(gap)
        changed[gap.series, gap.ids or gap.told_ns, gap.ids is None] = gap

    for each in told:
        for found in _of_event(each, by_series.get(each.series, []), unused):
            before = next((g for g in by_series.get(each.series, []) if _same(g, found)), None)
            if before is None:
                keep(found)
            elif not before.told_as:
                keep(replace(before, cause=found.cause, told_as=found.told_as), before)
    for hole in holes:
        gaps = by_series.get(hole.series, [])
        left = subtract(hole.ids, unused.get(hole.series, ()))
        for gap in [each for each in gaps if each.ids is not None]:
            assert gap.ids is not None
            inside = common(gap.ids, left)
            if not inside:
                continue
            now = gap
            if gap.begun_ns is None or gap.ended_ns is None:
                now = replace(now, begun_ns=hole.before_ns, ended_ns=hole.behind_ns)
            if gap.state == "filled":
                why = "missing again after it was filled"
                now = now.now("open", why=why, missing=hole.rows(inside), next_try_ns=now_ns)
            if now is not gap:
                keep(now, gap)
        if hole.edge or any(_is_about(gap, hole) for gap in gaps):
            continue
        ranges = [each.ids for each in gaps if each.ids is not None]
        for part in left:
            for first, last in subtract(part, ranges):
                keep(_of_hole(hole, first, last, now_ns))
    return list(changed.values())


def _is_about(gap: KnownGap, hole: Hole) -> bool:
    """Whether a break that was told without ids is this one."""
    if fillable(hole.series.data_type) or gap.ids is not None:
        return False
    return hole.before_ns <= gap.told_ns <= hole.behind_ns + LATE_NS


def _same(one: KnownGap, other: KnownGap) -> bool:
    if one.ids is None or other.ids is None:
        return one.ids == other.ids and one.told_ns == other.told_ns
    return one.ids == other.ids


def _of_event(
    told: Told, known: list[KnownGap], unused: Mapping[Series, list[Range]]
) -> list[KnownGap]:
    """An event as gaps: those it is about already, and new ones for the rest of its ids."""
    gap = KnownGap(
        **told.series._asdict(),
        raw_symbol=told.raw_symbol,
        first_id=None,
        last_id=None,
        told_ns=told.told_ns,
        cause=CAUSES.get(told.cause, "unknown"),
        told_as=told.cause,
        ended_ns=told.exchange_ns,
        missing=told.lost or 0,
    )
    again = fillable(told.series.data_type)
    if told.first_id is None or told.last_id is None:
        if again and told.cause == "overflow":
            return []  # the ids that were dropped show as a hole of the table
        why = COUNTED_ANEW if again else NO_IDS if told.cause == "overflow" else NO_HISTORY
        return [gap.now("unfillable", why=why)]
    whole = (told.first_id, told.last_id)
    if whole[0] > whole[1]:
        return []
    about = [
        replace(each, cause=gap.cause, told_as=told.cause)
        for each in known
        if each.ids is not None and common(whole, [each.ids])
    ]
    left = subtract(whole, unused.get(told.series, ())) if again else [whole]
    ranges = [each.ids for each in known if each.ids is not None]
    for part in left:
        for first, last in subtract(part, ranges):
            missing = last - first + 1 if again else 1
            new = replace(gap, first_id=first, last_id=last, missing=missing)
            about.append(new if again else new.now("unfillable", why=NO_HISTORY))
    return about


def _of_hole(hole: Hole, first: int, last: int, now_ns: int) -> KnownGap:
    gap = KnownGap(
        **hole.series._asdict(),
        first_id=first,
        last_id=last,
        told_ns=now_ns,
        begun_ns=hole.before_ns,
        ended_ns=hole.behind_ns,
        missing=hole.rows([(first, last)]),
    )
    if fillable(hole.series.data_type):
        return gap
    return gap.now("unfillable", why=NO_HISTORY)
