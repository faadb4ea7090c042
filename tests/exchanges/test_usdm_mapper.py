"""Frames of Binance USD-M, usual and unusual: an event, a notice, nothing, or a WireError."""

import json

import msgspec
import pytest

from tests.exchanges.frames import combined
from tests.exchanges.usdm_frames import (
    AGG_TRADE,
    BOOK_TICKER,
    CONTRACT_INFO,
    DEPTH,
    EVENTS,
    FORCE_ORDER,
    KLINE,
    MARK_PRICE,
    RECEIVED_NS,
    TICKER,
    TRADE,
    mapper,
)
from workers.exchanges.base import Acknowledged, ShutdownNotice, UnusedTradeId
from workers.model.errors import WireError
from workers.model.events import (
    BookDelta,
    FundingRate,
    InstrumentChange,
    Kline,
    Liquidation,
    Ticker,
    Trade,
)

COMMON = {
    "exchange": "binance_derivatives",
    "market_type": "perpetual",
    "symbol": "BTC-USDT-PERP",
    "raw_symbol": "BTCUSDT",
    "received_ns": RECEIVED_NS,
}

EXPECTED = {
    b"btcusdt@trade": Trade(
        **COMMON,
        exchange_ns=1753000000120_000_000,
        trade_id=6150000001,
        price="117000.10",
        quantity="0.005",
        side="sell",
    ),
    b"btcusdt@aggTrade": Trade(
        **COMMON,
        exchange_ns=1753000000100_000_000,
        trade_id=5933014,
        price="117000.10",
        quantity="0.350",
        side="sell",
        aggregate=True,
        first_trade_id=100,
        last_trade_id=105,
    ),
    b"btcusdt@depth@100ms": BookDelta(
        **COMMON,
        exchange_ns=1626992741037_000_000,
        first_update_id=600859599090,
        last_update_id=600859600917,
        prev_update_id=600859598061,
        bids=[("7.5040", "813"), ("7.6090", "0")],
        asks=[("7.6150", "1563")],
    ),
    b"btcusdt@ticker": Ticker(
        **COMMON,
        exchange_ns=1672515782136_000_000,
        last_price="16584.60",
        open_24h="16716.00",
        high_24h="16764.89",
        low_24h="16456.51",
        volume_24h="122474.816",
        quote_volume_24h="2036102085.69",
    ),
    b"btcusdt@bookTicker": Ticker(
        **COMMON,
        exchange_ns=1568014460893_000_000,
        best_bid_price="25.35190000",
        best_bid_quantity="31.21000000",
        best_ask_price="25.36520000",
        best_ask_quantity="40.66000000",
    ),
    b"btcusdt@kline_1m": Kline(
        **COMMON,
        exchange_ns=1638747660000_000_000,
        interval="1m",
        open_time_ns=1638747660000_000_000,
        close_time_ns=1638747719999_000_000,
        open="0.0010",
        high="0.0025",
        low="0.0010",
        close="0.0020",
        volume="1000",
        quote_volume="1.0000",
        trade_count=100,
        closed=True,
    ),
    b"btcusdt@markPrice@1s": FundingRate(
        **COMMON,
        exchange_ns=1562305380000_000_000,
        funding_rate="-0.00038167",
        funding_time_ns=1562306400000_000_000,
        mark_price="11794.15000000",
        index_price="11784.62659091",
    ),
    b"btcusdt@forceOrder": Liquidation(
        **COMMON,
        exchange_ns=1568014460890_000_000,
        side="sell",
        price="9910",
        average_price="9911.5",
        quantity="0.014",
        filled_quantity="0.014",
        status="FILLED",
        sampled=True,
    ),
    b"!contractInfo": InstrumentChange(
        **COMMON,
        exchange_ns=1669356423908_000_000,
        status="halted",
        raw_status="PRE_SETTLE",
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick_size="0.10",
        lot_size="0.001",
        contract_size="1",
    ),
}


def changed(payload: bytes, **fields) -> bytes:
    """The payload with other values, no spaces, as an exchange writes it."""
    message = msgspec.json.decode(payload) | fields
    return msgspec.json.encode({name: value for name, value in message.items() if value != "gone"})


def order(**fields) -> bytes:
    return changed(FORCE_ORDER, o=msgspec.json.decode(FORCE_ORDER)["o"] | fields)


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
def test_messages_from_before_2026_and_in_another_order_mean_the_same(stream):
    payload = json.loads(EVENTS[stream])
    kept = {key: payload[key] for key in reversed(payload) if key not in ("st", "ps", "nq", "ap")}
    frame = json.dumps({"data": kept, "stream": stream.decode()}).encode()
    mapped = mapper()
    assert list(mapped.map(frame, RECEIVED_NS)) == [EXPECTED[stream]]
    assert mapped.extra_fields == {}


def test_a_dated_contract_is_a_future_and_has_no_funding():
    frame = changed(MARK_PRICE, s="BTCUSDT_260327", r="", T=0)
    (event,) = mapper().map(frame, RECEIVED_NS)
    assert (event.symbol, event.market_type) == ("BTC-USDT-260327", "future")
    assert (event.funding_rate, event.funding_time_ns) == (None, None)
    assert event.mark_price == "11794.15000000"


@pytest.mark.parametrize("index", ["gone", "", "0.00000000"])
def test_an_index_price_that_is_not_there_is_absent(index):
    (event,) = mapper().map(changed(MARK_PRICE, i=index), RECEIVED_NS)
    assert event.index_price is None


@pytest.mark.parametrize(
    ("X", "off_book"),
    [("MARKET", None), ("INSURANCE_FUND", "insurance_fund"), ("ADL", "adl"), ("gone", None)],
)
def test_a_trade_off_the_book_says_so(X, off_book):
    (event,) = mapper().map(changed(TRADE, X=X), RECEIVED_NS)
    assert (event.trade_id, event.off_book) == (6150000001, off_book)


@pytest.mark.parametrize(
    "fields", [{"X": "NA", "p": "0", "q": "0"}, {"X": "NA"}, {"p": "0.00", "q": "0"}]
)
@pytest.mark.parametrize("warm", [False, True])
def test_an_id_without_a_trade_is_no_trade_but_keeps_the_tape_whole(fields, warm):
    mapped = mapper()
    frame = combined(b"btcusdt@trade", changed(TRADE, **fields))
    for good in (TRADE, combined(b"btcusdt@trade", TRADE), frame)[: 3 * warm]:
        mapped.map(good, RECEIVED_NS)
    (item,) = mapped.map(frame, RECEIVED_NS)
    assert item == UnusedTradeId(**COMMON, exchange_ns=1753000000120_000_000, trade_id=6150000001)
    assert mapped.ignored == {"trade with X=NA": 1 + warm}


@pytest.mark.parametrize(
    "stream", [each for each in EVENTS if b"kline" not in each], ids=bytes.decode
)
def test_a_coin_m_row_is_counted_and_left_out(stream):
    """Candles come by symbol alone and do not say whose they are."""
    mapped = mapper()
    mapped.map(combined(stream, EVENTS[stream]), RECEIVED_NS)
    for symbol in ("BTCUSDT", "BTCUSD_PERP"):
        row = EVENTS[stream].replace(b'"BTCUSDT"', f'"{symbol}"'.encode())
        row = changed(row, st=2)
        for frame in (combined(stream, row), combined(stream.replace(b"btcusdt@", b"!"), row)):
            assert list(mapped.map(frame, RECEIVED_NS)) == []
    assert sum(mapped.ignored.values()) == 4


@pytest.mark.parametrize(
    ("stream", "payload"),
    [(b"!ticker@arr", TICKER), (b"!markPrice@arr@1s", MARK_PRICE), (b"!bookTicker", BOOK_TICKER)],
    ids=["ticker", "mark-price", "book-ticker"],
)
def test_a_stream_of_all_symbols_gives_ours_and_counts_the_others(stream, payload):
    mapped = mapper()
    other, coin_m = changed(payload, s="NEWUSDT"), changed(payload, s="BTCUSD_PERP", st=2)
    rows = [payload, other, coin_m]
    frames = (
        [combined(stream, each) for each in rows]
        if stream == b"!bookTicker"
        else [combined(stream, b"[" + b",".join(rows) + b"]"), b"[" + b",".join(rows) + b"]"]
    )
    found = [event for frame in frames for event in mapped.map(frame, RECEIVED_NS)]
    assert {each.symbol for each in found} == {"BTC-USDT-PERP"}
    assert sum(mapped.ignored.values()) == 3 * (1 if stream == b"!bookTicker" else 2) - len(found)


def test_a_liquidation_among_those_of_all_symbols_is_ours_or_counted():
    mapped = mapper()
    assert mapped.map(combined(b"!forceOrder@arr", FORCE_ORDER), RECEIVED_NS)
    assert not mapped.map(combined(b"!forceOrder@arr", order(s="NEWUSDT")), RECEIVED_NS)
    assert mapped.ignored == {"other symbol": 1}


def test_the_listing_of_a_symbol_nobody_here_knows_is_counted():
    mapped = mapper()
    for frame in (changed(CONTRACT_INFO, s="NEWUSDT"),) * 2:
        assert list(mapped.map(frame, RECEIVED_NS)) == []
    assert mapped.ignored == {"other symbol": 2}


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("TRADING", "trading"),
        ("PENDING_TRADING", "halted"),
        ("PRE_DELIVERING", "halted"),
        ("SETTLING", "halted"),
        ("CLOSE", "delisted"),
        ("DELIVERED", "delisted"),
        ("WHATEVER", "halted"),
    ],
)
def test_a_contract_s_life_in_our_words(raw, status):
    (event,) = mapper().map(changed(CONTRACT_INFO, cs=raw, dt=1774598400000), RECEIVED_NS)
    assert (event.status, event.raw_status) == (status, raw)
    assert event.expiry_ns == 1774598400000_000_000


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_liquidation_has_the_side_of_the_forced_order(side):
    (event,) = mapper().map(order(S=side), RECEIVED_NS)
    assert event.side == side.lower()


def test_a_liquidation_that_filled_nothing_has_no_price():
    (event,) = mapper().map(order(ap="0", p="0.0", z="0.000", X="NEW"), RECEIVED_NS)
    assert (event.price, event.average_price) == (None, None)
    assert (event.filled_quantity, event.status) == ("0.000", "NEW")


@pytest.mark.parametrize(
    ("stream", "ignored"),
    [
        (b"btcusdt@depth5", "partialDepth"),
        (b"btcusdt@depth20@100ms", "partialDepth"),
        (b"btcusdt@depth10@500ms", "partialDepth"),
        (b"btcusdt@rpiDepth@500ms", "rpiDepth"),
    ],
)
@pytest.mark.parametrize("warm", [False, True])
def test_a_book_s_best_levels_never_pass_for_its_changes(stream, ignored, warm):
    mapped = mapper()
    if warm:
        mapped.map(combined(b"btcusdt@depth@100ms", DEPTH), RECEIVED_NS)
    assert list(mapped.map(combined(stream, DEPTH), RECEIVED_NS)) == []
    assert mapped.ignored == {ignored: 1}


@pytest.mark.parametrize("stream", [b"btcusdt@depth", b"btcusdt@depth@500ms", b"btcusdt@depth@0ms"])
def test_changes_at_another_speed_are_changes(stream):
    (event,) = mapper().map(combined(stream, DEPTH), RECEIVED_NS)
    assert event == EXPECTED[b"btcusdt@depth@100ms"]


@pytest.mark.parametrize(
    ("event", "more"),
    [
        ("continuous_kline", {"ps": "BTCUSDT", "ct": "PERPETUAL", "k": {}}),
        ("compositeIndex", {"s": "DEFIUSDT", "p": "554.41"}),
        ("EquityUpdate", {"t": 1, "T": 2, "S": "REGULAR"}),
        ("24hrMiniTicker", {"s": "BTCUSDT", "c": "1"}),
    ],
)
def test_what_we_do_not_collect_is_nothing_and_counted(event, more):
    mapped = mapper()
    frame = msgspec.json.encode({"e": event, "E": 1753000000123} | more)
    assert list(mapped.map(frame, RECEIVED_NS)) == []
    assert mapped.ignored == {event: 1}


def test_answers_and_notices_are_those_of_spot():
    mapped = mapper()
    answer = b'{"error":{"code":2,"msg":"Invalid request: unknown variant"},"id":1}'
    assert list(mapped.map(answer, 0)) == [Acknowledged(1, "2: Invalid request: unknown variant")]
    assert list(mapped.map(b'{"result":null,"id":1}', 0)) == [Acknowledged(1)]
    notice = mapped.map(b'{"e":"serverShutdown","E":1770123456789}', 0)
    assert isinstance(notice[0], ShutdownNotice)


BAD = [
    pytest.param(changed(TRADE, s="ETHUSDT"), "unknown_symbol", id="symbol-not-asked-for"),
    pytest.param(changed(TRADE, p="gone"), "missing_field", id="trade-without-price"),
    pytest.param(changed(TRADE, X=5), "absurd_number", id="kind-of-trade-is-a-number"),
    pytest.param(changed(TRADE, m="yes"), "missing_field", id="side-is-text"),
    pytest.param(changed(TRADE, st="1"), "absurd_number", id="market-is-text"),
    pytest.param(changed(AGG_TRADE, a=-1), "absurd_number", id="id-below-zero"),
    pytest.param(changed(DEPTH, pu="gone"), "missing_field", id="no-pu"),
    pytest.param(changed(DEPTH, pu=-1), "absurd_number", id="pu-below-zero"),
    pytest.param(changed(DEPTH, U=600859600918), "absurd_number", id="ids-reversed"),
    pytest.param(changed(DEPTH, b=[["1e5", "1"]]), "absurd_number", id="level-with-exponent"),
    pytest.param(changed(TICKER, c="gone"), "missing_field", id="ticker-without-last-price"),
    pytest.param(changed(BOOK_TICKER, E="gone"), "missing_field", id="book-ticker-without-time"),
    pytest.param(changed(MARK_PRICE, r="--1"), "absurd_number", id="rate-with-two-signs"),
    pytest.param(changed(MARK_PRICE, r="1e-5"), "absurd_number", id="rate-with-exponent"),
    pytest.param(changed(MARK_PRICE, r="NaN"), "absurd_number", id="rate-nan"),
    pytest.param(changed(MARK_PRICE, p="-1"), "absurd_number", id="mark-price-below-zero"),
    pytest.param(changed(MARK_PRICE, T=-1), "absurd_number", id="payment-before-1970"),
    pytest.param(changed(FORCE_ORDER, o="gone"), "missing_field", id="no-order"),
    pytest.param(changed(FORCE_ORDER, o=[1]), "missing_field", id="order-is-an-array"),
    pytest.param(order(S="HOLD"), "missing_field", id="side-unknown"),
    pytest.param(order(p="1e3"), "absurd_number", id="liquidated-at-an-exponent"),
    pytest.param(order(q="-1"), "absurd_number", id="liquidated-below-zero"),
    pytest.param(changed(CONTRACT_INFO, dt=-1), "absurd_number", id="delivered-before-1970"),
    pytest.param(changed(KLINE, k="gone"), "missing_field", id="no-candle"),
    pytest.param(changed(TRADE, e="margin"), "unknown_event", id="event-nobody-knows"),
    pytest.param(b"[]", "unknown_event", id="no-rows"),
    pytest.param(b"[" + TICKER + b',{"e":"24hrTicker"}]', "missing_field", id="row-is-empty"),
    pytest.param(b'[{"e":"24hrTicker","s":[1]}]', "missing_field", id="row-s-symbol-is-an-array"),
]


@pytest.mark.parametrize("warm", [False, True], ids=["first", "after-good-ones"])
@pytest.mark.parametrize(("frame", "kind"), BAD)
def test_a_bad_message_says_why_it_is_bad(frame, kind, warm):
    mapped = mapper()
    for stream, payload in [*EVENTS.items()][: len(EVENTS) * warm]:
        mapped.map(payload, RECEIVED_NS)
        mapped.map(combined(stream, payload), RECEIVED_NS)
    with pytest.raises(WireError) as caught:
        mapped.map(frame, RECEIVED_NS)
    assert caught.value.kind == kind
    assert caught.value.exchange == "binance_derivatives"


def test_a_field_more_is_tolerated_and_counted_at_every_depth():
    mapped = mapper()
    mapped.map(combined(b"btcusdt@markPrice@1s", changed(MARK_PRICE, zz=1)), RECEIVED_NS)
    mapped.map(order(zz=1), RECEIVED_NS)
    assert mapped.extra_fields == {"BinanceMarkPrice.zz": 1, "BinanceForceOrder.o.zz": 1}
