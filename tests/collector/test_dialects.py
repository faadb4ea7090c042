"""Every exchange collected end to end: what is published is what the exchange made."""

import itertools
from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.collector.conftest import Running
from tests.collector.dialects import ALL, Dialect, levels_of, rounded
from tests.waiting import wait_until

Run = Callable[..., Running]
each_dialect = pytest.mark.parametrize("dialect", ALL, ids=lambda each: each.exchange)


def assert_trades_are_true(running: Running, symbol: str) -> None:
    """Each once, in order, none missing, as the exchange made them."""
    got = [each for each in running.of("trade", symbol) if not each["aggregate"]]
    ids = [each["trade_id"] for each in got]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    truth = running.dialect.trades_made(running.exchange, symbol, ids[0], ids[-1])
    assert [
        (each["trade_id"], Decimal(each["price"]), rounded(each["quantity"]), each["side"])
        for each in got
    ] == truth


@each_dialect
def test_what_is_published_is_what_the_exchange_made(run_collector: Run, dialect: Dialect):
    running = run_collector(dialect=dialect)
    running.wait_synced(30)
    symbol = dialect.symbols[0]
    wait_until(lambda: len(running.of("orderbook", symbol)) > 20, 30, "snapshots")
    wait_until(lambda: len(running.of("trade", symbol)) > 50, 30, "trades")
    for each in dialect.symbols:
        running.assert_book_is_true(each)
        assert_trades_are_true(running, each)
        deltas = running.of("orderbook-delta", each)
        for before, after in itertools.pairwise(deltas):
            chained = after["prev_update_id"]
            follows = after["first_update_id"] if chained is None else chained + 1
            assert follows == before["last_update_id"] + 1
    for book in running.of("orderbook", symbol)[::7]:
        truth = dialect.book(running.exchange, symbol, book["last_update_id"], len(book["bids"]))
        assert levels_of(book)["bids"] == truth["bids"]
        assert len(book["bids"]) >= 300
    assert not running.subscriber.of("gap-data.")
    assert not running.subscriber.of("dead-letter.")


@each_dialect
def test_every_stream_speaks_and_every_type_is_published(run_collector: Run, dialect: Dialect):
    running = run_collector("--rate", "600", dialect=dialect)
    running.wait_synced(30)

    def quiet() -> list[str]:
        streams = running.service.status()["streams"]
        return [
            f"{channel} {symbol}"
            for channel, symbols in streams.items()
            for symbol, each in symbols.items()
            if not each["confirmed"]
            and channel not in ("liquidation", "instrument")
            and symbol != "*"
        ]

    wait_until(lambda: not quiet(), 60, f"all streams of {dialect.exchange}")
    for each in dialect.symbols:
        change = wait_until(lambda name=each: running.of("instrument", name), 20, "its facts")[0]
        assert (change["status"], change["source"]) == ("trading", "poll")
    for each in dialect.indices:
        wait_until(lambda name=each: running.of("volatility-index", name), 20, "an index")
    assert not running.subscriber.of("dead-letter.")
    assert running.service.counters.total("subscriptions_refused_total") == 0
    assert all(each["state"] == "connected" for each in running.service.status()["connections"])
