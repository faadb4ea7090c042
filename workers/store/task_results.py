"""Runs of tasks in the table `task_results`: stored in batches, found by id, listed by time."""

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from config.settings import ClickHouseSettings
from workers.store.client import connect, translated
from workers.store.queries import QueryResult, query

NS = 1_000_000_000
WINDOWS_S = (3600, 86_400, 36_500 * 86_400)
"""The last runs are looked for in the last hour first: that reads little."""


class TaskRun(NamedTuple):
    """One state of one run; the columns of the table, without those ClickHouse fills in."""

    task_id: str
    name: str = ""
    arguments: str = ""
    queue: str = ""
    worker: str = ""
    state: str = ""
    started_ns: int | None = None
    finished_ns: int | None = None
    runtime_s: float | None = None
    retries: int = 0
    error: str = ""
    traceback: str = ""
    result: str = ""
    children: str = ""
    group_id: str = ""
    parent_id: str = ""
    version: int = 0
    forgotten: int = 0

    @property
    def size(self) -> int:
        """Bytes it takes, about."""
        return 200 + sum(len(each) for each in self if isinstance(each, str))


_COLUMNS = ", ".join(TaskRun._fields)
_INSERT = f"INSERT INTO task_results ({_COLUMNS}) VALUES"
_FIND = f"""
SELECT {_COLUMNS} FROM task_results
WHERE task_id IN %(ids)s ORDER BY version DESC LIMIT 1 BY task_id
"""
_LAST = """
SELECT task_id, name, arguments, queue, worker, state, started_time, finished_time, runtime_s,
       retries, error, result
FROM task_results
WHERE stored_ns >= %(since_ns)s {where}
ORDER BY coalesce(started_ns, stored_ns) DESC, task_id
LIMIT %(last)s
"""


class TaskRuns:
    """One connection to the table; for several threads, one at a time.

    Args:
        settings: address, account, database, timeouts.
    """

    def __init__(self, settings: ClickHouseSettings) -> None:
        self._client = connect(settings)
        self._lock = threading.Lock()

    def insert(self, runs: Sequence[TaskRun]) -> None:
        """Store states of runs; storing one again changes nothing.

        Raises:
            StoreError: retryable unless a row was refused.
        """
        with self._lock, translated(f"insert of {len(runs)} task results", insert=True):
            self._client.execute(_INSERT, list(runs))

    def find(self, task_ids: Iterable[str]) -> dict[str, TaskRun]:
        """The present state of these runs, as far as it is known.

        Raises:
            StoreError: ClickHouse does not answer, or refuses.
        """
        ids = tuple(task_ids)
        if not ids:
            return {}
        with self._lock, translated("look for task results"):
            rows: list[tuple[Any, ...]] = self._client.execute(_FIND, {"ids": ids})
        found = (TaskRun(*row) for row in rows)
        return {run.task_id: run for run in found if not run.forgotten}

    def close(self) -> None:
        """Close the connection."""
        self._client.disconnect()


def last_runs(
    settings: ClickHouseSettings,
    last: int = 20,
    *,
    name: str | None = None,
    state: str | None = None,
) -> QueryResult:
    """The last runs, newest first.

    Args:
        settings: where.
        last: how many.
        name: of the task, or its beginning: `polling.`
        state: SUCCESS, FAILURE, ...

    Raises:
        StoreError: see `query`.
    """
    conditions = {
        "startsWith(name, %(name)s)": ("name", name),
        "state = %(state)s": ("state", state),
    }
    given = {sql: pair for sql, pair in conditions.items() if pair[1] is not None}
    sql = _LAST.format(where="".join(f"AND {each} " for each in given))
    found = QueryResult([], [])
    for window_s in WINDOWS_S:
        since_ns = max(0, time.time_ns() - window_s * NS)
        found = query(settings, sql, {"last": last, "since_ns": since_ns, **dict(given.values())})
        if len(found.rows) >= last:
            break
    return found
