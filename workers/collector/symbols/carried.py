"""What each shard of an exchange carries, as all of them tell one another through Redis.

Only needed while symbols move from one shard to another. Without Redis nothing moves, and everybody
goes on with what it has.
"""

from collections.abc import Mapping

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.shards import MOST_SHARDS

log = structlog.get_logger(__name__)

ANSWER_S = 1.0
LIFE_S = 4.0
"""What a shard said counts for so long; it says it again every second."""

Carried = Mapping[str, bool]
"""By symbol: whether every stream of it flows and its book, if it has one, is SYNCED."""


class CarriedBoard:
    """For the service's loop.

    Args:
        redis_url: where it is kept.
        exchange: whose shards.
        shard: ours.

    Attributes:
        others: what the other shards carry, by their number, as of the last look.
        last_error: why Redis could not be asked; None: it answered.
    """

    def __init__(self, redis_url: str, exchange: str, shard: int) -> None:
        self._redis = Redis.from_url(
            redis_url,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            decode_responses=True,
        )
        self._exchange, self._shard = exchange, shard
        self.others: dict[int, Carried] = {}
        self.last_error: str | None = None

    async def look(self) -> None:
        """Learn what the others carry; nothing, if Redis does not answer."""
        numbers = [each for each in range(MOST_SHARDS) if each != self._shard]
        try:
            found = await self._redis.mget([self._key(each) for each in numbers])
            self.others = {
                number: msgspec.json.decode(text, type=dict[str, bool])
                for number, text in zip(numbers, found, strict=True)
                if text is not None
            }
        except (RedisError, msgspec.DecodeError) as error:
            self.others = {}
            self._failed(error)
            return
        self.last_error = None

    async def tell(self, carried: Carried) -> None:
        """Say what we carry."""
        text = msgspec.json.encode(carried).decode()
        try:
            await self._redis.set(self._key(self._shard), text, px=round(LIFE_S * 1000))
        except RedisError as error:
            self._failed(error)

    async def close(self) -> None:
        """Carry nothing any more, and close the connection."""
        try:
            await self._redis.delete(self._key(self._shard))
        except RedisError as error:
            self._failed(error)
        await self._redis.aclose()

    def elsewhere(self, symbol: str) -> bool:
        """Whether another shard carries a symbol."""
        return any(symbol in carried for carried in self.others.values())

    def _key(self, shard: int) -> str:
        return f"marketprism:carried:{self._exchange}:{shard}"

    def _failed(self, error: Exception) -> None:
        text = str(error) or type(error).__name__
        if self.last_error is None:
            log.warning(
                "shards cannot tell one another what they carry; no symbol moves until then",
                exchange=self._exchange,
                shard=self._shard,
                error=text,
            )
        self.last_error = text
