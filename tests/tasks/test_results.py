"""The result backend against a real ClickHouse."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import TimeoutError as ResultTimeout
from celery.result import GroupResult

from config import load
from tasks.results import ClickHouseBackend
from tests.tasks.conftest import sender
from tests.waiting import wait_until
from workers.local.ports import free_ports
from workers.local.servers import ClickHouseServer
from workers.model.errors import StoreError
from workers.model.names import UnknownName
from workers.store.migrate import migrate
from workers.store.queries import query
from workers.store.task_results import TaskRuns, last_runs

SECRET = "hunter2-hunter2"


@dataclass
class Request:
    """What Celery's worker knows of a run."""

    task: str = "polling.klines"
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    hostname: str = "worker@here"
    retries: int = 0
    delivery_info: dict[str, str] = field(default_factory=lambda: {"routing_key": "polling"})
    children: list[Any] = field(default_factory=list)
    ignore_result: bool = False
    group = parent_id = chord = chain = errbacks = None


def a_sender(server: ClickHouseServer, **env: str) -> Celery:
    settings = {
        "MARKETPRISM_CLICKHOUSE__PORT": str(server.port),
        "MARKETPRISM_CLICKHOUSE__DATABASE": f"test_{uuid.uuid4().hex[:12]}",
        "MARKETPRISM_REDIS__PASSWORD": SECRET,
        **env,
    }
    migrate(load(env=settings).clickhouse)
    return sender(settings)


@pytest.fixture
def app(clickhouse_server: ClickHouseServer) -> Iterator[Celery]:
    app = a_sender(clickhouse_server)
    yield app
    app.close()


@pytest.fixture
def backend(app: Celery) -> ClickHouseBackend:
    assert isinstance(app.backend, ClickHouseBackend)
    return app.backend


def an_id() -> str:
    return uuid.uuid4().hex


def rows(app: Celery) -> list[dict[str, Any]]:
    found = query(app.settings.clickhouse, "SELECT * FROM task_results ORDER BY stored_ns")
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def test_a_result_comes_back_and_the_run_is_a_row(app: Celery, backend: ClickHouseBackend) -> None:
    task_id, request = an_id(), Request(kwargs={"exchange": "deribit"}, retries=2)
    result = app.AsyncResult(task_id)
    assert (result.state, result.ready()) == ("PENDING", False)
    backend.store_result(task_id, {"pid": 1}, "STARTED", request=request)
    wait_until(lambda: result.state == "STARTED", 10, "started")
    backend.mark_as_done(task_id, {"price": "1.5", "rows": [1, None]}, request=request)
    assert result.get(timeout=10) == {"price": "1.5", "rows": [1, None]}
    assert (result.state, result.date_done is not None) == ("SUCCESS", True)
    (row,) = rows(app)
    assert (row["name"], row["queue"], row["worker"]) == (
        "polling.klines",
        "polling",
        "worker@here",
    )
    assert (row["arguments"], row["retries"], row["error"]) == ('{"exchange": "deribit"}', 2, "")
    assert row["finished_ns"] - row["started_ns"] == pytest.approx(row["runtime_s"] * 1e9, abs=1e3)


def test_a_failure_is_raised_again_and_named_in_its_row(
    app: Celery, backend: ClickHouseBackend
) -> None:
    task_id = an_id()
    backend.mark_as_failure(task_id, UnknownName("no such thing"), "in line 3", request=Request())
    with pytest.raises(UnknownName, match="no such thing"):
        app.AsyncResult(task_id).get(timeout=10)
    assert app.AsyncResult(task_id).traceback == "in line 3"
    (row,) = rows(app)
    assert (row["state"], row["error"]) == ("FAILURE", "UnknownName: no such thing")


def test_a_final_state_outranks_a_later_one_of_a_wrong_clock(
    app: Celery, backend: ClickHouseBackend
) -> None:
    task_id = an_id()
    backend.mark_as_done(task_id, 7, request=Request())
    assert app.AsyncResult(task_id).get(timeout=10) == 7
    backend.store_result(task_id, {}, "STARTED", request=Request())
    assert backend.buffer.drain()
    assert app.AsyncResult(task_id).state == "SUCCESS"
    assert [row["state"] for row in rows(app)] == ["SUCCESS"]


def test_a_forgotten_result_is_pending(app: Celery, backend: ClickHouseBackend) -> None:
    task_id = an_id()
    backend.mark_as_done(task_id, 7, request=Request())
    result = app.AsyncResult(task_id)
    assert result.get(timeout=10) == 7
    result.forget()
    assert backend.buffer.drain()
    assert app.AsyncResult(task_id).state == "PENDING"
    assert rows(app) == []


def test_a_group_is_joined_saved_and_found_again(app: Celery, backend: ClickHouseBackend) -> None:
    results = [app.AsyncResult(an_id()) for _ in range(3)]
    group = GroupResult(an_id(), results, app=app)
    group.save()
    for number, each in enumerate(results):
        backend.mark_as_done(each.id, number, request=Request())
    assert group.join(timeout=10) == [0, 1, 2]
    found = GroupResult.restore(group.id, backend=backend, app=app)
    assert found is not None
    assert found.join_native(timeout=10) == [0, 1, 2]
    assert found.completed_count() == 3
    found.delete()


def test_no_secret_is_kept(app: Celery, backend: ClickHouseBackend) -> None:
    task_id = an_id()
    given = {"address": f"redis://:{SECRET}@host/0", "api_key": "abc", "limit": 5}
    backend.mark_as_done(task_id, {"said": SECRET, "token": 64123}, request=Request(kwargs=given))
    assert app.AsyncResult(task_id).get(timeout=10) == {"said": "***", "token": 64123}
    failed = an_id()
    words = f"refused {SECRET}"
    backend.mark_as_failure(failed, ValueError(words), f"line {SECRET}", request=Request())
    with pytest.raises(ValueError, match=r"refused \*\*\*"):
        app.AsyncResult(failed).get(timeout=10)
    kept = rows(app)
    assert len(kept) == 2
    assert SECRET not in str(kept)
    assert (
        kept[0]["arguments"] == '{"address": "redis://:***@host/0", "api_key": "***", "limit": 5}'
    )


def test_the_last_runs_are_listed_newest_first(app: Celery, backend: ClickHouseBackend) -> None:
    for number in range(5):
        request = Request(task=f"polling.number_{number}")
        backend.store_result(str(number), {}, "STARTED", request=request)
        backend.mark_as_done(str(number), number, request=request)
    backend.mark_as_failure("5", ValueError("no"), "", request=Request(task="collector.x"))
    assert backend.buffer.drain()
    settings = app.settings.clickhouse
    names = [row[1] for row in last_runs(settings, 3, name="polling.").rows]
    assert names == ["polling.number_4", "polling.number_3", "polling.number_2"]
    assert [row[0] for row in last_runs(settings, state="FAILURE").rows] == ["5"]


def test_without_clickhouse_tasks_go_on_and_results_arrive_later(tmp_path: Path) -> None:
    server = ClickHouseServer(tmp_path, *free_ports(2), max_mb=1024)
    server.start()
    try:
        app = a_sender(server)
        backend = app.backend
        assert isinstance(backend, ClickHouseBackend)
        server.stop()
        task_id, begun_s = an_id(), time.monotonic()
        backend.mark_as_done(task_id, 7, request=Request())
        assert time.monotonic() - begun_s < 1.0
        with pytest.raises(StoreError, match="look for task results"):
            assert app.AsyncResult(task_id).state
        with pytest.raises(ResultTimeout, match="look for task results"):
            app.AsyncResult(task_id).get(timeout=0.5)
        server.start()
        assert app.AsyncResult(task_id).get(timeout=30) == 7
        assert backend.buffer.lost == 0
        app.close()
    finally:
        server.stop()


def test_a_run_that_is_stored_twice_is_one_row(app: Celery, backend: ClickHouseBackend) -> None:
    task_id = an_id()
    backend.mark_as_done(task_id, 7, request=Request())
    assert app.AsyncResult(task_id).get(timeout=10) == 7
    table = TaskRuns(app.settings.clickhouse)
    table.insert([table.find([task_id])[task_id]])
    table.close()
    assert len(rows(app)) == 1
