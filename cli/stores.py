"""Whether ClickHouse is there, before a command talks to it for long."""

import socket

from config.environment import variable_of
from config.settings import ClickHouseSettings
from workers.model.errors import StoreError

KNOCK_S = 2.0


def reach_clickhouse(settings: ClickHouseSettings) -> None:
    """Knock at its port.

    Raises:
        StoreError: nobody answers; names address, settings and what to do.
    """
    try:
        with socket.create_connection((settings.host, settings.port), timeout=KNOCK_S):
            return
    except OSError as error:
        host, port = variable_of(("clickhouse", "host")), variable_of(("clickhouse", "port"))
        raise StoreError(
            f"ClickHouse does not answer at {settings.host}:{settings.port} "
            f"({error.strerror or error}); start the stack with `marketprism up`, "
            f"or correct {host} and {port}",
            retryable=True,
        ) from error
