"""Whatever Deribit sends is read or refused with a reason; nothing crashes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges.deribit_frames import (
    CHANGE,
    CHART,
    DATA,
    HEARTBEAT,
    LINEAR_SNAPSHOT,
    OPTION_TICKER,
    PERPETUAL,
    RECEIVED_NS,
    TEST_REQUEST,
    TRADES,
    VOLATILITY,
    changed,
    mapper,
    notification,
)
from workers.exchanges.base import Reply
from workers.model.checks import implausible
from workers.model.codec import decode, encode
from workers.model.errors import KEPT_BYTES, WireError
from workers.model.events import (
    Event,
    OpenInterest,
    Ticker,
)

BAD = [
    pytest.param(b"", "broken_json", id="empty"),
    pytest.param(b"\xff", "broken_json", id="not-utf8"),
    pytest.param(TRADES[:-9], "broken_json", id="cut"),
    pytest.param(b"[" * 5000, "broken_json", id="nested-too-deep"),
    pytest.param(b'{"a":1e99999999999999999999}', "broken_json", id="exponent-beyond-decimals"),
    pytest.param(b"[]", "unknown_event", id="array"),
    pytest.param(b'{"jsonrpc":"2.0"}', "unknown_event", id="nothing"),
    pytest.param(b'{"method":"call","params":{}}', "unknown_event", id="method"),
    pytest.param(notification("weather.BTC", {}), "unknown_event", id="channel"),
    pytest.param(b'{"method":"subscription","params":{}}', "missing_field", id="no-data"),
    pytest.param(
        b'{"method":"subscription","params":{"data":1}}', "missing_field", id="no-channel"
    ),
    pytest.param(changed(TRADES, price="gone"), "missing_field", id="no-price"),
    pytest.param(changed(TRADES, direction="hold"), "missing_field", id="no-side"),
    pytest.param(changed(TRADES, trade_seq=None), "missing_field", id="no-seq"),
    pytest.param(changed(CHANGE, bids=[["new", 1.5]]), "missing_field", id="level-without-amount"),
    pytest.param(changed(CHANGE, type="later"), "missing_field", id="type"),
    pytest.param(changed(TRADES, price="x"), "absurd_number", id="price-is-a-word"),
    pytest.param(changed(TRADES, price=-1.5), "absurd_number", id="price-below-zero"),
    pytest.param(changed(TRADES, price=0), "absurd_number", id="dollars-for-nothing"),
    pytest.param(changed(TRADES, amount=1e20), "absurd_number", id="amount-1e20"),
    pytest.param(changed(TRADES, amount="NaN"), "absurd_number", id="amount-nan"),
    pytest.param(changed(TRADES, amount="sNaN"), "absurd_number", id="amount-signalling"),
    pytest.param(changed(TRADES, amount="Infinity"), "absurd_number", id="amount-infinite"),
    pytest.param(
        TRADES.replace(b"62500.0", b"1e999999999"), "absurd_number", id="exponent-without-end"
    ),
    pytest.param(
        LINEAR_SNAPSHOT.replace(b"6.55e-6", b"1e-999999999"), "absurd_number", id="exponent-tiny"
    ),
    pytest.param(changed(TRADES, trade_seq=-1), "absurd_number", id="seq-below-zero"),
    pytest.param(changed(TRADES, trade_seq=2**63), "absurd_number", id="seq-beyond-63-bits"),
    pytest.param(changed(TRADES, trade_seq=1.5), "absurd_number", id="seq-is-a-fraction"),
    pytest.param(
        changed(TRADES, timestamp=1786740206308000), "absurd_number", id="time-in-microseconds"
    ),
    pytest.param(changed(TRADES, timestamp=0), "absurd_number", id="time-zero"),
    pytest.param(changed(CHANGE, prev_change_id="gone"), "absurd_number", id="change-of-nothing"),
    pytest.param(
        changed(CHANGE, prev_change_id=136069962101), "absurd_number", id="change-of-itself"
    ),
    pytest.param(
        changed(CHANGE, bids=[["delete", 2772.5, 3]]), "absurd_number", id="delete-that-leaves"
    ),
    pytest.param(changed(CHANGE, bids=[["new", 1e20, 3]]), "absurd_number", id="level-too-dear"),
    pytest.param(
        changed(LINEAR_SNAPSHOT, bids=[["new", 1.5, -3]]), "absurd_number", id="level-below-zero"
    ),
    pytest.param(CHART.replace(b"PERPETUAL.1", b"PERPETUAL.7"), "absurd_number", id="resolution"),
    pytest.param(changed(TRADES, instrument_name="X-PERPETUAL"), "unknown_symbol", id="symbol"),
    pytest.param(
        PERPETUAL.replace(b"BTC-PERPETUAL", b"X-PERPETUAL"), "unknown_symbol", id="channel-symbol"
    ),
]


@pytest.mark.parametrize(("frame", "kind"), BAD)
def test_a_bad_message_says_why_it_is_bad(frame, kind):
    with pytest.raises(WireError) as caught:
        mapper().map(frame, RECEIVED_NS)
    assert caught.value.kind == kind
    assert caught.value.frame == frame[:KEPT_BYTES]


def test_names_of_unknown_fields_are_bounded():
    mapped = mapper()
    for number in range(300):
        mapped.map(changed(VOLATILITY, **{f"x{number}": 1}), RECEIVED_NS)
    assert len(mapped.extra_fields) == 201
    assert mapped.extra_fields["other"] == 100


SHARED = mapper()
frames = st.sampled_from([*DATA.values(), TEST_REQUEST, HEARTBEAT])
numbers = st.sampled_from(
    (0, -1, 1.5, 1e300, 2**70, "1", "-1", "1e5", "NaN", "", "1.2.3", "9" * 25, None, True, [], {})
)
values = st.one_of(numbers, st.floats(), st.text(max_size=5), st.lists(st.lists(numbers)))


def assert_only_wire_errors(frame: bytes) -> None:
    try:
        found = SHARED.map(frame, RECEIVED_NS)
    except WireError:
        return
    for each in found:
        if isinstance(each, Event):
            assert decode(encode(each)) == each
            implausible(each)


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
    inner = message["params"].get("data", message["params"])
    row = inner[0] if isinstance(inner, list) else inner
    for name in data.draw(st.lists(st.sampled_from(sorted(row)), min_size=1, max_size=3)):
        row[name] = data.draw(values)
    assert_only_wire_errors(json.dumps(message, separators=(",", ":")).encode())


@given(
    st.recursive(values, lambda inner: st.dictionaries(st.text(max_size=4), inner), max_leaves=9)
)
def test_any_json_is_read_or_refused(message):
    assert_only_wire_errors(json.dumps(message).encode())
    assert_only_wire_errors(notification("book.BTC-PERPETUAL.100ms", message))
    assert_only_wire_errors(notification("trades.BTC-PERPETUAL.100ms", [message]))


def test_a_test_request_among_option_data_costs_nothing_else():
    mapped = mapper()
    found = [*mapped.map(OPTION_TICKER, 0), *mapped.map(TEST_REQUEST, 0)]
    assert [type(each) for each in found] == [Ticker, OpenInterest, Reply]
