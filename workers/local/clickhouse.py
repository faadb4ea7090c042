"""ClickHouse from the chdb-core wheel: a whole engine in one library, served on loopback.

The process itself is clickhouse_child.py. Configuration is generated here: two ports, one
listen address, few threads. The `default` user has no password (the engine's own session logs in
as it), which is why nothing but loopback is listened on.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from xml.sax.saxutils import escape

from workers.local import clickhouse_child
from workers.local.ports import LOOPBACK, LocalStackError, answers
from workers.local.server import LocalServer, http_ok

_SMALL_POOLS = {
    "background_pool_size": 2,
    "background_merges_mutations_concurrency_ratio": 2,
    "background_schedule_pool_size": 4,
    "background_common_pool_size": 2,
    "background_move_pool_size": 1,
    "background_fetches_pool_size": 1,
}
"""A personal machine's sizes: the engine's defaults start some hundred threads."""

_MERGE_TREE = {
    "number_of_free_entries_in_pool_to_execute_mutation": 1,
    "number_of_free_entries_in_pool_to_lower_max_size_of_merge": 1,
    "number_of_free_entries_in_pool_to_execute_optimize_entire_partition": 1,
}
"""Must fit into the small pools, or the engine refuses to create tables."""


class ClickHouseServer(LocalServer):
    """ClickHouse with its native and its HTTP port.

    Args:
        port: native TCP.
        http_port: HTTP.
        max_mb: memory limit of the server.
        user: a user besides `default`, created with this password.
        password: the user's; `default` itself must have none.
        log_level: of the server's own log, `clickhouse-server.log`.
    """

    name: ClassVar[str] = "clickhouse"
    stop_timeout_s: ClassVar[float] = 15.0

    def __init__(
        self,
        data_dir: Path,
        port: int,
        http_port: int,
        *,
        max_mb: int = 4096,
        user: str = "default",
        password: str = "",
        log_level: str = "warning",
    ) -> None:
        super().__init__(data_dir)
        if user == "default" and password:
            raise LocalStackError(
                "clickhouse.password: the local server's user `default` must have none, because "
                "the engine's own session logs in as it; set clickhouse.user to another name too"
            )
        self.port, self.http_port = port, http_port
        self._max_mb, self._user, self._password = max_mb, user, password
        self._log_level = log_level

    def command(self) -> list[str]:
        """`python clickhouse_child.py <run dir> <data dir>`."""
        clickhouse_child.library()
        return [
            sys.executable,
            clickhouse_child.__file__,
            str(self.run_dir),
            str(self.own_dir),
        ]

    def healthy(self) -> bool:
        """Both ports answer; HTTP is opened last and says Ok."""
        return http_ok(self.http_port, "/ping") and answers(self.port)

    def write_configuration(self) -> None:
        """Write config.xml and users.xml where the engine looks for them."""
        server_log = self.log_path.parent / "clickhouse-server.log"
        settings = {
            "log-level": self._log_level,  # of the file below; the engine overrules logger.level
            "listen_host": LOOPBACK,
            "tcp_port": self.port,
            "http_port": self.http_port,
            "users_config": self.run_dir / "users.xml",
            "max_server_memory_usage": self._max_mb * 1_000_000,
            "mark_cache_size": 128_000_000,
            **_SMALL_POOLS,
        }
        logger = {"log": server_log, "size": "20M", "count": 3}
        backups = {"allowed_path": self.data_dir / "backups"}
        (self.run_dir / "config.xml").write_text(
            "<clickhouse>\n"
            f"{_elements(settings)}"
            f"<logger>\n{_elements(logger)}</logger>\n"
            f"<merge_tree>\n{_elements(_MERGE_TREE)}</merge_tree>\n"
            f"<backups>\n{_elements(backups)}</backups>\n"
            "</clickhouse>\n"
        )
        users = {"default": "", self._user: self._password}
        entries = "".join(
            f"<{name}><password>{escape(password)}</password>"
            f"<networks><ip>127.0.0.1</ip><ip>::1</ip></networks>"
            f"<profile>default</profile><quota>default</quota></{name}>\n"
            for name, password in users.items()
        )
        path = self.run_dir / "users.xml"
        path.touch(mode=0o600)
        path.write_text(
            "<clickhouse>\n<profiles><default>\n"
            "<max_threads>2</max_threads>\n"
            "</default></profiles>\n"
            f"<quotas><default/></quotas>\n<users>\n{entries}</users>\n</clickhouse>\n"
        )


def _elements(values: Mapping[str, object]) -> str:
    return "".join(f"<{name}>{escape(str(value))}</{name}>\n" for name, value in values.items())
