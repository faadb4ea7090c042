"""What Binance spot declares."""

import json

import pytest

from tests.exchanges.frames import BINANCE
from workers.book.sequence import Verdict
from workers.exchanges.base import Heartbeat, Stream
from workers.exchanges.binance.messages import INTERVALS
from workers.exchanges.registry import EXCHANGES, UnknownExchange, exchange


def streams(count: int, channel: str = "trade") -> list[Stream]:
    return [Stream(channel, f"C{n}-USDT", f"C{n}USDT") for n in range(count)]


def test_exchanges_are_found_by_name():
    assert exchange("binance_spot") is BINANCE
    assert all(name == each.name for name, each in EXCHANGES.items())


def test_an_unknown_exchange_names_the_known_ones():
    with pytest.raises(UnknownExchange, match=r"'mtgox' is unknown; choose one of .*binance_spot"):
        exchange("mtgox")


def test_streams_are_named_in_lower_case():
    all_channels = [Stream(each, "BTC-USDT", "BTCUSDT") for each in BINANCE.channels]
    (message,) = BINANCE.subscribe(all_channels, 5)
    assert json.loads(message) == {
        "method": "SUBSCRIBE",
        "params": [
            "btcusdt@trade",
            "btcusdt@aggTrade",
            "btcusdt@depth@100ms",
            "btcusdt@ticker",
            "btcusdt@bookTicker",
            "btcusdt@kline_1m",
            "btcusdt@kline_1s",
            *(f"btcusdt@kline_{each}" for each in INTERVALS[1:]),
        ],
        "id": 5,
    }
    assert BINANCE.channels[5:9] == ("kline", "kline-1s", "kline-3m", "kline-5m")


def test_many_streams_share_few_messages_and_ids_count_up():
    messages = [json.loads(each) for each in BINANCE.unsubscribe(streams(401), 10)]
    assert [len(each["params"]) for each in messages] == [200, 200, 1]
    assert [each["id"] for each in messages] == [10, 11, 12]
    assert {each["method"] for each in messages} == {"UNSUBSCRIBE"}
    assert len({name for each in messages for name in each["params"]}) == 401


def test_nothing_to_subscribe_sends_nothing():
    assert BINANCE.subscribe([], 1) == []


@pytest.mark.parametrize("ws_url", ["wss://host:9443", "wss://host:9443/"])
def test_streams_come_over_a_combined_connection(ws_url):
    urls = {BINANCE.stream_url(ws_url, channel) for channel in BINANCE.channels}
    assert urls == {"wss://host:9443/stream"}


def test_control_messages_fit_the_limit_of_streams():
    messages = BINANCE.subscribe(streams(BINANCE.limits.streams_per_connection), 1)
    assert len(messages) == 6


def test_snapshots_come_over_rest_and_pings_are_answered():
    assert BINANCE.books_from_stream is False
    assert BINANCE.heartbeat == Heartbeat(message=None, after_s=20.0)


def test_the_sequencer_is_the_spot_rule():
    assert BINANCE.sequencer(100).last_id == 100
    assert {each.value for each in Verdict} == {"stale", "next", "gap"}
