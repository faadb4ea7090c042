"""Inserts of events as they came from the bus: one String column, read inside ClickHouse."""

from collections.abc import Sequence

from config.settings import ClickHouseSettings
from workers.store.client import connect, translated
from workers.store.tables import Table


class Inserter:
    """One connection for inserts, used by one thread at a time.

    Args:
        settings: address, account, database, timeouts.
    """

    def __init__(self, settings: ClickHouseSettings) -> None:
        self._client = connect(
            settings,
            insert_null_as_default=0,  # a missing field must fail, not become 0
            max_partitions_per_insert_block=0,  # a replay may span years
            max_execution_time=settings.send_receive_timeout,
        )

    def insert(self, table: Table, lines: Sequence[bytes], token: str) -> None:
        """Store events, all or none.

        Args:
            table: where to.
            lines: one event's JSON each.
            token: the same lines under the same token are stored once, as long as fewer than
                `non_replicated_deduplication_window` inserts (0001) came between.

        Raises:
            StoreError: retryable unless a row was refused.
        """
        with translated(f"insert of {len(lines)} rows into {table.name}", insert=True):
            self._client.execute(
                table.insert_statement,
                [lines],
                columnar=True,
                settings={"insert_deduplication_token": token},
            )

    def complaints(self, table: Table, lines: Sequence[bytes]) -> dict[int, str]:
        """Positions of the lines an insert would refuse, with the reason; stores nothing.

        Raises:
            StoreError: retryable unless ClickHouse cannot say.
        """
        numbered = {
            "name": "lines",
            "structure": [("number", "UInt64"), ("line", "String")],
            "data": [{"number": n, "line": line} for n, line in enumerate(lines)],
        }
        with translated(f"check of {len(lines)} rows for {table.name}", insert=True):
            return dict(self._client.execute(table.complaint_statement, external_tables=[numbered]))

    def close(self) -> None:
        """Close the connection; a thread that waits in it gets an error."""
        self._client.disconnect()
