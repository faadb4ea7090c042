"""Real servers for the tests: one of each a session, free ports, data in the session's folder."""

import asyncio
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest
from redis import Redis

import config
from config.exchanges import EXCHANGES_AVAILABLE
from config.settings import ROOT, ClickHouseSettings, Settings
from tests import captures
from tests.alone import BINANCE_SPOT_ALONE
from workers.local.servers import ClickHouseServer, NatsServer, RedisServer, free_ports
from workers.store.client import connect

assert captures.FOLDER  # it has read its own variable, which is no setting, before all are removed
for _name in [name for name in os.environ if name.startswith("MARKETPRISM_")]:
    del os.environ[_name]
# Without it settings would come from a stack that happens to run (.marketprism/current.json).
os.environ["MARKETPRISM_CONFIG"] = str(ROOT / "config" / "marketprism.yaml")

NOWHERE = "127.0.0.1:9"
"""Nothing listens there: a test that forgot to name an exchange's address reaches no exchange."""


@pytest.fixture(scope="session")
def servers_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def redis_server(servers_dir: Path) -> Iterator[RedisServer]:
    (port,) = free_ports(1)
    server = RedisServer(servers_dir, port)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def nats_server(servers_dir: Path) -> Iterator[NatsServer]:
    server = NatsServer(servers_dir, *free_ports(2))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def clickhouse_server(servers_dir: Path) -> Iterator[ClickHouseServer]:
    server = ClickHouseServer(servers_dir, *free_ports(2), max_mb=2048)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def settings_env(
    redis_server: RedisServer,
    nats_server: NatsServer,
    clickhouse_server: ClickHouseServer,
    tmp_path: Path,
) -> Iterator[dict[str, str]]:
    """The environment that points a process at the session's servers.

    Redis and JetStream are emptied, the database is new, the data directory is the test's own.
    Afterwards the database is dropped: a thousand tables take ClickHouse to its memory limit.
    """
    with Redis(port=redis_server.port) as client:
        client.flushall()
    asyncio.run(delete_streams(nats_server.url))
    flower, simulator = free_ports(2)
    database = f"test_{uuid.uuid4().hex[:12]}"
    yield {
        "MARKETPRISM_CONFIG": str(ROOT / "config" / "marketprism.yaml"),
        "MARKETPRISM_DATA_DIR": str(tmp_path / "data"),
        "MARKETPRISM_REDIS__PORT": str(redis_server.port),
        "MARKETPRISM_NATS__SERVERS": nats_server.url,
        "MARKETPRISM_NATS__MONITORING_PORT": str(nats_server.monitoring_port),
        "MARKETPRISM_CLICKHOUSE__PORT": str(clickhouse_server.port),
        "MARKETPRISM_CLICKHOUSE__HTTP_PORT": str(clickhouse_server.http_port),
        "MARKETPRISM_CLICKHOUSE__DATABASE": database,
        "MARKETPRISM_FLOWER__PORT": str(flower),
        "MARKETPRISM_SIMULATOR__PORT": str(simulator),
        **_nowhere(),
        **BINANCE_SPOT_ALONE,
    }
    drop_database(ClickHouseSettings(port=clickhouse_server.port), database)


def drop_database(settings: ClickHouseSettings, database: str) -> None:
    with connect(settings, "default") as client:
        client.execute(f"DROP DATABASE IF EXISTS `{database}` SYNC")


def _nowhere() -> dict[str, str]:
    """No exchange has an address; a test that needs one names it."""
    found = {}
    for name in EXCHANGES_AVAILABLE:
        prefix = f"MARKETPRISM_EXCHANGES__{name.upper()}__"
        found |= {f"{prefix}WS_URL": f"ws://{NOWHERE}", f"{prefix}REST_URL": f"http://{NOWHERE}"}
    return found


@pytest.fixture
def settings(settings_env: dict[str, str]) -> Settings:
    return config.load(env=settings_env)


async def delete_streams(url: str) -> None:
    client = await nats.connect(url, max_reconnect_attempts=1)
    try:
        jetstream = client.jetstream()
        for stream in await jetstream.streams_info():
            await jetstream.delete_stream(stream.config.name or "")
    finally:
        await client.close()
