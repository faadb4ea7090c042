"""What windows that all processes of one address fill together have in common.

The library `limits` counts them in Redis: fixed.py and moving.py. While Redis is away each process
has a quarter of the limit to itself; see link.py. A window that was fuller than that when Redis
went away stays closed until it has turned, and what is spent meanwhile is told to Redis later.
"""

import threading
from typing import Protocol

import limits
from limits.storage import RedisStorage

from workers.model.clock import Clock
from workers.transport.budget import Priority, WeightBudget
from workers.transport.budget_line import BudgetLine, budget_line
from workers.transport.link import RedisLink

LOCAL_PARTS = 4
"""Without Redis a process has this part of the limit: four of them cannot pass it."""
HEADROOM = 0.2

_PAUSE = """
if redis.call('pttl', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('set', KEYS[1], '1', 'PX', ARGV[1])
end
"""


class Window(Protocol):
    """Weight that may be spent in a time: `FixedWindow`, `MovingWindow`, `WeightBudget`."""

    limit: int
    usable: int
    window_s: float

    @property
    def used(self) -> int:
        """Weight spent in the current window, by all who share it."""
        ...

    def delay_s(self, weight: int, priority: Priority = "resync") -> float:
        """Seconds until a call may be made; 0: now. Takes nothing."""
        ...

    def take(self, weight: int, priority: Priority = "resync") -> float:
        """Take the weight if it is there now; else the seconds until it may be."""
        ...

    def observe(self, used: int, asked_ns: int | None = None) -> None:
        """Take over what the exchange reports."""
        ...

    def pause(self, seconds: float) -> None:
        """Send nothing for so long."""
        ...

    def report(self) -> BudgetLine:
        """For status pages."""
        ...


class Item(limits.RateLimitItemPerSecond):
    """A limit whose key does not name its amount: priorities fill one window to different marks."""

    def key_for(self, *identifiers: bytes | str | int | float) -> str:
        """The identifiers alone."""
        return "/".join(str(each) for each in identifiers)


class SharedWindow:
    """What both kinds have in common: pauses, and a share of their own while Redis is away."""

    def __init__(
        self, link: RedisLink, key: str, limit: int, usable: int, window_s: float, clock: Clock
    ) -> None:
        self.limit, self.usable, self.window_s = limit, usable, window_s
        self._link, self._key, self._clock = link, key, clock
        self._local = WeightBudget(max(1, limit // LOCAL_PARTS), window_s, clock, HEADROOM)
        self._paused_until_s = float("-inf")
        self._owing = threading.Lock()
        self._owed = 0

    @property
    def used(self) -> int:
        """Weight spent in the current window, by all who share it."""
        raise NotImplementedError

    def report(self) -> BudgetLine:
        """For status pages: two questions to Redis, unless it is away."""
        # Looking takes over a pause that another process asked for.
        used, wait_s = self.used, self.delay_s(1)
        away = self._link.away
        return budget_line(
            self._local if away else self,
            used=used,
            wait_s=wait_s,
            paused_s=self._paused_until_s - self._clock.monotonic_s(),
            clock=self._clock,
            source="local share" if away else "redis",
        )

    def pause(self, seconds: float) -> None:
        """Send nothing for so long, in any process; a pause is never shortened."""
        until_s = self._clock.monotonic_s() + seconds
        self._paused_until_s = max(self._paused_until_s, until_s)
        self._link.ask(lambda storage: self._tell_pause(storage, seconds))

    def delay_s(self, weight: int, priority: Priority = "resync") -> float:
        """Seconds until a call may be made; 0: now. Takes nothing."""
        delay_s = self._link.ask(lambda storage: self._look(storage, weight, priority))
        if delay_s is None:
            return max(self._own_pause_s(), self._local.delay_s(self._part(weight), priority))
        return delay_s

    def take(self, weight: int, priority: Priority = "resync") -> float:
        """Take the weight if it is there now; else the seconds until it may be."""
        delay_s = self._link.ask(lambda storage: self._take(storage, weight, priority))
        if delay_s is not None:
            return delay_s
        delay_s = self._own_pause_s() or self._local.take(self._part(weight), priority)
        if delay_s == 0:
            with self._owing:
                self._owed += weight
        return delay_s

    def _owe(self) -> int:
        """What was spent while Redis was away and is to be told to it; asked for once."""
        with self._owing:
            owed, self._owed = self._owed, 0
        return owed

    def _look(self, storage: RedisStorage, weight: int, priority: Priority) -> float:
        """`delay_s`, asked of Redis."""
        raise NotImplementedError

    def _take(self, storage: RedisStorage, weight: int, priority: Priority) -> float:
        """`take`, asked of Redis."""
        raise NotImplementedError

    def _part(self, weight: int) -> int:
        """A call that is larger than our own share takes all of it."""
        return min(weight, self._local.usable)

    def _own_pause_s(self) -> float:
        return max(0.0, self._paused_until_s - self._clock.monotonic_s())

    def _pause_s(self, storage: RedisStorage, left_ms: int) -> float:
        """Seconds of the longer pause, Redis's or ours; Redis is told ours if it forgot it."""
        own_s, theirs_s = self._own_pause_s(), max(0, left_ms) / 1000
        if own_s > theirs_s + 0.5:
            self._tell_pause(storage, own_s)
        elif theirs_s > own_s:
            # Kept here too: it holds on if Redis goes away.
            self._paused_until_s = self._clock.monotonic_s() + theirs_s
        return max(own_s, theirs_s)

    def _tell_pause(self, storage: RedisStorage, seconds: float) -> bool:
        key, left_ms = storage.prefixed_key(f"{self._key}/pause"), max(1, round(seconds * 1000))
        self._link.client.eval(_PAUSE, 1, key, str(left_ms))
        return True
