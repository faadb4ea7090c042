"""The Redis behind shared rate budgets: asked briefly, given up at once, looked for in between.

Budgets are asked on the way to every REST call, so Redis may cost `TIMEOUT_S` once; then nobody
asks it until a thread of its own has found it answering again.
"""

import functools
import logging
import threading
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

import redis
from limits.storage import RedisStorage
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

T = TypeVar("T")

TIMEOUT_S = 0.25
"""For connecting and for each answer; a Redis beside us answers within a millisecond."""
PROBE_EVERY_S = 0.5
PREFIX = "marketprism:rate"


class RedisLink:
    """One Redis, for all budgets of this process. For several threads.

    Args:
        url: `redis://[:password@]host:port/database`.
        timeout_s: for connecting and for each answer.
        probe_every_s: how often a Redis that is away is looked for.

    Attributes:
        client: for what the library does not offer; its errors are RedisErrors, ask within `ask`.
        losses: how often Redis went away.
    """

    def __init__(
        self, url: str, timeout_s: float = TIMEOUT_S, probe_every_s: float = PROBE_EVERY_S
    ) -> None:
        parts = urlsplit(url)
        self._name = f"{parts.hostname}:{parts.port}"
        # A connection that Redis closed while it was idle is made again once; a timeout is final.
        again = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        pool = redis.ConnectionPool.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=again
        )
        self.client = redis.Redis(connection_pool=pool)
        self._storage = RedisStorage(url, connection_pool=pool, key_prefix=PREFIX)
        self.timeout_s, self._probe_every_s = timeout_s, probe_every_s
        self._lock = threading.Lock()
        self._away = threading.Event()
        self._probe: threading.Thread | None = None
        self.losses = 0

    @property
    def away(self) -> bool:
        """Redis did not answer and has not been found again."""
        return self._away.is_set()

    def ask(self, question: Callable[[RedisStorage], T]) -> T | None:
        """What Redis answers; None: it is away, and was not asked or did not answer."""
        if self._away.is_set():
            self._look_for_it()
            return None
        try:
            return question(self._storage)
        except redis.RedisError as error:
            self._lost(error)
            return None

    def _lost(self, error: redis.RedisError) -> None:
        with self._lock:
            if not self._away.is_set():
                self._away.set()
                self.losses += 1
                log.warning(
                    "redis at %s is away (%s); rate budgets use a quarter of each limit until it "
                    "is back",
                    self._name,
                    error,
                )
        self._look_for_it()

    def _look_for_it(self) -> None:
        """Have a thread that looks for Redis; a fork leaves it behind, so see whether it lives."""
        with self._lock:
            if self._away.is_set() and (self._probe is None or not self._probe.is_alive()):
                self._probe = threading.Thread(
                    target=self._search, name="rate-budget.redis", daemon=True
                )
                self._probe.start()

    def _search(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self._probe_every_s)
            try:
                self.client.ping()
            except redis.RedisError:
                continue
            with self._lock:
                self._away.clear()
                self._probe = None
            log.info("redis at %s is back; rate budgets are shared again", self._name)
            return


@functools.cache
def redis_link(url: str) -> RedisLink:
    """The link of this process to a Redis; one, so that its absence is noticed once."""
    return RedisLink(url)
