"""The running system as its users meet it: one stack for all tests here, in this order."""

import asyncio
import json
import signal
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import nats
import psutil
import pytest
import requests

from tests.e2e.running import SYMBOLS, RunningStack
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    running = RunningStack(tmp_path_factory.mktemp("stack"))
    running.start()
    yield running
    running.kill_if_left()


def raw(symbol: str) -> str:
    return symbol.replace("-", "")


def wait_stored(stack: RunningStack, symbol: str, trade_id: int, timeout_s: float = 30) -> None:
    wait_until(
        lambda: (
            stack.rows(f"SELECT max(trade_id) FROM trades WHERE symbol = '{symbol}'")[0][0]
            >= trade_id
        ),
        timeout_s,
        f"trade {trade_id} of {symbol} stored",
        every_s=0.2,
    )


def wait_new_rows(stack: RunningStack, timeout_s: float, what: str) -> None:
    """Trades made after this moment become rows for every symbol, and all books are SYNCED."""
    last = {s: stack.sim("/sim/truth/summary")[raw(s)]["last_trade_id"] for s in SYMBOLS}
    for symbol, trade_id in last.items():
        wait_stored(stack, symbol, trade_id + 1, timeout_s)
    wait_until(stack.synced, timeout_s, what, every_s=0.3)


def test_status_shows_three_synced_books(stack: RunningStack):
    answer = stack.command("status", "--json")
    books = json.loads(answer.stdout)["books"]
    assert [(book["exchange"], book["symbol"], book["state"]) for book in books] == [
        ("binance_spot", symbol, "SYNCED") for symbol in SYMBOLS
    ]
    assert answer.returncode == 0, answer.stdout


def test_a_query_from_the_shell_sees_trades_grow(stack: RunningStack):
    def count() -> int:
        answer = stack.command("query", "select count() as n from trades", "--json")
        return int(json.loads(answer.stdout)[0]["n"])

    before = count()
    wait_until(lambda: count() > before > 0, 30, "more trades", every_s=0.5)


def assert_stored_once_each(stack: RunningStack) -> None:
    """From the first trade stored, every trade the exchange made is one row, exactly as made."""
    stack.sim("/sim/pause", post=True)
    try:
        for symbol in SYMBOLS:
            assert_symbol_stored(stack, symbol)
    finally:
        stack.sim("/sim/resume", post=True)


def assert_symbol_stored(stack: RunningStack, symbol: str) -> None:
    where = f"FROM trades WHERE symbol = '{symbol}'"
    first = stack.rows(f"SELECT min(trade_id) {where}")[0][0]
    truth = stack.sim(f"/sim/truth/trades?symbol={raw(symbol)}&from_id={first}")["trades"]
    wait_until(
        lambda: stack.rows(f"SELECT uniqExact(trade_id) {where}")[0][0] == len(truth),
        30,
        f"{len(truth)} trades of {symbol} stored",
        every_s=0.2,
    )
    rows = stack.rows(f"SELECT trade_id, price, quantity, side {where} ORDER BY trade_id")
    assert rows == [
        (made["id"], Decimal(made["price"]), Decimal(made["quantity"]), made["side"])
        for made in truth
    ]


def test_every_trade_made_is_a_row_exactly_once_and_exact(stack: RunningStack):
    assert_stored_once_each(stack)


def test_a_plain_subscriber_gets_400_true_levels_a_side(stack: RunningStack):
    async def listen() -> list[dict[str, Any]]:
        client = await nats.connect(stack.settings.nats.servers[0])
        subscription = await client.subscribe("orderbook-data.>")
        books = [msgspec.json.decode((await subscription.next_msg(10)).data) for _ in range(12)]
        await client.close()
        return books

    books = asyncio.run(listen())
    assert {book["symbol"] for book in books} == set(SYMBOLS)
    for book in books:
        truth = stack.sim(
            f"/sim/truth/book?symbol={book['raw_symbol']}"
            f"&update_id={book['last_update_id']}&depth=400"
        )
        assert (len(book["bids"]), len(book["asks"])) == (400, 400)
        assert (book["bids"], book["asks"]) == (truth["bids"], truth["asks"])


def test_celery_answers_in_a_shell(stack: RunningStack):
    ping = stack.celery("inspect", "ping")
    assert ping.returncode == 0, ping.stderr
    for name in ("collector.binance_spot@", "writer@", "worker@"):
        assert name in ping.stdout
    assert "SYNCED" in stack.celery("inspect", "books").stdout


def test_a_snapshot_task_called_from_a_shell_becomes_a_row(stack: RunningStack):
    before = stack.rows("SELECT count() FROM orderbook_snapshots WHERE source = 'poll'")[0][0]
    arguments = json.dumps({"exchange": "binance_spot", "symbol": "ETH-USDT"})
    call = stack.celery("call", "polling.orderbook_snapshot", "--kwargs", arguments)
    assert call.returncode == 0, call.stderr
    wait_until(
        lambda: (
            stack.rows("SELECT count() FROM orderbook_snapshots WHERE source = 'poll'")[0][0]
            > before
        ),
        20,
        "the polled snapshot stored",
    )


def test_flower_lists_the_three_workers(stack: RunningStack):
    address = f"http://{stack.settings.flower.address}:{stack.settings.flower.port}"

    def workers() -> set[str]:
        page = requests.get(f"{address}/workers?json=1", timeout=10).json()
        return {row["hostname"].partition("@")[0] for row in page["data"]}

    wait_until(
        lambda: workers() >= {"collector.binance_spot", "writer", "worker"}, 30, "three workers"
    )


def test_a_gap_in_one_book_is_stored_and_the_others_go_on(stack: RunningStack):
    stack.sim("/sim/faults", {"kind": "gap", "symbol": "SOL-USDT"}, post=True)
    rows = wait_until(
        lambda: stack.rows("SELECT symbol, data_type, cause, first_id, last_id FROM gaps"),
        20,
        "the gap stored",
    )
    # One row for what the exchange left out, one for what the healing snapshot contains.
    assert {row[:3] for row in rows} == {("SOL-USDT", "orderbook-delta", "sequence")}
    wait_until(stack.synced, 20, "all books SYNCED", every_s=0.3)


def test_a_killed_writer_is_healed_and_nothing_is_lost_or_doubled(stack: RunningStack):
    old = stack.pid_of("writer")
    stack.kill("writer")
    wait_until(lambda: stack.pid_of("writer") not in (0, old), 20, "a new writer")
    wait_new_rows(stack, 20, "books SYNCED after the writer's death")
    assert_stored_once_each(stack)


@pytest.mark.parametrize("server", ["nats", "clickhouse", "redis"])
def test_a_killed_server_is_healed_and_no_trade_is_lost_or_doubled(
    stack: RunningStack, server: str
):
    old = stack.pid_of(server)
    stack.kill(server)
    wait_until(lambda: stack.pid_of(server) not in (0, old), 20, f"a new {server}")
    wait_new_rows(stack, 40, f"books SYNCED after the death of {server}")
    assert_stored_once_each(stack)


def test_a_killed_collector_is_healed_within_20_seconds(stack: RunningStack):
    old = stack.pid_of("collector.binance_spot")
    stack.kill("collector.binance_spot")
    wait_until(
        lambda: stack.pid_of("collector.binance_spot") not in (0, old), 20, "a new collector"
    )
    wait_new_rows(stack, 20, "books SYNCED after the collector's death")


def test_ctrl_c_stops_everything_and_leaves_nothing(stack: RunningStack):
    family = psutil.Process(stack.pid_of("writer")).parent()
    assert family is not None
    processes = [family, *family.children(recursive=True)]
    assert stack.end(signal.SIGINT) == 0
    assert "stopped after" in stack.output.read_text()
    assert [each for each in processes if each.is_running()] == []
    run = stack.settings.data_path / "run"
    assert not list(run.glob("*.sock"))
    assert not (run / "stack.json").exists()


def test_a_second_start_on_the_same_data_ends_by_itself_with_a_verdict(stack: RunningStack):
    before_files = stack.settings.data_path
    assert before_files.is_dir()
    stack.begin("--seconds", "12")
    assert stack.wait(120) == 0, stack.output.read_text()
    assert "every book is SYNCED" in stack.output.read_text()
