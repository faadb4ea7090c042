"""The collector against a simulated exchange that knows the truth, publishing to a real NATS."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import nats
import pytest

from tests.collector.conftest import Running
from tests.waiting import wait_until
from workers.collector.connection.contents import QUIET_BOOK_S
from workers.local.servers import NatsServer
from workers.model.names import UnknownName

Run = Callable[..., Running]
BTC, ETH, SOL = "BTC-USDT", "ETH-USDT", "SOL-USDT"


def ids(trades: list[dict[str, Any]]) -> list[int]:
    return [trade["trade_id"] for trade in trades]


def test_snapshots_come_at_most_once_an_interval(run_collector: Run):
    running = run_collector(EXCHANGES__BINANCE_SPOT__PUBLISH_INTERVAL="1s")
    running.wait_synced()
    subject = f"orderbook-data.binance_spot.{BTC}"
    wait_until(lambda: len(running.subscriber.of(subject)) >= 4, 20, "4 snapshots")
    times = [book["received_ns"] for book in running.subscriber.of(subject)]
    assert min(b - a for a, b in itertools.pairwise(times)) > 0.85e9


def test_an_unusable_trade_is_counted_kept_and_named_as_a_hole(run_collector: Run):
    running = run_collector()
    running.wait_synced()
    wait_until(lambda: running.subscriber.of(f"trade-data.binance_spot.{BTC}"), 20, "a trade")
    gaps = f"gap-data.binance_spot.{BTC}"
    for number, kind in enumerate(
        ("broken_json", "unknown_event", "missing_field", "absurd_number"), 1
    ):
        running.exchange.fault(kind, symbol=BTC, stream="@trade", count=1)
        letters = wait_until(
            lambda k=kind: running.subscriber.of(f"dead-letter.binance_spot.{k}"), 20, kind
        )
        assert letters[0]["frame"]
        assert running.count("wire_errors_total", kind) == 1
        wait_until(lambda n=number: len(running.subscriber.of(gaps)) == n, 20, "the hole")
    for gap in running.subscriber.of(gaps):
        assert gap["first_id"] == gap["last_id"]
        assert gap["first_id"] not in ids(running.subscriber.of(f"trade-data.binance_spot.{BTC}"))
    assert running.synced()


def test_an_extra_field_is_tolerated_and_counted(run_collector: Run):
    running = run_collector()
    running.wait_synced()
    running.exchange.fault("extra_field", symbol=BTC, stream="@trade", count=2)
    wait_until(
        lambda: running.service.counters.total("extra_fields_total") == 2, 20, "extra fields"
    )
    assert not running.subscriber.of("dead-letter.")
    assert not running.subscriber.of("gap-data.")


def test_a_muted_symbol_is_noticed_within_15_seconds_and_its_neighbours_are_not_touched(
    run_collector: Run,
):
    running = run_collector()
    running.wait_synced()
    wait_until(lambda: len(running.of("orderbook-delta", SOL)) > 30, 30, "a pace")
    running.exchange.fault("stall", symbol=SOL, duration_s=13)
    wait_until(lambda: running.books()[SOL]["state"] == "STALE", 15, "SOL STALE")
    assert running.service.counters.total("resubscribes_total") >= 1
    assert running.synced(BTC, ETH)
    running.wait_synced(30)
    running.assert_book_is_true(SOL)


def test_a_symbol_that_is_not_listed_is_left_out_and_the_others_run(run_collector: Run):
    running = run_collector(EXCHANGES__BINANCE_SPOT__SYMBOLS=f"{BTC},NOPE-USDT,{ETH}")
    wait_until(lambda: running.synced(BTC, ETH), 20, "the listed ones")
    assert running.service.status()["unlisted"] == ["NOPE-USDT"]


@pytest.mark.parametrize("fault", ["stale_snapshot", "adjacent_snapshot"])
def test_an_awkward_snapshot_ends_in_a_true_book(run_collector: Run, fault: str):
    running = run_collector(before=lambda exchange: exchange.fault(fault, count=3))
    running.wait_synced()
    for symbol in (BTC, ETH, SOL):
        running.assert_book_is_true(symbol)


def test_a_rate_limited_snapshot_waits_as_long_as_it_is_told(run_collector: Run):
    running = run_collector(
        before=lambda exchange: exchange.fault(
            "429", path="/api/v3/depth", count=1, retry_after_s=3
        )
    )
    running.wait_synced(30)
    state = running.exchange.get("/sim/state")
    assert running.service.counters.total("rest_errors_total") == 1, state


def test_nats_away_costs_no_trade_and_no_book(run_collector: Run, own_nats: NatsServer):
    running = run_collector()
    running.wait_synced()
    subject = f"trade-data.binance_spot.{BTC}"
    first = wait_until(lambda: running.subscriber.of(subject), 20, "a trade")[0]["trade_id"]
    resyncs = [book["resyncs"] for book in running.books().values()]
    own_nats.kill()
    wait_until(lambda: backlog(running) > 300, 20, "events waiting")
    own_nats.start()
    wait_until(lambda: backlog(running) == 0, 20, "the backlog sent")
    running.exchange.post("/sim/pause")
    last = running.exchange.get("/sim/truth/summary")["BTCUSDT"]["last_trade_id"]
    wait_until(
        lambda: running.service.status()["publisher"]["unacknowledged"] == 0, 20, "all stored"
    )
    assert running.service.counters.total("events_dropped_total") == 0
    assert [book["resyncs"] for book in running.books().values()] == resyncs
    assert stored_ids(own_nats, subject) >= set(range(first, last + 1))


def backlog(running: Running) -> int:
    """Events waiting for NATS, in memory and on disk."""
    publisher = running.service.status()["publisher"]
    return int(publisher["queued"] + publisher["spooled"])


def waiting(running: Running) -> int:
    """Events that NATS has not been given yet, in memory and on disk."""
    publisher = running.service.status()["publisher"]
    return int(publisher["queued"] + publisher["spooled"])


def wait_ticks(running: Running) -> None:
    """Until the connection looked after its books several times."""

    def age_s() -> float:
        return float(running.service.status()["connections"][0]["age_s"])

    until_s = max(age_s(), QUIET_BOOK_S) + 1.0
    wait_until(lambda: age_s() > until_s, 20, "a second of the connection's settled life")


def stored_ids(server: NatsServer, subject: str) -> set[int]:
    """Trade ids that JetStream holds for a subject."""

    async def read() -> set[int]:
        client = await nats.connect(server.url)
        jetstream = client.jetstream()
        subscription = await jetstream.subscribe(subject, ordered_consumer=True)
        held = (await jetstream.stream_info("TRADES", subjects_filter=subject)).state.subjects or {}
        messages = [await subscription.next_msg(5) for _ in range(held[subject])]
        await client.close()
        return {msgspec.json.decode(message.data)["trade_id"] for message in messages}

    return asyncio.run(read())


def test_commands_reach_the_books(run_collector: Run):
    running = run_collector()
    running.wait_synced()
    answer = running.call(lambda service: service.resync_book(BTC))
    assert (answer["state_before"], answer["state"]) == ("SYNCED", "SYNCING")
    running.wait_synced()
    running.assert_book_is_true(BTC)
    with pytest.raises(UnknownName, match="nearest: SOL-USDT, ETH-USDT, BTC-USDT"):
        running.call(lambda service: service.resync_book("NOPE-USDT"))
    assert running.call(lambda service: service.check_memory())["level"] == "ok"
    assert running.call(lambda service: service.clean_idle_books()) == {"dropped": [], "kept": 3}


def test_idle_books_are_forgotten_and_built_again_when_their_symbol_speaks(run_collector: Run):
    running = run_collector(STABILITY__MEMORY__INACTIVE_AFTER="1s")
    running.wait_synced()
    running.exchange.post("/sim/pause")
    dropped = wait_until(
        lambda: running.call(lambda service: service.clean_idle_books())["dropped"], 10, "idle"
    )
    wait_ticks(running)
    assert {running.books()[symbol]["bid_count"] for symbol in dropped} == {0}
    running.exchange.post("/sim/resume")
    running.wait_synced()
    for symbol in dropped:
        running.assert_book_is_true(symbol)


def test_more_books_than_allowed_are_cut_back_to_the_limit(run_collector: Run):
    running = run_collector(STABILITY__MEMORY__MAX_BOOK_STATES="2")
    running.wait_synced()
    running.exchange.post("/sim/pause")
    assert len(running.call(lambda service: service.clean_idle_books())["dropped"]) == 1
    wait_ticks(running)
    assert running.call(lambda service: service.clean_idle_books()) == {"dropped": [], "kept": 2}


def test_drain_hands_over_everything_that_was_received(run_collector: Run):
    running = run_collector("--rate", "2000")
    running.wait_synced()
    wait_until(lambda: len(running.subscriber.of("trade-data.")) > 1000, 20, "load")
    running.host.stop(10)
    assert running.host.state == "stopped"
    assert running.service.status()["publisher"]["unacknowledged"] == 0
    for symbol in (BTC, ETH, SOL):
        got = ids(running.subscriber.of(f"trade-data.binance_spot.{symbol}"))
        assert got == list(range(got[0], got[0] + len(got)))
