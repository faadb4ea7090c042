"""Frames of Binance USD-M, damaged in any way: read, or refused with a WireError."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges.frames import combined
from tests.exchanges.usdm_frames import EVENTS, RECEIVED_NS, mapper
from workers.exchanges.base import Acknowledged, ShutdownNotice, UnusedTradeId
from workers.model.errors import WireError
from workers.model.events import Event

SHARED = mapper()
frames = st.sampled_from([*EVENTS.values(), *(combined(s, p) for s, p in EVENTS.items())])
texts = st.sampled_from(("1", "-1", "1e5", "NaN", "", ".", "1" * 25, "ü", "0.5", "NA"))
values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), texts,
    st.lists(st.lists(texts, max_size=3), max_size=2), st.dictionaries(st.text(max_size=2), texts),
)  # fmt: skip


def assert_only_wire_errors(frame: bytes) -> None:
    try:
        found = SHARED.map(frame, RECEIVED_NS)
    except WireError:
        return
    for each in found:
        assert isinstance(each, Event | Acknowledged | ShutdownNotice | UnusedTradeId)


@given(frames, st.data())
def test_any_damage_to_a_frame_is_read_or_refused(frame, data):
    start = data.draw(st.integers(0, len(frame)))
    end = data.draw(st.integers(start, min(len(frame), start + 12)))
    assert_only_wire_errors(frame[:start] + data.draw(st.binary(max_size=6)) + frame[end:])


@given(frames, st.data())
def test_any_value_in_any_field_is_read_or_refused(frame, data):
    message = json.loads(frame)
    payload = message.get("data", message)
    inner = [payload[name] for name in ("o", "k") if isinstance(payload.get(name), dict)]
    place = data.draw(st.sampled_from([payload, *inner]))
    for name in data.draw(st.lists(st.sampled_from(sorted(place)), min_size=1, max_size=3)):
        place[name] = data.draw(values)
    assert_only_wire_errors(json.dumps(message, separators=(",", ":")).encode())


@given(st.recursive(values, lambda inner: st.lists(inner, max_size=3), max_leaves=9))
def test_any_json_is_read_or_refused(message):
    assert_only_wire_errors(json.dumps(message).encode())
