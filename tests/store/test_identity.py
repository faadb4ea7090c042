"""One event is one row under FINAL, however often and from wherever it comes; two are two."""

import uuid
from collections.abc import Callable, Iterator

import msgspec
import pytest

from config.settings import ClickHouseSettings
from tests.every_event import EVENT_TYPES, bare, filled, type_of
from workers.model.address import message_id
from workers.model.codec import encode
from workers.model.events import Event, InstrumentChange, Kline, VolatilityIndex
from workers.store.insert import Inserter
from workers.store.queries import query
from workers.store.tables import BY_TYPE

EACH_TYPE = pytest.mark.parametrize("kind", EVENT_TYPES, ids=type_of)
REPLACED = {
    Kline: {"closed", "exchange_ns", "received_ns"},
    VolatilityIndex: {"close"},
    InstrumentChange: {"received_ns"},
}
"""Another message, but the same row: a candle goes on, a change is told again."""


@pytest.fixture
def inserter(store: ClickHouseSettings) -> Iterator[Inserter]:
    inserter = Inserter(store)
    yield inserter
    inserter.close()


def insert(inserter: Inserter, *events: Event) -> None:
    """Each in an insert of its own, so that none is taken for a repeated batch."""
    table = BY_TYPE[type_of(type(events[0]))]
    for event in events:
        inserter.insert(table, [encode(event)], token=uuid.uuid4().hex)


def rows(store: ClickHouseSettings, kind: type[Event]) -> int:
    sql = f"SELECT count() FROM {BY_TYPE[type_of(kind)].name}"
    return int(query(store, sql, final=True).rows[0][0])


@EACH_TYPE
@pytest.mark.parametrize("make", [filled, bare])
def test_an_event_delivered_again_is_one_row(
    inserter: Inserter,
    store: ClickHouseSettings,
    kind: type[Event],
    make: Callable[[type[Event]], Event],
) -> None:
    insert(inserter, *3 * [make(kind)])
    assert rows(store, kind) == 1


@EACH_TYPE
def test_events_whose_message_ids_differ_are_different_rows(
    inserter: Inserter, store: ClickHouseSettings, kind: type[Event]
) -> None:
    event, other = filled(kind, 0), filled(kind, 1)
    changed = [
        msgspec.structs.replace(event, **{name: getattr(other, name)})
        for name in kind.__struct_fields__
        if name not in REPLACED.get(kind, set())
    ]
    distinct = {message_id(each): each for each in (event, *changed)}
    assert len(distinct) > 1
    insert(inserter, *distinct.values())
    assert rows(store, kind) == len(distinct)


@EACH_TYPE
def test_what_is_asked_for_again_later_is_one_row(
    inserter: Inserter, store: ClickHouseSettings, kind: type[Event]
) -> None:
    event = filled(kind)
    again = msgspec.structs.replace(
        event, received_ns=event.received_ns + 60 * 10**9, published_ns=event.published_ns + 1
    )
    insert(inserter, event, again)
    known_by_our_time = type_of(kind) in {"gap", "book-audit", "quality"}
    assert rows(store, kind) == 1 + known_by_our_time


def closes(store: ClickHouseSettings) -> list[tuple[object, object]]:
    found = query(store, "SELECT toString(close), closed FROM klines", final=True).rows
    return [(close, closed) for close, closed in found]


def test_a_running_candle_delivered_once_more_does_not_replace_the_closed_one(
    inserter: Inserter, store: ClickHouseSettings
) -> None:
    first = filled(Kline)
    running, unsaid, closed = (
        msgspec.structs.replace(first, close=close, closed=state, received_ns=received_ns)
        for close, state, received_ns in (("1", False, 10), ("2", None, 30), ("3", True, 20))
    )
    insert(inserter, running, unsaid)
    assert closes(store) == [("2", None)]
    insert(inserter, closed, unsaid, running)
    assert closes(store) == [("3", True)]
    corrected = msgspec.structs.replace(closed, close="4", received_ns=40, source="poll")
    insert(inserter, corrected, closed)
    assert closes(store) == [("4", True)]


def test_a_volatility_candle_asked_for_while_it_ran_is_replaced_by_the_later_answer(
    inserter: Inserter, store: ClickHouseSettings
) -> None:
    early = filled(VolatilityIndex)
    late = msgspec.structs.replace(early, close="99", received_ns=early.received_ns + 1)
    insert(inserter, early, late, early)
    assert query(store, "SELECT toString(close) FROM volatility_index", final=True).rows == [
        ("99",)
    ]
