"""How an event of either Binance exchange is compared with what others say a message means."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec

from tests.contract.recorded import Vector, exact, ns, number
from workers.exchanges.base import Poll
from workers.model.events import (
    BookDelta,
    Event,
    FundingRate,
    Kline,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    Ticker,
    Trade,
)
from workers.model.instrument import Instrument

RECEIVED_NS = 2_000_000_000_000_000_000
"""Replies are read as if they came in 2033, when every recorded candle is closed."""


def query(vector: Vector, name: str, otherwise: str) -> str:
    """A parameter the recorded request had."""
    return parse_qs((vector.ctx or {}).get("query", "")).get(name, [otherwise])[0]


def assert_trade(event: Event, facts: dict[str, Any]) -> None:
    assert isinstance(event, Trade)
    assert str(event.trade_id) == facts["id"]
    assert number(event.price) == number(facts["price"])
    assert number(event.quantity) == number(facts["qty"])
    assert event.side == facts["side"]
    assert event.exchange_ns == ns(facts["ts"])
    assert event.first_trade_id == facts.get("first_trade_id")
    assert event.last_trade_id == facts.get("last_trade_id")
    assert event.aggregate == ("first_trade_id" in facts)


def assert_delta(event: Event, expect: dict[str, Any]) -> None:
    assert isinstance(event, BookDelta)
    ids = event.first_update_id, event.last_update_id, event.prev_update_id
    assert ids == tuple(expect["seq"][each] for each in ("first", "last", "prev"))
    assert event.exchange_ns == ns(expect["event_ts"])
    assert exact(event.bids) == exact(expect["bids"])
    assert exact(event.asks) == exact(expect["asks"])


def assert_best(event: Event, expect: dict[str, Any]) -> None:
    assert isinstance(event, Ticker)
    assert number(event.best_bid_price) == number(expect["bid"])
    assert number(event.best_bid_quantity) == number(expect["bid_qty"])
    assert number(event.best_ask_price) == number(expect["ask"])
    assert number(event.best_ask_quantity) == number(expect["ask_qty"])
    assert event.exchange_ns == ns(expect["ts"] if event.source == "poll" else expect["event_ts"])


def assert_day(event: Event, expect: dict[str, Any]) -> None:
    assert_best(event, expect)
    for ours, theirs in (
        ("last_price", "last"),
        ("open_24h", "open"),
        ("high_24h", "high"),
        ("low_24h", "low"),
        ("volume_24h", "volume"),
        ("quote_volume_24h", "quote_volume"),
    ):
        assert number(getattr(event, ours)) == number(expect[theirs]), ours


def assert_kline(event: Event, facts: dict[str, Any], interval: str) -> None:
    assert isinstance(event, Kline)
    assert event.interval == interval
    assert event.open_time_ns == ns(facts["open_ts"])
    assert event.close_time_ns == ns(facts["close_ts"])
    for name in ("open", "high", "low", "close", "volume", "quote_volume"):
        assert number(getattr(event, name)) == number(facts[name]), name
    assert event.trade_count == facts["trades"]
    if facts["closed"] is not None:
        assert event.closed == facts["closed"]


def assert_funding(event: Event, facts: dict[str, Any]) -> None:
    """Others call the payment that a current rate is for the next one."""
    assert isinstance(event, FundingRate)
    assert number(event.funding_rate) == number(facts["rate"])
    assert event.funding_time_ns == ns(facts["funding_ts"] or facts["next_funding_ts"])
    assert event.next_funding_time_ns is None
    assert number(event.mark_price) == number(facts["mark"])
    assert number(event.index_price) == number(facts["index"])
    assert event.exchange_ns == ns(facts["ts"])


def assert_liquidation(event: Event, facts: dict[str, Any]) -> None:
    assert isinstance(event, Liquidation)
    assert event.raw_symbol == facts["symbol"]
    assert (event.side, event.status, event.sampled) == (facts["side"], facts["status"], True)
    assert number(event.price) == number(facts["price"])
    assert number(event.average_price) == number(facts["avg_price"])
    assert number(event.quantity) == number(facts["qty"])
    assert number(event.filled_quantity) == number(facts["filled_qty"])
    assert event.exchange_ns == ns(facts["ts"])


def assert_open_interest(event: Event, facts: dict[str, Any]) -> None:
    assert isinstance(event, OpenInterest)
    assert number(event.open_interest) == number(facts["oi"])
    assert number(event.open_interest_value) == number(facts["oi_value"])
    assert event.exchange_ns == ns(facts["ts"])


def assert_ratio(event: Event, facts: dict[str, Any]) -> None:
    assert isinstance(event, LongShortRatio)
    assert number(event.long_short_ratio) == number(facts["ratio"])
    assert number(event.long_ratio) == number(facts["long"])
    assert number(event.short_ratio) == number(facts["short"])
    assert event.exchange_ns == ns(facts["ts"])


def assert_instrument(each: Instrument, facts: dict[str, Any]) -> None:
    assert each.raw_symbol == facts["symbol"]
    assert (each.base, each.quote) == (facts["base"], facts["quote"])
    assert (each.raw_status, each.settle) == (facts["status"], facts["margin"])
    assert number(each.tick_size) == (number(facts["tick_size"]) or None)
    assert number(each.lot_size) == (number(facts["qty_step"]) or None)


def messages_of(expect: dict[str, Any]) -> list[dict[str, Any]]:
    """What is expected, a part for each symbol."""
    return expect.get("messages", [expect])


def symbols_of(expect: dict[str, Any]) -> list[str]:
    return [each["symbol"] or "UNNAMED" for each in messages_of(expect)]


def assert_events(events: Sequence[Event], vector: Vector) -> None:
    """All of a vector's facts, in order."""
    expected = [
        (message, facts)
        for message in messages_of(vector.expect)
        for facts in message.get("items", [message])
    ]
    assert len(events) == len(expected)
    for event, (message, facts) in zip(events, expected, strict=True):
        if message["symbol"] is not None:
            assert event.raw_symbol == message["symbol"]
        match vector.kind:
            case "candle":
                assert_kline(event, facts, message["interval"])
            case "ticker":
                (assert_day if "last" in facts else assert_best)(event, facts)
            case kind:
                ASSERTIONS[kind](event, facts)


ASSERTIONS: dict[str, Callable[[Any, dict[str, Any]], None]] = {
    "trade": assert_trade,
    "book_delta": assert_delta,
    "funding": assert_funding,
    "liquidation": assert_liquidation,
    "open_interest": assert_open_interest,
    "long_short_ratio": assert_ratio,
}


def polled(vector: Vector, poll_of: Callable[[str], Poll]) -> list[Any]:
    """Events of a recorded reply; one to all symbols is read as one reply a symbol."""
    if "messages" not in vector.expect:
        (symbol,) = symbols_of(vector.expect)
        return list(poll_of(symbol).read(vector.body, RECEIVED_NS))
    rows = msgspec.json.decode(vector.body, type=list[msgspec.Raw])
    symbols = symbols_of(vector.expect)
    return [
        event
        for symbol, row in zip(symbols, rows, strict=True)
        for event in poll_of(symbol).read(bytes(row), RECEIVED_NS)
    ]
