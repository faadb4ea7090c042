"""Frames of Binance spot, usual and unusual: an event, a notice, nothing, or a WireError."""

import json

import msgspec
import pytest

from tests.exchanges.frames import (
    AGG_TRADE,
    BLOCK_TRADE,
    BOOK_TICKER,
    DEPTH,
    EVENTS,
    KLINE,
    MINI_TICKER,
    PARTIAL_DEPTH,
    RECEIVED_NS,
    TICKER,
    TRADE,
    combined,
    instrument,
    mapper,
)
from workers.exchanges.base import Acknowledged, ShutdownNotice
from workers.exchanges.binance.spot.mapper import SpotMapper
from workers.model.errors import KEPT_BYTES, WireError
from workers.model.events import BookDelta, Kline, Ticker, Trade

COMMON = {
    "exchange": "binance_spot",
    "market_type": "spot",
    "symbol": "BNB-BTC",
    "raw_symbol": "BNBBTC",
    "received_ns": RECEIVED_NS,
}

EXPECTED = {
    b"bnbbtc@trade": Trade(
        **COMMON,
        exchange_ns=1672515782130_000_000,
        trade_id=12345,
        price="0.001",
        quantity="100",
        side="sell",
    ),
    b"bnbbtc@aggTrade": Trade(
        **COMMON,
        exchange_ns=1672515782130_000_000,
        trade_id=12345,
        price="0.001",
        quantity="100",
        side="sell",
        aggregate=True,
        first_trade_id=100,
        last_trade_id=105,
    ),
    b"bnbbtc@depth@100ms": BookDelta(
        **COMMON,
        exchange_ns=1672515782136_000_000,
        first_update_id=157,
        last_update_id=160,
        bids=[("0.0024", "10")],
        asks=[("0.0026", "100")],
    ),
    b"bnbbtc@ticker": Ticker(
        **COMMON,
        exchange_ns=1672515782136_000_000,
        best_bid_price="0.0024",
        best_bid_quantity="10",
        best_ask_price="0.0026",
        best_ask_quantity="100",
        last_price="0.0025",
        open_24h="0.0010",
        high_24h="0.0025",
        low_24h="0.0010",
        volume_24h="10000",
        quote_volume_24h="18",
    ),
    b"bnbbtc@bookTicker": Ticker(
        **COMMON,
        exchange_ns=None,
        best_bid_price="25.35190000",
        best_bid_quantity="31.21000000",
        best_ask_price="25.36520000",
        best_ask_quantity="40.66000000",
    ),
    b"bnbbtc@kline_1m": Kline(
        **COMMON,
        exchange_ns=1672515782136_000_000,
        interval="1m",
        open_time_ns=1672515780000_000_000,
        close_time_ns=1672515839999_000_000,
        open="0.0010",
        high="0.0025",
        low="0.0015",
        close="0.0020",
        volume="1000",
        quote_volume="1.0000",
        trade_count=100,
        closed=False,
    ),
}


@pytest.mark.parametrize("stream", EVENTS, ids=bytes.decode)
@pytest.mark.parametrize("wrapped", [True, False], ids=["combined", "raw"])
@pytest.mark.parametrize("times", [1, 3], ids=["first", "seen-before"])
def test_a_documented_message_becomes_its_event(stream, wrapped, times):
    frame = combined(stream, EVENTS[stream]) if wrapped else EVENTS[stream]
    mapped = mapper()
    for _ in range(times):
        assert list(mapped.map(frame, RECEIVED_NS)) == [EXPECTED[stream]]
    assert mapped.extra_fields == {}


@pytest.mark.parametrize("stream", EVENTS, ids=bytes.decode)
def test_spaces_and_another_order_of_fields_change_nothing(stream):
    payload = dict(reversed(json.loads(EVENTS[stream]).items()))
    frame = json.dumps({"data": payload, "stream": stream.decode()}, indent=1).encode()
    assert list(mapper().map(frame, RECEIVED_NS)) == [EXPECTED[stream]]


def test_a_taker_who_bought_met_a_maker_who_sold():
    frame = TRADE.replace(b'"m":true', b'"m":false')
    assert mapper().map(frame, RECEIVED_NS)[0].side == "buy"


def test_the_slower_depth_stream_maps_too():
    frame = combined(b"bnbbtc@depth", DEPTH)
    assert list(mapper().map(frame, RECEIVED_NS)) == [EXPECTED[b"bnbbtc@depth@100ms"]]


def test_a_book_ticker_with_times_keeps_the_event_time():
    frame = BOOK_TICKER[:-1] + b',"T":1646199228121,"E":1646199228123}'
    mapped = mapper()
    assert mapped.map(frame, RECEIVED_NS)[0].exchange_ns == 1646199228123_000_000
    assert mapped.extra_fields == {}


@pytest.mark.parametrize("side", [b"b", b"a"])
def test_an_empty_side_of_a_ticker_is_absent_not_zero(side):
    frame = (
        BOOK_TICKER.replace(b'"' + side + b'":"25.3', b'"' + side + b'":"0.00000000","_":"')
        .replace(b'"_":"5190000",', b"")
        .replace(b'"_":"6520000",', b"")
    )
    ticker = mapper().map(frame, RECEIVED_NS)[0]
    empty, other = ("bid", "ask") if side == b"b" else ("ask", "bid")
    assert getattr(ticker, f"best_{empty}_price") is None
    assert getattr(ticker, f"best_{empty}_quantity") is None
    assert getattr(ticker, f"best_{other}_price") is not None


def test_a_symbol_beyond_ascii_is_mapped():
    test_coin = instrument("这是测试币456USDT", "这是测试币456", "USDT")
    frame = combined(
        "这是测试币456usdt@trade".encode(), TRADE.replace(b"BNBBTC", test_coin.raw_symbol.encode())
    )
    trade = SpotMapper("binance_spot", [test_coin]).map(frame, RECEIVED_NS)[0]
    assert trade.symbol == "这是测试币456-USDT"


@pytest.mark.parametrize(
    ("frame", "request_id", "error"),
    [
        pytest.param(b'{"result":null,"id":1}', 1, None, id="agreed"),
        pytest.param(b'{"id":"abc","result":["a@trade"]}', "abc", None, id="list"),
        pytest.param(
            b'{"code":2,"msg":"Invalid request: missing field `method` at line 1 column 73"}',
            None,
            "2: Invalid request: missing field `method` at line 1 column 73",
            id="documented-error",
        ),
        pytest.param(
            b'{"error":{"code":2,"msg":"too many parameters"},"id":7}',
            7,
            "2: too many parameters",
            id="nested-error",
        ),
        pytest.param(b'{"result":null,"id":true}', None, None, id="odd-id"),
    ],
)
def test_an_answer_is_acknowledged(frame, request_id, error):
    assert list(mapper().map(frame, RECEIVED_NS)) == [Acknowledged(request_id, error)]


@pytest.mark.parametrize("wrapped", [True, False], ids=["combined", "raw"])
def test_a_shutdown_is_a_notice(wrapped):
    notice = b'{"e":"serverShutdown","E":1770123456789}'
    frame = combined(b"!serverShutdown", notice) if wrapped else notice
    assert isinstance(mapper().map(frame, RECEIVED_NS)[0], ShutdownNotice)


@pytest.mark.parametrize(
    ("payload", "event"),
    [
        (MINI_TICKER, "24hrMiniTicker"),
        (BLOCK_TRADE, "blockTrade"),
        (PARTIAL_DEPTH, "partialDepth"),
        (b'{"e":"avgPrice","E":1693907033000,"s":"BNBBTC","i":"5m","w":"25776.8"}', "avgPrice"),
    ],
    ids=["mini-ticker", "block-trade", "partial-depth", "average-price"],
)
def test_what_we_do_not_collect_is_nothing_and_counted(payload, event):
    mapped = mapper()
    for frame in (payload, combined(b"bnbbtc@x", payload)):
        assert list(mapped.map(frame, RECEIVED_NS)) == []
    assert mapped.ignored == {event: 2}


def changed(payload: bytes, **fields) -> bytes:
    """The payload with other values, no spaces, as an exchange writes it."""
    message = msgspec.json.decode(payload) | fields
    return msgspec.json.encode({name: value for name, value in message.items() if value != "gone"})


BAD = [
    pytest.param(b"", "broken_json", id="nothing"),
    pytest.param(b"hello", "broken_json", id="no-json"),
    pytest.param(TRADE[:-9], "broken_json", id="cut-off"),
    pytest.param(TRADE + b"x", "broken_json", id="rubbish-behind"),
    pytest.param(b'{"e":"trade","s":"\xff"}', "broken_json", id="not-utf8"),
    pytest.param(b"[" * 100_000, "broken_json", id="deep"),
    pytest.param(b"[]", "unknown_event", id="array"),
    pytest.param(b"{}", "unknown_event", id="empty-object"),
    pytest.param(b'{"stream":"a@trade","data":[1]}', "unknown_event", id="data-is-an-array"),
    pytest.param(changed(TRADE, e="margin"), "unknown_event", id="event-nobody-knows"),
    pytest.param(
        b'{"stream":"jTfv","data":{"e":"balanceUpdate","E":1573200697110,"a":"BTC","d":"1.0"}}',
        "unknown_event",
        id="user-data",
    ),
    pytest.param(changed(TRADE, e=5), "missing_field", id="event-name-is-a-number"),
    pytest.param(changed(TRADE, e="gone"), "missing_field", id="no-event-name"),
    pytest.param(changed(TRADE, p="gone"), "missing_field", id="no-price"),
    pytest.param(changed(TRADE, T="gone"), "missing_field", id="no-time"),
    pytest.param(changed(TRADE, m="yes"), "missing_field", id="side-is-text"),
    pytest.param(changed(DEPTH, b="gone"), "missing_field", id="no-bids"),
    pytest.param(changed(DEPTH, b=[["1.0"]]), "missing_field", id="level-without-quantity"),
    pytest.param(changed(BOOK_TICKER, A="gone"), "missing_field", id="no-best-ask"),
    pytest.param(changed(TRADE, p=0.001), "absurd_number", id="price-is-a-number"),
    pytest.param(changed(TRADE, p="1e5"), "absurd_number", id="price-with-exponent"),
    pytest.param(changed(TRADE, p="-1"), "absurd_number", id="price-below-zero"),
    pytest.param(changed(TRADE, q="NaN"), "absurd_number", id="quantity-nan"),
    pytest.param(changed(TRADE, q="1" + "0" * 20), "absurd_number", id="quantity-1e20"),
    pytest.param(changed(TRADE, t=-1), "absurd_number", id="id-below-zero"),
    pytest.param(changed(TRADE, t=2**63), "absurd_number", id="id-beyond-63-bits"),
    pytest.param(changed(TRADE, t="12"), "absurd_number", id="id-is-text"),
    pytest.param(changed(TRADE, t=1.5), "absurd_number", id="id-is-a-fraction"),
    pytest.param(changed(TRADE, T=1672515782130123), "absurd_number", id="time-in-microseconds"),
    pytest.param(changed(TRADE, T=0), "absurd_number", id="time-zero"),
    pytest.param(changed(DEPTH, E=-5), "absurd_number", id="time-below-zero"),
    pytest.param(changed(DEPTH, U=161), "absurd_number", id="ids-reversed"),
    pytest.param(changed(DEPTH, U=-1), "absurd_number", id="update-id-below-zero"),
    pytest.param(changed(DEPTH, b=[["inf", "1"]]), "absurd_number", id="level-infinite"),
    pytest.param(changed(DEPTH, a=[["1", "-1"]]), "absurd_number", id="level-below-zero"),
    pytest.param(changed(DEPTH, a=[["1", 1]]), "absurd_number", id="level-quantity-is-a-number"),
    pytest.param(changed(TICKER, v="1e3"), "absurd_number", id="volume-with-exponent"),
    pytest.param(changed(BOOK_TICKER, b="x"), "absurd_number", id="quote-is-a-word"),
    pytest.param(changed(KLINE, k="gone"), "missing_field", id="no-candle"),
    pytest.param(changed(KLINE, k=[]), "missing_field", id="candle-is-an-array"),
    pytest.param(
        KLINE.replace(b'"o":"0.0010"', b'"o":"-1"'), "absurd_number", id="candle-opens-below-zero"
    ),
    pytest.param(KLINE.replace(b'"n":100', b'"n":-1'), "absurd_number", id="trades-below-zero"),
    pytest.param(KLINE.replace(b'"x":false,', b""), "missing_field", id="closed-or-not"),
    pytest.param(b"[1]", "unknown_event", id="array-of-numbers"),
    pytest.param(changed(TRADE, s="ETHBTC"), "unknown_symbol", id="symbol-not-asked-for"),
]


@pytest.mark.parametrize("warm", [False, True], ids=["first", "after-good-ones"])
@pytest.mark.parametrize("wrapped", [False, True], ids=["raw", "combined"])
@pytest.mark.parametrize(("frame", "kind"), BAD)
def test_a_bad_message_says_why_it_is_bad(frame, kind, wrapped, warm):
    mapped = mapper()
    if warm:
        for stream, payload in EVENTS.items():
            mapped.map(payload, RECEIVED_NS)
            mapped.map(combined(stream, payload), RECEIVED_NS)
    if wrapped:
        frame = combined(b"bnbbtc@trade", frame)
    with pytest.raises(WireError) as caught:
        mapped.map(frame, RECEIVED_NS)
    assert caught.value.kind == kind
    assert caught.value.frame == frame[:KEPT_BYTES]


def test_a_field_more_is_tolerated_and_counted():
    mapped = mapper()
    frame = combined(b"bnbbtc@trade", TRADE[:-1] + b',"st":1,"zz":{"a":[]}}')
    for _ in range(3):
        assert list(mapped.map(frame, RECEIVED_NS)) == [EXPECTED[b"bnbbtc@trade"]]
    assert mapped.extra_fields == {"BinanceTrade.st": 3, "BinanceTrade.zz": 3}


def test_a_field_more_around_the_event_is_counted():
    mapped = mapper()
    frame = b'{"stream":"bnbbtc@trade","seq":1,"data":' + TRADE + b"}"
    assert list(mapped.map(frame, RECEIVED_NS)) == [EXPECTED[b"bnbbtc@trade"]]
    assert mapped.extra_fields == {"BinanceTrade.stream.seq": 1}


def test_a_field_more_in_a_candle_is_counted():
    mapped = mapper()
    frame = combined(b"bnbbtc@kline_1m", KLINE[:-2] + b',"zz":1}}')
    for _ in range(2):
        assert list(mapped.map(frame, RECEIVED_NS)) == [EXPECTED[b"bnbbtc@kline_1m"]]
    assert mapped.extra_fields == {"BinanceKline.k.zz": 2}


def test_a_candle_of_a_month_is_not_one_of_a_minute():
    frame = combined(b"bnbbtc@kline_1M", KLINE.replace(b'"i":"1m"', b'"i":"1M"'))
    assert mapper().map(frame, RECEIVED_NS)[0].interval == "1M"


def test_a_closed_candle_says_so():
    frame = combined(b"bnbbtc@kline_1m", KLINE.replace(b'"x":false', b'"x":true'))
    assert mapper().map(frame, RECEIVED_NS)[0].closed is True


def test_rows_of_all_symbols_are_read_and_those_of_others_counted():
    mapped = mapper()
    rows = b"[" + TICKER + b"," + TICKER.replace(b"BNBBTC", b"ETHBTC") + b"]"
    for frame in (rows, combined(b"!ticker@arr", rows)):
        assert list(mapped.map(frame, RECEIVED_NS)) == [EXPECTED[b"bnbbtc@ticker"]]
    assert mapped.ignored == {"other symbol": 2}


def test_order_ids_of_older_captures_are_not_extra():
    mapped = mapper()
    mapped.map(TRADE[:-1] + b',"b":88,"a":50}', RECEIVED_NS)
    assert mapped.extra_fields == {}


def test_a_field_more_after_good_ones_is_still_seen():
    mapped = mapper()
    mapped.map(AGG_TRADE, RECEIVED_NS)
    mapped.map(AGG_TRADE[:-1] + b',"nq":"1"}', RECEIVED_NS)
    assert mapped.extra_fields == {"BinanceAggTrade.nq": 1}


def test_names_of_unknown_fields_are_bounded():
    mapped = mapper()
    for number in range(300):
        mapped.map(TRADE[:-1] + b',"x%d":1}' % number, RECEIVED_NS)
    assert len(mapped.extra_fields) == 201
    assert mapped.extra_fields["other"] == 100
