"""Sessions that follow each other: no hole, no repeat, and the books go on."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.collector.conftest import Running
from tests.collector.dialects import ALL, DERIBIT, OKX_SPOT, SPOT, Dialect
from tests.collector.test_dialects import assert_trades_are_true
from tests.waiting import wait_until
from workers.collector.connection import replacing
from workers.exchanges.registry import EXCHANGES

Run = Callable[..., Running]


def handovers(running: Running) -> int:
    return sum(each["handovers"] for each in running.service.status()["connections"])


def connections(running: Running) -> list[int]:
    """Numbers the exchange gave the connections open now."""
    return [each["number"] for each in running.exchange.get("/sim/state")["connections"]]


def replacing_now(running: Running) -> bool:
    states = [each["state"] for each in running.service.status()["connections"]]
    return "replacing" in states and len(connections(running)) > len(states)


def wait_more_trades(running: Running) -> None:
    symbol = running.dialect.symbols[0]
    behind = len(running.of("trade", symbol))
    wait_until(lambda: len(running.of("trade", symbol)) > behind + 50, 20, "more trades")


def assert_nothing_is_missing_or_twice(running: Running) -> None:
    for symbol in running.dialect.symbols:
        assert_trades_are_true(running, symbol)
        for before, after in itertools.pairwise(running.of("orderbook-delta", symbol)):
            chained = after["prev_update_id"]
            first = after["first_update_id"] if chained is None else chained + 1
            assert first <= before["last_update_id"] + 1
            assert after["last_update_id"] > before["last_update_id"]
        days = [each for each in running.of("ticker", symbol) if each["last_price"] is not None]
        stamps = [each["exchange_ns"] for each in days]
        assert len(stamps) == len(set(stamps))
        running.assert_book_is_true(symbol)
    assert not running.subscriber.of("gap-data.")
    assert running.service.counters.total("reconnects_total") == 0


@pytest.mark.parametrize("dialect", ALL, ids=lambda each: each.exchange)
def test_an_old_session_is_followed_by_another_before_it_is_cut(
    run_collector: Run, monkeypatch: pytest.MonkeyPatch, dialect: Dialect
):
    exchange = EXCHANGES[dialect.exchange]
    monkeypatch.setattr(exchange, "limits", replace(exchange.limits, max_age_s=5.0), raising=True)
    running = run_collector("--rate", "1500", dialect=dialect)
    running.wait_synced(30)
    snapshots = running.service.counters.total("snapshots_requested_total")
    opened = len(running.service.status()["connections"])
    wait_until(lambda: handovers(running) == opened, 30, "every session followed")
    wait_more_trades(running)
    assert_nothing_is_missing_or_twice(running)
    assert running.count("handovers_total", "age") == opened
    assert running.service.counters.total("snapshots_requested_total") == snapshots


@pytest.mark.parametrize("dialect", [SPOT, OKX_SPOT, DERIBIT], ids=lambda each: each.exchange)
def test_a_notice_is_answered_before_the_end(run_collector: Run, dialect: Dialect):
    running = run_collector(dialect=dialect)
    running.wait_synced(30)
    opened = len(running.service.status()["connections"])
    running.exchange.fault("server_shutdown", lead_ms=8000)
    wait_until(lambda: handovers(running) == opened, 20, "every session followed")
    wait_more_trades(running)
    assert_nothing_is_missing_or_twice(running)
    assert running.count("handovers_total", "shutdown") == opened


@pytest.mark.parametrize("dialect", [SPOT, OKX_SPOT], ids=lambda each: each.exchange)
def test_an_old_session_that_is_behind_the_new_one_is_followed_all_the_same(
    run_collector: Run, dialect: Dialect
):
    running = run_collector("--rate", "1500", dialect=dialect)
    running.wait_synced(30)
    opened = len(running.service.status()["connections"])
    wait_until(lambda: all(running.of("trade", each) for each in dialect.symbols), 30, "trades")
    running.exchange.fault("slow", delay_ms=700)  # of the connections open now
    wait_more_trades(running)
    running.exchange.fault("server_shutdown", lead_ms=60_000)
    wait_until(lambda: handovers(running) == opened, 30, "every session followed")
    wait_more_trades(running)
    assert_nothing_is_missing_or_twice(running)


def test_an_old_session_that_ends_too_soon_leaves_no_hole(
    run_collector: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replacing, "OVERLAP_S", 60.0)
    running = run_collector()
    running.wait_synced()
    (old,) = connections(running)
    running.exchange.fault("server_shutdown", lead_ms=60_000)
    wait_until(lambda: replacing_now(running), 20, "two sessions")
    wait_more_trades(running)
    running.exchange.fault("1006", connection=old)
    wait_until(lambda: handovers(running) == 1, 20, "the successor at work")
    wait_more_trades(running)
    assert_nothing_is_missing_or_twice(running)


@pytest.mark.parametrize("fault", ["1006", "stall"])
def test_a_successor_that_ends_or_is_mute_is_given_up_and_the_old_session_goes_on(
    run_collector: Run, monkeypatch: pytest.MonkeyPatch, fault: str
):
    monkeypatch.setattr(replacing, "OVERLAP_S", 5.0)
    monkeypatch.setattr("workers.collector.connection.handover.PATIENCE_S", 4.0)
    monkeypatch.setattr(replacing, "VAIN_S", (0.2, 0.2))
    running = run_collector()
    running.wait_synced()
    running.exchange.fault(fault, connection=2, **({"duration_s": 60} if fault == "stall" else {}))
    running.exchange.fault("server_shutdown", lead_ms=60_000)
    if fault == "1006":
        wait_until(lambda: replacing_now(running), 20, "two sessions")
        running.exchange.fault(fault, connection=2)
    wait_until(lambda: running.count("handovers_failed_total"), 20, "the successor given up")
    monkeypatch.setattr(replacing, "OVERLAP_S", 1.0)
    monkeypatch.setattr("workers.collector.connection.handover.PATIENCE_S", 30.0)
    wait_until(lambda: handovers(running) == 1, 30, "the next one at work")
    wait_more_trades(running)
    assert_nothing_is_missing_or_twice(running)
