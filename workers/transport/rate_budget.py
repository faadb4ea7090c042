"""Weight and buckets of one exchange as one budget: a call takes what it needs of both."""

import random
import threading
from collections.abc import Callable

from workers.model.clock import Clock, SystemClock
from workers.model.errors import ServiceClosed
from workers.transport.buckets import Buckets
from workers.transport.budget import BudgetExhausted, Priority
from workers.transport.budget_line import BudgetLine
from workers.transport.shared import Window

SPREAD_S = 0.05
"""Waits are lengthened by up to this, so that processes do not all go on in one instant."""


class RateBudget:
    """Weight and buckets of one exchange. For several threads.

    Args:
        weight: pays for every call; its pause stops all of them.
        buckets: pay for the calls that name them.
        pauses_bucket_alone: a pause because of a call in a bucket stops that bucket alone.
        clock: measures deadlines.
        wait: waits so many seconds or less; tests pass one that moves their clock. Default: waits
            on an event that `close` sets.
    """

    def __init__(
        self,
        weight: Window,
        buckets: Buckets | None = None,
        *,
        pauses_bucket_alone: bool = False,
        clock: Clock | None = None,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._weight, self._buckets = weight, buckets
        self._pauses_bucket_alone = pauses_bucket_alone
        self._clock: Clock = clock if clock is not None else SystemClock()
        self._closed = threading.Event()
        self._wait = wait if wait is not None else self._closed.wait

    @property
    def limit(self) -> int:
        """Weight the exchange allows in one window."""
        return self._weight.limit

    @property
    def usable(self) -> int:
        """Weight that is spent in one window at most."""
        return self._weight.usable

    @property
    def window_s(self) -> float:
        """Length of the weight's window."""
        return self._weight.window_s

    @property
    def used(self) -> int:
        """Weight spent in the current window, by all who share it or as reported."""
        return self._weight.used

    def delay_s(
        self, weight: int, priority: Priority = "resync", bucket: str | None = None
    ) -> float:
        """Seconds until a call may be made; 0: now. Takes nothing."""
        return max(each.delay_s(cost, priority) for each, cost in self._costs(weight, bucket))

    def acquire(
        self,
        weight: int,
        deadline_s: float,
        priority: Priority = "resync",
        bucket: str | None = None,
    ) -> None:
        """Take the weight, and one call of the bucket, waiting at most `deadline_s` for both.

        Args:
            weight: what the call costs; 0: nothing, but a pause holds for it.
            deadline_s: seconds the caller has.
            priority: how much of the windows such calls may fill.
            bucket: what else it costs one of, `name`, or `name/what` where that is counted apart
                for each `what`; a name that is no bucket costs nothing.

        Raises:
            BudgetExhausted: it would take longer; raised as soon as that is known.
            ServiceClosed: the budget was closed.
            ValueError: the weight is more than a whole window offers.
        """
        if weight > self.usable:
            raise ValueError(
                f"weight {weight} is more than the {self.usable} usable of {self.limit} "
                f"in {self.window_s:g} s; it can never be sent"
            )
        end_s = self._clock.monotonic_s() + deadline_s
        wanted = self._costs(weight, bucket)
        while wanted:
            if self._closed.is_set():
                raise ServiceClosed(f"budget closed; call of weight {weight} not made")
            # None is taken before all are there, or what one gave would be lost with the call.
            delay_s = 0.0
            if len(wanted) > 1:
                delay_s = max(each.delay_s(cost, priority) for each, cost in wanted)
            if delay_s == 0:
                window, cost = wanted[0]
                delay_s = window.take(cost, priority)
            if delay_s == 0:
                del wanted[0]
                continue
            if self._clock.monotonic_s() + delay_s > end_s:
                raise BudgetExhausted(weight, delay_s, deadline_s)
            self._wait(delay_s + random.random() * SPREAD_S)

    def observe(self, used: int, asked_ns: int | None = None) -> None:
        """Set the weight spent in the current window to at least what the exchange reports."""
        self._weight.observe(used, asked_ns)

    def pause(self, seconds: float, bucket: str | None = None) -> None:
        """Send nothing for so long, in any process; a pause already running is never shortened.

        Args:
            seconds: how long.
            bucket: of the call that was refused; others may go on where the exchange counts so.
        """
        alone = self._bucket(bucket) if self._pauses_bucket_alone else None
        (alone or self._weight).pause(seconds)

    def report(self) -> dict[str, BudgetLine]:
        """For status pages: `weight`, and what this process used of each bucket, by name.

        Of a bucket that is counted apart for each symbol the symbols asked last. Those at rest are
        left out.
        """
        lines = {"weight": self._weight.report()}
        for name, window in self._buckets.recent() if self._buckets else ():
            line = window.report()
            if line["used"] or line["wait_s"]:
                lines[name] = line
        return lines

    def close(self) -> None:
        """End every wait of this process, now and later, with ServiceClosed."""
        self._closed.set()

    def _costs(self, weight: int, bucket: str | None) -> list[tuple[Window, int]]:
        own = self._bucket(bucket)
        return [*([(own, 1)] if own else []), (self._weight, weight)]

    def _bucket(self, name: str | None) -> Window | None:
        return self._buckets.find(name) if self._buckets else None
