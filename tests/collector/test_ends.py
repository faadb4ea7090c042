"""What ends the collector, and what it says of events it had to give up."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.collector.conftest import Running
from tests.waiting import wait_until
from workers.collector.books.books import LiveBooks
from workers.collector.books.snapshots import SnapshotFetcher
from workers.exchanges.binance.spot.mapper import SpotMapper
from workers.local.servers import NatsServer
from workers.model.names import UnknownName
from workers.runtime.host import CRASH_EXIT_CODE

Run = Callable[..., Running]
BTC = "BTC-USDT"


def bug(*_: object, **__: object) -> Any:
    raise ZeroDivisionError("a bug")


@pytest.mark.parametrize(
    ("owner", "name"),
    [(SpotMapper, "map"), (LiveBooks, "delta"), (SnapshotFetcher, "_serve")],
)
def test_a_bug_in_any_thread_ends_the_process(
    run_collector: Run, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
):
    running = run_collector()
    running.wait_synced()
    monkeypatch.setattr(owner, name, bug)
    running.exchange.fault("gap", symbol=BTC)  # the fetcher needs something to do
    wait_until(lambda: running.host.state == "crashed", 15, "the end")
    assert running.host.exit_code == CRASH_EXIT_CODE
    assert isinstance(running.host.error, ZeroDivisionError)


def test_what_does_not_fit_while_nats_is_away_is_named_by_symbol_and_type(
    run_collector: Run, own_nats: NatsServer
):
    running = run_collector("--rate", "6000", NATS__QUEUE_MAX_MB="1", NATS__SPOOL_MAX_MB="0")
    running.wait_synced()
    wait_until(lambda: running.subscriber.of("trade-data."), 20, "trades")
    own_nats.kill()
    dropped = running.service.counters
    wait_until(
        lambda: dropped.get("events_dropped_total", "trade", "queue_full") > 500, 60, "trades shed"
    )
    own_nats.start()
    wait_until(lambda: running.service.status()["publisher"]["queued"] == 0, 30, "the backlog sent")
    running.exchange.post("/sim/pause")

    def lost() -> dict[str, int]:
        found: dict[str, int] = {}
        for gap in running.subscriber.of("gap-data."):
            if gap["cause"] == "overflow":
                found[gap["data_type"]] = found.get(gap["data_type"], 0) + gap["lost"]
        return found

    counted = {
        name: dropped.get("events_dropped_total", name, "queue_full")
        for name in ("trade", "orderbook", "orderbook-delta", "ticker")
    }
    wait_until(lambda: lost() == {k: v for k, v in counted.items() if v}, 20, "all losses named")
    symbols = {gap["symbol"] for gap in running.subscriber.of("gap-data.")}
    assert symbols == {"BTC-USDT", "ETH-USDT", "SOL-USDT"}
    assert running.synced()
    running.exchange.post("/sim/resume")
    running.assert_book_is_true(BTC)


def test_a_collector_without_books_says_so(run_collector: Run):
    running = run_collector(EXCHANGES__BINANCE_SPOT__CHANNELS="trade,ticker")
    wait_until(lambda: len(running.subscriber.of("trade-data.")) > 20, 20, "trades")
    assert running.books() == {}
    for call in ("resync_book", "read_book"):
        with pytest.raises(UnknownName, match="keeps no book of BTC-USDT: orderbook is not among"):
            running.call(lambda service, name=call: getattr(service, name)(BTC))
    assert running.call(lambda service: service.clean_idle_books()) == {"dropped": [], "kept": 0}
    assert not running.subscriber.of("orderbook")


def test_no_listed_symbol_leaves_a_service_that_answers(run_collector: Run):
    running = run_collector(EXCHANGES__BINANCE_SPOT__SYMBOLS="NOPE-USDT,NONE-USDT")
    wait_until(lambda: running.service.status()["phase"] == "running", 20, "running")
    status = running.service.status()
    assert status["unlisted"] == ["NOPE-USDT", "NONE-USDT"]
    assert "exchanges.binance_spot.symbols" in status["last_error"]
    assert running.call(lambda service: service.check_memory())["level"] == "ok"


def test_a_shallow_book_publishes_what_it_has(run_collector: Run):
    running = run_collector(
        EXCHANGES__BINANCE_SPOT__DEPTH="100", EXCHANGES__BINANCE_SPOT__PUBLISH_DEPTH="100"
    )
    running.wait_synced()
    subject = f"orderbook-data.binance_spot.{BTC}"
    wait_until(lambda: len(running.subscriber.of(subject)) > 10, 20, "snapshots")
    for book in running.subscriber.of(subject):
        truth = running.exchange.book("BTCUSDT", book["last_update_id"], 100)
        assert 50 < len(book["bids"]) <= 100
        assert book["bids"] == truth["bids"][: len(book["bids"])]
        assert book["asks"] == truth["asks"][: len(book["asks"])]


def test_frames_and_bytes_are_counted(run_collector: Run):
    running = run_collector()
    running.wait_synced()
    counters = running.service.counters
    wait_until(lambda: counters.get("frames_received_total", "binance_spot") > 200, 20, "frames")
    assert counters.get("bytes_received_total", "binance_spot") > 200 * 50
