import uuid
from collections.abc import Iterator

import pytest

from config.settings import ClickHouseSettings, Settings
from tests.conftest import drop_database
from workers.local.servers import ClickHouseServer
from workers.store.client import connect
from workers.store.migrate import migrate
from workers.store.tables import TABLES


@pytest.fixture
def fresh(settings: Settings) -> ClickHouseSettings:
    """A new database with all tables."""
    migrate(settings.clickhouse)
    return settings.clickhouse


@pytest.fixture(scope="module")
def migrated(clickhouse_server: ClickHouseServer) -> Iterator[ClickHouseSettings]:
    settings = ClickHouseSettings(
        port=clickhouse_server.port,
        http_port=clickhouse_server.http_port,
        database=f"test_{uuid.uuid4().hex[:12]}",
    )
    migrate(settings)
    yield settings
    drop_database(settings, settings.database)


@pytest.fixture
def store(migrated: ClickHouseSettings) -> ClickHouseSettings:
    """A database with all tables, empty; the tests of a module share it."""
    with connect(migrated) as client:
        for table in TABLES:
            client.execute(f"TRUNCATE TABLE {table}")
    return migrated
