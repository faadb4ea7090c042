"""Rate limits of one process: how long to wait so that an exchange's limits are never passed.

`WeightBudget` is for REST weights counted in fixed windows of the exchange's clock (Binance: the
clock minute, per address); `SlidingWindow` is for limits that hold in any window of a length
(messages on a connection, connects from an address). Both may be used from several threads.
What all processes of an address share is in rates.py.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Literal

from workers.model.clock import Clock, SystemClock
from workers.model.errors import ServiceClosed, TransportError
from workers.transport.budget_line import BudgetLine, budget_line

Priority = Literal["resync", "audit", "history"]
"""What a call is for: a book that is down, a check or a regular poll, data that can wait."""

SHARES: dict[Priority, float] = {"resync": 1.0, "audit": 0.7, "history": 0.4}
"""The part of a window's usable budget that calls of a priority may fill, with all before them.

History stops first and leaves 60 % to the others; a resync may use what is there to the last."""


def share(usable: int, weight: int, priority: Priority) -> int:
    """How full a window may be after a call; at least its weight, so that no call never fits."""
    return min(usable, max(weight, round(usable * SHARES[priority])))


class BudgetExhausted(TransportError):
    """Waiting for the budget would take longer than the caller has; the call was not made.

    Args:
        weight: what the call costs.
        wait_s: seconds until it could be made.
        deadline_s: seconds the caller had.
    """

    def __init__(self, weight: int, wait_s: float, deadline_s: float) -> None:
        super().__init__(
            f"no budget for weight {weight} before {wait_s:.1f} s, the call has {deadline_s:.1f} s;"
            " not made"
        )
        self.weight, self.wait_s, self.deadline_s = weight, wait_s, deadline_s


class WeightBudget:
    """Weight spent in the current window of the clock, never above the limit less the headroom.

    The exchange counts every process behind our address, we count ours: `observe` corrects our
    figure upwards by what the exchange reports and never lowers it.

    Args:
        limit: weight the exchange allows in one window.
        window_s: length of a window; windows begin at multiples of it since 1970, UTC.
        clock: tells the window.
        headroom: fraction of the limit left unused, for clocks that differ and for others.
        wait: waits so many seconds or less; tests pass one that moves their clock. Default: waits
            on an event that `close` sets.
    """

    def __init__(
        self,
        limit: int,
        window_s: float,
        clock: Clock | None = None,
        headroom: float = 0.2,
        *,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        if limit < 1 or window_s <= 0 or not 0 <= headroom < 1:
            raise ValueError(
                f"budget of {limit} in {window_s:g} s with headroom {headroom:g}: limit and window "
                "must be positive, headroom at least 0 and below 1"
            )
        self.limit = limit
        self.usable = max(1, int(limit * (1 - headroom)))
        self.window_s = window_s
        self._clock: Clock = clock if clock is not None else SystemClock()
        self._closed = threading.Event()
        self._wait = wait if wait is not None else self._closed.wait
        self._lock = threading.Lock()
        self._window_ns = round(window_s * 1e9)
        self._window = -1
        self._used = 0
        self._paused_until_s = float("-inf")

    @property
    def used(self) -> int:
        """Weight spent in the current window, by us or as reported."""
        with self._lock:
            self._turn()
            return self._used

    def delay_s(
        self, weight: int, priority: Priority = "resync", bucket: str | None = None
    ) -> float:
        """Seconds until a call of this weight may be made; 0: now. Takes nothing."""
        with self._lock:
            return self._delay_s(weight, priority)

    def take(self, weight: int, priority: Priority = "resync") -> float:
        """Take `weight` if it is there now; else the seconds until it is. One step for threads."""
        with self._lock:
            delay_s = self._delay_s(weight, priority)
            if delay_s == 0:
                self._used += weight
            return delay_s

    def acquire(
        self,
        weight: int,
        deadline_s: float,
        priority: Priority = "resync",
        bucket: str | None = None,
    ) -> None:
        """Take `weight`, waiting at most `deadline_s` seconds for it.

        Args:
            weight: what the call costs.
            deadline_s: seconds the caller has.
            priority: how much of the window such calls may fill.
            bucket: counted by `RateBudget` alone; weight is all there is here.

        Raises:
            BudgetExhausted: it would take longer; raised at once, without waiting.
            ServiceClosed: the budget was closed.
            ValueError: the weight is more than a whole window offers.
        """
        if weight > self.usable:
            raise ValueError(
                f"weight {weight} is more than the {self.usable} usable of {self.limit} "
                f"in {self.window_s:g} s; it can never be sent"
            )
        end_s = self._clock.monotonic_s() + deadline_s
        while True:
            if self._closed.is_set():
                raise ServiceClosed(f"budget closed; call of weight {weight} not made")
            delay_s = self.take(weight, priority)
            if delay_s == 0:
                return
            if self._clock.monotonic_s() + delay_s > end_s:
                raise BudgetExhausted(weight, delay_s, deadline_s)
            self._wait(delay_s)

    def observe(self, used: int, asked_ns: int | None = None) -> None:
        """Take over the weight the exchange reports for the current window, if it is more.

        Args:
            used: the figure.
            asked_ns: when the call was sent, UTC. A figure that may be of the window before is
                ignored: it would close the new one.
        """
        with self._lock:
            self._turn()
            if asked_ns is None or asked_ns // self._window_ns >= self._window:
                self._used = max(self._used, used)

    def pause(self, seconds: float, bucket: str | None = None) -> None:
        """Send nothing for so long; a pause already running is never shortened."""
        with self._lock:
            until_s = self._clock.monotonic_s() + seconds
            self._paused_until_s = max(self._paused_until_s, until_s)

    def report(self) -> BudgetLine:
        """For status pages."""
        return budget_line(
            self,
            used=self.used,
            wait_s=self.delay_s(1),
            paused_s=self._paused_until_s - self._clock.monotonic_s(),
            clock=self._clock,
            source="this process",
        )

    def close(self) -> None:
        """End every wait, now and later, with ServiceClosed."""
        self._closed.set()

    def _turn(self) -> None:
        window = self._clock.now_ns() // self._window_ns
        # Only forwards: a wall clock that steps back must not hand out a window twice.
        if window > self._window:
            self._window, self._used = window, 0

    def _delay_s(self, weight: int, priority: Priority) -> float:
        self._turn()
        pause_s = max(0.0, self._paused_until_s - self._clock.monotonic_s())
        if weight == 0 or self._used + weight <= share(self.usable, weight, priority):
            return pause_s
        next_ns = (self._window + 1) * self._window_ns
        return max(pause_s, (next_ns - self._clock.now_ns()) / 1e9)


class SlidingWindow:
    """At most `limit` events in any window of `window_s`, wherever it begins.

    Args:
        limit: events allowed.
        window_s: length of the window.
        clock: tells the time.
    """

    def __init__(self, limit: int, window_s: float, clock: Clock | None = None) -> None:
        if limit < 1 or window_s <= 0:
            raise ValueError(f"limit {limit} in {window_s:g} s: both must be positive")
        self.limit = self.usable = limit
        self.window_s = window_s
        self._clock: Clock = clock if clock is not None else SystemClock()
        self._times_s: deque[float] = deque()
        self._paused_until_s = float("-inf")
        self._lock = threading.Lock()

    def delay_s(self) -> float:
        """Seconds until one more event is allowed; 0: now. Takes nothing."""
        with self._lock:
            return self._delay_s(self._clock.monotonic_s())

    def record(self) -> None:
        """Note an event that happens now, allowed or not (an answer to a ping cannot wait)."""
        with self._lock:
            self._times_s.append(self._clock.monotonic_s())

    def pause(self, seconds: float) -> None:
        """Allow nothing for so long; a pause already running is never shortened."""
        with self._lock:
            until_s = self._clock.monotonic_s() + seconds
            self._paused_until_s = max(self._paused_until_s, until_s)

    def take(self) -> float:
        """Note an event if it is allowed now; else the seconds until it is. One step for threads.

        Returns:
            0: noted; more: seconds to wait, nothing was noted.
        """
        with self._lock:
            now_s = self._clock.monotonic_s()
            delay_s = self._delay_s(now_s)
            if delay_s == 0:
                self._times_s.append(now_s)
            return delay_s

    def report(self) -> BudgetLine:
        """For status pages."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            wait_s = self._delay_s(now_s)
            return budget_line(
                self,
                used=len(self._times_s),
                wait_s=wait_s,
                paused_s=self._paused_until_s - now_s,
                clock=self._clock,
                source="this process",
            )

    def _delay_s(self, now_s: float) -> float:
        times_s = self._times_s
        while times_s and now_s - times_s[0] >= self.window_s:
            times_s.popleft()
        pause_s = max(0.0, self._paused_until_s - now_s)
        if len(times_s) < self.limit:
            return pause_s
        # More than `limit` can be noted by record(): wait until fewer than `limit` are left.
        return max(pause_s, times_s[len(times_s) - self.limit] + self.window_s - now_s)
