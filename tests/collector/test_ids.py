"""Ids that come twice, late, or from an exchange that counts anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.collector.conftest import Running
from tests.simulated import SimulatedExchange
from tests.waiting import wait_until

Run = Callable[..., Running]
BTC = "BTC-USDT"
TRADES = f"trade-data.binance_spot.{BTC}"
DELTAS = f"orderbook-delta-data.binance_spot.{BTC}"
GAPS = f"gap-data.binance_spot.{BTC}"


def trade_ids(running: Running) -> list[int]:
    return [trade["trade_id"] for trade in running.subscriber.of(TRADES)]


def gaps_of(running: Running, data_type: str) -> list[dict[str, Any]]:
    return [gap for gap in running.subscriber.of(GAPS) if gap["data_type"] == data_type]


def untold(running: Running) -> list[tuple[int, int]]:
    """Update ids between the first and the last published delta that no message speaks of."""
    deltas = running.subscriber.of(DELTAS)
    told = [(each["first_update_id"], each["last_update_id"]) for each in deltas]
    told += [
        (gap["first_id"], gap["last_id"])
        for gap in gaps_of(running, "orderbook-delta")
        if gap["first_id"] is not None and gap["first_id"] <= told[-1][1]
    ]
    told.sort()
    reached, holes = told[0][1], []
    for first, last in told:
        if first > reached + 1:
            holes.append((reached + 1, first - 1))
        reached = max(reached, last)
    return holes


def count(running: Running, metric: str, channel: str = "trade") -> int:
    return running.service.counters.get(metric, "binance_spot", channel)  # type: ignore[arg-type]


def test_trades_that_come_twice_are_counted_and_published_once(run_collector: Run):
    running = run_collector()
    running.wait_synced()
    wait_until(lambda: trade_ids(running), 20, "a trade")
    running.exchange.fault("duplicate", symbol=BTC, count=40)
    wait_until(lambda: count(running, "trades_repeated_total") > 5, 20, "repeated trades")
    running.exchange.post("/sim/pause")
    wait_until(lambda: len(trade_ids(running)) > 10, 20, "the trades behind them")
    got = trade_ids(running)
    assert got == list(range(got[0], got[0] + len(got)))
    assert running.synced()
    assert not running.subscriber.of("gap-data.")


def test_a_trade_that_comes_late_is_not_claimed_to_be_missing(run_collector: Run):
    running = run_collector()
    running.wait_synced()
    wait_until(lambda: trade_ids(running), 20, "a trade")
    running.exchange.fault("reorder", symbol=BTC, stream="@trade", count=1)
    wait_until(lambda: count(running, "trades_late_total") == 1, 20, "a late trade")
    late_at = len(trade_ids(running))
    running.exchange.fault("drop", symbol=BTC, stream="@trade", count=1)
    gaps = wait_until(lambda: running.subscriber.of(GAPS), 20, "the gap of a trade really lost")
    wait_until(lambda: len(trade_ids(running)) > late_at + 10, 20, "more trades")
    got = set(trade_ids(running))
    missing = set(range(min(got), max(got) + 1)) - got
    assert [(gap["first_id"], gap["last_id"]) for gap in gaps] == [(*missing, *missing)]


def test_an_exchange_that_counts_anew_is_followed_and_the_break_is_named(
    run_collector: Run, tmp_path: Path
):
    running = run_collector("--seed", "6")
    running.wait_synced()
    wait_until(lambda: len(trade_ids(running)) > 20, 20, "trades")
    before = trade_ids(running)[-1]
    running.exchange.end()
    port = running.exchange.rest_url.rpartition(":")[2]
    running.exchange = SimulatedExchange(
        tmp_path / "again.log", "--rate", "300", "--seed", "7", "--port", port
    )
    try:
        now = running.exchange.get("/sim/truth/summary")["BTCUSDT"]["last_trade_id"]
        assert now < before, "the seeds no longer make ids go back"
        for data_type in ("trade", "orderbook-delta"):
            gap = wait_until(lambda kind=data_type: gaps_of(running, kind), 30, data_type)[0]
            assert (gap["first_id"], gap["last_id"]) == (None, None)
        running.wait_synced(30)
        running.assert_book_is_true(BTC)
        running.exchange.fault("drop", symbol=BTC, stream="@trade", count=1)
        wait_until(lambda: gaps_of(running, "trade")[1:], 20, "a hole after it seen")
    finally:
        running.exchange.end()


def disturb_by_gap(running: Running) -> None:
    running.exchange.fault("gap", symbol=BTC)


def disturb_by_crossing(running: Running) -> None:
    running.exchange.fault("crossed", symbol=BTC)


def disturb_by_command(running: Running) -> None:
    running.call(lambda service: service.resync_book(BTC))


def disturb_by_disconnect(running: Running) -> None:
    running.exchange.fault("1006")


@pytest.mark.parametrize(
    "disturb", [disturb_by_gap, disturb_by_crossing, disturb_by_command, disturb_by_disconnect]
)
def test_every_update_is_published_or_said_to_be_missing(
    run_collector: Run, disturb: Callable[[Running], None]
):
    running = run_collector(before=slow_snapshots)
    running.wait_synced()
    wait_until(lambda: len(running.subscriber.of(DELTAS)) > 5, 20, "deltas")
    disturb(running)
    wait_until(lambda: not running.synced(BTC), 20, "the book lost")
    running.wait_synced()
    known = len(running.subscriber.of(DELTAS))
    wait_until(lambda: len(running.subscriber.of(DELTAS)) > known + 5, 20, "deltas again")
    assert untold(running) == []
    assert running.subscriber.of(GAPS)


def slow_snapshots(exchange: SimulatedExchange) -> None:
    """So that updates pile up before each snapshot and are contained in it."""
    exchange.fault("slow", path="/api/v3/depth", delay_ms=700)
