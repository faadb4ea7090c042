"""Documented frames of Deribit become their events, whole and exact."""

import json

import pytest

from tests.exchanges.deribit_events import EXPECTED
from tests.exchanges.deribit_frames import (
    CHANGE,
    DATA,
    RECEIVED_NS,
    TRADES,
    changed,
    mapper,
    notification,
)
from workers.model.address import message_id
from workers.model.codec import decode, encode
from workers.model.events import (
    BookDelta,
    Event,
    FundingRate,
    OpenInterest,
    Ticker,
    Trade,
)


@pytest.mark.parametrize("name", DATA)
def test_a_documented_message_becomes_its_events(name):
    mapped = mapper()
    assert list(mapped.map(DATA[name], RECEIVED_NS)) == EXPECTED[name]
    assert mapped.extra_fields == mapped.ignored == {}


@pytest.mark.parametrize("name", DATA)
def test_spaces_and_another_order_of_fields_change_nothing(name):
    def turned(value):
        if isinstance(value, dict):
            return {key: turned(each) for key, each in reversed(value.items())}
        return [turned(each) for each in value] if isinstance(value, list) else value

    message = json.loads(DATA[name], parse_float=lambda text: f"<{text}>")
    frame = json.dumps(turned(message), indent=1).encode()
    frame = frame.replace(b'"<', b"").replace(b'>"', b"")
    mapped = mapper()
    assert list(mapped.map(frame, RECEIVED_NS)) == EXPECTED[name]
    assert mapped.extra_fields == {}


@pytest.mark.parametrize("name", DATA)
def test_a_field_more_is_tolerated_and_counted(name):
    mapped = mapper()
    frame = changed(DATA[name], zz={"a": [1.5]})
    frame = frame.replace(b'{"jsonrpc"', b'{"extra":1,"jsonrpc"', 1)
    for _ in range(2):
        found = list(mapped.map(frame, RECEIVED_NS))
        assert len(found) == len(EXPECTED[name]) or name == "locked"
    counts = {name.partition(".")[2]: count for name, count in mapped.extra_fields.items()}
    assert counts == {"extra": 2, "zz": 4 if name == "trades" else 2}


def test_events_survive_the_way_through_the_bus_and_have_ids_of_their_own():
    events = [each for name in DATA for each in EXPECTED[name] if isinstance(each, Event)]
    assert [decode(encode(each)) for each in events] == events
    assert len({message_id(each) for each in events}) == len(events)
    assert {type(each) for each in events} >= {Trade, BookDelta, Ticker, FundingRate, OpenInterest}


def test_ids_beyond_2_to_the_53_are_exact():
    (event,) = mapper().map(
        changed(CHANGE, prev_change_id=2**60 + 1, change_id=2**60 + 3), RECEIVED_NS
    )
    assert (event.prev_update_id, event.last_update_id) == (2**60 + 1, 2**60 + 3)
    rows = json.loads(TRADES)["params"]["data"][:1]
    (trade,) = mapper().map(
        notification("trades.BTC-PERPETUAL.100ms", [rows[0] | {"trade_seq": 2**53 + 1}]), 0
    )
    assert trade.trade_id == 2**53 + 1


def test_starbase_fields_may_be_text_and_are_not_extra():
    mapped = mapper()
    mapped.map(changed(TRADES, starbase_match_id="213378943477100544"), RECEIVED_NS)
    assert mapped.extra_fields == {}
