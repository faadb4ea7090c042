"""What is odd is named; what is ordinary is not."""

import pytest

from workers.model.checks import AHEAD_NS, BEHIND_NS, implausible
from workers.model.events import BookDelta, Gap, OrderBook, Ticker, Trade

NOW_NS = 1_700_000_000_000_000_000
COMMON = {
    "exchange": "binance_spot",
    "market_type": "spot",
    "symbol": "BTC-USDT",
    "raw_symbol": "BTCUSDT",
    "exchange_ns": NOW_NS - 5_000_000,
    "received_ns": NOW_NS,
}


def trade(**changes):
    ordinary = {"trade_id": 1, "price": "100.50", "quantity": "0.001", "side": "buy"}
    return Trade(**COMMON | ordinary | changes)


def ticker(**changes):
    ordinary = {
        "best_bid_price": "99",
        "best_ask_price": "100",
        "last_price": "99.5",
        "low_24h": "90",
        "high_24h": "100",
    }
    return Ticker(**COMMON | ordinary | changes)


def delta(**changes):
    ordinary = {"first_update_id": 1, "last_update_id": 2, "bids": [("1", "1")], "asks": []}
    return BookDelta(**COMMON | ordinary | changes)


def book(bid: str, ask: str):
    return OrderBook(
        **COMMON,
        last_update_id=1,
        bids=[(bid, "1")],
        asks=[(ask, "1")],
        depth=1,
        state="SYNCED",
        verified_depth=1,
    )


@pytest.mark.parametrize(
    "event",
    [
        trade(),
        trade(exchange_ns=None),
        trade(exchange_ns=NOW_NS + AHEAD_NS),
        trade(exchange_ns=NOW_NS - BEHIND_NS),
        trade(aggregate=True, first_trade_id=3, last_trade_id=3),
        ticker(),
        ticker(best_bid_price=None),
        ticker(last_price=None, low_24h=None, high_24h=None),
        delta(),
        book("9.9", "10.0"),
        Gap(**COMMON, data_type="trade", cause="sequence"),
    ],
)
def test_ordinary_events_pass(event):
    assert implausible(event) == []


@pytest.mark.parametrize(
    ("event", "check"),
    [
        (trade(exchange_ns=NOW_NS + AHEAD_NS + 1), "time_ahead"),
        (trade(exchange_ns=NOW_NS - BEHIND_NS - 1), "time_behind"),
        (trade(price="0.00000000"), "zero_price"),
        (trade(quantity="0"), "zero_quantity"),
        (trade(aggregate=True, first_trade_id=4, last_trade_id=3), "ids_reversed"),
        (ticker(best_bid_price="100.0"), "crossed_quote"),
        (ticker(last_price="101"), "outside_range"),
        (ticker(last_price="89.99"), "outside_range"),
        (delta(bids=[]), "empty_delta"),
        (book("10", "9.9"), "crossed_book"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_odd_event_is_named(event, check):
    assert implausible(event) == [check]


def test_an_event_can_be_odd_in_several_ways():
    assert implausible(trade(price="0", quantity="0.0")) == ["zero_price", "zero_quantity"]
