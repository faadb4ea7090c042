"""The demo with all five exchanges: every type, every trade, every fault healed; Flower's pages.

`FLOWER_PICTURES=docs/flower pytest tests/e2e/test_demo.py` takes the pictures of docs/control.md
anew, in a headless Chromium.
"""

import json
import os
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from config.settings import ROOT
from tests.collector.dialects import ALL
from tests.e2e.running import RunningStack
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

EVERYWHERE = [
    *("trades", "orderbook_deltas", "orderbook_snapshots"),
    *("tickers", "klines", "instruments"),
]
PERPETUALS = [*EVERYWHERE, "funding_rates", "open_interest"]
STORED = {
    "binance_spot": EVERYWHERE,
    "binance_derivatives": [*PERPETUALS, "liquidations", "long_short_ratios"],
    "okx_spot": EVERYWHERE,
    "okx_derivatives": [*PERPETUALS, "liquidations", "long_short_ratios"],
    "deribit": [*PERPETUALS, "volatility_index"],
}

DIALECT = {"okx_spot": "okx", "okx_derivatives": "okx"}
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="NOT RUN: no Chromium on the PATH; apt install chromium"
)
COUNTED = ("reconnects_total", "wire_errors_total", "gaps_total")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    running = RunningStack(tmp_path_factory.mktemp("demo"), every=True)
    running.start()
    yield running
    running.kill_if_left()


def side_door(exchange: str) -> str:
    return f"/sim/{DIALECT.get(exchange, exchange)}"


def made(stack: RunningStack, exchange: str, raw_symbol: str, from_id: int) -> list[dict[str, Any]]:
    """What the exchange made, from an id on."""
    path = f"{side_door(exchange)}/truth/trades?symbol={raw_symbol}&from_id={from_id}"
    trades: list[dict[str, Any]] = stack.sim(path)["trades"]
    return trades


def symbols_of(stack: RunningStack) -> list[tuple[str, str, str]]:
    """Exchange, symbol and raw symbol of all whose trades are stored."""
    return [
        (str(exchange), str(symbol), str(raw_symbol))
        for exchange, symbol, raw_symbol in stack.rows(
            "SELECT DISTINCT exchange, symbol, raw_symbol FROM trades ORDER BY 1, 2"
        )
    ]


def test_every_type_of_every_exchange_becomes_rows(stack: RunningStack) -> None:
    def missing() -> list[tuple[str, str]]:
        return [
            (exchange, table)
            for exchange, tables in STORED.items()
            for table in tables
            if not stack.rows(f"SELECT 1 FROM {table} WHERE exchange = '{exchange}' LIMIT 1")
        ]

    wait_until(lambda: not missing(), 150, f"rows for all, missing: {missing()}", every_s=1)


def test_every_trade_of_every_exchange_is_stored_once_and_exact(stack: RunningStack) -> None:
    found = symbols_of(stack)
    assert len(found) == 10
    stack.sim("/sim/pause", post=True)
    try:
        for exchange, symbol, raw_symbol in found:
            where = f"FROM trades WHERE exchange = '{exchange}' AND symbol = '{symbol}'"
            first = stack.rows(f"SELECT min(trade_id) {where}")[0][0]
            truth = {each["id"]: each for each in made(stack, exchange, raw_symbol, first)}
            wait_until(
                lambda where=where, truth=truth: (
                    stack.rows(f"SELECT uniqExact(trade_id) {where}")[0][0] == len(truth)
                ),
                60,
                f"{len(truth)} trades of {exchange} {symbol} stored",
                every_s=0.3,
            )
            rows = stack.rows(f"SELECT trade_id, price, side {where} ORDER BY trade_id")
            assert rows == [
                (number, Decimal(str(each["price"])), each["side"])
                for number, each in sorted(truth.items())
            ], (exchange, symbol)
    finally:
        stack.sim("/sim/resume", post=True)


def test_faults_of_every_dialect_are_healed_counted_and_named(stack: RunningStack) -> None:
    for dialect in ALL:
        at = {"symbol": dialect.raw[dialect.symbols[0]]}
        faults = [
            {"kind": "broken_json", **at, "stream": dialect.trades},
            {"kind": "gap", **at, "stream": dialect.books, "count": 2},
            {"kind": "crossed", **at, "stream": dialect.books, "in_s": 5},
            {"kind": "1006", "in_s": 10},
        ]
        stack.sim(f"{side_door(dialect.exchange)}/faults", faults, post=True)

    def uncounted() -> list[tuple[str, str]]:
        replies = json.loads(stack.celery("inspect", "rates", "--json", "-t", "3").stdout)
        found = {
            service.partition(".")[2]: str(parts.get("counters"))
            for reply in replies.values()
            for service, parts in reply.items()
            if service.startswith("collector.")
        }
        return [(name, each) for name in STORED for each in COUNTED if each not in found[name]]

    wait_until(lambda: not uncounted(), 90, f"all counted but {uncounted()}", every_s=1)
    wait_until(stack.synced, 90, "all books SYNCED again", every_s=0.5)
    stack.sim("/sim/pause", post=True)
    try:
        for exchange, symbol, raw_symbol in symbols_of(stack):
            wait_until(
                lambda at=(exchange, symbol, raw_symbol): not unexplained(stack, *at),
                60,
                f"{exchange} {symbol}: every trade stored or named as missing",
                every_s=0.5,
            )
    finally:
        stack.sim("/sim/resume", post=True)


def unexplained(stack: RunningStack, exchange: str, symbol: str, raw_symbol: str) -> set[int]:
    """Trades that were made and are neither stored nor within a gap event."""
    where = f"WHERE exchange = '{exchange}' AND symbol = '{symbol}'"
    stored = {number for (number,) in stack.rows(f"SELECT trade_id FROM trades {where}")}
    truth = {each["id"] for each in made(stack, exchange, raw_symbol, min(stored))}
    gaps = stack.rows(
        f"SELECT first_id, last_id FROM gaps {where} AND data_type = 'trade' "
        "AND first_id IS NOT NULL"
    )
    named = {number for first, last in gaps for number in range(first, last + 1)}
    return truth - stored - named


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1280, "height": 720})
        browser.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    wanted = os.environ.get("FLOWER_PICTURES")
    folder = ROOT / wanted if wanted else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def task(stack: RunningStack, *words: str) -> str:
    """Id of a task run from a shell to its end."""
    answer = stack.command("run", *words, "--wait", "--json")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return str(json.loads(answer.stdout)["task_id"])


@needs_browser
def test_the_workers_page_shows_every_service(
    stack: RunningStack, page: Page, pictures: Path
) -> None:
    page.goto(f"{stack.settings.flower.url}/workers")
    collectors = [f"collector.{name}@" for name in stack.settings.enabled_exchanges()]
    for name in (*collectors, "writer@", "worker@"):
        row = page.locator("tr", has_text=name).first
        expect(row).to_contain_text("Online", timeout=30_000)
    page.screenshot(path=pictures / "workers.png")


@needs_browser
def test_a_triggered_task_is_shown_with_its_result(
    stack: RunningStack, page: Page, pictures: Path
) -> None:
    task_id = task(stack, "polling.volatility_index", "--currency", "BTC")
    page.goto(f"{stack.settings.flower.url}/task/{task_id}")
    expect(page.locator("body")).to_contain_text("polling.volatility_index", timeout=30_000)
    expect(page.locator("body")).to_contain_text("SUCCESS", timeout=30_000)
    page.screenshot(path=pictures / "task.png")


@needs_browser
def test_a_command_to_a_collector_is_shown_with_its_answer(
    stack: RunningStack, page: Page, pictures: Path
) -> None:
    where = ("--exchange", "okx_spot", "--symbol", "BTC-USDT")
    task_id = task(stack, "collector.resync_book", *where)
    page.goto(f"{stack.settings.flower.url}/task/{task_id}")
    expect(page.locator("body")).to_contain_text("collector.okx_spot", timeout=30_000)
    expect(page.locator("body")).to_contain_text("SUCCESS", timeout=30_000)
    page.screenshot(path=pictures / "command.png")
    wait_until(stack.synced, 60, "the book SYNCED again", every_s=0.5)


@needs_browser
def test_the_tasks_page_lists_what_ran(stack: RunningStack, page: Page, pictures: Path) -> None:
    page.goto(f"{stack.settings.flower.url}/tasks")
    expect(page.locator("#tasks-table")).to_contain_text("polling.", timeout=30_000)
    page.screenshot(path=pictures / "tasks.png")
