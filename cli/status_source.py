"""What the services say of themselves, asked over Celery's remote control.

One broadcast; each worker answers with its counters (`inspect stats`), from memory, at once.
"""

import socket
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import DuplicateNodenameWarning
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from config.settings import Settings
from workers.model.errors import TransportError


class StatusSource:
    """Asks the workers on one broker again and again over the same connections.

    Args:
        settings: say which broker.
    """

    def __init__(self, settings: Settings) -> None:
        self._where = f"Redis at {settings.redis.host}:{settings.redis.port}"
        self._app = Celery("marketprism-status", broker=settings.redis.url, set_as_current=False)
        self._app.conf.broker_transport_options = {
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
        }
        self._app.conf.broker_connection_retry = False
        self._app.conf.broker_connection_max_retries = 0

    def services(self, timeout_s: float = 1.0, expected: int | None = None) -> dict[str, Any]:
        """Every worker that answers in time, by its node name, `writer@host`.

        Args:
            timeout_s: how long answers are waited for.
            expected: return as soon as that many have answered; None: wait the whole time.

        Returns:
            Per worker the hosting view of its service: name, state, pid, uptime_s, and below
            `status` the service's own status; error where it has one. A worker without a service
            has the name `worker`, and in `status` its `limits` alone.

        Raises:
            TransportError: the broker does not answer.
        """
        answers = self._inspect("stats", timeout_s, limit=expected)
        return {node: _view(stats) for node, stats in sorted(answers.items())}

    def answers(self, service: str, timeout_s: float = 1.0) -> bool:
        """Whether this machine's worker of this name takes commands; False without a broker."""
        node = f"{service}@{socket.gethostname()}"
        try:
            return node in self._inspect("ping", timeout_s, limit=1, destination=[node])
        except TransportError:
            return False

    def close(self) -> None:
        """Give the connections back."""
        self._app.close()

    def _inspect(self, command: str, timeout_s: float, **options: Any) -> dict[str, Any]:
        try:
            with warnings.catch_warnings():
                # A worker started by hand may have the same name; one of them answers for both.
                warnings.simplefilter("ignore", DuplicateNodenameWarning)
                inspect = self._app.control.inspect(timeout=timeout_s, **options)
                return dict(getattr(inspect, command)() or {})
        except (OperationalError, RedisError, OSError) as error:
            raise TransportError(f"{self._where} does not answer: {error}") from error


def services(settings: Settings, timeout_s: float = 1.0) -> dict[str, Any]:
    """One look at every worker; see `StatusSource.services`."""
    source = StatusSource(settings)
    try:
        return source.services(timeout_s)
    finally:
        source.close()


def _view(stats: dict[str, Any]) -> dict[str, Any]:
    service = stats.get("service")
    if isinstance(service, dict):
        return service
    return {
        "name": "worker",
        "state": "running",
        "pid": stats.get("pid", 0),
        "uptime_s": float(stats.get("uptime") or 0),
        "status": {"limits": stats.get("limits") or {}},
    }
