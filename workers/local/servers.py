"""The three servers of the local stack, as the settings want them."""

from urllib.parse import urlsplit

from config.settings import Settings
from workers.local.clickhouse import ClickHouseServer
from workers.local.nats import NatsServer
from workers.local.ports import free_port, free_ports
from workers.local.redis import RedisServer
from workers.local.server import LocalServer

__all__ = [
    "ClickHouseServer",
    "LocalServer",
    "NatsServer",
    "RedisServer",
    "free_port",
    "free_ports",
    "is_local",
    "nats_port",
    "servers",
]


def nats_port(settings: Settings) -> int:
    """Port of the first NATS server in the settings."""
    return urlsplit(settings.nats.servers[0]).port or 4222


def is_local(address: str) -> bool:
    """Whether a host name or URL means this machine; a server elsewhere is not ours to start."""
    host = urlsplit(address).hostname if "://" in address else address
    return host in ("127.0.0.1", "localhost", "::1")


def servers(settings: Settings) -> list[LocalServer]:
    """Redis, NATS and ClickHouse under `settings.data_path`, not started.

    Those whose address in the settings is another machine's are left out.
    """
    redis, clickhouse = settings.redis, settings.clickhouse
    local: list[LocalServer] = []
    if is_local(redis.host):
        local.append(
            RedisServer(
                settings.data_path,
                redis.port,
                max_mb=settings.local.redis_max_mb,
                password=redis.password.get_secret_value() if redis.password else None,
            )
        )
    if is_local(settings.nats.servers[0]):
        local.append(
            NatsServer(settings.data_path, nats_port(settings), settings.nats.monitoring_port)
        )
    if is_local(clickhouse.host):
        local.append(
            ClickHouseServer(
                settings.data_path,
                clickhouse.port,
                clickhouse.http_port,
                max_mb=settings.local.clickhouse_max_mb,
                user=clickhouse.user,
                password=clickhouse.password.get_secret_value(),
            )
        )
    return local
