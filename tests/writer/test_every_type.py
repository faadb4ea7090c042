"""Every type of event, with every field set and with none, through NATS and the writer."""

import asyncio
from decimal import Decimal
from typing import Any

import msgspec

from config.settings import Settings
from tests.every_event import EVENT_TYPES, bare, choices, filled, type_of
from tests.waiting import wait_until
from tests.writer.running import publish, writing
from workers.bus.outgoing import Outgoing
from workers.bus.streams import ensure_streams
from workers.model.address import message_id, subject
from workers.model.codec import encode
from workers.model.events import Event
from workers.store.migrate import migrate
from workers.store.queries import query
from workers.store.tables import BY_TYPE


def message(event: Event) -> Outgoing:
    kind = subject(event).partition("-data.")[0]
    return Outgoing(subject(event), encode(event), message_id(event), kind)


def stored_events(settings: Settings, kind: type[Event]) -> list[dict[str, Any]]:
    """The rows of a type's table as the fields of its events, in the order they were received."""
    names = [name for name in kind.__struct_fields__ if name != "type"]
    columns = ", ".join(f"`{name}`" for name in names)
    sql = f"SELECT {columns} FROM {BY_TYPE[type_of(kind)].name} ORDER BY received_ns"
    return [dict(zip(names, row, strict=True)) for row in query(settings.clickhouse, sql).rows]


def as_stored(value: Any, found: Any) -> Any:
    """A field's value as the column's type shows it: texts of numbers may be decimals."""
    if isinstance(found, Decimal):
        return Decimal(value)
    if isinstance(value, list):
        return [(Decimal(price), Decimal(quantity)) for price, quantity in value]
    return value


def test_every_field_of_every_type_comes_back_from_clickhouse(settings: Settings) -> None:
    asyncio.run(ensure_streams(settings.nats.servers, settings.nats.streams_file))
    migrate(settings.clickhouse)
    sent: dict[type[Event], list[Event]] = {
        kind: [*(filled(kind, number) for number in range(choices(kind))), bare_later(kind)]
        for kind in EVENT_TYPES
    }
    publish(settings, [message(event) for events in sent.values() for event in events])
    with writing(settings) as writer:
        for kind, events in sent.items():
            table = BY_TYPE[type_of(kind)].name
            wait_until(
                lambda table=table, events=events: writer.rows(table) == len(events),
                30,
                what=f"{len(events)} rows in {table}",
            )
    for kind, events in sent.items():
        rows = stored_events(settings, kind)
        for event, row in zip(events, rows, strict=True):
            expected = {name: as_stored(getattr(event, name), found) for name, found in row.items()}
            assert row == expected, kind.__name__


def bare_later(kind: type[Event]) -> Event:
    """A bare event that is another one than the filled ones."""
    event = bare(kind)
    numbers = {
        name: getattr(event, name) + 1000
        for name in kind.__struct_fields__
        if isinstance(getattr(event, name), int) and not isinstance(getattr(event, name), bool)
    }
    return msgspec.structs.replace(event, **numbers)


def test_the_generated_events_leave_no_field_empty() -> None:
    for kind in EVENT_TYPES:
        event = filled(kind)
        for name in kind.__struct_fields__:
            assert getattr(event, name), f"{kind.__name__}.{name}"
        empty = [name for name in kind.__struct_fields__ if getattr(bare(kind), name) is None]
        assert "exchange_ns" in empty
