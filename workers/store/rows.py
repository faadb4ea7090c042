"""Rows that services write about the data, one by one, into tables of their own."""

from collections.abc import Sequence
from typing import Any

from config.settings import ClickHouseSettings
from workers.store.client import connect, translated


def insert_rows(
    settings: ClickHouseSettings,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Store rows, all or none; nothing happens without any.

    Raises:
        StoreError: ClickHouse refused or is away; `retryable` tells which.
    """
    if not rows:
        return
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES"
    what = f"insert of {len(rows)} rows into {table}"
    with translated(what, insert=True), connect(settings) as client:
        client.execute(statement, [tuple(row) for row in rows])


def execute(settings: ClickHouseSettings, sql: str, parameters: dict[str, Any]) -> None:
    """Run one statement that fills a table from another.

    Raises:
        StoreError: ClickHouse refused or is away; `retryable` tells which.
    """
    with translated(sql.partition("(")[0].strip()), connect(settings, final=1) as client:
        client.execute(sql, parameters)
