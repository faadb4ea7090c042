"""What people changed of a collector's symbols, kept in Redis for the next collector to read.

In Redis rather than in a file: a standby may run on another machine, and takes over with the same
symbols. The collector at work has them in memory, so a Redis that comes back empty is written anew
within seconds; only if both are gone the settings alone count, which is said at the start.
"""

from collections.abc import Collection
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from workers.collector.symbols.roster import Changes
from workers.model.errors import MarketPrismError

log = structlog.get_logger(__name__)

ANSWER_S = 1.0


class NotRemembered(MarketPrismError):
    """Redis does not answer, or holds what cannot be read."""


class RememberedSymbols:
    """One exchange's changes: a hash of channels, as JSON, by symbol.

    Attributes:
        state: unread (Redis did not answer yet), empty (it knows of none), kept or away.
    """

    def __init__(self, redis_url: str, exchange: str) -> None:
        self._redis = Redis.from_url(
            redis_url,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            decode_responses=True,
        )
        self._exchange, self._key = exchange, f"marketprism:symbols:{exchange}"
        self.state = "unread"
        self.last_error: str | None = None

    async def read(self) -> Changes:
        """What is kept.

        Raises:
            NotRemembered: it cannot be told now.
        """
        try:
            found = await self._redis.hgetall(self._key)
            changes = {
                str(symbol): tuple(msgspec.json.decode(text, type=list[str]))
                for symbol, text in found.items()
            }
        except (RedisError, msgspec.DecodeError) as error:
            self.last_error = f"{self._key}: {error or type(error).__name__}"
            raise NotRemembered(self.last_error) from error
        self.state, self.last_error = "kept" if changes else "empty", None
        return changes

    async def keep(self, changes: Changes, gone: Collection[str] = ()) -> bool:
        """Keep these, and forget those of `gone`; whether Redis has it so now.

        Other symbols are not touched: they may be another shard's.
        """
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                if gone:
                    pipe.hdel(self._key, *gone)
                if changes:
                    texts: dict[Any, Any] = {
                        symbol: msgspec.json.encode(channels).decode()
                        for symbol, channels in changes.items()
                    }
                    pipe.hset(self._key, mapping=texts)
                await pipe.execute()
        except RedisError as error:
            self.state = "away"
            self.last_error = f"{self._key}: {error or type(error).__name__}"
            log.warning(
                "changed symbols not remembered; tried again",
                exchange=self._exchange,
                error=self.last_error,
            )
            return False
        self.state, self.last_error = "kept" if changes else "empty", None
        return True

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()

    def status(self) -> dict[str, Any]:
        """Plain data."""
        return {"state": self.state, "error": self.last_error}
