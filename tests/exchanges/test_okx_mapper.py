"""Frames of OKX, usual and unusual: events, a notice, nothing, or a WireError."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges.okx_frames import (
    BBO,
    BOOKS5,
    CANDLE,
    DATA,
    FUNDING,
    INDEX,
    INSTRUMENTS,
    LIQUIDATIONS,
    LISTED,
    MARK,
    OPEN_INTEREST,
    RECEIVED_NS,
    RESET,
    SNAPSHOT,
    SPOT,
    TICKERS,
    TRADES,
    TRADES_ALL,
    UPDATE,
    mapper,
    row,
)
from workers.book.sequence import Snapshot
from workers.exchanges.base import Acknowledged, BookReset, ShutdownNotice
from workers.model.address import message_id
from workers.model.errors import WireError
from workers.model.events import (
    BookDelta,
    Event,
    FundingRate,
    InstrumentChange,
    Kline,
    Liquidation,
    OpenInterest,
    Ticker,
    Trade,
)


def common(symbol: str, kind: str, raw: str, ms: int | None) -> dict:
    return {
        "exchange": "okx_derivatives",
        "market_type": kind,
        "symbol": symbol,
        "raw_symbol": raw,
        "exchange_ns": None if ms is None else ms * 1_000_000,
        "received_ns": RECEIVED_NS,
    }


def swap(ms: int | None) -> dict:
    return common("BTC-USDT-PERP", "perpetual", "BTC-USDT-SWAP", ms)


def inverse(ms: int) -> dict:
    return common("BTC-USD-PERP", "perpetual", "BTC-USD-SWAP", ms)


def spot(ms: int) -> dict:
    return common("BTC-USDT", "spot", "BTC-USDT", ms) | {"exchange": "okx_spot"}


EXPECTED = {
    "trades": [
        Trade(
            **swap(1786540436090),
            trade_id=2832749645,
            price="63913.4",
            quantity="0.3495",
            side="sell",
            aggregate=True,
            first_trade_id=2832749636,
            last_trade_id=2832749645,
            raw_quantity="34.95",
        )
    ],
    "trades-all": [
        Trade(
            **spot(1630048897897),
            trade_id=130639474,
            price="42219.9",
            quantity="0.12060306",
            side="buy",
        )
    ],
    "snapshot": [
        BookReset(
            "BTC-USDT",
            Snapshot(
                123456,
                [("8476.97", "256"), ("8475.55", "101")],
                [("8476.98", "415"), ("8477", "7")],
                bids_complete=True,
                asks_complete=True,
            ),
            1597026383085_000_000,
            RECEIVED_NS,
        )
    ],
    "update": [
        BookDelta(
            **spot(1597026383185),
            first_update_id=123457,
            last_update_id=123459,
            prev_update_id=123456,
            bids=[("8476.9", "12")],
            asks=[("8476.98", "0")],
        )
    ],
    "swap-update": [
        BookDelta(
            **swap(1786541241006),
            first_update_id=333794734971,
            last_update_id=333794734980,
            prev_update_id=333794734970,
            bids=[],
            asks=[("63921.5", "7.9041"), ("63922", "0.00")],
        )
    ],
    "keep-alive": [
        BookDelta(
            **spot(1597026443185),
            first_update_id=123459,
            last_update_id=123459,
            prev_update_id=123459,
            bids=[],
            asks=[],
        )
    ],
    "reset": [
        BookDelta(
            **spot(1597026453185),
            first_update_id=3,
            last_update_id=3,
            prev_update_id=123459,
            bids=[("8476.9", "13")],
            asks=[],
        )
    ],
    "bbo-tbt": [
        Ticker(
            **swap(1670324386802),
            best_bid_price="111.05",
            best_bid_quantity="577.45",
            best_ask_price="111.06",
            best_ask_quantity="551.54",
        )
    ],
    "tickers": [
        Ticker(
            **swap(1786540471710),
            best_bid_price="63921",
            best_bid_quantity="7.793",
            best_ask_price="63921.1",
            best_ask_quantity="18.7175",
            last_price="63921",
            open_24h="64297.6",
            high_24h="64466",
            low_24h="63162.7",
            volume_24h="73998.8786",
        )
    ],
    "candle1m": [
        Kline(
            **swap(None),
            interval="1m",
            open_time_ns=1786540440000_000_000,
            open="63913.0",
            high="63951.8",
            low="63913.0",
            close="63951.8",
            closed=False,
            volume="18.0361",
            quote_volume="1153203.99426000",
        )
    ],
    "funding-rate": [
        FundingRate(
            **inverse(1700724675402),
            funding_rate="-0.0001875391284828",
            funding_time_ns=1700726400000_000_000,
            next_funding_time_ns=1700755200000_000_000,
        )
    ],
    "mark-price": [FundingRate(**swap(1630049139746), mark_price="42310.6")],
    "index-tickers": [
        FundingRate(**swap(1649419644492), index_price="43350"),
        FundingRate(
            **common("BTC-USDT-260327", "future", "BTC-USDT-260327", 1649419644492),
            index_price="43350",
        ),
    ],
    "open-interest": [
        OpenInterest(
            **swap(1743041250440),
            open_interest="22161.1301000000309",
            open_interest_value="1939251795.54769270396321",
            raw_open_interest="2216113.01000000309",
        )
    ],
    "liquidation-orders": [
        Liquidation(
            **inverse(1692266434011),
            side="sell",
            price="20000",
            quantity="0.015",
            sampled=True,
            raw_quantity="3",
        ),
        Liquidation(
            **inverse(1692266434009),
            side="buy",
            price="20001",
            quantity="0.004999750012499375",
            sampled=True,
            raw_quantity="1",
        ),
    ],
    "instruments": [
        InstrumentChange(
            **common("SPCX-USDT-PERP", "perpetual", "SPCX-USDT-SWAP", None),
            status="halted",
            raw_status="preopen",
            base="SPCX",
            quote="USDT",
            settle="USDT",
            contract_size="0.01",
        )
    ],
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("times", [1, 3], ids=["first", "seen-before"])
def test_a_documented_message_becomes_its_events(name, times):
    mapped = mapper()
    for _ in range(times):
        assert list(mapped.map(DATA[name], RECEIVED_NS)) == EXPECTED[name]
    assert mapped.extra_fields == {}


@pytest.mark.parametrize("name", DATA)
def test_spaces_and_another_order_of_fields_change_nothing(name):
    message = dict(reversed(json.loads(DATA[name]).items()))
    frame = json.dumps(message, indent=1).encode()
    assert list(mapper().map(frame, RECEIVED_NS)) == EXPECTED[name]


def test_every_event_has_an_id_of_its_own():
    events = [each for found in EXPECTED.values() for each in found if isinstance(each, Event)]
    assert len({message_id(each) for each in events}) == len(events)


def test_mark_and_index_price_of_one_millisecond_are_two_messages():
    mark, index = (
        mapper().map(row(frame, ts="1630049139746"), RECEIVED_NS)[0] for frame in (MARK, INDEX)
    )
    assert message_id(mark) != message_id(index)


def test_spot_volumes_are_base_and_quote():
    ticker = TICKERS.replace(b"BTC-USDT-SWAP", b"BTC-USDT").replace(b'"SWAP"', b'"SPOT"')
    (event,) = mapper().map(ticker, RECEIVED_NS)
    assert (event.volume_24h, event.quote_volume_24h) == ("7399887.86", "73998.8786")
    (candle,) = mapper().map(CANDLE.replace(b"-SWAP", b""), RECEIVED_NS)
    assert (candle.volume, candle.quote_volume) == ("1803.61", "1153203.99426000")


@pytest.mark.parametrize(
    ("confirm", "closed"), [(b'"1"', True), (b'"0"', False)], ids=["closed", "running"]
)
def test_a_candle_says_whether_it_is_closed(confirm, closed):
    frame = CANDLE.replace(b'"0"]]', confirm + b"]]")
    assert mapper().map(frame, RECEIVED_NS)[0].closed is closed


def test_a_candle_that_opens_in_hong_kong_is_not_our_day():
    for channel, interval in ((b"candle1D", "1D"), (b"candle1Dutc", "1d"), (b"candle1H", "1h")):
        frame = CANDLE.replace(b"candle1m", channel)
        assert mapper().map(frame, RECEIVED_NS)[0].interval == interval


def test_an_empty_side_of_a_ticker_is_absent():
    (event,) = mapper().map(row(TICKERS, bidPx="", bidSz=""), RECEIVED_NS)
    assert (event.best_bid_price, event.best_bid_quantity) == (None, None)
    assert event.best_ask_price == "63921.1"
    frame = BBO.replace(b'[["111.05","57745","0","2"]]', b"[]")
    (event,) = mapper().map(frame, RECEIVED_NS)
    assert (event.best_bid_price, event.best_ask_price) == (None, "111.06")


def test_ask_below_bid_is_passed_on_before_trading_begins():
    (event,) = mapper().map(row(TICKERS, askPx="63000"), RECEIVED_NS)
    assert (event.best_bid_price, event.best_ask_price) == ("63921", "63000")


def test_an_unknown_funding_rate_is_absent_not_zero():
    (event,) = mapper().map(row(FUNDING, fundingRate="", nextFundingTime=""), RECEIVED_NS)
    assert (event.funding_rate, event.next_funding_time_ns) == (None, None)


def test_a_book_without_an_action_is_whole_only_if_nothing_came_before_it():
    without = SNAPSHOT.replace(b'"action":"snapshot",', b"")
    assert list(mapper().map(without, RECEIVED_NS)) == EXPECTED["snapshot"]
    with pytest.raises(WireError, match="no action"):
        mapper().map(UPDATE.replace(b'"action":"update",', b""), RECEIVED_NS)


def test_liquidations_of_other_instruments_are_counted_not_refused():
    mapped = mapper()
    mapped.map(LIQUIDATIONS, RECEIVED_NS)
    assert mapped.ignored == {"liquidation-orders": 1}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("live", "trading"),
        ("expired", "delisted"),
        *((each, "halted") for each in ("suspend", "rebase", "post_only", "settling", "new-word")),
    ],
)
def test_an_instrument_tells_its_state(state, status):
    (event,) = mapper().map(row(INSTRUMENTS, state=state), RECEIVED_NS)
    assert (event.status, event.raw_status) == (status, state)


@pytest.mark.parametrize(
    ("frame", "request_id", "error"),
    [
        pytest.param(
            b'{"id":"1512","event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},'
            b'"connId":"a4d3ae55"}',
            1512,
            None,
            id="agreed",
        ),
        pytest.param(
            b'{"event":"unsubscribe","arg":{"channel":"books","instId":"X"},"connId":"d0b44253"}',
            None,
            None,
            id="unsubscribed",
        ),
        pytest.param(
            b'{"id":"a1","event":"error","code":"60012","msg":"Invalid request","connId":"a4"}',
            "a1",
            "60012: Invalid request",
            id="error",
        ),
        pytest.param(
            b'{"event":"channel-conn-count-error","channel":"orders","connCount":"30"}',
            None,
            "None: None",
            id="too-many",
        ),
    ],
)
def test_an_answer_is_acknowledged(frame, request_id, error):
    assert list(mapper().map(frame, RECEIVED_NS)) == [Acknowledged(request_id, error)]


def test_a_service_upgrade_is_a_notice_to_leave():
    frame = (
        b'{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service '
        b'upgrade. Please reconnect.","connId":"a4d3ae55"}'
    )
    (notice,) = mapper().map(frame, RECEIVED_NS)
    assert isinstance(notice, ShutdownNotice)
    assert notice.detail.startswith("64008: The connection will soon")


def test_pong_is_nothing_and_no_json():
    assert list(mapper().map(b"pong", RECEIVED_NS)) == []


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (BOOKS5, "books5"),
        (b'{"arg":{"channel":"status"},"data":[{"state":"completed"}]}', "status"),
        (
            b'{"arg":{"channel":"mark-price-candle1m","instId":"X"},"data":[]}',
            "mark-price-candle1m",
        ),
        (
            b'{"event":"channel-conn-count","channel":"orders","connCount":"2"}',
            "channel-conn-count",
        ),
        (b'{"event":"notice","code":"1","msg":"hello"}', "notice 1"),
    ],
    ids=["books5", "status", "mark-candle", "connections", "notice"],
)
def test_what_we_do_not_collect_is_nothing_and_counted(frame, name):
    mapped = mapper()
    assert list(mapped.map(frame, RECEIVED_NS)) == list(mapped.map(frame, RECEIVED_NS)) == []
    assert mapped.ignored == {name: 2}


def test_a_mapper_that_guesses_takes_the_kind_from_the_id():
    guessing = SPOT.guessing_mapper()
    (trade,) = guessing.map(TRADES, RECEIVED_NS)
    assert (trade.market_type, trade.symbol) == ("perpetual", "BTC-USDT-PERP")
    assert trade.quantity == trade.raw_quantity == "34.95"
    (trade,) = guessing.map(TRADES_ALL, RECEIVED_NS)
    assert (trade.market_type, trade.raw_quantity) == ("spot", None)
    (index,) = guessing.map(INDEX, RECEIVED_NS)
    assert (index.symbol, index.index_price) == ("BTC-USDT-PERP", "43350")
    (future,) = guessing.map(MARK.replace(b"-SWAP", b"-250808"), RECEIVED_NS)
    assert (future.market_type, future.symbol) == ("future", "BTC-USDT-250808")
    with pytest.raises(WireError) as caught:
        guessing.map(MARK.replace(b"BTC-USDT-SWAP", b"BTC"), RECEIVED_NS)
    assert caught.value.kind == "unknown_symbol"


def test_an_instrument_without_contract_size_harms_no_other():
    unsized = [msgspec.structs.replace(each, contract_size=None) for each in LISTED]
    mapped = SPOT.mapper(unsized)
    assert mapped.map(UPDATE, RECEIVED_NS)[0].symbol == "BTC-USDT"
    with pytest.raises(WireError, match="contract size of 'BTC-USDT-SWAP' is unknown"):
        mapped.map(TRADES, RECEIVED_NS)


BAD = [
    pytest.param(b"", "broken_json", id="nothing"),
    pytest.param(b"ping", "broken_json", id="ping"),
    pytest.param(UPDATE[:-9], "broken_json", id="cut-off"),
    pytest.param(TRADES + b"x", "broken_json", id="rubbish-behind"),
    pytest.param(b"[" * 100_000, "broken_json", id="deep"),
    pytest.param(b"[]", "unknown_event", id="array"),
    pytest.param(b"{}", "unknown_event", id="empty-object"),
    pytest.param(b'{"event":"login"}', "unknown_event", id="event-nobody-asked-for"),
    pytest.param(TRADES.replace(b"trades", b"tradez"), "unknown_event", id="unknown-channel"),
    pytest.param(TRADES.replace(b'"trades"', b"7"), "missing_field", id="channel-is-a-number"),
    pytest.param(row(TRADES, px="gone"), "missing_field", id="no-price"),
    pytest.param(row(TRADES, side="both"), "missing_field", id="side-nobody-knows"),
    pytest.param(row(TRADES, instId="ETH-USDT"), "unknown_symbol", id="trade-of-another"),
    pytest.param(INDEX.replace(b"BTC", b"ETH"), "unknown_symbol", id="index-of-none"),
    pytest.param(UPDATE.replace(b"BTC", b"ETH"), "unknown_symbol", id="book-of-another"),
    pytest.param(row(TRADES, px=1.5), "absurd_number", id="price-is-a-number"),
    pytest.param(row(TRADES, px="1e5"), "absurd_number", id="price-with-exponent"),
    pytest.param(row(TRADES, px="0"), "absurd_number", id="price-zero"),
    pytest.param(row(TRADES, sz="0"), "absurd_number", id="quantity-zero"),
    pytest.param(row(TRADES, sz="-1"), "absurd_number", id="quantity-below-zero"),
    pytest.param(row(TRADES, sz="1.2.3"), "absurd_number", id="quantity-with-two-points"),
    pytest.param(row(TRADES, tradeId="12a"), "absurd_number", id="id-is-text"),
    pytest.param(row(TRADES, tradeId=str(2**63)), "absurd_number", id="id-beyond-63-bits"),
    pytest.param(row(TRADES, count="0"), "absurd_number", id="aggregate-of-none"),
    pytest.param(row(TRADES, count="9999999999"), "absurd_number", id="more-than-there-are"),
    pytest.param(row(TRADES, ts="1786540436090123"), "absurd_number", id="microseconds"),
    pytest.param(row(TRADES, ts=""), "absurd_number", id="no-time"),
    pytest.param(row(UPDATE, seqId="gone"), "missing_field", id="no-seqid"),
    pytest.param(row(UPDATE, prevSeqId="gone"), "missing_field", id="no-prevseqid"),
    pytest.param(row(UPDATE, seqId=-1), "absurd_number", id="seqid-below-zero"),
    pytest.param(row(UPDATE, seqId=2**63), "absurd_number", id="seqid-beyond-63-bits"),
    pytest.param(row(UPDATE, prevSeqId=-2), "absurd_number", id="prevseqid-below-minus-one"),
    pytest.param(row(UPDATE, bids=[["1"]]), "missing_field", id="level-too-short"),
    pytest.param(row(UPDATE, bids=[["inf", "1", "0", "1"]]), "absurd_number", id="infinite"),
    pytest.param(row(UPDATE, asks=[["1", "-1", "0", "1"]]), "absurd_number", id="below-zero"),
    pytest.param(UPDATE.replace(b'"update"', b'"insert"'), "missing_field", id="action-unknown"),
    pytest.param(row(MARK, markPx=""), "absurd_number", id="no-mark-price"),
    pytest.param(row(MARK, markPx="0"), "absurd_number", id="mark-price-zero"),
    pytest.param(row(FUNDING, fundingRate="--1"), "absurd_number", id="rate-with-two-signs"),
    pytest.param(row(OPEN_INTEREST, oi="NaN"), "absurd_number", id="open-interest-nan"),
    pytest.param(CANDLE.replace(b',"0"]', b"]"), "absurd_number", id="eight-columns"),
    pytest.param(row(INSTRUMENTS, instType="EVENTS"), "absurd_number", id="new-kind"),
    pytest.param(row(INSTRUMENTS, ctVal="x"), "absurd_number", id="contract-size-is-a-word"),
    pytest.param(
        LIQUIDATIONS.replace(b'"20000"', b'"0"'), "absurd_number", id="bankruptcy-price-zero"
    ),
]


@pytest.mark.parametrize("warm", [False, True], ids=["first", "after-good-ones"])
@pytest.mark.parametrize(("frame", "kind"), BAD)
def test_a_bad_message_says_why_it_is_bad(frame, kind, warm):
    mapped = mapper()
    for good in DATA.values() if warm else ():
        mapped.map(good, RECEIVED_NS)
    with pytest.raises(WireError) as caught:
        mapped.map(frame, RECEIVED_NS)
    assert caught.value.kind == kind
    assert caught.value.frame == frame[:1024]


def test_a_field_more_is_tolerated_and_counted():
    mapped = mapper()
    frame = row(TRADES, st=1, zz={"a": []}).replace(b'"arg"', b'"seq":1,"arg"', 1)
    for _ in range(3):
        assert list(mapped.map(frame, RECEIVED_NS)) == EXPECTED["trades"]
    assert mapped.extra_fields == {"OkxTrade.st": 3, "OkxTrade.zz": 3, "OkxPush.seq": 3}
    mapped.map(TRADES, RECEIVED_NS)
    mapped.map(row(TRADES, neu="1"), RECEIVED_NS)
    assert mapped.extra_fields["OkxTrade.neu"] == 1


def test_names_of_unknown_fields_are_bounded():
    mapped = mapper()
    for number in range(300):
        mapped.map(row(TRADES, **{f"x{number}": 1}), RECEIVED_NS)
    assert len(mapped.extra_fields) == 201
    assert mapped.extra_fields["other"] == 100


frames = st.sampled_from([*DATA.values(), BOOKS5])
texts = st.sampled_from(
    ("1", "-1", "1e5", "NaN", "", ".", "1.2.3", "1" * 25, "ü", "0.5", "7,", "0")
)
values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), texts,
    st.lists(st.lists(texts, max_size=4), max_size=2),
)  # fmt: skip
SHARED = mapper()
"""One for all examples: what it learns from one frame must not spoil another."""


def assert_only_wire_errors(frame: bytes) -> None:
    try:
        found = SHARED.map(frame, RECEIVED_NS)
    except WireError:
        return
    for each in found:
        assert isinstance(each, Event | BookReset | Acknowledged | ShutdownNotice)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(frame):
    assert_only_wire_errors(frame)


@given(frames, st.data())
def test_any_damage_to_a_frame_is_read_or_refused(frame, data):
    start = data.draw(st.integers(0, len(frame)))
    end = data.draw(st.integers(start, min(len(frame), start + 12)))
    assert_only_wire_errors(frame[:start] + data.draw(st.binary(max_size=6)) + frame[end:])


@given(frames, st.data())
def test_any_value_in_any_field_is_read_or_refused(frame, data):
    message = json.loads(frame)
    first = message["data"][0]
    keys = sorted(first) if isinstance(first, dict) else range(len(first))
    for name in data.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=3)):
        first[name] = data.draw(values)
    assert_only_wire_errors(json.dumps(message, separators=(",", ":")).encode())


@given(
    st.recursive(values, lambda inner: st.dictionaries(st.text(max_size=4), inner), max_leaves=9)
)
def test_any_json_is_read_or_refused(message):
    assert_only_wire_errors(json.dumps(message).encode())


def test_a_reset_of_their_count_is_documented_and_read():
    (delta,) = mapper().map(RESET, RECEIVED_NS)
    assert delta.last_update_id < delta.prev_update_id
