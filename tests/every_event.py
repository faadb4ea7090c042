"""Events of every type with every field set, made from the type hints; nothing to keep in step.

Every text that is not a name looks like a decimal with 18 places, so that it fits a text and a
decimal column alike and comes back changed if the column is of the wrong kind.
"""

import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from workers.model.address import subject
from workers.model.events import AnyEvent, Event, Levels

EVENT_TYPES: tuple[type[Event], ...] = get_args(AnyEvent)
NAMES = {"exchange": "okx_derivatives", "symbol": "BTC-USDT-PERP", "raw_symbol": "BTC-USDT-SWAP"}
BEGIN_NS = 1_790_000_000_123_456_789
LARGE = 2**53 + 1
"""Integers above what a float holds exactly."""


def filled(kind: type[Event], number: int = 0) -> Event:
    """An event with no field at a default, None, zero or empty; other numbers, other values."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name != "type"}
    values = {
        name: _value(name, hint, number, position)
        for position, (name, hint) in enumerate(hints.items(), start=1)
    }
    return kind(**values)


def bare(kind: type[Event]) -> Event:
    """An event without any field that may be absent."""
    hints = get_type_hints(kind)
    absent = {name: None for name in hints if type(None) in get_args(hints[name])}
    fields = {name: getattr(filled(kind), name) for name in kind.__struct_fields__}
    return kind(**(fields | absent))


def choices(kind: type[Event]) -> int:
    """How many events, numbered from 0, show every choice of every field."""
    plain = [_plain(hint) for hint in get_type_hints(kind).values()]
    return max(len(get_args(hint)) if get_origin(hint) is Literal else 2 for hint in plain)


def type_of(kind: type[Event]) -> str:
    """Its `type`, from its subject."""
    return subject(filled(kind)).partition("-data.")[0]


def _plain(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        [hint] = [each for each in get_args(hint) if each is not type(None)]
    return hint


def _value(name: str, hint: Any, number: int, position: int) -> Any:
    hint = _plain(hint)
    decimal = f"{position}{number}.123456789{position:03}{number:03}001"
    if name in NAMES:
        return NAMES[name]
    if name.endswith("_ns"):
        return BEGIN_NS + 1_000_000_007 * position + number
    if get_origin(hint) is Literal:
        return get_args(hint)[(number + 1) % len(get_args(hint))]
    if hint is bool:
        return number % 2 == 0
    if hint is int:
        return LARGE + 100 * position + number
    if hint == Levels:
        return [(decimal, decimal[::-1]), (f"2{decimal}", "0.5")]
    assert hint is str, f"{name}: {hint} is new; say how to make one"
    return decimal
