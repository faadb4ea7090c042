"""A migrated database and trades put into it as the writer would."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from config.settings import ClickHouseSettings
from tests.conftest import drop_database
from workers.local.servers import ClickHouseServer
from workers.model.codec import encode
from workers.model.events import AnyEvent, Gap, Quality, Source, Trade
from workers.store.client import connect
from workers.store.insert import Inserter
from workers.store.migrate import migrate
from workers.store.tables import BY_TYPE, TABLES

MINUTE_NS = 60_000_000_000
BEGIN_NS = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z"""

Store = Callable[[Iterable[AnyEvent]], None]


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
def clickhouse(migrated: ClickHouseSettings) -> ClickHouseSettings:
    """A database with all tables, empty; the tests of a module share it."""
    with connect(migrated) as client:
        for table in (*TABLES, "completeness", "gap_ledger", "ledger_progress"):
            client.execute(f"TRUNCATE TABLE {table}")
    return migrated


@pytest.fixture
def store(clickhouse: ClickHouseSettings) -> Store:
    def put(events: Iterable[AnyEvent]) -> None:
        inserter = Inserter(clickhouse)
        by_type: dict[str, list[bytes]] = {}
        for each in events:
            by_type.setdefault(str(each.__struct_config__.tag), []).append(encode(each))
        for kind, lines in by_type.items():
            inserter.insert(BY_TYPE[kind], lines, uuid.uuid4().hex)
        inserter.close()

    return put


def common(at_s: float, symbol: str = "BTC-USDT") -> dict[str, Any]:
    at_ns = BEGIN_NS + round(at_s * 1e9)
    return {
        "exchange": "binance_spot",
        "market_type": "spot",
        "symbol": symbol,
        "raw_symbol": symbol.replace("-", ""),
        "exchange_ns": at_ns,
        "received_ns": at_ns + 1_000_000,
    }


def trade(trade_id: int, at_s: float, source: Source = "live", **more: Any) -> Trade:
    """A trade made some seconds after `BEGIN_NS`."""
    facts = common(at_s, more.pop("symbol", "BTC-USDT"))
    return Trade(
        **facts, trade_id=trade_id, price="1", quantity="1", side="buy", source=source, **more
    )


def gap(first: int | None, last: int | None, at_s: float, cause: str = "disconnect") -> Gap:
    return Gap(
        **common(at_s),
        data_type="trade",
        cause=cause,  # type: ignore[arg-type]
        first_id=first,
        last_id=last,
    )


def unused(trade_id: int, at_s: float) -> Quality:
    return Quality(**common(at_s), check="unused_trade_id", data_type="trade", value=str(trade_id))
