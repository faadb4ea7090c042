"""Shared weight in windows of the clock, as Binance counts it: each minute has a key of its own.

A response header tells the exchange's own figure. A Redis that was restarted and forgot is told
what this process last saw.
"""

import math

from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter

from workers.model.clock import Clock
from workers.transport.budget import Priority, share
from workers.transport.link import RedisLink
from workers.transport.shared import HEADROOM, Item, SharedWindow

KEPT_S = 1
"""Keys live this much longer than their window, which begins before they are made."""

_RAISE = """
if tonumber(redis.call('get', KEYS[1]) or '0') < tonumber(ARGV[1]) then
  redis.call('set', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""


class FixedWindow(SharedWindow):
    """Weight in windows that begin at multiples of `window_s` since 1970, UTC.

    Args:
        link: the Redis.
        key: names the limit and the address it is counted for.
        limit: weight the exchange allows in one window.
        window_s: its length.
        clock: tells the window.
    """

    def __init__(
        self, link: RedisLink, key: str, limit: int, window_s: float, clock: Clock
    ) -> None:
        super().__init__(link, key, limit, max(1, int(limit * (1 - HEADROOM))), window_s, clock)
        self._window_ns = round(window_s * 1e9)
        self._expiry_s = math.ceil(window_s) + KEPT_S

    @property
    def used(self) -> int:
        """Weight spent in the current window, by all processes or as reported."""
        used = self._link.ask(lambda storage: self._count(storage)[0])
        return self._local.used if used is None else used

    def observe(self, used: int, asked_ns: int | None = None) -> None:
        """Set the window's weight to at least `used`; a figure of the window before is ignored."""
        window = self._window()
        if asked_ns is None or asked_ns // self._window_ns >= window:
            self._local.observe(used)
            self._link.ask(lambda storage: self._raise_to(storage, window, used))

    def _look(self, storage: RedisStorage, weight: int, priority: Priority) -> float:
        used, pause_s = self._count(storage)
        if weight == 0 or used + weight <= share(self.usable, weight, priority):
            return pause_s
        return max(pause_s, self._rest_s())

    def _take(self, storage: RedisStorage, weight: int, priority: Priority) -> float:
        delay_s = self._look(storage, weight, priority)
        if delay_s > 0 or weight == 0:
            return delay_s
        window, most = self._window(), share(self.usable, weight, priority)
        item = Item(most, self._expiry_s)
        name = f"{self._key}/{window}"
        if FixedWindowRateLimiter(storage).hit(item, name, cost=weight):
            self._local.observe(self._local.used + weight)
            return 0.0
        # Another process was faster. The library counts what it refuses, too: give it back.
        storage.incr(name, self._expiry_s, -weight)
        return self._rest_s()

    def _count(self, storage: RedisStorage) -> tuple[int, float]:
        """Weight spent in this window, seconds of pause."""
        window = self._window()
        if self._owed:
            # Of an earlier window perhaps: counted in this one it only makes us more careful.
            storage.incr(f"{self._key}/{window}", self._expiry_s, self._owe())
        with self._link.client.pipeline(transaction=False) as pipe:
            pipe.get(storage.prefixed_key(f"{self._key}/{window}"))
            pipe.pttl(storage.prefixed_key(f"{self._key}/pause"))
            counted, left_ms = pipe.execute()
        used, known = int(counted or 0), self._local.used
        if used < known:
            # It was restarted and forgot.
            self._raise_to(storage, window, known)
            used = known
        self._local.observe(used)
        return used, self._pause_s(storage, left_ms)

    def _raise_to(self, storage: RedisStorage, window: int, used: int) -> bool:
        key = storage.prefixed_key(f"{self._key}/{window}")
        self._link.client.eval(_RAISE, 1, key, str(used), str(self._expiry_s))
        return True

    def _window(self) -> int:
        return self._clock.now_ns() // self._window_ns

    def _rest_s(self) -> float:
        return ((self._window() + 1) * self._window_ns - self._clock.now_ns()) / 1e9
