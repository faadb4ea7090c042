import threading
from pathlib import Path

import pytest

from config.settings import ClickHouseSettings, Settings
from tests.store.events import SAMPLES
from workers.model.errors import StoreError
from workers.store.client import connect
from workers.store.migrate import FOLDER, migrate, read_migrations, ttl_days
from workers.store.tables import TABLES

FILES = [file.name for file in sorted(FOLDER.glob("*.sql"))]


def with_days(settings: ClickHouseSettings, **days: int) -> ClickHouseSettings:
    return settings.model_copy(update={"ttl_days": days})


def engine(settings: ClickHouseSettings, table: str) -> str:
    with connect(settings) as client:
        rows = client.execute(
            "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = "
            "%(table)s",
            {"table": table},
        )
    return str(rows[0][0])


def test_a_new_database_gets_every_file_and_a_second_run_does_nothing(settings: Settings) -> None:
    applied = migrate(settings.clickhouse)
    assert applied[: len(FILES)] == FILES
    assert migrate(settings.clickhouse) == []


def test_every_table_of_the_code_exists_with_its_columns(fresh: ClickHouseSettings) -> None:
    assert set(SAMPLES) == set(TABLES)
    with connect(fresh) as client:
        for table in TABLES.values():
            found = {name for name, *_ in client.execute(f"DESCRIBE TABLE {table.name}")}
            assert found >= {field.name for field in table.fields} | {"stored_ns"}


def test_every_file_says_why_and_may_run_twice(fresh: ClickHouseSettings) -> None:
    for migration in read_migrations():
        assert (FOLDER / migration.name).read_text().startswith("-- ")
        with connect(fresh) as client:
            for statement in migration.statements:
                client.execute(statement)


def test_a_run_killed_between_statement_and_record_is_repeated(settings: Settings) -> None:
    migrate(settings.clickhouse)
    with connect(settings.clickhouse) as client:
        client.execute(f"ALTER TABLE schema_migrations DELETE WHERE name = '{FILES[0]}' "
                       "SETTINGS mutations_sync = 1")  # fmt: skip
    assert migrate(settings.clickhouse) == [FILES[0]]


def test_two_processes_may_migrate_together(settings: Settings) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            migrate(settings.clickhouse)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert migrate(settings.clickhouse) == []


def test_a_file_changed_after_it_was_applied_is_an_error_that_names_it(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "0001_things.sql"
    file.write_text("-- Things.\nCREATE TABLE IF NOT EXISTS things (n Int64) ENGINE = Memory;\n")
    nothing = with_days(settings.clickhouse)
    assert migrate(nothing, tmp_path) == ["0001_things.sql"]
    file.write_text(file.read_text().replace("Int64", "Int32"))
    with pytest.raises(StoreError, match=r"0001_things\.sql: applied with checksum") as caught:
        migrate(nothing, tmp_path)
    assert not caught.value.retryable


def test_a_statement_clickhouse_refuses_names_its_file(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "0001_wrong.sql").write_text("CREATE TABEL x;\n")
    with pytest.raises(StoreError, match=r"migration 0001_wrong\.sql: ClickHouse code 62"):
        migrate(with_days(settings.clickhouse), tmp_path)


@pytest.mark.parametrize(
    ("names", "match"),
    [
        pytest.param(["1_x.sql"], r"1_x\.sql: name it", id="short-number"),
        pytest.param(["0001_a.sql", "0001_b.sql"], "one number, two", id="number-twice"),
    ],
)
def test_misnamed_files_are_refused(tmp_path: Path, names: list[str], match: str) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1;\n")
    with pytest.raises(StoreError, match=match):
        read_migrations(tmp_path)


def test_times_to_live_follow_the_settings_and_are_touched_only_where_they_differ(
    fresh: ClickHouseSettings,
) -> None:
    defaults = fresh.ttl_days
    assert ttl_days(engine(fresh, "orderbook_deltas")) == defaults["orderbook_deltas"] == 30
    assert ttl_days(engine(fresh, "trades")) == defaults["trades"] == 0
    changed = with_days(fresh, **{**defaults, "trades": 5, "orderbook_deltas": 0})
    assert migrate(changed) == [
        "trades: rows live 5 days, was for ever",
        "orderbook_deltas: rows live for ever, was 30 days",
    ]
    assert migrate(changed) == []
    assert ttl_days(engine(fresh, "trades")) == 5
    assert "TTL" not in engine(fresh, "orderbook_deltas")


def test_rows_expire_by_when_they_were_stored_not_by_when_they_happened(
    fresh: ClickHouseSettings,
) -> None:
    migrate(with_days(fresh, tickers=7))
    day_ns = 86_400 * 10**9
    columns = (
        "exchange, market_type, symbol, raw_symbol, exchange_ns, received_ns, published_ns, source"
    )
    row = "'x', 'spot', '{}', 'y', 1723161255000000000, 1723161255000000000, 0, 'replay'"
    now = "toUnixTimestamp64Nano(now64(9))"
    with connect(fresh) as client:
        client.execute(f"INSERT INTO tickers ({columns}) SELECT {row.format('NEW-2024')}")
        client.execute(
            f"INSERT INTO tickers ({columns}, stored_ns) "
            f"SELECT {row.format('OLD')}, {now} - 8 * {day_ns}"
        )
        client.execute("OPTIMIZE TABLE tickers FINAL")
        kept = client.execute("SELECT symbol FROM tickers")
    assert kept == [("NEW-2024",)]


def test_a_time_to_live_of_an_unknown_table_names_it_and_the_known_ones(
    settings: Settings,
) -> None:
    with pytest.raises(StoreError, match=r"ttl_days\.trade: there is no such table.*trades"):
        migrate(with_days(settings.clickhouse, trade=5))


def test_clickhouse_away_is_a_retryable_error() -> None:
    with pytest.raises(StoreError, match="migrate") as caught:
        migrate(ClickHouseSettings(port=9))
    assert caught.value.retryable
