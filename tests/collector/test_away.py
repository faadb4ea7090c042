"""One half of the exchange away or silent, at the start or later, and ending in such a state."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.collector.conftest import Running
from tests.simulated import SimulatedExchange
from tests.waiting import wait_until

Run = Callable[..., Running]
BTC = "BTC-USDT"


def connection_state(running: Running) -> str:
    return str(running.service.status()["connections"][0]["state"])


def count(running: Running, metric: str, label: str) -> int:
    return running.service.counters.get(metric, "binance_spot", label)  # type: ignore[arg-type]


@contextmanager
def frozen(exchange: SimulatedExchange) -> Iterator[None]:
    """The exchange's host accepts connections and says nothing."""
    os.kill(exchange.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(exchange.pid, signal.SIGCONT)


def test_no_book_is_synced_without_its_stream_even_if_asked_to(run_collector: Run):
    running = run_collector()
    running.wait_synced()
    fetched = running.service.status()["snapshots"]["fetched"]
    running.exchange.fault("refuse")  # REST answers, a second WebSocket does not
    running.exchange.fault("1006")
    wait_until(lambda: connection_state(running) == "waiting", 20, "the stream lost")
    answer = running.call(lambda service: service.resync_book(BTC))
    assert (answer["state_before"], answer["state"]) == ("SYNCING", "SYNCING")
    wait_until(lambda: running.service.status()["connections"][0]["attempts"] > 3, 20, "attempts")
    assert running.service.status()["snapshots"]["fetched"] == fetched
    assert running.books()[BTC]["state"] == "SYNCING"


def test_a_quiet_connection_is_asked_and_kept(run_collector: Run):
    running = run_collector(
        STABILITY__HEARTBEAT__BINANCE_SPOT__INTERVAL="500ms",
        STABILITY__HEARTBEAT__TIMEOUT="2s",
        EXCHANGES__BINANCE_SPOT__CHANNELS="trade,orderbook",
    )
    running.wait_synced()
    running.exchange.fault("mute_pings")
    running.exchange.post("/sim/pause")
    age_s = wait_until(lambda: running.books()[BTC]["age_s"], 20, "an update")
    wait_until(lambda: running.books()[BTC]["age_s"] > age_s + 5, 20, "5 s of silence")
    assert running.service.counters.total("reconnects_total") == 0
    assert connection_state(running) == "connected"


def test_a_frozen_exchange_is_noticed_and_found_again(run_collector: Run):
    running = run_collector(
        STABILITY__HEARTBEAT__BINANCE_SPOT__INTERVAL="500ms",
        STABILITY__HEARTBEAT__TIMEOUT="2s",
        STABILITY__RECONNECT__CONNECT_TIMEOUT="1s",
    )
    running.wait_synced()
    with frozen(running.exchange):
        wait_until(lambda: count(running, "reconnects_total", "silent"), 20, "the silence noticed")
        assert not any(running.synced(each) for each in running.books())
    running.wait_synced(30)
    running.assert_book_is_true(BTC)


def test_books_wait_for_rest_while_trades_flow(run_collector: Run):
    running = run_collector(
        before=lambda exchange: exchange.fault("http", path="/api/v3/depth", status=503)
    )
    wait_until(lambda: len(running.subscriber.of("trade-data.")) > 50, 20, "trades")
    wait_until(lambda: running.service.counters.total("rest_errors_total") > 4, 20, "refusals")
    assert not running.subscriber.of("orderbook-data.")
    running.exchange.clear_faults()
    running.wait_synced(30)
    running.assert_book_is_true(BTC)


def test_an_exchange_away_at_the_start_is_waited_for(run_collector: Run):
    running = run_collector(
        before=lambda exchange: exchange.fault("http", path="/api/v3/exchangeInfo", status=503)
    )
    wait_until(lambda: running.service.status()["last_error"], 20, "the failure reported")
    assert running.service.status()["phase"] == "starting"
    running.exchange.clear_faults()
    running.wait_synced(30)
    assert running.service.status()["last_error"] is None


def test_a_ban_is_sat_out_without_another_request(run_collector: Run):
    running = run_collector()
    running.wait_synced()
    running.exchange.fault("418", path="/api/v3/depth", retry_after_s=4, count=1)
    begun = time.monotonic()
    running.call(lambda service: service.resync_book(BTC))
    wait_until(lambda: count(running, "rest_errors_total", "418"), 20, "the ban")
    wait_until(lambda: not running.synced(BTC), 20, "BTC waiting")
    wait_until(lambda: running.synced(BTC), 30, "BTC again")
    assert time.monotonic() - begun > 4
    assert count(running, "rest_errors_total", "418") == 1


def while_instruments_hang(running: Running) -> None:
    wait_until(lambda: running.host.state == "running", 10, "the service running")


def while_connecting(running: Running) -> None:
    running.wait_synced()
    running.exchange.fault("1006")
    # Frozen at once, the exchange might not have cut the connection yet.
    wait_until(lambda: connection_state(running) == "waiting", 10, "waiting", every_s=0.01)
    os.kill(running.exchange.pid, signal.SIGSTOP)
    wait_until(lambda: connection_state(running) == "connecting", 10, "connecting")


def while_waiting(running: Running) -> None:
    running.wait_synced()
    running.exchange.end()
    wait_until(lambda: connection_state(running) == "waiting", 20, "waiting to connect")


def while_a_snapshot_hangs(running: Running) -> None:
    running.wait_synced()
    running.exchange.fault("slow", path="/api/v3/depth", delay_ms=60_000)
    running.call(lambda service: service.resync_book(BTC))
    wait_until(
        lambda: count(running, "snapshots_requested_total", "command"), 10, "the call under way"
    )


def while_waiting_for_the_budget(running: Running) -> None:
    running.wait_synced()
    running.exchange.fault("429", path="/api/v3/depth", retry_after_s=60)
    running.call(lambda service: service.resync_book(BTC))
    wait_until(lambda: count(running, "rest_errors_total", "429"), 10, "the refusal")
    running.call(lambda service: service.resync_book("ETH-USDT"))


@pytest.mark.parametrize(
    "reach",
    [
        while_instruments_hang,
        while_connecting,
        while_waiting,
        while_a_snapshot_hangs,
        while_waiting_for_the_budget,
    ],
)
def test_a_drain_in_trouble_takes_less_than_10_seconds(
    run_collector: Run, reach: Callable[[Running], None]
):
    hang = reach is while_instruments_hang

    def before(exchange: SimulatedExchange) -> None:
        if hang:
            exchange.fault("slow", path="/api/v3/exchangeInfo", delay_ms=60_000)

    delay = {while_waiting: "20s", while_connecting: "2s"}.get(reach, "200ms")
    running = run_collector(before=before, STABILITY__RECONNECT__FIRST_DELAY=delay)
    reach(running)
    begun = time.monotonic()
    running.host.stop(15)
    took_s = time.monotonic() - begun
    if reach is while_connecting:
        os.kill(running.exchange.pid, signal.SIGCONT)
    assert running.host.state == "stopped"
    assert took_s < 6, took_s
