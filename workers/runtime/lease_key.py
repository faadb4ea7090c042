"""The lease as Redis keeps it: one key with a time to live, and a counter that only grows.

Every step is one script, so that two processes cannot come between its parts.
"""

from typing import NamedTuple

import redis
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.settings import RedisSettings

ANSWER_S = 1.0
"""A Redis that hangs holds a lease's loop no longer than this."""

# KEYS: lease, fence. ARGV: owner, milliseconds to live, the token must be greater than this.
_TAKE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local last = math.max(tonumber(redis.call('GET', KEYS[2]) or '0'), tonumber(ARGV[3]))
local token = math.max(last + 1, now_ms)
local text = string.format('%.0f', token)
redis.call('SET', KEYS[2], text)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return text
"""
# KEYS: lease, fence. ARGV: owner, milliseconds to live, our token.
_RENEW = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return holder end
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
if last > tonumber(ARGV[3]) then return 'a later holder' end
redis.call('SET', KEYS[2], ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ''
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Seen(NamedTuple):
    """What Redis says: `reachable`, and the present `holder` or None."""

    reachable: bool
    holder: str | None


def _key(name: str) -> str:
    return f"marketprism:lease:{name}"


def is_held(settings: RedisSettings, name: str) -> bool:
    """Whether somebody holds a lease right now; False also if Redis does not answer in a second."""
    client = redis.Redis.from_url(
        settings.url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S
    )
    try:
        with client:
            return bool(client.exists(_key(name)))
    except RedisError:
        return False


class LeaseKey:
    """One lease in Redis.

    Args:
        settings: where Redis is.
        name: what is held, `collector.binance_spot`.
        owner: ourselves.
        ttl_s: the key lives this long without renewal.
    """

    def __init__(self, settings: RedisSettings, name: str, owner: str, ttl_s: float) -> None:
        self._redis = Redis.from_url(
            settings.url,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            decode_responses=True,
        )
        self._keys = [_key(name), f"marketprism:fence:{name}"]
        self._owner, self._ttl_ms = owner, round(ttl_s * 1000)
        self._take = self._redis.register_script(_TAKE)
        self._renew = self._redis.register_script(_RENEW)
        self._release = self._redis.register_script(_RELEASE)
        self.last_error: str | None = None

    async def look(self) -> Seen:
        """Who holds it."""
        try:
            holder = await self._redis.get(self._keys[0])
        except RedisError as error:
            return self._unreachable(error)
        self.last_error = None
        return Seen(True, None if holder is None else str(holder))

    async def take(self, above: int) -> int | None:
        """Take the free lease; the fencing token, greater than `above` and all before it.

        None: somebody else was faster, or Redis does not answer (`last_error`).
        """
        try:
            token = await self._take(self._keys, [self._owner, self._ttl_ms, above])
        except RedisError as error:
            self._unreachable(error)
            return None
        return int(token) or None

    async def renew(self, token: int) -> Seen:
        """Keep what we hold, also if Redis forgot it; `holder` is set if another has it."""
        try:
            other = await self._renew(self._keys, [self._owner, self._ttl_ms, token])
        except RedisError as error:
            return self._unreachable(error)
        self.last_error = None
        return Seen(True, other or None)

    async def release(self) -> None:
        """Free it for the next at once; without Redis it frees itself."""
        try:
            await self._release(self._keys, [self._owner])
        except RedisError as error:
            self._unreachable(error)

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()

    def _unreachable(self, error: RedisError) -> Seen:
        self.last_error = str(error) or type(error).__name__
        return Seen(False, None)
