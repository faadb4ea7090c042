"""How full one budget is, in the words that every status page uses."""

from datetime import UTC, datetime
from typing import Literal, Protocol, TypedDict

from workers.model.clock import Clock

Source = Literal["redis", "local share", "this process"]
"""Who counted: all processes of the address in Redis; this one within its quarter of the limit,
Redis being away; this one alone, no Redis being configured."""


class BudgetLine(TypedDict):
    """One budget.

    `used` of `usable`, which is `limit` less our headroom, in a window of `window_s` seconds, in
    the exchange's unit of weight, in calls, or in connection attempts; `wait_s` until the next
    smallest one; `paused_until` (ISO 8601, UTC): nothing is sent before, as the exchange asked.
    """

    used: int
    usable: int
    limit: int
    window_s: float
    wait_s: float
    paused_until: str | None
    source: Source


class _Window(Protocol):
    @property
    def limit(self) -> int: ...

    @property
    def usable(self) -> int: ...

    @property
    def window_s(self) -> float: ...


def budget_line(
    window: _Window, *, used: int, wait_s: float, paused_s: float, clock: Clock, source: Source
) -> BudgetLine:
    """A line about a window.

    Args:
        window: has its limits.
        used: of it, now.
        wait_s: until the next smallest call.
        paused_s: how long the exchange wants to be left alone; 0 or less: it does not.
        clock: tells when that is over.
        source: who counted.
    """
    until = None
    if paused_s > 0:
        moment = datetime.fromtimestamp(clock.now_ns() / 1e9 + paused_s, UTC)
        until = moment.isoformat(timespec="seconds")
    return BudgetLine(
        used=used,
        usable=window.usable,
        limit=window.limit,
        window_s=window.window_s,
        wait_s=round(wait_s, 1),
        paused_until=until,
        source=source,
    )
