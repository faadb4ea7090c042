"""A new collector behind one that is gone: the time between is named in what it publishes."""

from collections.abc import Callable

import pytest

from tests.collector.conftest import Running
from tests.waiting import wait_until
from workers.local.servers import NatsServer

BTC = "BTC-USDT"


def gaps(running: Running, data_type: str) -> list[dict[str, object]]:
    found = running.subscriber.of(f"gap-data.binance_spot.{BTC}")
    return [gap for gap in found if (gap["data_type"], gap["cause"]) == (data_type, "restart")]


def test_what_was_missed_between_two_collectors_is_a_gap_with_both_ends(
    run_collector: Callable[..., Running],
):
    first = run_collector()
    first.wait_synced()
    subject = f"trade-data.binance_spot.{BTC}"
    wait_until(lambda: len(first.subscriber.of(subject)) > 50, 20, "trades")
    first.host.stop(10)
    behind = len(first.subscriber.of(subject))
    made = first.exchange.get("/sim/truth/summary")["BTCUSDT"]["trades"]
    wait_until(
        lambda: first.exchange.get("/sim/truth/summary")["BTCUSDT"]["trades"] > made + 100,
        20,
        "trades nobody collects",
    )
    second = Running(first.settings, first.exchange, first.subscriber)
    try:
        trade_gap = wait_until(lambda: gaps(second, "trade"), 20, "the trades' gap")[0]
        delta_gap = wait_until(lambda: gaps(second, "orderbook-delta"), 20, "the deltas' gap")[0]
        wait_until(lambda: len(second.subscriber.of(subject)) > behind, 20, "trades again")
        got = {trade["trade_id"] for trade in second.subscriber.of(subject)}
        missing = set(range(min(got), max(got) + 1)) - got
        assert missing == set(range(int(trade_gap["first_id"]), int(trade_gap["last_id"]) + 1))
        deltas = second.subscriber.of(f"orderbook-delta-data.binance_spot.{BTC}")
        ends = {delta["last_update_id"] for delta in deltas}
        begins = {delta["first_update_id"] for delta in deltas}
        assert int(delta_gap["first_id"]) - 1 in ends
        assert int(delta_gap["last_id"]) + 1 in begins
    finally:
        second.host.stop(10)


def test_a_collector_that_cannot_ask_what_was_before_collects_all_the_same(
    run_collector: Callable[..., Running], own_nats: NatsServer
):
    first = run_collector()
    first.host.stop(10)
    own_nats.kill()
    second = Running(first.settings, first.exchange, first.subscriber)
    try:
        second.wait_synced(30)
    finally:
        own_nats.start()
        second.host.stop(15)


@pytest.mark.parametrize("data_type", ["trade", "orderbook-delta"])
def test_a_first_start_names_no_gap(run_collector: Callable[..., Running], data_type: str):
    running = run_collector()
    running.wait_synced()
    wait_until(lambda: len(running.subscriber.of("trade-data.")) > 100, 20, "trades")
    assert not gaps(running, data_type)
