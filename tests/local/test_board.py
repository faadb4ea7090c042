"""What the live table and the verdict make of looks at the system."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

import config
from cli.board import Board
from cli.look import Look, Watcher
from cli.service_lines import AWAY, span
from cli.steps import Steps
from cli.verdict import Counts, shortcomings
from config.settings import ROOT, Settings
from tests.alone import BINANCE_SPOT_ALONE
from workers.store.queries import Recent
from workers.store.tables import BY_TYPE, TABLES

NOW_NS = 1_790_000_000_000_000_000
DEMO = config.load(ROOT / "config" / "demo.yaml", env=BINANCE_SPOT_ALONE)
SYMBOLS = tuple(DEMO.exchanges["binance_spot"].symbols)


class Watched:
    """A watcher that saw what it is told; a message a second came through every stream."""

    def __init__(self, now: Look) -> None:
        self.now = self.before = now

    def rate_of(self, exchange: str, symbol: str) -> float:
        return 1.5

    def rows_per_s(self) -> float:
        return 0.0


@pytest.fixture
def settings() -> Settings:
    return DEMO


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
    recent = {(table, "binance_spot"): Recent(31.2, NOW_NS - 400_000_000) for table in TABLES}
    services = {"collector.binance_spot": view}
    return Look(1.0, services, rows, {}, problems or [], recent, NOW_NS)


def drawn(settings: Settings, seen: Look, width: int = 200, height: int | None = None) -> str:
    out = Console(file=io.StringIO(), width=width, height=height, legacy_windows=False)
    board = Board(settings, Watched(seen))  # type: ignore[arg-type]
    board.cropped = height is not None
    out.print(board)
    text: str = out.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_a_row_shows_book_prices_spread_rates_and_rows(settings: Settings) -> None:
    row = next(line for line in drawn(settings, look()).splitlines() if "BTC-USDT" in line)
    cells = row.split()
    assert cells[:4] == ["binance_spot", "BTC-USDT", "SYNCED", "5000/4990"]
    assert cells[4:8] == ["4980", "95994.39", "95995.00", "0.61"]
    assert cells[8:] == ["1.5", f"{len(TABLES) * 1234:,}"]


@pytest.fixture
def five(settings: Settings) -> Settings:
    """All exchanges enabled."""
    enabled = {
        name: each.model_copy(update={"enabled": True}) for name, each in settings.exchanges.items()
    }
    return settings.model_copy(update={"exchanges": enabled})


def all_seen(settings: Settings, rows: int, rate: float, age_s: float) -> Look:
    """Every type of every exchange has rows."""
    pairs = [(name, each.symbols[0]) for name, each in settings.exchanges.items()]
    newest = Recent(rate, NOW_NS - int(age_s * 1e9))
    return replace(
        look(),
        rows={table: dict.fromkeys(pairs, rows) for table in TABLES},
        recent={(table, name): newest for table in TABLES for name, _ in pairs},
    )


@pytest.mark.parametrize(
    ("size", "figures"),
    [
        pytest.param((80, 24), "1.2M 31/s", id="small"),
        pytest.param((140, 50), "1,234,567 31/s 0.4s", id="usual"),
    ],
)
def test_every_type_of_every_exchange_shows_rows_rate_and_age(
    five: Settings, size: tuple[int, int], figures: str
) -> None:
    text = drawn(five, all_seen(five, 1_234_567, 31.2, 0.4), *size)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert sum(line.count(figures) for line in lines) == len(BY_TYPE) * 5
    assert len(lines) <= size[1]
    assert max(len(line) for line in text.splitlines()) <= size[0]
    assert "Ctrl-C stops everything" in text


def test_a_small_screen_shows_the_age_where_nothing_flows(five: Settings) -> None:
    text = drawn(five, all_seen(five, 240, 0.0, 12.0), 80, 24)
    trades = next(line for line in text.splitlines() if line.startswith("trade "))
    assert " ".join(trades.split()) == "trade " + " ".join(["240 12s"] * 5)


def test_what_ought_to_come_and_does_not_is_told_from_what_is_not_offered(five: Settings) -> None:
    text = drawn(five, replace(look(), rows={table: {} for table in TABLES}), 80)
    found = {line.split()[0]: line.split()[-5:] for line in text.splitlines() if line.strip()}
    assert found["trade"] == ["0"] * 5
    assert found["volatility-index"] == ["·", "·", "·", "·", "0"]
    assert found["liquidation"] == ["·", "0", "·", "0", "·"]


def test_plain_lines_name_every_type_of_an_exchange(five: Settings) -> None:
    lines = Board(five, Watched(all_seen(five, 7, 0.0, 12.0))).lines()  # type: ignore[arg-type]
    line = next(line for line in lines if line.startswith("  okx_derivatives: "))
    for kind in ("trade", "funding-rate", "open-interest", "liquidation", "book-audit"):
        assert f"{kind} 7 (12s ago)" in line


@pytest.mark.parametrize("width", [80, 100, 120, 150, 200])
def test_no_figure_is_cut_however_wide_the_terminal_is(settings: Settings, width: int) -> None:
    collector = "binance_spot"
    lags = {(collector, symbol): 282.4 for symbol in SYMBOLS}
    text = drawn(settings, replace(look(), lag_ms=lags), width=width)
    assert "…" not in text
    assert max(len(line) for line in text.splitlines()) <= width
    for symbol in SYMBOLS:
        cells = next(line for line in text.splitlines() if symbol in line).split()
        assert {"SYNCED", "95994.39", "95995.00", "1.5"} <= set(cells)


@pytest.mark.parametrize("width", [80, 160])
def test_a_live_screen_keeps_its_last_line_however_many_symbols_there_are(
    settings: Settings, width: int
) -> None:
    symbols = [f"A{number}-USDT" for number in range(30)]
    exchange = settings.exchanges["binance_spot"].model_copy(update={"symbols": symbols})
    many = settings.model_copy(update={"exchanges": {"binance_spot": exchange}})
    text = drawn(many, look(), width=width, height=24)
    shown = sum("-USDT" in line for line in text.splitlines())
    assert len(text.splitlines()) <= 24
    assert 2 <= shown < 30
    assert f"{30 - shown} more: marketprism status" in text
    assert "Ctrl-C stops everything" in text


def test_a_long_error_keeps_its_beginning_and_its_end(settings: Settings) -> None:
    error = "GET /api/v3/exchangeInfo: " + "x" * 300 + "Name or service not known"
    line = next(
        line
        for line in Board(settings, Watched(look({"last_error": error}))).lines()  # type: ignore[arg-type]
        if "cannot be reached" in line
    )
    assert "GET /api/v3/exchangeInfo" in line
    assert line.endswith("Name or service not known")
    assert len(line) < 250


def test_services_that_do_not_answer_are_said_so(settings: Settings) -> None:
    text = drawn(settings, Look(problems=["Redis at 127.0.0.1:1 does not answer"]))
    assert text.count(AWAY) == len(SYMBOLS) + 3  # books, collector, writer, worker
    assert "Redis at 127.0.0.1:1 does not answer" in text
    short = drawn(settings, Look(), 80, 14)
    assert f"0 of 3 services, {AWAY}: collector.binance_spot, writer, worker" in short


def test_books_that_do_not_fit_are_one_line_with_the_odd_ones(five: Settings) -> None:
    text = drawn(five, look(), 80, 20)
    books = sum(not name.endswith("-DVOL") for e in five.exchanges.values() for name in e.symbols)
    said = f"books: {len(SYMBOLS)} of {books} SYNCED; binance_derivatives BTC-USDT-PERP {AWAY}"
    assert said in text
    assert len(text.splitlines()) <= 20


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


NEEDED = ("trades", "orderbook_deltas", "orderbook_snapshots", "tickers", "klines")


def stored(*tables: str) -> Counts:
    tables = tables or NEEDED
    return {(table, "binance_spot", symbol): 1 for table in tables for symbol in SYMBOLS}


def test_a_complete_run_has_no_shortcomings(settings: Settings) -> None:
    assert shortcomings(settings, look(), stored()) == []


@pytest.mark.parametrize("table", NEEDED[:4])
def test_a_table_without_a_symbol_is_a_shortcoming(settings: Settings, table: str) -> None:
    counts = stored() | {(table, "binance_spot", "ETH-USDT"): 0}
    assert shortcomings(settings, look(), counts) == [
        f"binance_spot ETH-USDT: nothing reached table {table}"
    ]


def test_of_slow_types_one_symbol_of_the_exchange_is_enough(settings: Settings) -> None:
    one = stored(*NEEDED[:4]) | {("klines", "binance_spot", "ETH-USDT"): 1}
    assert shortcomings(settings, look(), one) == []
    assert shortcomings(settings, look(), stored(*NEEDED[:4])) == [
        "binance_spot: nothing reached table klines"
    ]


def test_an_index_has_no_book_and_no_trades(five: Settings) -> None:
    deribit = five.exchanges["deribit"].model_copy(update={"symbols": ["BTC-DVOL"]})
    alone = five.model_copy(update={"exchanges": {"deribit": deribit}})
    seen = replace(look(), services={"collector.deribit": {"status": {"phase": "running"}}})
    assert shortcomings(alone, seen, {("volatility_index", "deribit", "BTC-DVOL"): 3}) == []
    assert shortcomings(alone, seen, {}) == ["deribit: nothing reached table volatility_index"]


def test_a_book_that_is_not_synced_is_a_shortcoming(settings: Settings) -> None:
    seen = look()
    seen.services["collector.binance_spot"]["status"]["books"]["ETH-USDT"]["state"] = "STALE"
    assert shortcomings(settings, seen, stored()) == [
        "binance_spot ETH-USDT: the book is STALE, must be SYNCED"
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


def test_rates_are_over_several_looks_and_begin_anew_with_the_counters(settings: Settings) -> None:
    def seen(at_s: float, messages: int | None) -> Look:
        if messages is None:
            return Look(at_s)
        streams = {"trade": {"BTC-USDT": {"messages": messages}}}
        return replace(look({"streams": streams}), at_s=at_s)

    def rate(*looks: Look) -> float:
        watcher = Watcher(settings)
        for each in looks:
            watcher.add(each)
        return watcher.rate("binance_spot", "trade", "BTC-USDT")

    assert rate(seen(1.0, 100)) == 0.0
    assert rate(seen(1.0, 100), seen(3.0, 300)) == 100.0
    assert rate(seen(1.0, 100), seen(3.0, 300), seen(3.001, 300)) == pytest.approx(100.0, 0.01)
    assert rate(seen(1.0, 900), seen(2.0, 0), seen(4.0, 100)) == 50.0
    assert rate(seen(1.0, 900), seen(2.0, None)) == 0.0
    assert rate(*(seen(float(at), at * at) for at in range(20))) == pytest.approx(19 + 15)
