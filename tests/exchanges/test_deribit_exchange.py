"""What Deribit declares."""

import json

import pytest

from tests.exchanges.deribit_frames import listed, mapper
from workers.exchanges.base import Acknowledged, Stream
from workers.exchanges.deribit.exchange import CHANNELS, DERIBIT, STATUS_STREAMS
from workers.exchanges.deribit.names import RESOLUTIONS
from workers.exchanges.registry import exchange


def streams(count: int, channel: str = "trade") -> list[Stream]:
    return [Stream(channel, f"C{n}-USD-PERP", f"C{n}-PERPETUAL") for n in range(count)]


def test_it_is_found_by_name():
    assert exchange("deribit") is DERIBIT


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        ("trade", "trades.BTC-PERPETUAL.100ms"),
        ("orderbook", "book.BTC-PERPETUAL.100ms"),
        ("ticker", "ticker.BTC-PERPETUAL.100ms"),
        ("book-ticker", "quote.BTC-PERPETUAL"),
        ("funding-rate", "perpetual.BTC-PERPETUAL.100ms"),
        ("kline", "chart.trades.BTC-PERPETUAL.1"),
        ("kline-1h", "chart.trades.BTC-PERPETUAL.60"),
        ("kline-1d", "chart.trades.BTC-PERPETUAL.1D"),
        ("index-price", "deribit_price_index.btc_usd"),
    ],
)
def test_a_channel_has_its_name_there(channel, name):
    assert DERIBIT.channel_name(Stream(channel, "BTC-USD-PERP", "BTC-PERPETUAL")) == name


def test_other_streams_are_named_by_what_they_are_about():
    assert [DERIBIT.channel_name(each) for each in STATUS_STREAMS] == [
        "instrument.state.future.any",
        "instrument.state.option.any",
        "instrument.state.spot.any",
        "instrument.state.future_combo.any",
        "instrument.state.option_combo.any",
        "instrument.creation.any.any",
        "platform_state",
    ]
    index = Stream("volatility-index", "ETH-DVOL", "eth_usd")
    assert DERIBIT.channel_name(index) == "deribit_volatility_index.eth_usd"


def test_no_channel_is_ever_raw():
    assert not [name for name in CHANNELS.values() if "raw" in name]


def test_the_point_of_a_strike_stays_a_small_d():
    (option,) = [each for each in listed() if "0d625" in each.raw_symbol]
    (message,) = DERIBIT.subscribe([Stream("trade", option.symbol, option.raw_symbol)], 1)
    assert json.loads(message)["params"]["channels"] == ["trades.XRP_USDC-30JUN26-0d625-P.100ms"]
    assert option.symbol == "XRP-USDC-260630-0d625-P"


def test_every_interval_of_candles_can_be_subscribed():
    assert set(DERIBIT.channels) >= {"kline", *(f"kline-{each}" for each in RESOLUTIONS)}


def test_many_channels_share_few_messages_of_500_and_ids_count_up():
    messages = [json.loads(each) for each in DERIBIT.subscribe(streams(1001), 10)]
    assert [len(each["params"]["channels"]) for each in messages] == [500, 500, 1]
    assert [(each["id"], each["method"], each["jsonrpc"]) for each in messages] == [
        (number, "public/subscribe", "2.0") for number in (10, 11, 12)
    ]


def test_a_channel_that_two_streams_share_is_asked_for_once():
    shared = [
        Stream("kline", "BTC-USD-PERP", "BTC-PERPETUAL"),
        Stream("kline-1m", "BTC-USD-PERP", "BTC-PERPETUAL"),
    ]
    (message,) = DERIBIT.subscribe(shared, 1)
    assert json.loads(message)["params"]["channels"] == ["chart.trades.BTC-PERPETUAL.1"]


def test_nothing_to_subscribe_sends_nothing():
    assert DERIBIT.subscribe([], 1) == []


def test_unsubscribing_is_said_the_same_way():
    (message,) = DERIBIT.unsubscribe(streams(1), 5)
    assert json.loads(message) == {
        "jsonrpc": "2.0",
        "id": 5,
        "method": "public/unsubscribe",
        "params": {"channels": ["trades.C0-PERPETUAL.100ms"]},
    }


def answered(request: bytes, result: object) -> Acknowledged:
    frame = json.dumps({"jsonrpc": "2.0", "id": json.loads(request)["id"], "result": result})
    (answer,) = mapper().map(frame.encode(), 0)
    return DERIBIT.check_answer(request, answer)


def test_every_channel_left_out_of_the_answer_is_named():
    (request,) = DERIBIT.subscribe(streams(4), 7)
    names = json.loads(request)["params"]["channels"]
    answer = answered(request, [names[3], names[0]])
    assert answer.request_id == 7
    assert answer.error == f"not accepted: {names[1]}, {names[2]}"
    assert answer.accepted == (names[3], names[0])
    assert answered(request, []).error == f"not accepted: {', '.join(names)}"


def test_an_answer_in_another_order_is_complete():
    (request,) = DERIBIT.subscribe(streams(3), 7)
    names = json.loads(request)["params"]["channels"]
    assert answered(request, names[::-1]).error is None


def test_an_error_or_another_answer_stays_what_it_is():
    (request,) = DERIBIT.subscribe(streams(3), 7)
    error = Acknowledged(7, "13778: raw_subscriptions_not_available_for_unauthorized")
    assert DERIBIT.check_answer(request, error) is error
    (heartbeat,) = DERIBIT.heartbeat.on_connect
    assert answered(heartbeat, "ok").error is None


def test_the_heartbeat_is_asked_for_on_connect_as_often_as_is_allowed():
    (message,) = DERIBIT.heartbeat.on_connect
    request = json.loads(message)
    assert (request["method"], request["params"]) == ("public/set_heartbeat", {"interval": 10})
    assert request["id"] > 10**9
    assert DERIBIT.heartbeat.message is None


@pytest.mark.parametrize(
    ("ws_url", "url"),
    [
        ("wss://www.deribit.com", "wss://www.deribit.com/ws/api/v2"),
        ("wss://www.deribit.com/", "wss://www.deribit.com/ws/api/v2"),
        ("wss://streams.deribit.com/ws/api/v2", "wss://streams.deribit.com/ws/api/v2"),
        ("wss://test.deribit.com/den/ws", "wss://test.deribit.com/den/ws"),
        ("ws://127.0.0.1:18080/deribit/ws/api/v2", "ws://127.0.0.1:18080/deribit/ws/api/v2"),
    ],
)
def test_all_channels_have_one_address(ws_url, url):
    assert {DERIBIT.stream_url(ws_url, each) for each in DERIBIT.channels} == {url}


def test_the_limits_are_within_the_documented_ones():
    limits = DERIBIT.limits
    assert limits.control_window_s / limits.control_messages >= 0.4
    assert limits.connects < 32
    assert limits.weight / limits.weight_window_s / 500 <= 5
    request = DERIBIT.instruments_request()
    assert request.bucket in limits.buckets
    bucket = limits.buckets[request.bucket]
    assert bucket.window_s / bucket.calls >= 10


def test_books_come_on_the_stream():
    assert DERIBIT.books_from_stream
    assert DERIBIT.sequencer(5).last_id == 5
