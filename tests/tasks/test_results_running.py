"""Runs of real workers, from the shell to their rows."""

import json
from typing import Any

import pytest

from config import load
from tests.runtime.children import run
from tests.tasks.conftest import System
from tests.waiting import wait_until
from workers.store.queries import query

pytestmark = pytest.mark.e2e

BOOK = ("--exchange", "binance_spot", "--symbol", "BTC-USDT")


def marketprism(system: System, *words: str) -> Any:
    return run(["cli.main", *words], system.env)


def rows(system: System, where: str) -> list[tuple[Any, ...]]:
    sql = f"SELECT name, queue, worker, state, arguments, error FROM task_results WHERE {where}"
    return query(load(env=system.env).clickhouse, sql).rows


def test_a_person_runs_a_poll_and_sees_it(system: System) -> None:
    done = marketprism(system, "run", "orderbook-snapshot", *BOOK, "--wait", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    facts = json.loads(done.stdout)
    assert (facts["state"], facts["result"]["bids"]) == ("SUCCESS", 400)
    ((name, queue, worker, state, arguments, _),) = rows(system, f"task_id = '{facts['task_id']}'")
    assert (name, queue, state) == ("polling.orderbook_snapshot", "polling", "SUCCESS")
    assert worker.startswith("worker@")
    assert json.loads(arguments) == {"exchange": "binance_spot", "symbol": "BTC-USDT"}
    listed = json.loads(marketprism(system, "tasks", "--json").stdout)
    assert facts["task_id"] in {each["task_id"] for each in listed}


def test_a_person_commands_a_collector_and_reads_the_answer(system: System) -> None:
    done = marketprism(system, "run", "read-book", *BOOK, "--depth", "2", "--wait", "--json")
    facts = json.loads(done.stdout)
    assert (facts["state"], len(facts["result"]["bids"])) == ("SUCCESS", 2)
    assert facts["worker"].startswith("collector.binance_spot@")


def test_a_failure_is_shown_with_its_words(system: System) -> None:
    words = ("--exchange", "binance_spot", "--symbol", "BTC-USD", "--wait")
    done = marketprism(system, "run", "read-book", *words)
    assert done.returncode == 1
    assert "FAILURE: UnknownName: no symbol of binance_spot is called 'BTC-USD'" in done.stdout


def test_a_task_that_comes_too_late_is_recorded_as_expired(system: System) -> None:
    words = ["call", "polling.orderbook_snapshot", "--expires", "2020-01-01T00:00:00"]
    kwargs = json.dumps({"exchange": "binance_spot", "symbol": "BTC-USDT"})
    task_id = system.celery(*words, "--kwargs", kwargs).stdout.strip()
    found = wait_until(lambda: rows(system, f"task_id = '{task_id}'"), 20, "the row")
    assert found[0][3] == "REVOKED"
    assert "expired" in found[0][5]


def test_celerys_own_shell_reads_a_result(system: System) -> None:
    kwargs = json.dumps({"exchange": "binance_spot"})
    task_id = system.celery("call", "collector.check_memory", "--kwargs", kwargs).stdout.strip()
    wait_until(lambda: rows(system, f"task_id = '{task_id}' AND state = 'SUCCESS'"), 20, "the row")
    assert "'level'" in system.celery("result", task_id).stdout
