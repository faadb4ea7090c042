import json
import uuid
from typing import Any

import pytest

import config
from cli.run import options
from tests.beat.spot import SPOT
from tests.cli.conftest import Run, run_process
from workers.local.servers import ClickHouseServer
from workers.model.errors import MarketPrismError
from workers.store.migrate import migrate
from workers.store.task_results import TaskRun, TaskRuns


@pytest.fixture
def env(clickhouse_server: ClickHouseServer) -> dict[str, str]:
    return SPOT | {
        "MARKETPRISM_CLICKHOUSE__PORT": str(clickhouse_server.port),
        "MARKETPRISM_CLICKHOUSE__DATABASE": f"test_{uuid.uuid4().hex[:12]}",
    }


def test_options_are_read_as_people_write_them() -> None:
    words = ["--currency", "BTC", "--limit=5", "--fast", "--start", "2026-11-01"]
    assert options(words) == {
        "currency": "BTC",
        "limit": "5",
        "fast": "true",
        "start": "2026-11-01",
    }


@pytest.mark.parametrize("words", [["BTC"], ["--a", "1", "2"], ["--a", "1", "--a", "2"]])
def test_what_is_no_option_is_refused(words: list[str]) -> None:
    with pytest.raises(MarketPrismError, match=r"belongs to no parameter|is there twice"):
        options(words)


def test_without_a_task_all_are_listed_with_their_parameters(run: Run) -> None:
    shown = run("run").stdout
    assert "polling.volatility_index" in shown
    assert "--exchange=deribit --currency --resolution=1m" in shown
    tasks: dict[str, Any] = json.loads(run("run", "--json").stdout)
    kinds = {each["name"]: each for each in tasks["polling.long_short_ratio"]["parameters"]}
    assert "top_positions" in kinds["kind"]["choices"]
    assert kinds["exchange"]["required"] is True
    assert tasks["collector.read_book"]["parameters"][2] == {
        "name": "depth",
        "type": "int",
        "required": False,
        "default": 20,
        "choices": [],
        "meaning": "",
    }


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("volatility_indx",), "nearest: polling.volatility_index"),
        (("volatility-index", "--currency", "BTCC"), "nearest: BTC"),
        (("volatility-index", "--curency", "BTC"), "nearest: currency"),
        (("klines", "--exchange", "binance", "--symbol", "A"), "nearest: binance_spot"),
        (("klines", "--exchange", "binance_spot"), "name the symbol"),
        (("klines", "--exchange", "binance_spot", "--symbol", "A", "--limit", "x"), "whole number"),
        (("read-book", "--exchange", "deribit"), "it takes exchange, symbol, depth"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_is_sent(
    run: Run, words: tuple[str, ...], remedy: str
) -> None:
    done = run("run", *words, env={"MARKETPRISM_REDIS__PORT": "9"})
    assert done.exit_code == 1
    assert remedy in done.stderr


def test_a_dry_run_sends_nothing(run: Run) -> None:
    words = ("klines", "--exchange", "binance_spot", "--symbol", "BTC-USDT", "--limit", "5")
    done = run("run", *words, "--dry-run", "--json", env={"MARKETPRISM_REDIS__PORT": "9"})
    assert json.loads(done.stdout) == {
        "task": "polling.klines",
        "arguments": {"exchange": "binance_spot", "symbol": "BTC-USDT", "limit": 5},
        "state": "NOT SENT",
    }


def test_without_redis_a_line_says_so() -> None:
    done = run_process(
        "run", "tickers", "--exchange", "deribit", env={"MARKETPRISM_REDIS__PORT": "9"}
    )
    assert done.returncode == 1
    assert "Redis does not answer at 127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_runs_are_listed_and_filtered(run: Run, env: dict[str, str]) -> None:
    settings = config.load(env=env).clickhouse
    assert "marketprism migrate" in run("tasks", env=env).stderr
    migrate(settings)
    assert "no run is stored yet" in run("tasks", env=env).stdout
    table = TaskRuns(settings)
    common = {"arguments": '{"exchange": "deribit"}', "worker": "worker@here", "version": 1}
    table.insert(
        [
            TaskRun("1", "polling.klines", state="SUCCESS", runtime_s=0.5, result="7", **common),
            TaskRun("2", "collector.x", state="FAILURE", error="ValueError: no", **common),
        ]
    )
    table.close()
    shown = run("tasks", env=env).stdout
    assert "ValueError: no" in shown
    assert "0.50 s" in shown
    (only,) = json.loads(run("tasks", "--state", "failure", "--json", env=env).stdout)
    assert (only["task_id"], only["name"]) == ("2", "collector.x")
    assert "no such run is stored" in run("tasks", "--name", "writer", env=env).stdout


def test_without_clickhouse_a_line_says_so(run: Run) -> None:
    done = run("tasks", env={"MARKETPRISM_CLICKHOUSE__PORT": "9"})
    assert done.exit_code == 1
    assert "ClickHouse does not answer at 127.0.0.1:9" in done.stderr
