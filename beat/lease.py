"""Which of several beats is the active one: a lock in Redis with a short life."""

import logging
import os
import secrets
import socket

from redis import Redis
from redis.exceptions import LockNotOwnedError
from redis.lock import Lock

logger = logging.getLogger("celery.beat")

LEASE_S = 10.0
"""A beat that was killed is replaced after this, and the other's next look."""


class Lease:
    """The right to send, held by one beat at a time.

    Who lost it, because Redis forgot it or because it slept too long, is a standby like any other;
    what it had begun to send is refused by the token in `claim.py`.

    Args:
        redis: a client that decodes responses.
        key: of the lock.
    """

    def __init__(self, redis: Redis, key: str) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.token = f"{self.name}:{secrets.token_hex(4)}"
        self.key = key
        self._lock = Lock(redis, key, timeout=LEASE_S, thread_local=False)
        self.held = False

    def renew(self) -> bool:
        """Keep it, or take it if it is free; whether it was taken just now.

        Raises:
            RedisError: Redis does not answer; nothing is known.
        """
        if self.held:
            try:
                self._lock.extend(LEASE_S, replace_ttl=True)
            except LockNotOwnedError:
                logger.warning("beat: the lock %s is lost; nothing is sent without it", self.key)
                self.held = False
            else:
                return False
        self.held = bool(self._lock.acquire(blocking=False, token=self.token))
        return self.held

    def release(self) -> None:
        """Let another beat take over at once."""
        if self.held:
            self.held = False
            try:
                self._lock.release()
            except LockNotOwnedError:
                logger.info("beat: the lock %s was already lost", self.key)
