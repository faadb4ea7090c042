"""Minutes of trades and the holes between them become rows of the ledger. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from workers.quality.holes import (
    MINUTE_NS,
    Hole,
    Range,
    Series,
    common,
    count,
    minute_of,
    shares,
    subtract,
)
from workers.quality.trade_rows import Minute


@dataclass(frozen=True)
class End:
    """The trade at one end of what was looked at: the last before a span, or the first behind."""

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

    @property
    def expected(self) -> int:
        """Ids that should be there."""
        return self.stored + self.missing


def boundary_holes(
    series: Series,
    minutes: Sequence[Minute],
    before: End | None,
    behind: End | None,
) -> list[Hole]:
    """Holes between the trades of a span and the nearest ones outside of it."""
    ends: list[tuple[End, End]] = []
    if minutes:
        first, last = minutes[0], minutes[-1]
        begin = End(first.first_id, first.last_id, first.first_ns, first.first_filled)
        end = End(last.first_id, last.last_id, last.last_ns, last.last_filled)
        if before is not None:
            ends.append((before, begin))
        if behind is not None:
            ends.append((end, behind))
    elif before is not None and behind is not None:
        ends.append((before, behind))
    return [
        Hole(series, a.last_id + 1, b.first_id - 1, a.at_ns, b.at_ns, a.filled != b.filled)
        for a, b in ends
        if b.first_id > a.last_id + 1 and b.at_ns >= a.at_ns
    ]


def counted(hole: Hole, unused: Iterable[Range], known: Iterable[Range]) -> int:
    """How many ids of a hole are missing: without unused ones; at an edge, only known gaps."""
    left = subtract(hole.ids, unused)
    if hole.edge:
        gaps = list(known)
        return sum(count(common(part, gaps)) for part in left)
    return count(left)


def windows(
    minutes: Sequence[Minute],
    holes: Iterable[Hole],
    unused: Sequence[Range],
    known: Sequence[Range],
    begin_ns: int,
    end_ns: int,
    before: Mapping[int, int] | None = None,
) -> list[Window]:
    """One row for each minute from `begin_ns` to `end_ns`, quiet ones too.

    Args:
        minutes: those with trades.
        holes: all that reach into the span.
        unused: ids the exchange left out.
        known: ids of known gaps.
        begin_ns: of the first minute.
        end_ns: of the minute after the last.
        before: duplicates told of a minute before; merged repeats cannot be counted again.
    """
    found = {each: Window(window_ns=each) for each in range(begin_ns, end_ns, MINUTE_NS)}
    for each in minutes:
        if each.minute_ns not in found:
            continue
        told = (before or {}).get(each.minute_ns, 0)
        duplicates = max(each.received - each.rows, told)
        found[each.minute_ns] = Window(
            window_ns=each.minute_ns,
            received=each.ids + duplicates,
            stored=each.ids,
            duplicates=duplicates,
            backfilled=each.backfilled,
            first_id=each.first_id,
            last_id=each.last_id,
            first_ns=each.first_ns,
            last_ns=each.last_ns,
        )
    for hole in holes:
        spread = shares(counted(hole, unused, known), hole.before_ns, hole.behind_ns)
        for minute_ns, missing in spread.items():
            if minute_ns in found:
                window = found[minute_ns]
                found[minute_ns] = replace(window, missing=window.missing + missing)
        left_out = count(common(hole.ids, unused))
        place = minute_of(hole.behind_ns)
        if left_out and place in found:
            found[place] = replace(found[place], unused=found[place].unused + left_out)
    return [found[each] for each in sorted(found)]
