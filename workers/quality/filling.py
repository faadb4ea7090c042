"""Which gaps are to be filled now, and how a gap stands after a try. The verdict is pure."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from config.settings import ClickHouseSettings
from workers.quality.gap_rows import KnownGap, read_gaps
from workers.quality.holes import Range, count, subtract

AT_ONCE = 10
"""Gaps of one exchange that are sent for in one round."""
ABANDONED_NS = 300_000_000_000
"""A gap that is being filled for longer is taken up again: its worker died."""
FIRST_WAIT_S, LONGEST_WAIT_S = 30, 3600
MOST_ATTEMPTS = 8
"""Tries in vain, over some two hours, before a gap is called unfillable."""

_DUE = """
exchange = %(exchange)s AND isNotNull(first_id)
AND ((state = 'open' AND next_try_ns <= %(now)s) OR (state = 'filling' AND stored_ns < %(dead)s))
"""


@dataclass(frozen=True)
class Try:
    """What a try to fill a gap has brought.

    Args:
        still: ids that are missing now.
        absent: ids that the exchange's own history has no trade for.
        left: ids the exchange was not asked for, or did not answer.
        why: why not, in words.
        final: what was left will never be given.
        time_is_up: the run ended before everything was asked for.
    """

    still: Sequence[Range]
    absent: Sequence[Range] = ()
    left: Sequence[Range] = ()
    why: str = ""
    final: bool = False
    time_is_up: bool = False


def due_gaps(settings: ClickHouseSettings, exchange: str) -> list[KnownGap]:
    """Gaps to fill now, the oldest first.

    Raises:
        StoreError: see `query`.
    """
    now_ns = time.time_ns()
    asked: dict[str, object] = {"exchange": exchange, "now": now_ns, "dead": now_ns - ABANDONED_NS}
    return read_gaps(settings, _DUE, asked, limit=AT_ONCE)


def is_due(gap: KnownGap, now_ns: int) -> bool:
    """Whether a gap is to be filled now; what `due_gaps` asks ClickHouse for."""
    if gap.state == "open":
        return gap.next_try_ns <= now_ns
    return gap.state == "filling" and gap.stored_ns < now_ns - ABANDONED_NS


NO_ROW = "the exchange's own history has no row for these periods"


def verdict(gap: KnownGap, tried: Try, now_ns: int, *, of_periods: bool = False) -> KnownGap:
    """How a gap stands after a try.

    `of_periods`: an id is a period, and the exchange need not have a row for it; that is believed
    when it said so twice.
    """
    missing = count(tried.still)
    if not missing:
        why = "" if tried.why == "" else tried.why
        return gap.now("filled", missing=0, why=why)
    unknown = [part for each in tried.still for part in subtract(each, tried.absent)]
    if not unknown and of_periods:
        why = f"{NO_ROW} ({missing})"
        if gap.attempts:
            return gap.now("filled", missing=0, why=why)
        return failed(replace(gap, missing=missing), f"{why}; asked once more", now_ns)
    if not unknown:
        why = f"the exchange's own history has no trade under {missing} of these ids"
        return gap.now("unfillable", missing=missing, why=f"{why}. {tried.why}".rstrip(". "))
    if tried.time_is_up:
        return gap.now("open", missing=missing, why="goes on", next_try_ns=now_ns)
    if tried.final:
        return gap.now("unfillable", missing=missing, why=tried.why)
    return failed(replace(gap, missing=missing), tried.why or "published, not stored yet", now_ns)


def failed(gap: KnownGap, why: str, now_ns: int, *, final: bool = False) -> KnownGap:
    """How a gap stands after a try in vain: later tries come less and less often."""
    attempts = gap.attempts + 1
    if final or attempts >= MOST_ATTEMPTS:
        many = "" if final else f"tried {attempts} times in vain: "
        return gap.now("unfillable", attempts=attempts, why=many + why)
    wait_s = min(FIRST_WAIT_S * 2 ** (attempts - 1), LONGEST_WAIT_S)
    return gap.now("open", attempts=attempts, why=why, next_try_ns=now_ns + wait_s * 10**9)


def postponed(gap: KnownGap, why: str, now_ns: int, wait_s: float) -> KnownGap:
    """How a gap stands that nobody was asked about: that is no try in vain."""
    return gap.now("open", why=why, next_try_ns=now_ns + round(wait_s * 1e9))
