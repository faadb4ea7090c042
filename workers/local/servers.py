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
    "nats_port",
    "servers",
]


def nats_port(settings: Settings) -> int:
    """Port of the first NATS server in the settings."""
    return urlsplit(settings.nats.servers[0]).port or 4222


def servers(settings: Settings) -> list[LocalServer]:
    """Redis, NATS and ClickHouse under `settings.data_path`, not started."""
    redis, clickhouse = settings.redis, settings.clickhouse
    return [
        RedisServer(
            settings.data_path,
            redis.port,
            max_mb=settings.local.redis_max_mb,
            password=redis.password.get_secret_value() if redis.password else None,
        ),
        NatsServer(settings.data_path, nats_port(settings), settings.nats.monitoring_port),
        ClickHouseServer(
            settings.data_path,
            clickhouse.port,
            clickhouse.http_port,
            max_mb=settings.local.clickhouse_max_mb,
            user=clickhouse.user,
            password=clickhouse.password.get_secret_value(),
        ),
    ]
