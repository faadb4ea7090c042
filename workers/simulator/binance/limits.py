"""What the exchange counts: REST weight per minute, connects, messages of one connection.

Source: binance-spot-api-docs, rest-api.md "LIMITS" and web-socket-streams.md "General".
All limits are per address; the simulator's callers usually share one.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LimitOptions:
    """The figures, each as documented by default.

    Args:
        weight: REST weight a minute.
        patience: requests after the first 429 of a minute until the address is banned.
        ban_s: first ban; each further one is twice as long, at most three days.
        connects: connection attempts in `connect_window_s`.
        messages: messages a second from the client, control frames included.
        streams: streams of one connection.
        calls: requests in `call_window_s` of paths that have no weight, by bucket.
    """

    weight: int = 6000
    patience: int = 10
    ban_s: float = 120.0
    connects: int = 300
    connect_window_s: float = 300.0
    messages: int = 5
    streams: int = 1024
    calls: Mapping[str, int] = field(default_factory=dict)
    call_window_s: float = 300.0


@dataclass(frozen=True)
class Refusal:
    """A request that is over the limit: 429, or 418 once banned."""

    status: int
    retry_after_s: int
    until_ms: int


class WeightMeter:
    """Weight used by one address in the present clock minute."""

    def __init__(self, options: LimitOptions) -> None:
        self._options = options
        self._minute = -1
        self._refused = 0
        self._bans = 0
        self._banned_until_s = 0.0
        self.used = 0

    def charge(self, weight: int, now_s: float) -> Refusal | None:
        """Count a request; None if it may be answered. `now_s` is seconds since 1970."""
        if now_s < self._banned_until_s:
            return self._refusal(418, self._banned_until_s, now_s)
        minute = int(now_s // 60)
        if minute != self._minute:
            self._minute, self.used, self._refused = minute, 0, 0
        self.used += weight
        if self.used <= self._options.weight:
            return None
        self._refused += 1
        if self._refused <= self._options.patience:
            return self._refusal(429, (minute + 1) * 60.0, now_s)
        length = min(3 * 86400.0, self._options.ban_s * 2**self._bans)
        self._bans += 1
        self._banned_until_s = now_s + length
        return self._refusal(418, self._banned_until_s, now_s)

    @staticmethod
    def _refusal(status: int, until_s: float, now_s: float) -> Refusal:
        return Refusal(status, max(1, int(until_s - now_s + 0.999)), int(until_s * 1000))


class SlidingCount:
    """At most `limit` events in any `window_s`."""

    def __init__(self, limit: int, window_s: float) -> None:
        self._limit, self._window_s = limit, window_s
        self._times: deque[float] = deque()

    def record(self, now_s: float) -> bool:
        """Count one more; False if it is over the limit. `now_s` never runs backwards."""
        while self._times and self._times[0] <= now_s - self._window_s:
            self._times.popleft()
        self._times.append(now_s)
        return len(self._times) <= self._limit
