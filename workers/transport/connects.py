"""Connection attempts to one exchange: counted together, and stopped together when it refuses one.

Over its limit an exchange answers the handshake with 429, a banned address with 418. Whoever hears
it stops all processes of the address: each further attempt would count against all of them.
"""

import logging
from typing import Protocol

from workers.telemetry.metrics import Counters
from workers.transport.budget_line import BudgetLine
from workers.transport.http import BAN_S
from workers.transport.websocket import Disconnected, WebSocketConnection

log = logging.getLogger(__name__)

OVER_LIMIT_S = 60.0
"""Pause after a 429 that names none, if the window of attempts is not shorter. Binance's is 5
minutes: its attempts fall out of it one by one, so there is room again long before its end."""
_OVER_LIMIT, _BANNED = 429, 418


class AttemptWindow(Protocol):
    """Where attempts are counted: `SlidingWindow`, or `SharedEvents` for all processes."""

    window_s: float

    def take(self) -> float:
        """Note an attempt if it is allowed now (0), else the seconds until it is."""
        ...

    def pause(self, seconds: float) -> None:
        """Allow nothing for so long."""
        ...

    def report(self) -> BudgetLine:
        """For status pages."""
        ...


class Connects:
    """The connection attempts of one exchange. For several threads.

    Args:
        exchange: its name, for the log and the counter.
        window: counts them.
        counters: take `connects_refused_total`.
    """

    def __init__(self, exchange: str, window: AttemptWindow, counters: Counters) -> None:
        self._exchange, self._window, self._counters = exchange, window, counters

    def take(self) -> float:
        """Note an attempt if it is allowed now (0), else the seconds until it is."""
        return self._window.take()

    def connect(self, websocket: WebSocketConnection) -> None:
        """Make the attempt that was taken; one that is refused stops everybody for a while.

        Raises:
            Disconnected: it did not work.
        """
        try:
            websocket.connect()
        except Disconnected as error:
            if error.http_status is not None:
                self._refused(error, error.http_status)
            raise

    def pause(self, seconds: float, why: str) -> None:
        """Attempt nothing for so long, in any process; a pause is never shortened."""
        log.warning(
            "%s: no connection is attempted from this address for %g s: %s",
            self._exchange,
            seconds,
            why,
        )
        self._window.pause(seconds)

    def report(self) -> BudgetLine:
        """For status pages."""
        return self._window.report()

    def _refused(self, error: Disconnected, status: int) -> None:
        self._counters.add("connects_refused_total", self._exchange, str(status))
        asked_s = error.retry_after_s
        if asked_s is None and status == _BANNED:
            asked_s = BAN_S
        elif asked_s is None and status == _OVER_LIMIT:
            asked_s = min(OVER_LIMIT_S, self._window.window_s)
        if asked_s:
            self.pause(asked_s, error.reason)
