"""Ends the process when nothing else does."""

import logging
import os
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

EXIT_GRACE_S = 8.0
"""With a hung broker a worker ignored SIGTERM for over 60 s (Celery 5.7.0, heartbeat retry)."""


class ExitDeadline:
    """A timer that ends the process; it bites only when the host hangs.

    Args:
        name: the service's name, for the log.
        exit_code: asked for when the time is up.
    """

    def __init__(self, name: str, exit_code: Callable[[], int]) -> None:
        self._name, self._exit_code = name, exit_code
        self._timer: threading.Timer | None = None

    def arm(self, seconds: float) -> None:
        """End the process in so many seconds, instead of what was armed before."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, self._end, (seconds,))
        self._timer.daemon = True
        self._timer.start()

    def _end(self, seconds: float) -> None:
        code = self._exit_code()
        logger.error(
            "%s: the process still lives %g s after its end was due, something in it hangs (a "
            "broker that does not answer?); exiting with %d",
            self._name,
            seconds,
            code,
        )
        logging.shutdown()
        os._exit(code)
