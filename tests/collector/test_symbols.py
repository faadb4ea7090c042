"""Symbols that come and go while the collector runs: the others notice nothing."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from tests.collector.conftest import Running
from tests.collector.dialects import DERIBIT, OKX_SPOT, SPOT, USDM, Dialect
from tests.collector.test_dialects import assert_trades_are_true
from tests.waiting import wait_until
from workers.local.servers import RedisServer
from workers.model.names import UnknownName

Run = Callable[..., Running]
BTC, ETH, SOL = "BTC-USDT", "ETH-USDT", "SOL-USDT"
WITHOUT_SOL = f"{BTC},{ETH}"
KEPT = "marketprism:symbols:binance_spot"


@pytest.fixture(autouse=True)
def forget(redis_server: RedisServer) -> Iterator[None]:
    """What one test has Redis remember is not for the next."""
    yield
    with redis.Redis(port=redis_server.port) as client:
        client.delete(KEPT)


def symbols(running: Running) -> dict[str, Any]:
    return dict(running.service.status()["symbols"])


def subscribed(running: Running) -> list[str]:
    """Names of all subscriptions as the exchange has them."""
    found = running.exchange.get("/sim/state")["connections"]
    return sorted(name for each in found for name in each["streams"])


def wait_more(running: Running, *names: str) -> None:
    """Fifty more trades of each."""
    behind = {name: len(running.of("trade", name)) for name in names}
    wait_until(
        lambda: all(len(running.of("trade", name)) > count + 50 for name, count in behind.items()),
        30,
        f"more trades of {', '.join(names)}",
    )


def assert_unbroken(running: Running, *names: str) -> None:
    for name in names:
        assert_trades_are_true(running, name)
        deltas = running.of("orderbook-delta", name)
        for before, after in itertools.pairwise(deltas):
            chained = after["prev_update_id"]
            first = after["first_update_id"] if chained is None else chained + 1
            assert first <= before["last_update_id"] + 1
            assert after["last_update_id"] > before["last_update_id"]
        assert not running.subscriber.of(f"gap-data.{running.name}.{name}")
    assert running.service.counters.total("reconnects_total") == 0
    assert running.service.counters.total("dead_letters_total") == 0


@pytest.mark.parametrize("dialect", [SPOT, USDM, OKX_SPOT, DERIBIT], ids=lambda each: each.exchange)
def test_a_symbol_comes_and_goes_and_its_neighbours_lose_nothing(
    run_collector: Run, redis_server: RedisServer, dialect: Dialect
):
    *stay, one = dialect.symbols
    section = f"EXCHANGES__{dialect.exchange.upper()}__SYMBOLS"
    running = run_collector(dialect=dialect, **{section: ",".join(stay)})
    running.wait_synced()
    opened = len(running.service.status()["connections"])
    before = subscribed(running)
    begun = running.call(lambda service: service.subscribe([one]))
    assert f"trade {one}" in begun["begun"]
    assert (begun["ended"], begun["remembered"]) == ([], True)
    wait_until(lambda: running.synced(one), 20, "the new book")
    running.assert_book_is_true(one)
    wait_more(running, one, *stay)
    assert symbols(running)[one]["origin"] == "added"
    assert len(running.service.status()["connections"]) == opened

    ended = running.call(lambda service: service.unsubscribe([one]))
    assert sorted(ended["ended"]) == begun["begun"]
    quiet = len(running.of("trade", one))
    wait_more(running, *stay)
    last = len(running.of("trade", one))
    assert last - quiet < 20  # what was under way
    wait_more(running, *stay)
    assert len(running.of("trade", one)) == last
    assert one not in running.books()
    assert one not in symbols(running)
    assert subscribed(running) == before
    assert_unbroken(running, *stay)


def test_a_symbol_of_the_settings_can_be_removed_and_added_again(run_collector: Run):
    running = run_collector()
    running.wait_synced()
    running.call(lambda service: service.unsubscribe([SOL], ["trade"]))
    assert symbols(running)[SOL] == {"origin": "settings", "channels": ["orderbook", "ticker"]}
    assert running.synced(SOL)
    running.call(lambda service: service.unsubscribe([SOL]))
    assert symbols(running)[SOL] == {"origin": "removed", "channels": []}
    assert SOL not in running.books()
    running.call(lambda service: service.subscribe([SOL]))
    running.wait_synced()
    wait_more(running, SOL)
    assert symbols(running)[SOL]["origin"] == "settings"
    wait_until(
        lambda: any(
            gap["cause"] == "restart" and gap["data_type"] == "trade"
            for gap in running.subscriber.of(f"gap-data.binance_spot.{SOL}")
        ),
        10,
        "what was not collected meanwhile named",
    )
    assert_unbroken(running, BTC, ETH)


def test_where_no_connection_has_room_another_is_opened_and_closed_again(run_collector: Run):
    running = run_collector(
        EXCHANGES__BINANCE_SPOT__SYMBOLS=WITHOUT_SOL,
        EXCHANGES__BINANCE_SPOT__STREAMS_PER_CONNECTION="6",
    )
    running.wait_synced()
    added = running.call(lambda service: service.subscribe([SOL]))
    assert added["connections"] == 2
    wait_until(lambda: running.synced(SOL), 20, "the new book")
    wait_more(running, SOL)
    assert running.call(lambda service: service.unsubscribe([SOL]))["connections"] == 1
    wait_until(lambda: len(running.exchange.get("/sim/state")["connections"]) == 1, 10, "it closed")
    wait_more(running, BTC)
    assert_unbroken(running, BTC, ETH)


def test_names_that_cannot_be_are_refused_with_the_nearest_and_change_nothing(run_collector: Run):
    running = run_collector(EXCHANGES__BINANCE_SPOT__SYMBOLS=WITHOUT_SOL)
    running.wait_synced()
    before = symbols(running)
    with pytest.raises(UnknownName, match=r"nearest: .*SOL-USDT"):
        running.call(lambda service: service.subscribe([SOL, "SOL-USD"]))
    with pytest.raises(UnknownName, match="no channel of binance_spot is called 'trades'"):
        running.call(lambda service: service.subscribe([SOL], ["trades"]))
    with pytest.raises(UnknownName, match="no collected symbol of binance_spot"):
        running.call(lambda service: service.unsubscribe([SOL]))
    with pytest.raises(ValueError, match="symbols is a list of names, not 'SOL-USDT'"):
        running.call(lambda service: service.subscribe(SOL))
    assert symbols(running) == before


def test_a_change_is_remembered_and_written_anew_where_redis_lost_it(
    run_collector: Run, redis_server: RedisServer
):
    first = run_collector(EXCHANGES__BINANCE_SPOT__SYMBOLS=WITHOUT_SOL)
    first.wait_synced()
    first.call(lambda service: service.subscribe([SOL]))
    first.call(lambda service: service.unsubscribe([ETH]))
    with redis.Redis(port=redis_server.port) as client:
        client.delete(KEPT)
        wait_until(lambda: client.exists(KEPT), 20, "written anew")
    first.host.stop(10)
    second = Running(first.settings, first.exchange, first.subscriber)
    try:
        wait_until(lambda: second.synced(BTC, SOL), 20, "the symbols as they were changed")
        origins = {name: each["origin"] for name, each in symbols(second).items()}
        assert origins == {BTC: "settings", ETH: "removed", SOL: "added"}
        assert set(second.books()) == {BTC, SOL}
    finally:
        second.host.stop(10)
