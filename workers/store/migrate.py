"""Brings a database to the schema of config/clickhouse: numbered files, forward only.

Every statement of a file may run twice (`IF NOT EXISTS`), so a process killed between a statement
and its record, or two processes at once, do no harm; a test holds the files to that.
"""

import hashlib
import re
import time
from dataclasses import dataclass
from pathlib import Path

from clickhouse_driver import Client

from config import ROOT
from config.settings import ClickHouseSettings
from workers.model.errors import StoreError
from workers.store.client import connect, translated

FOLDER = ROOT / "config" / "clickhouse"
_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
_TTL_DAYS = re.compile(
    r"\bTTL toDateTime\(intDiv\(stored_ns, 1000000000\)\) \+ toIntervalDay\((\d+)\)"
)
_TTL = re.compile(r"\bTTL\b")

_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations
(name String, checksum FixedString(64), applied_ns Int64)
ENGINE = ReplacingMergeTree(applied_ns) ORDER BY name
"""


@dataclass(frozen=True)
class Migration:
    """One file: its name, its statements, and the SHA-256 of its bytes."""

    name: str
    statements: tuple[str, ...]
    checksum: str


def read_migrations(folder: Path = FOLDER) -> list[Migration]:
    """The files in order.

    Raises:
        StoreError: a file is not named `NNNN_words.sql`, or a number is used twice.
    """
    migrations = []
    numbers: dict[str, str] = {}
    for file in sorted(folder.glob("*.sql")):
        found = _NAME.match(file.name)
        if not found:
            raise StoreError(f"{file.name}: name it NNNN_words.sql", retryable=False)
        if found[1] in numbers:
            both = f"{numbers[found[1]]} and {file.name}"
            raise StoreError(f"{both}: one number, two migrations", retryable=False)
        numbers[found[1]] = file.name
        content = file.read_bytes()
        checksum = hashlib.sha256(content).hexdigest()
        migrations.append(Migration(file.name, _statements(content.decode()), checksum))
    return migrations


def _statements(text: str) -> tuple[str, ...]:
    """Statements end with a semicolon at the end of a line; comment lines are not sent."""
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return tuple(part.strip() for part in re.split(r";\s*(?:\n|$)", code) if part.strip())


def migrate(settings: ClickHouseSettings, folder: Path = FOLDER) -> list[str]:
    """Create the database, apply what is missing, set the times to live from `ttl_days`.

    Returns:
        Names of the files applied now, then a line for each table whose time to live changed.

    Raises:
        StoreError: ClickHouse refused or is away; an applied file was changed since; `ttl_days`
            names a table there is not.
    """
    migrations = read_migrations(folder)
    with translated("migrate"):
        with connect(settings, "default") as client:
            client.execute(f"CREATE DATABASE IF NOT EXISTS `{settings.database}`")
        with connect(settings) as client:
            client.execute(_RECORD)
            applied = dict(client.execute("SELECT name, checksum FROM schema_migrations FINAL"))
            names = [
                migration.name for migration in migrations if _apply(client, migration, applied)
            ]
            return names + _set_ttls(client, settings)


def _apply(client: Client, migration: Migration, applied: dict[str, str]) -> bool:
    recorded = applied.get(migration.name)
    if recorded == migration.checksum:
        return False
    if recorded is not None:
        raise StoreError(
            f"{migration.name}: applied with checksum {recorded[:12]}, the file has "
            f"{migration.checksum[:12]}; restore the file and write a new one instead",
            retryable=False,
        )
    for statement in migration.statements:
        with translated(f"migration {migration.name}"):
            client.execute(statement)
    client.execute(
        "INSERT INTO schema_migrations VALUES",
        [(migration.name, migration.checksum, time.time_ns())],
    )
    return True


def _set_ttls(client: Client, settings: ClickHouseSettings) -> list[str]:
    """Make the tables' times to live those of the settings; touches only what differs."""
    rows = client.execute(
        "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()"
    )
    engines: dict[str, str] = dict(rows)
    changes = []
    for table, days in settings.ttl_days.items():
        if table not in engines:
            known = ", ".join(sorted(engines.keys() - {"schema_migrations"}))
            text = f"clickhouse.ttl_days.{table}: there is no such table; choose of {known}"
            raise StoreError(text, retryable=False)
        current = ttl_days(engines[table])
        if current == days:
            continue
        if days:
            expression = f"toDateTime(intDiv(stored_ns, 1000000000)) + toIntervalDay({days})"
            client.execute(f"ALTER TABLE `{table}` MODIFY TTL {expression}")
        else:
            client.execute(f"ALTER TABLE `{table}` REMOVE TTL")
        changes.append(f"{table}: rows live {_days(days)}, was {_days(current)}")
    return changes


def ttl_days(engine: str) -> int | None:
    """Days in a table's engine clause; 0 without a time to live, None for one we did not write."""
    found = _TTL_DAYS.search(engine)
    if found:
        return int(found[1])
    return None if _TTL.search(engine) else 0


def _days(days: int | None) -> str:
    return "for ever" if days == 0 else "something else" if days is None else f"{days} days"
