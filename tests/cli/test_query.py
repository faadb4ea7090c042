"""`marketprism query` and `trades` on a real ClickHouse with stored events."""

import json
import threading

import pytest

from cli.query import patiently
from config.settings import Settings
from tests.cli.conftest import Run, run_process
from tests.cli.events import trade
from workers.model.codec import encode
from workers.store.insert import Inserter
from workers.store.migrate import migrate
from workers.store.tables import TABLES


@pytest.fixture
def stored(settings_env: dict[str, str], settings: Settings) -> dict[str, str]:
    """The environment of a database that holds three trades."""
    migrate(settings.clickhouse)
    events = [trade(11), trade(12, "sell", price="0.00000001"), trade(13, source="backfill")]
    inserter = Inserter(settings.clickhouse)
    inserter.insert(TABLES["trades"], [encode(event) for event in events], "three")
    inserter.close()
    return settings_env


def test_rows_are_a_table_for_people(run: Run, stored: dict[str, str]) -> None:
    sql = "select trade_id, side, price, raw_quantity from trades order by trade_id"
    result = run("query", sql, env=stored)
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines() if line.strip("─ ")]
    assert lines == [
        ["trade_id", "side", "price", "raw_quantity"],
        ["11", "buy", "64000.1", "null"],
        ["12", "sell", "0.00000001", "null"],
        ["13", "buy", "64000.1", "null"],
    ]


@pytest.mark.parametrize(
    ("options", "printed"),
    [
        (["--format", "csv"], "id,p,q\n12,0.00000001,\n"),
        (["--format", "tsv"], "id\tp\tq\n12\t0.00000001\t\\N\n"),
        (["--format", "jsonl"], '{"id": 12, "p": "0.00000001", "q": null}\n'),
        (["--json"], '[\n  {\n    "id": 12,\n    "p": "0.00000001",\n    "q": null\n  }\n]\n'),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_rows_for_programs(
    run: Run, stored: dict[str, str], options: list[str], printed: str
) -> None:
    sql = "select trade_id id, price p, raw_quantity q from trades where trade_id = 12;"
    assert run("query", sql, *options, env=stored).stdout == printed


def test_the_statement_can_come_from_stdin(run: Run, stored: dict[str, str]) -> None:
    sql = "-- how many\nselect count() n\nfrom trades;\n"
    result = run("query", "-", "--json", env=stored, stdin=sql)
    assert json.loads(result.stdout) == [{"n": 3}]


def test_a_limit_cuts_and_says_so(run: Run, stored: dict[str, str]) -> None:
    sql = "select number from numbers(5000)"
    two = run("query", sql, "--limit", "2", "--format", "csv", env=stored)
    assert two.stdout == "number\n0\n1\n"
    assert two.stderr == "only the first 2 rows; --limit N gives more\n"
    table = run("query", sql, env=stored)
    assert table.stdout.split()[-1] == "999"
    assert "only the first 1000 rows" in table.stderr
    whole = run("query", sql, "--format", "csv", env=stored)
    assert len(whole.stdout.splitlines()) == 5001
    assert "only the first" not in whole.stderr
    exact = run("query", sql, "--format", "csv", "--limit", "5000", env=stored)
    assert "only the first" not in exact.stderr


def test_an_empty_result_says_so(run: Run, stored: dict[str, str]) -> None:
    sql = "select trade_id, side from trades where trade_id = 0"
    assert run("query", sql, env=stored).stdout == "no rows (trade_id, side)\n"
    assert json.loads(run("query", sql, "--json", env=stored).stdout) == []
    assert run("query", sql, "--format", "csv", env=stored).stdout == "trade_id,side\n"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("selec 1", "Syntax error"),
        ("select prise from trades", "Maybe you meant: ['price"),
        ("select 1 from nothing", "see the tables with: marketprism query 'show tables'"),
        ("drop table trades", "only reading statements are allowed here"),
        ("insert into trades values", "only reading statements are allowed here"),
        ("select number from numbers(200000)", None),
        ("", "the statement is empty"),
    ],
)
def test_a_refused_statement_is_one_line(
    run: Run, stored: dict[str, str], sql: str, said: str | None
) -> None:
    options = [] if said else ["--format", "csv"]
    result = run("query", sql, *options, "--json", env=stored)
    assert result.exit_code == 1
    [line] = result.stderr.splitlines()
    assert (said or "ask for less with --limit") in line
    assert "Stack trace" not in line
    assert json.loads(result.stdout)["error"] in line


def test_a_database_that_is_not_there_names_the_remedy(
    run: Run, settings_env: dict[str, str]
) -> None:
    result = run("query", "select count() from trades", env=settings_env)
    assert result.exit_code == 1
    assert "make the database with: marketprism migrate" in result.stderr


def test_without_clickhouse_there_is_one_line() -> None:
    result = run_process("query", "select 1", env={"MARKETPRISM_CLICKHOUSE__PORT": "9"})
    assert result.returncode == 1
    assert result.stderr.startswith("marketprism: ClickHouse does not answer at 127.0.0.1:9")
    assert len(result.stderr.splitlines()) == 1


def test_the_last_trades_are_lines_oldest_first(run: Run, stored: dict[str, str]) -> None:
    result = run("trades", "binance_spot", "btc-usdt", "--last", "2", env=stored)
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["2023-11-14", "22:13:20.123", "sell", "0.00000001", "0.001", "12"],
        ["2023-11-14", "22:13:20.123", "buy", "64000.1", "0.001", "13", "backfill"],
    ]


def test_the_last_trades_as_json_have_the_table_s_columns(run: Run, stored: dict[str, str]) -> None:
    [last] = json.loads(
        run("trades", "binance_spot", "BTC-USDT", "--last", "1", "--json", env=stored).stdout
    )
    assert (last["trade_id"], last["price"], last["side"]) == (13, "64000.1", "buy")
    assert last["exchange_ns"] == 1_700_000_000_123_000_000


def test_no_trades_yet_and_no_such_symbol_are_different_answers(
    run: Run, stored: dict[str, str]
) -> None:
    none_yet = run("trades", "binance_spot", "ETH-USDT", env=stored)
    assert none_yet.exit_code == 0
    assert none_yet.stdout.startswith("no trades of binance_spot ETH-USDT are stored yet")
    wrong = run("trades", "binance_spot", "ETHUSD", env=stored)
    assert wrong.exit_code == 1
    assert "nearest: ETH-USDT" in wrong.stderr
    assert "nearest: binance_spot" in run("trades", "binancespot", "ETH-USDT", env=stored).stderr


def test_slow_work_gives_its_result_and_its_error() -> None:
    release = threading.Event()
    threading.Timer(0.1, release.set).start()
    assert patiently(lambda: release.wait(5), "waiting")
    with pytest.raises(ValueError, match="broken"):
        patiently(lambda: int("broken"), "waiting")
