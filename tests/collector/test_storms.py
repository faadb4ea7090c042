"""Much at once: many symbols, many faults in a row, and the exchange's limits all the while."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.collector.conftest import Running
from tests.waiting import wait_until
from workers.collector.connection import watch

Run = Callable[..., Running]
BTC = "BTC-USDT"


def names(count: int) -> str:
    return ",".join(f"C{number}-USDT" for number in range(count))


def many(run: Run, count: int, *options: str, **env: str) -> Running:
    return run(
        "--symbols",
        names(count),
        "--levels",
        "600",
        *options,
        EXCHANGES__BINANCE_SPOT__SYMBOLS=names(count),
        EXCHANGES__BINANCE_SPOT__DEPTH="500",
        EXCHANGES__BINANCE_SPOT__PUBLISH_DEPTH="100",
        **env,
    )


def state(running: Running) -> dict[str, Any]:
    return dict(running.exchange.get("/sim/state"))


def all_confirmed(running: Running) -> bool:
    streams = running.service.status()["streams"]
    return all(each["confirmed"] for symbols in streams.values() for each in symbols.values())


def test_sixty_books_that_break_at_once_are_built_again_within_every_limit(run_collector: Run):
    running = many(run_collector, 60, EXCHANGES__BINANCE_SPOT__STREAMS_PER_CONNECTION="1000")
    running.wait_synced(60)
    running.exchange.fault("1006")
    counters = running.service.counters
    wait_until(lambda: counters.total("reconnects_total"), 20, "the connection lost")
    running.wait_synced(60)
    for index in range(60):
        running.exchange.fault("gap", symbol=f"C{index}-USDT")
    wait_until(
        lambda: all(book["gaps"] >= 2 for book in running.books().values()), 30, "gaps everywhere"
    )
    running.wait_synced(90)
    assert running.service.counters.total("rest_errors_total") == 0
    seen = state(running)
    assert seen["limited"] == {}
    assert seen["ended"] == {"fault 1006": 1}


def test_streams_silent_together_are_asked_for_together(
    run_collector: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watch, "SILENT_AFTER_S", 1.0)
    monkeypatch.setattr(watch, "SILENT_AFTER_INTERVALS", 2.0)
    running = many(run_collector, 20, "--rate", "2000")
    running.wait_synced(30)
    wait_until(lambda: len(running.subscriber.of("trade-data.")) > 2000, 30, "a pace")
    sent = state(running)["connections"][0]["messages_received"]
    running.exchange.fault("stall", duration_s=6)
    wait_until(
        lambda: running.service.counters.total("resubscribes_total") >= 80, 20, "all asked twice"
    )
    assert running.service.status()["connections"][0]["requests_waiting"] <= 2
    assert state(running)["connections"][-1]["messages_received"] - sent < 10
    running.wait_synced(30)


def test_a_connection_whose_streams_are_all_dead_is_replaced(
    run_collector: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watch, "SILENT_AFTER_S", 0.3)
    monkeypatch.setattr(watch, "SILENT_AFTER_INTERVALS", 2.0)
    running = run_collector()
    running.wait_synced(30)
    wait_until(lambda: all_confirmed(running), 20, "first data on every stream")
    running.exchange.fault("stall", connection=1)
    wait_until(
        lambda: running.service.counters.get("reconnects_total", "binance_spot", "stale"),
        40,
        "the dead connection replaced",
    )
    running.wait_synced(30)
    running.assert_book_is_true(BTC)


def test_notices_without_end_are_not_answered_by_connections_without_end(run_collector: Run):
    running = run_collector()
    running.wait_synced()
    for number in range(40):
        running.exchange.fault("server_shutdown", lead_ms=20_000, in_s=0.1 * number)
    wait_until(lambda: all(each["done"] for each in running.exchange.faults()), 20, "all notices")
    assert running.count("handovers_total", "shutdown") <= 2
    assert running.service.counters.total("reconnects_total") == 0
    running.wait_synced(30)


def test_an_exchange_that_cuts_every_second_is_lived_with(run_collector: Run):
    running = run_collector("--max-age-s", "1.5")
    wait_until(lambda: running.service.counters.total("reconnects_total") >= 3, 40, "three cuts")
    wait_until(running.synced, 20, "SYNCED in between", every_s=0.01)
    assert not running.subscriber.of("dead-letter.")


def test_every_message_in_one_read_has_an_identity(run_collector: Run):
    running = run_collector(
        "--rate", "6000", EXCHANGES__BINANCE_SPOT__CHANNELS="book-ticker,orderbook"
    )
    subject = f"ticker-data.binance_spot.{BTC}"
    wait_until(lambda: len(running.subscriber.of(subject)) > 1000, 30, "quotes")
    stamps = Counter(each["received_ns"] for each in running.subscriber.of(subject))
    assert max(stamps.values()) == 1
    assert running.service.status()["publisher"]["duplicates"] == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_many_faults_in_a_row_end_in_true_books(run_collector: Run, seed: int):
    running = run_collector(STABILITY__ERRORS__RESYNC_DELAY="200ms")
    running.wait_synced()
    kinds = (
        *("drop", "duplicate", "reorder", "gap", "crossed", "broken_json", "unknown_event"),
        *("missing_field", "extra_field", "absurd_number"),
    )
    for number, kind in enumerate(kinds):
        running.exchange.fault(kind, probability=0.05, seed=seed + number, duration_s=3)
    running.exchange.fault("429", path="/api/v3/depth", count=1, retry_after_s=1, in_s=1)
    running.exchange.fault("stale_snapshot", count=2)
    running.exchange.fault("1006", in_s=2)
    wait_until(lambda: all(each["done"] for each in running.exchange.faults()), 30, "all faults")
    running.wait_synced(60)
    for symbol in running.books():
        running.assert_book_is_true(symbol)
        got = [t["trade_id"] for t in running.subscriber.of(f"trade-data.binance_spot.{symbol}")]
        assert len(got) == len(set(got))
        gaps = [
            (gap["first_id"], gap["last_id"])
            for gap in running.subscriber.of(f"gap-data.binance_spot.{symbol}")
            if gap["data_type"] == "trade"
        ]
        claimed = {each for first, last in gaps for each in range(first, last + 1)}
        top = max(claimed, default=max(got))
        missing = set(range(min(got), max(max(got), top) + 1)) - set(got)
        assert claimed == {each for each in missing if each <= top}


def test_many_deep_books_start_shallow_within_the_budget_and_are_widened_later(run_collector: Run):
    running = run_collector(
        *("--symbols", names(60), "--levels", "1600"),
        EXCHANGES__BINANCE_SPOT__SYMBOLS=names(60),
        EXCHANGES__BINANCE_SPOT__DEPTH="1400",
    )
    wait_until(lambda: running.service.status()["snapshots"]["eta_s"] is not None, 30, "an ETA")
    running.wait_synced(60)
    counts = [book["bid_count"] for book in running.books().values()]
    assert sum(count <= 1100 for count in counts) > 40
    wait_until(
        lambda: max(book["verified_depth"] for book in running.books().values()) >= 1350,
        60,
        "a book widened",
    )
    assert running.service.counters.total("rest_errors_total") == 0
    assert state(running)["limited"] == {}
    assert running.service.counters.total("gaps_total") == 0
