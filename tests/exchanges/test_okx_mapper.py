"""Frames of OKX, usual and unusual: events, a notice, nothing, or a WireError."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges.okx_frames import (
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
    SPOT,
    TRADES,
    TRADES_ALL,
    UPDATE,
    mapper,
    row,
)
from workers.exchanges.base import Acknowledged, BookReset, ShutdownNotice
from workers.model.errors import KEPT_BYTES, WireError
from workers.model.events import (
    Event,
)


@pytest.mark.parametrize(
    ("frame", "request_id", "error", "accepted"),
    [
        pytest.param(
            b'{"id":"1512","event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},'
            b'"connId":"a4d3ae55"}',
            1512,
            None,
            ("books:BTC-USDT",),
            id="agreed",
        ),
        pytest.param(
            b'{"event":"unsubscribe","arg":{"channel":"books","instId":"X"},"connId":"d0b44253"}',
            None,
            None,
            None,
            id="unsubscribed",
        ),
        pytest.param(
            b'{"id":"a1","event":"error","code":"60012","msg":"Invalid request","connId":"a4"}',
            "a1",
            "60012: Invalid request",
            None,
            id="error",
        ),
        pytest.param(
            b'{"event":"channel-conn-count-error","channel":"orders","connCount":"30"}',
            None,
            "None: None",
            None,
            id="too-many",
        ),
    ],
)
def test_an_answer_is_acknowledged(frame, request_id, error, accepted):
    assert list(mapper().map(frame, RECEIVED_NS)) == [Acknowledged(request_id, error, accepted)]


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
    assert caught.value.frame == frame[:KEPT_BYTES]


def test_a_field_more_is_tolerated_and_counted():
    mapped = mapper()
    frame = row(TRADES, st=1, zz={"a": []}).replace(b'"arg"', b'"seq":1,"arg"', 1)
    for _ in range(3):
        assert list(mapped.map(frame, RECEIVED_NS)) == list(mapper().map(TRADES, RECEIVED_NS))
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
