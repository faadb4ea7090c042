"""Celery's result backend on ClickHouse: every run is a row of `task_results`.

Storing returns at once (results_buffer.py), so a task waits for no merge and runs without
ClickHouse; the result arrives later then. Who waits for a result asks again and again, soon at
first. Chords and groups work as with every backend that is asked: by looking.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from celery import signals, states
from celery.backends.base import BaseBackend
from celery.exceptions import TimeoutError as ResultTimeout
from celery.result import result_from_tuple

from config.logging import secrets_of
from tasks.results_buffer import ResultBuffer
from tasks.results_row import FINAL, clean, forgotten, row, without_secrets
from workers.model.errors import StoreError
from workers.store.task_results import NS, TaskRun, TaskRuns

FIRST_NAP_S = 0.01
NAP_GROWTH = 1.3
PROMPT_NAP_S = 0.1
PROMPT_S = 30.0
"""For that long somebody who waits looks at least every `PROMPT_NAP_S`."""
GROUP = "celery.group"


class ClickHouseBackend(BaseBackend):
    """Stores and finds results of tasks; one for all threads of a process.

    Args:
        app: the Celery app, with its `settings`.
        more: for Celery's own backend.
    """

    app: Any
    supports_autoexpire = True
    supports_native_join = True
    connection_errors = (StoreError,)
    """Flower answers 503 for these."""

    def __init__(self, app: Any, **more: Any) -> None:
        super().__init__(app, **more)
        self.thread_safe = True
        self._secrets = secrets_of(app.settings)
        self._reading = TaskRuns(app.settings.clickhouse)
        self._writing = TaskRuns(app.settings.clickhouse)
        self.buffer = ResultBuffer(
            self._writing.insert, app.settings.celery.result_buffer_mb * 1_000_000
        )
        # A worker that ends stores what its last tasks brought.
        signals.worker_shutdown.connect(self._drain, weak=False)
        signals.worker_process_shutdown.connect(self._drain, weak=False)

    def as_uri(self, include_password: bool = False) -> str:
        """The address, for the worker's banner; never with the password."""
        settings = self.app.settings.clickhouse
        return f"clickhouse://{settings.host}:{settings.port}/{settings.database}"

    def _drain(self, **_: object) -> None:
        self.buffer.drain()

    def _store_result(
        self,
        task_id: str,
        result: Any,
        state: str,
        traceback: Any = None,
        request: Any = None,
        **_: Any,
    ) -> Any:
        failed = state in self.EXCEPTION_STATES and isinstance(result, dict)
        self.buffer.add(
            row(
                task_id,
                state,
                self._encoded(result),
                request=request,
                error=_error(result) if failed else "",
                traceback=str(traceback or ""),
                children=self._encoded(self.current_task_children(request) or []),
                secrets=self._secrets,
            )
        )
        return result

    def _encoded(self, data: Any) -> str:
        text = str(self.encode(without_secrets(data, self._secrets)))
        return clean(text, ())

    def look(self, task_id: str) -> TaskRun | None:
        """The run's row as it is now; None: nobody has taken it yet.

        Raises:
            StoreError: ClickHouse does not answer.
        """
        return self._reading.find([task_id]).get(task_id)

    def _get_task_meta_for(self, task_id: str) -> dict[str, Any]:
        found = self._reading.find([task_id])
        return self._meta(task_id, found.get(task_id))

    def _meta(self, task_id: str, run: TaskRun | None) -> dict[str, Any]:
        """What AsyncResult reads; a run nobody stored is PENDING, as Celery has it."""
        if run is None:
            return {"task_id": task_id, "status": states.PENDING, "result": None}
        meta: dict[str, Any] = self.meta_from_decoded(
            {
                "task_id": task_id,
                "status": run.state,
                "result": self.decode(run.result.encode()) if run.result else None,
                "traceback": run.traceback or None,
                "children": self.decode(run.children.encode()) if run.children else [],
                "date_done": self._moment(run.finished_ns),
                "name": run.name,
                "worker": run.worker,
                "queue": run.queue,
                "retries": run.retries,
                "group_id": run.group_id or None,
                "parent_id": run.parent_id or None,
            }
        )
        return meta

    def _moment(self, ns: int | None) -> str | None:
        if ns is None:
            return None
        return datetime.fromtimestamp(ns / NS, UTC).isoformat()

    def _forget(self, task_id: str) -> None:
        self.buffer.add(forgotten(task_id))

    def wait_for(
        self,
        task_id: str,
        timeout: float | None = None,
        interval: float = 0.5,
        no_ack: bool = True,
        on_interval: Callable[[], object] | None = None,
    ) -> dict[str, Any]:
        """Wait for a run to end; its meta.

        While ClickHouse is away the wait goes on: the result arrives when it is back.

        Raises:
            celery.exceptions.TimeoutError: it did not within `timeout` seconds.
        """
        for _, meta in self.get_many([task_id], timeout, interval, on_interval=on_interval):
            return meta
        raise ResultTimeout("The operation timed out.")

    def get_many(
        self,
        task_ids: Iterable[str],
        timeout: float | None = None,
        interval: float = 0.5,
        no_ack: bool = True,
        on_message: Callable[[Any], object] | None = None,
        on_interval: Callable[[], object] | None = None,
        max_iterations: int | None = None,
        READY_STATES: frozenset[str] = states.READY_STATES,
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Metas of several runs, each as soon as it has ended.

        Raises:
            celery.exceptions.TimeoutError: some did not within `timeout` seconds.
        """
        self._ensure_not_eager()  # type: ignore[attr-defined]
        missing = dict.fromkeys(task_ids)
        begun_s, nap_s = time.monotonic(), FIRST_NAP_S
        problem, looks = "", 0
        while missing:
            try:
                found, problem = self._reading.find(missing), ""
            except StoreError as error:
                if not error.retryable:
                    raise
                found, problem = {}, f"; {error}"
            for task_id, run in found.items():
                if run.state in READY_STATES:
                    del missing[task_id]
                    meta = self._meta(task_id, run)
                    if on_message is not None:
                        on_message(meta)
                    yield task_id, meta
            looks += 1
            if not missing or looks == max_iterations:
                return
            if on_interval is not None:
                on_interval()
            passed_s = time.monotonic() - begun_s
            if timeout is not None and passed_s >= timeout:
                raise ResultTimeout(f"The operation timed out after {timeout:g} s{problem}")
            longest_s = PROMPT_NAP_S if passed_s < PROMPT_S else max(interval, PROMPT_NAP_S)
            nap_s = min(nap_s * NAP_GROWTH, longest_s)
            time.sleep(nap_s if timeout is None else min(nap_s, timeout - passed_s))

    def _save_group(self, group_id: str, result: Any) -> Any:
        text = json.dumps(result.as_tuple())
        now_ns = time.time_ns()
        self.buffer.add(
            TaskRun(group_id, GROUP, state="SAVED", result=text, version=now_ns + FINAL)
        )
        self.buffer.drain()
        return result

    def _restore_group(self, group_id: str) -> dict[str, Any] | None:
        run = self._reading.find([group_id]).get(group_id)
        if run is None or run.name != GROUP:
            return None
        saved = result_from_tuple(json.loads(run.result), app=self.app)
        return {"task_id": group_id, "result": saved}

    def _delete_group(self, group_id: str) -> None:
        self._forget(group_id)


def _error(result: dict[str, Any]) -> str:
    """An exception in one line: `UnknownName: no symbol is called ...`."""
    message = result.get("exc_message", "")
    words = " ".join(map(str, message)) if isinstance(message, list | tuple) else str(message)
    return f"{result.get('exc_type', 'Exception')}: {words}"
