"""What the live table and the verdict make of looks at the system."""

import io
from typing import Any

import pytest
from rich.console import Console

import config
from cli.board import AWAY, Board, span
from cli.look import Look
from cli.steps import Steps
from cli.verdict import Counts, shortcomings
from config.settings import ROOT, Settings
from workers.store.tables import TABLES

SYMBOLS = ("BTC-USDT", "ETH-USDT", "SOL-USDT")


class Watched:
    """A watcher that saw what it is told; a message a second came through every stream."""

    def __init__(self, now: Look) -> None:
        self.now = self.before = now

    def rate(self, exchange: str, channel: str, symbol: str) -> float:
        return 1.0

    def rows_per_s(self) -> float:
        return 0.0


@pytest.fixture
def settings() -> Settings:
    return config.load(ROOT / "config" / "demo.yaml", env={})


def look(collector: dict[str, Any] | None = None, problems: list[str] | None = None) -> Look:
    books = {
        symbol: {
            "state": "SYNCED",
            "bid_count": 5000,
            "ask_count": 4990,
            "verified_depth": 4980,
            "best_bid": ["95994.39000000", "1.0"],
            "best_ask": ["95995.00000000", "2.0"],
        }
        for symbol in SYMBOLS
    }
    status = {"books": books, "phase": "running", **(collector or {})}
    view = {"name": "collector.binance_spot", "state": "running", "uptime_s": 61, "status": status}
    rows = {table: {("binance_spot", symbol): 1234 for symbol in SYMBOLS} for table in TABLES}
    return Look(1.0, {"collector.binance_spot": view}, rows, {}, problems or [])


def drawn(settings: Settings, seen: Look, width: int = 200) -> str:
    out = Console(file=io.StringIO(), width=width, legacy_windows=False)
    out.print(Board(settings, Watched(seen)))  # type: ignore[arg-type]
    text: str = out.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_a_row_shows_book_prices_spread_rates_and_rows(settings: Settings) -> None:
    row = next(line for line in drawn(settings, look()).splitlines() if "BTC-USDT" in line)
    cells = row.split()
    assert cells[:4] == ["binance_spot", "BTC-USDT", "SYNCED", "5000/4990"]
    assert cells[4:8] == ["4980", "95994.39", "95995.00", "0.61"]
    assert cells[8:11] == ["1.0", "1.0", "1.0"]
    assert "1,234" in cells


def test_nothing_is_cut_on_a_terminal_of_100_columns(settings: Settings) -> None:
    text = drawn(settings, look(), width=100)
    assert "…" not in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_services_that_do_not_answer_are_said_so(settings: Settings) -> None:
    text = drawn(settings, Look(problems=["Redis at 127.0.0.1:1 does not answer"]))
    assert text.count(AWAY) == 6  # three books, collector, writer, worker
    assert "Redis at 127.0.0.1:1 does not answer" in text


def test_an_exchange_that_is_away_is_named_with_the_reason(settings: Settings) -> None:
    text = drawn(settings, look({"last_error": "binance_spot: GET /x: refused"}))
    assert "binance_spot: cannot be reached, trying again: GET /x: refused" in text


def test_a_process_that_keeps_ending_is_shown(settings: Settings) -> None:
    board = Board(settings, Watched(look()))  # type: ignore[arg-type]
    board.failed = {"writer": "backoff: Exited too quickly"}
    assert "  ! writer: backoff: Exited too quickly" in board.lines()


def test_plain_lines_hold_a_line_a_symbol(settings: Settings) -> None:
    lines = Board(settings, Watched(look())).lines()  # type: ignore[arg-type]
    for symbol in SYMBOLS:
        assert sum(f"binance_spot {symbol}: book SYNCED" in line for line in lines) == 1


def stored() -> Counts:
    tables = ("trades", "orderbook_deltas", "orderbook_snapshots")
    return {(table, "binance_spot", symbol): 1 for table in tables for symbol in SYMBOLS}


def test_a_complete_run_has_no_shortcomings(settings: Settings) -> None:
    assert shortcomings(settings, look(), stored()) == []


@pytest.mark.parametrize("table", ["trades", "orderbook_deltas", "orderbook_snapshots"])
def test_a_table_without_a_symbol_is_a_shortcoming(settings: Settings, table: str) -> None:
    counts = stored() | {(table, "binance_spot", "ETH-USDT"): 0}
    assert shortcomings(settings, look(), counts) == [
        f"binance_spot ETH-USDT: nothing reached table {table}"
    ]


def test_a_book_that_is_not_synced_is_a_shortcoming(settings: Settings) -> None:
    seen = look()
    seen.services["collector.binance_spot"]["status"]["books"]["SOL-USDT"]["state"] = "STALE"
    assert shortcomings(settings, seen, stored()) == [
        "binance_spot SOL-USDT: the book is STALE, must be SYNCED"
    ]


def test_a_collector_that_does_not_answer_is_a_shortcoming(settings: Settings) -> None:
    assert shortcomings(settings, Look(), stored()) == [
        "binance_spot: the collector does not answer"
    ]


def test_steps_off_a_terminal_are_lines_with_elapsed_time() -> None:
    out = Console(file=io.StringIO(), width=200)
    with Steps(out, live=False) as steps:
        steps.begin("redis")
        steps.done("redis", "127.0.0.1:1")
    text: str = out.file.getvalue()  # type: ignore[attr-defined]
    assert text.startswith("  ✓ redis ")
    assert text.endswith("127.0.0.1:1 (0.0 s)\n")


@pytest.mark.parametrize(
    ("seconds", "text"), [(8.9, "8 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_spans_are_short(seconds: float, text: str) -> None:
    assert span(seconds) == text
