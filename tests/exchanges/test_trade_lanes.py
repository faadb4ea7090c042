"""Trades read at speed are the trades that are read with care, and what is odd is refused alike."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges import frames, okx_frames, usdm_frames
from tests.exchanges.frames import combined
from workers.model.errors import WireError

NS = 1_786_540_440_200_000_000

SPOT = (frames.mapper, combined(b"bnbbtc@trade", frames.TRADE))
SPOT_AGGREGATE = (frames.mapper, combined(b"bnbbtc@aggTrade", frames.AGG_TRADE))
USDM = (usdm_frames.mapper, combined(b"btcusdt@trade", usdm_frames.TRADE))
USDM_AGGREGATE = (usdm_frames.mapper, combined(b"btcusdt@aggTrade", usdm_frames.AGG_TRADE))
OKX = (okx_frames.mapper, okx_frames.TRADES)
OKX_ALL = (okx_frames.mapper, okx_frames.TRADES_ALL)
ALL = {
    "spot": SPOT, "spot-aggregate": SPOT_AGGREGATE, "usdm": USDM,
    "usdm-aggregate": USDM_AGGREGATE, "okx": OKX, "okx-all": OKX_ALL,
}  # fmt: skip
WARM = {name: make() for name, (make, _) in ALL.items()}

TEXTS = st.sampled_from(
    [
        *("0.01", "5", "0", "0.000", "", ".", "1.2.3", "-1", "1e5", "NaN", "1_0", " 1", "\uff11"),
        *("1" * 25, "NA", "ADL", "MARKET", "buy", "BNBBTC", "BTC-USDT", "0" * 22, "12345"),
    ]
)
VALUES = st.one_of(
    TEXTS, st.integers(-2, 3), st.integers(), st.booleans(), st.none(), st.floats(width=16)
)


def outcome(mapper, frame):
    try:
        return list(mapper.map(frame, NS))
    except WireError as error:
        return error.kind


@pytest.mark.parametrize("name", ALL)
def test_the_second_trade_of_a_stream_is_read_as_the_first(name):
    make, frame = ALL[name]
    mapper = make()
    first = outcome(mapper, frame)
    assert len(first) == 1
    if name.startswith("okx"):
        assert mapper._lanes, "it should have opened its lane"
    assert outcome(mapper, frame) == first
    assert not mapper.extra_fields


@pytest.mark.parametrize("name", ALL)
@given(data=st.data())
def test_a_damaged_trade_means_the_same_both_ways(name, data):
    make, frame = ALL[name]
    outcome(WARM[name], frame)
    message = json.loads(frame)
    place = message["data"][0] if name.startswith("okx") else message["data"]
    for field in data.draw(st.lists(st.sampled_from(sorted(place)), max_size=3)):
        place[field] = data.draw(VALUES)
    if data.draw(st.booleans()):
        place[data.draw(st.sampled_from(["new", "st", "X", "count"]))] = data.draw(VALUES)
    if data.draw(st.booleans()) and name.startswith("okx"):
        message["data"] += message["data"]
    damaged = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
    assert outcome(WARM[name], damaged) == outcome(make(), damaged)


@pytest.mark.parametrize("name", ALL)
def test_a_field_that_is_new_is_counted_each_time(name):
    make, frame = ALL[name]
    mapper = make()
    outcome(mapper, frame)
    message = json.loads(frame)
    (message["data"][0] if name.startswith("okx") else message["data"])["brandNew"] = 1
    odd = json.dumps(message, separators=(",", ":")).encode()
    assert [len(outcome(mapper, odd)) for _ in range(3)] == [1, 1, 1]
    assert list(mapper.extra_fields.values()) == [3]
