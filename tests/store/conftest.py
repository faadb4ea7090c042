import pytest

from config.settings import ClickHouseSettings, Settings
from workers.store.migrate import migrate


@pytest.fixture
def store(settings: Settings) -> ClickHouseSettings:
    """A fresh database with all tables."""
    migrate(settings.clickhouse)
    return settings.clickhouse
