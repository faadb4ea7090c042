"""What only one worker does at a time, wherever the others run."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.model.errors import MarketPrismError

ANSWER_S = 5.0


class Alone:
    """Locks in Redis. For several threads.

    Args:
        redis_url: where.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(
            redis_url,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 1),
        )

    @contextmanager
    def at(self, name: str, most_s: float) -> "Iterator[Turn]":
        """Keep others from beginning until the end of the block, if nobody is at it now.

        Args:
            name: what it is about.
            most_s: it lasts no longer, or says so in between; after that others may begin, as this
                one may have died.

        Raises:
            MarketPrismError: Redis does not answer.
        """
        lock = self._redis.lock(f"marketprism:{name}", timeout=most_s, blocking=False)
        try:
            turn = Turn(lock, held=bool(lock.acquire()))
        except redis.RedisError as error:
            raise MarketPrismError(
                f"Redis keeps two workers from doing {name} at once, and failed: {error}; not done"
            ) from error
        try:
            yield turn
        finally:
            turn.end()


class Turn:
    """One's turn.

    Attributes:
        held: it is ours; if not, somebody else is at it.
    """

    def __init__(self, lock: Any, *, held: bool) -> None:
        self._lock, self.held = lock, held

    def go_on(self) -> None:
        """It takes longer: from now on as long again."""
        if self.held:
            with suppress(redis.exceptions.LockError, redis.RedisError):  # it ended by itself
                self._lock.reacquire()

    def end(self) -> None:
        """Others may begin."""
        if self.held:
            with suppress(redis.exceptions.LockError, redis.RedisError):  # it ended by itself
                self._lock.release()
