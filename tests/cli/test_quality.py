"""What was odd lately, from a real ClickHouse."""

import json
import time
from typing import Any

import pytest

from config.settings import Settings
from tests.cli.conftest import Run
from tests.store.events import sample
from workers.store.insert import Inserter
from workers.store.migrate import migrate
from workers.store.tables import TABLES

MINUTE = 60 * 1_000_000_000


def store(settings: Settings, *events: dict[str, Any]) -> None:
    lines = [json.dumps(sample("quality_events", **each)).encode() for each in events]
    inserter = Inserter(settings.clickhouse)
    inserter.insert(TABLES["quality_events"], lines, "test")
    inserter.close()


@pytest.fixture
def env(settings: Settings, settings_env: dict[str, str]) -> dict[str, str]:
    """Two checks in the last minutes, one long ago, and the ledger's bookkeeping."""
    now_ns = time.time_ns()
    migrate(settings.clickhouse)
    jump = {"check": "price_jump", "data_type": "trade", "value": "9", "limit": "1 +- 5%"}
    store(
        settings,
        jump | {"count": 2, "received_ns": now_ns - 3 * MINUTE},
        jump | {"count": 3, "received_ns": now_ns - 2 * MINUTE, "symbol": "ETH-USDT"},
        {
            "check": "constant_field",
            "data_type": "orderbook",
            "count": 1,
            "exchange": "okx_spot",
            "received_ns": now_ns - MINUTE,
            "detail": "orderbook: data[].checksum is always 0",
        },
        {"check": "crossed_book", "data_type": "orderbook", "received_ns": now_ns - 90 * MINUTE},
        {"check": "unused_trade_id", "data_type": "trade", "received_ns": now_ns - MINUTE},
    )
    return settings_env


def test_cases_are_summed_by_check_the_latest_first(run: Run, env: dict[str, str]) -> None:
    drift, jumps = json.loads(run("quality", "--json", env=env).stdout)
    assert (drift["check"], drift["exchange"], drift["cases"]) == ("constant_field", "okx_spot", 1)
    assert (jumps["check"], jumps["cases"], jumps["events"], jumps["symbols"]) == (
        "price_jump",
        5,
        2,
        2,
    )
    text = run("quality", env=env).stdout
    assert "orderbook: data[].checksum is always 0" in text
    assert "9, limit 1 +- 5%" in text
    assert "unused_trade_id" not in text


def test_span_and_exchange_are_chosen(run: Run, env: dict[str, str]) -> None:
    longer = json.loads(run("quality", "--last", "2h", "--json", env=env).stdout)
    assert "crossed_book" in {each["check"] for each in longer}
    there = json.loads(run("quality", "--exchange", "OKX_SPOT", "--json", env=env).stdout)
    assert {each["exchange"] for each in there} == {"okx_spot"}
    nothing = run("quality", "--last", "1s", "--exchange", "deribit", env=env)
    assert nothing.stdout == "nothing odd at deribit in the last 1s\n"


def test_what_is_typed_wrong_is_said(run: Run, env: dict[str, str]) -> None:
    wrong = run("quality", "--last", "soon", env=env)
    assert (wrong.exit_code, "write a duration" in wrong.stderr) == (1, True)
    assert "okx_spot" in run("quality", "--exchange", "okx_spott", env=env).stderr


def test_without_tables_it_says_what_to_do(run: Run, settings_env: dict[str, str]) -> None:
    told = run("quality", env=settings_env)
    assert told.exit_code == 1
    assert "marketprism migrate" in told.stderr
