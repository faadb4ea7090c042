"""Credits of one address: what calls cost and how fast they come back.

Source: docs.deribit.com, "Rate Limits"; those of an account, for the numbers of addresses are
unpublished. get_instruments also has one call in 10 s, five at once (changelog 2025-06-10).
"""

from workers.simulator.deribit.switches import Switches

REFILL = 10_000.0


class Bucket:
    """Credits that come back with time."""

    def __init__(self, pool: float, refill: float, now_s: float) -> None:
        self._pool, self._refill = pool, refill
        self.left, self._seen_s = pool, now_s

    def spend(self, cost: float, now_s: float) -> bool:
        """Take credits; False, and none taken, if there are too few."""
        self.left = min(self._pool, self.left + (now_s - self._seen_s) * self._refill)
        self._seen_s = now_s
        if self.left < cost:
            return False
        self.left -= cost
        return True


class Credits:
    """The buckets of one address."""

    def __init__(self, switches: Switches, now_s: float) -> None:
        self._calls = Bucket(switches.credits, REFILL, now_s)
        self._subscribes = Bucket(switches.subscribe_credits, REFILL, now_s)
        self._instruments = Bucket(5, 0.1, now_s)
        self.used = 0

    def spend(self, method: str, now_s: float) -> bool:
        """Count a call; False if it is one too many."""
        self.used += 1
        if method in ("public/subscribe", "private/subscribe"):
            return self._subscribes.spend(3000, now_s)
        if method == "public/get_instruments":
            return self._instruments.spend(1, now_s)
        return self._calls.spend(500, now_s)
