"""Frames of Binance spot, damaged in any way: read, or refused with a WireError."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges.frames import EVENTS, MINI_TICKER, RECEIVED_NS, combined, mapper
from workers.exchanges.base import Acknowledged, ShutdownNotice
from workers.exchanges.binance.spot.mapper import SpotMapper
from workers.model.errors import WireError
from workers.model.events import BookDelta, Kline, Ticker, Trade

frames = st.sampled_from(
    [*EVENTS.values(), *(combined(s, p) for s, p in EVENTS.items()), MINI_TICKER]
)
texts = st.sampled_from(("1", "-1", "1e5", "NaN", "", ".", "1.2.3", "1" * 25, "ü", "0.5", "7,"))
values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), texts,
    st.lists(st.lists(texts, max_size=3), max_size=2),
)  # fmt: skip


def assert_only_wire_errors(mapped: SpotMapper, frame: bytes) -> None:
    try:
        found = mapped.map(frame, RECEIVED_NS)
    except WireError:
        return
    for each in found:
        assert isinstance(each, Trade | BookDelta | Ticker | Kline | Acknowledged | ShutdownNotice)


SHARED = mapper()
"""One for all examples: what it learns from one frame must not spoil another."""


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(frame):
    assert_only_wire_errors(SHARED, frame)


@given(frames, st.data())
def test_any_damage_to_a_frame_is_read_or_refused(frame, data):
    start = data.draw(st.integers(0, len(frame)))
    end = data.draw(st.integers(start, min(len(frame), start + 12)))
    damaged = frame[:start] + data.draw(st.binary(max_size=6)) + frame[end:]
    assert_only_wire_errors(SHARED, damaged)


@given(frames, st.data())
def test_any_value_in_any_field_is_read_or_refused(frame, data):
    message = json.loads(frame)
    payload = message.get("data", message)
    for name in data.draw(st.lists(st.sampled_from(sorted(payload)), min_size=1, max_size=3)):
        payload[name] = data.draw(values)
    assert_only_wire_errors(SHARED, json.dumps(message, separators=(",", ":")).encode())


@given(
    st.recursive(values, lambda inner: st.dictionaries(st.text(max_size=4), inner), max_leaves=9)
)
def test_any_json_is_read_or_refused(message):
    assert_only_wire_errors(SHARED, json.dumps(message).encode())


@given(frames, texts, st.sampled_from(("p", "q", "b", "a", "c", "v")))
def test_what_is_read_holds_plain_decimals_only(frame, text, name):
    message = json.loads(frame)
    payload = message.get("data", message)
    if name in payload:
        payload[name] = [[text, "1"]] if isinstance(payload[name], list) else text
    try:
        found = SHARED.map(json.dumps(message, separators=(",", ":")).encode(), RECEIVED_NS)
    except WireError:
        return
    for event in found:
        if isinstance(event, Trade):
            assert float(event.price) < 1e20
            assert set(event.price) <= set("0123456789.")
