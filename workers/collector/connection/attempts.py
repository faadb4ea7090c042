"""When a lost connection is made again: at once, later, or not any more."""

import structlog

from config.stability import ReconnectSettings
from workers.collector.connection.session import SessionEnd
from workers.model.clock import Clock
from workers.model.errors import TransportError
from workers.transport.reconnect import Backoff

log = structlog.get_logger(__name__)

STEADY_AFTER_S = 60.0
"""A connection that held this long starts again from the first delay when it is lost."""
AT_ONCE_EVERY_S = 60.0
"""A session that was told to leave and ended too soon is followed at once, at most this often."""


class Attempts:
    """The attempts of one connection; what the exchange allows is another matter, see Connects.

    Args:
        exchange, index, url: the connection, for logs and errors.
        rule: delays, and how many attempts there may be.
        clock: the time.

    Attributes:
        count: since it last held.
        last_error: why it was lost.
    """

    def __init__(
        self, exchange: str, index: int, url: str, rule: ReconnectSettings, clock: Clock
    ) -> None:
        self._exchange, self._index, self._url = exchange, index, url
        self._rule, self._clock = rule, clock
        self._backoff = Backoff(rule.first_delay, rule.max_delay)
        self._at_once_s = float("-inf")
        self.count = 0
        self.last_error: str | None = None

    def lost(self, end: SessionEnd, begun_s: float) -> float:
        """Seconds to wait before the next attempt.

        Args:
            end: how the last one ended.
            begun_s: monotonic, when it began.

        Raises:
            TransportError: there were as many as the settings allow.
        """
        now_s = self._clock.monotonic_s()
        self.last_error = end.detail
        if now_s - begun_s > STEADY_AFTER_S and end.cause != "connect":
            self._backoff.reset()
            self.count = 0
        self.count += 1
        at_once = end.announced and now_s - self._at_once_s > AT_ONCE_EVERY_S
        if at_once:
            self._at_once_s = now_s
        delay_s = 0.0 if at_once else self._backoff.next_s()
        log.warning(
            "connection lost; connecting again",
            exchange=self._exchange,
            index=self._index,
            cause=end.cause,
            error=end.detail,
            in_s=round(delay_s, 2),
            attempt=self.count,
        )
        most = self._rule.max_attempts
        if most is not None and self.count > most:
            raise TransportError(
                f"{self._exchange}: {self.count} attempts to connect to {self._url} failed, "
                f"stability.reconnect.max_attempts is {most}"
            )
        return delay_s
