"""What Binance USD-M declares."""

import json

import pytest

from tests.exchanges.usdm_frames import USDM
from workers.exchanges.base import Bucket, Heartbeat, Stream
from workers.exchanges.binance.usdm.exchange import MixedRoutes
from workers.exchanges.registry import exchange


def stream(channel: str, raw_symbol: str = "BTCUSDT") -> Stream:
    return Stream(channel, "BTC-USDT-PERP", raw_symbol)


def test_it_is_found_by_its_name():
    assert exchange("binance_derivatives") is USDM
    assert (USDM.name, USDM.market_type) == ("binance_derivatives", "perpetual")
    assert USDM.books_from_stream is False
    assert USDM.heartbeat == Heartbeat(message=None, after_s=180.0)


@pytest.mark.parametrize("ws_url", ["wss://host", "wss://host/"])
@pytest.mark.parametrize(
    ("channel", "route", "name"),
    [
        ("trade", "public", "btcusdt@trade"),
        ("orderbook", "public", "btcusdt@depth@100ms"),
        ("book-ticker", "public", "btcusdt@bookTicker"),
        ("aggregate-trade", "market", "btcusdt@aggTrade"),
        ("ticker", "market", "btcusdt@ticker"),
        ("funding-rate", "market", "btcusdt@markPrice@1s"),
        ("liquidation", "market", "btcusdt@forceOrder"),
        ("instrument", "market", "!contractInfo"),
        ("kline", "market", "btcusdt@kline_1m"),
        ("kline-1h", "market", "btcusdt@kline_1h"),
        ("kline-1M", "market", "btcusdt@kline_1M"),
    ],
)
def test_a_channel_has_its_route_and_name(ws_url, channel, route, name):
    assert channel in USDM.channels
    assert USDM.stream_url(ws_url, channel) == f"wss://host/{route}/stream"
    (message,) = USDM.subscribe([stream(channel)], 7)
    assert json.loads(message) == {"method": "SUBSCRIBE", "params": [name], "id": 7}


def test_every_channel_has_a_route():
    urls = {USDM.stream_url("wss://host", each) for each in USDM.channels}
    assert urls == {"wss://host/public/stream", "wss://host/market/stream"}
    with pytest.raises(KeyError):
        USDM.stream_url("wss://host", "open-interest")


def test_routes_do_not_mix_on_one_connection():
    both = [stream("orderbook"), stream("aggregate-trade")]
    for ask in (USDM.subscribe, USDM.unsubscribe):
        with pytest.raises(MixedRoutes, match="orderbook and aggregate-trade have different"):
            ask(both, 1)


def test_the_stream_of_all_symbols_is_asked_for_once():
    messages = USDM.unsubscribe(
        [stream("instrument", "BTCUSDT"), stream("instrument", "ETHUSDT"), stream("ticker")], 1
    )
    assert [json.loads(each)["params"] for each in messages] == [
        ["!contractInfo", "btcusdt@ticker"]
    ]


def test_its_budgets_are_counted_apart():
    assert (USDM.limits.weight, USDM.limits.weight_window_s) == (2400, 60.0)
    assert USDM.limits.buckets == {
        "futures-data": Bucket(1000, 300.0),
        "funding": Bucket(500, 300.0),
    }
    assert len(USDM.subscribe([stream("trade", f"C{n}USDT") for n in range(200)], 1)) == 1
    assert USDM.limits.streams_per_connection == 200
