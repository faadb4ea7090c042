"""What one exchange allows one address: the budget that all processes behind it share.

`open_budget` is for REST calls, `open_window` for connection attempts. With a Redis they are shared
by every process that names the same exchange and the same `egress`; without, they are this
process's own.
"""

from collections.abc import Mapping
from typing import Protocol

from workers.model.clock import Clock, SystemClock
from workers.transport.buckets import Buckets, Calls
from workers.transport.budget import SlidingWindow, WeightBudget
from workers.transport.budget_line import BudgetLine
from workers.transport.fixed import FixedWindow
from workers.transport.link import RedisLink, redis_link
from workers.transport.moving import MovingWindow
from workers.transport.rate_budget import RateBudget
from workers.transport.shared import Window

DIRECT = "direct"
"""The egress of processes that name none. One name for all: two machines behind one address must
not count apart, and two addresses that count together are only slower than they could be."""


class RestLimits(Protocol):
    """What is read of `exchanges.base.Limits`."""

    @property
    def weight(self) -> int:
        """Weight in `weight_window_s`."""
        ...

    @property
    def weight_window_s(self) -> float:
        """Length of the weight's window."""
        ...

    @property
    def used_weight_header(self) -> str | None:
        """Names the header that tells the weight used in the current minute of the clock."""
        ...

    @property
    def buckets(self) -> Mapping[str, Calls]:
        """Budgets beside the weight."""
        ...

    @property
    def counted_as(self) -> str | None:
        """The name several exchanges of one address are counted under together."""
        ...

    @property
    def pauses_bucket_alone(self) -> bool:
        """Over the limit in one bucket: the others may go on."""
        ...


def open_budget(
    exchange: str,
    limits: RestLimits,
    *,
    redis_url: str | None,
    egress: str = DIRECT,
    clock: Clock | None = None,
    link: RedisLink | None = None,
) -> RateBudget:
    """The REST budget of an exchange, shared by every process of the same egress.

    Args:
        exchange: its name.
        limits: what it allows.
        redis_url: where it is shared; None: it is this process's own.
        egress: the address calls leave from; `Network.egress`.
        clock: tells windows and measures pauses.
        link: instead of the process's link to `redis_url`.
    """
    time = clock if clock is not None else SystemClock()
    if link is None and redis_url is not None:
        link = redis_link(redis_url)
    key = f"{limits.counted_as or exchange}/{egress}"
    weight: Window
    if link is None:
        weight = WeightBudget(limits.weight, limits.weight_window_s, time)
    elif limits.used_weight_header is not None:
        weight = FixedWindow(link, f"{key}/weight", limits.weight, limits.weight_window_s, time)
    else:
        weight = MovingWindow(link, f"{key}/weight", limits.weight, limits.weight_window_s, time)

    def bucket(name: str, each: Calls) -> Window:
        if link is None:
            return WeightBudget(each.calls, each.window_s, time)
        return MovingWindow(link, f"{key}/bucket/{name}", each.calls, each.window_s, time)

    return RateBudget(
        weight,
        Buckets(limits.buckets, bucket),
        pauses_bucket_alone=limits.pauses_bucket_alone,
        clock=time,
    )


class SharedEvents:
    """Events of all processes in any window of a length; the interface of `SlidingWindow`."""

    def __init__(self, window: MovingWindow) -> None:
        self._window, self.window_s = window, window.window_s

    def delay_s(self) -> float:
        """Seconds until one more event is allowed; 0: now. Takes nothing."""
        return self._window.delay_s(1)

    def record(self) -> None:
        """Note an event that happens now, allowed or not."""
        self._window.record()

    def pause(self, seconds: float) -> None:
        """Allow nothing for so long, in any process; a pause is never shortened."""
        self._window.pause(seconds)

    def take(self) -> float:
        """Note an event if it is allowed now; else the seconds until it may be."""
        return self._window.take(1)

    def report(self) -> BudgetLine:
        """For status pages."""
        return self._window.report()


def open_window(
    exchange: str,
    limit: int,
    window_s: float,
    *,
    redis_url: str | None,
    egress: str = DIRECT,
    clock: Clock | None = None,
    link: RedisLink | None = None,
) -> SharedEvents | SlidingWindow:
    """Connection attempts of an exchange, shared by every process of the same egress.

    Args:
        exchange: its name, or the one several are counted under.
        limit: attempts in any window.
        window_s: its length.
        redis_url: where they are shared; None: they are this process's own.
        egress: the address calls leave from; `Network.egress`.
        clock: measures the window.
        link: instead of the process's link to `redis_url`.
    """
    time = clock if clock is not None else SystemClock()
    if link is None and redis_url is not None:
        link = redis_link(redis_url)
    if link is None:
        return SlidingWindow(limit, window_s, time)
    key = f"{exchange}/{egress}/connects"
    return SharedEvents(MovingWindow(link, key, limit, window_s, time, headroom=0.0))
