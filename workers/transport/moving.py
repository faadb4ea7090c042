"""Shared weight in any window of a length, for exchanges that do not say where theirs begin.

The window is a second longer than the exchange's: calls may arrive closer together than they left.
Entries carry the time of the machine that made them; clocks of machines that share a budget have to
agree within that second. A Redis that was restarted and forgot is not noticed.
"""

import math
import time

from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from workers.model.clock import Clock
from workers.transport.budget import Priority, share
from workers.transport.link import RedisLink
from workers.transport.shared import HEADROOM, Item, SharedWindow

MARGIN_S = 1
MOST_ENTRIES = 10_000
"""Each unit of weight is an entry in Redis. Larger limits are counted in units of more than one,
and a call that weighs less than a unit counts as one."""


class MovingWindow(SharedWindow):
    """Weight in any window of `window_s`, wherever it begins.

    Args:
        link: the Redis.
        key: names the limit and the address it is counted for.
        limit: weight the exchange allows in its window.
        window_s: its length; a second is added.
        clock: measures pauses; the entries carry the system's time.
        headroom: part of the rate left unused.
    """

    def __init__(
        self,
        link: RedisLink,
        key: str,
        limit: int,
        window_s: float,
        clock: Clock,
        headroom: float = HEADROOM,
    ) -> None:
        self._span_s = math.ceil(window_s) + MARGIN_S
        # The longer window costs rate already; take from the limit what headroom still asks for.
        usable = max(1, min(limit, int(limit * (1 - headroom) * self._span_s / window_s)))
        super().__init__(link, key, limit, usable, window_s, clock)
        self._unit = math.ceil(limit / MOST_ENTRIES)
        self._free_at_s = 0.0

    @property
    def used(self) -> int:
        """Weight spent in the window that ends now, by all processes."""
        count = self._link.ask(
            lambda storage: storage.get_moving_window(
                self._key, self._entries(self.usable), self._span_s
            )[1]
        )
        return self._local.used if count is None else count * self._unit

    def observe(self, used: int, asked_ns: int | None = None) -> None:
        """Nothing to correct: exchanges that report what was used count in fixed windows."""

    def record(self) -> None:
        """Note one unit that is spent now, allowed or not."""
        self._local.observe(self._local.used + 1)
        self._link.ask(lambda storage: storage.acquire_entry(self._key, MOST_ENTRIES, self._span_s))

    def _look(self, storage: RedisStorage, weight: int, priority: Priority) -> float:
        key, cost, most = storage.prefixed_key(self._key), *self._cost_and_most(weight, priority)
        if self._owed:
            owed = self._entries(self._owe())
            storage.acquire_entry(self._key, 2 * MOST_ENTRIES, self._span_s, owed)
        with self._link.client.pipeline(transaction=False) as pipe:
            pipe.pttl(storage.prefixed_key(f"{self._key}/pause"))
            pipe.lindex(key, most - cost)
            pipe.lindex(key, self._entries(self._local.usable) - 1)
            left_ms, oldest, last_of_share = pipe.execute()
        self._remember(last_of_share)
        pause_s = self._pause_s(storage, left_ms)
        if weight == 0 or oldest is None:
            return pause_s
        return max(pause_s, float(oldest) + self._span_s - time.time(), 0.0)

    def _take(self, storage: RedisStorage, weight: int, priority: Priority) -> float:
        delay_s = self._look(storage, weight, priority)
        if delay_s > 0 or weight == 0:
            return delay_s
        cost, most = self._cost_and_most(weight, priority)
        item = Item(most, self._span_s)
        if MovingWindowRateLimiter(storage).hit(item, self._key, cost=cost):
            last_of_share = self._entries(self._local.usable) - 1
            key = storage.prefixed_key(self._key)
            self._remember(self._link.client.lindex(key, last_of_share))
            return 0.0
        # Another process was faster, or the entry is of this very millisecond: look again.
        return max(0.001, self._look(storage, weight, priority))

    def _remember(self, last_of_share: object) -> None:
        """When the window holds less than our own share again, should Redis go away now."""
        if isinstance(last_of_share, bytes):
            self._free_at_s = float(last_of_share) + self._span_s

    def _own_pause_s(self) -> float:
        """While Redis is away also what was seen in it counts, until it has left the window."""
        seen_s = self._free_at_s - time.time() if self._link.away else 0.0
        return max(super()._own_pause_s(), seen_s)

    def _cost_and_most(self, weight: int, priority: Priority) -> tuple[int, int]:
        """Entries a call takes, and how many there may be with them."""
        cost = math.ceil(weight / self._unit)
        return cost, max(cost, self._entries(share(self.usable, weight, priority)))

    def _entries(self, weight: int) -> int:
        return max(1, weight // self._unit)
