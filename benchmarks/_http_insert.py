"""ClickHouse's own HTTP door, used as bluntly as can be: a ceiling to measure inserts against."""

from http.client import HTTPConnection
from urllib.parse import urlencode

from config.settings import ClickHouseSettings


class HttpInsert:
    """Inserts into one table over one connection.

    Args:
        settings: address, account, database.
        table: name of the table.
    """

    def __init__(self, settings: ClickHouseSettings, table: str) -> None:
        self._settings, self._table = settings, table
        self._connection = HTTPConnection(settings.host, settings.http_port, timeout=60)

    def insert(self, form: str, body: bytes) -> None:
        """Rows in a format of ClickHouse, unchecked; the same twice is stored twice."""
        self._ask(
            f"INSERT INTO {self._table} FORMAT {form}",
            body,
            input_format_skip_unknown_fields="1",
            input_format_json_named_tuples_as_objects="0",
            insert_deduplicate="0",
        )

    def native(self, rows: int, offset: int) -> bytes:
        """Rows of the table as a Native block."""
        return self._ask(
            f"SELECT * FROM {self._table} ORDER BY ALL LIMIT {rows} OFFSET {offset} FORMAT Native",
            max_block_size=str(rows),
        )

    def empty(self) -> None:
        """Remove all rows."""
        self._ask(f"TRUNCATE TABLE {self._table}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _ask(self, sql: str, body: bytes = b"", **options: str) -> bytes:
        settings = self._settings
        query = urlencode({"query": sql, "database": settings.database, **options})
        headers = {
            "X-ClickHouse-User": settings.user,
            "X-ClickHouse-Key": settings.password.get_secret_value(),
        }
        self._connection.request("POST", f"/?{query}", body, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{sql[:80]}: HTTP {answer.status}: {said[:500]!r}")
        return said
