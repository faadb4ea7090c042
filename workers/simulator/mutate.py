"""Ways to spoil one payload: what a client must survive."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

Spoiler = Callable[[bytes, str | None, object], bytes]
"""From a payload, a field and a value to the spoiled payload."""

USUAL_FIELD = {"trade": "p", "aggTrade": "p", "depthUpdate": "u", "24hrTicker": "c", "kline": "k"}
"""The field that is spoiled where none is named."""


def broken_json(payload: bytes, field: str | None, value: object) -> bytes:
    """The first half only."""
    return payload[: max(1, len(payload) // 2)]


def unknown_event(payload: bytes, field: str | None, value: object) -> bytes:
    """An event type that nobody has heard of."""
    return _changed(payload, lambda fields: fields.update(e=value or "martianLanding"))


def missing_field(payload: bytes, field: str | None, value: object) -> bytes:
    """One field less."""
    return _changed(payload, lambda fields: fields.pop(field or _usual(fields), None))


def extra_field(payload: bytes, field: str | None, value: object) -> bytes:
    """One field more."""
    return _changed(
        payload, lambda fields: fields.update({field or "zz": "extra" if value is None else value})
    )


def absurd_number(payload: bytes, field: str | None, value: object) -> bytes:
    """A number that cannot be: NaN unless told; the first level's price of a depth update."""
    absurd = "NaN" if value is None else value

    def spoil(fields: dict[str, Any]) -> None:
        if field is None and fields.get("e") == "depthUpdate":
            side = "b" if fields["b"] else "a"
            fields[side] = [[absurd, "1.00000000"], *fields[side][1:]]
        else:
            fields[field or _usual(fields)] = absurd

    return _changed(payload, spoil)


def crossed(payload: bytes, field: str | None, value: object) -> bytes:
    """A bid far above every ask, under the event's own ids. Depth updates only."""

    def cross(fields: dict[str, Any]) -> None:
        prices = [Decimal(price) for price, _ in (*fields.get("b", ()), *fields.get("a", ()))]
        if prices:
            fields["b"] = [[f"{2 * max(prices):.8f}", "1.00000000"], *fields["b"]]

    return _changed(payload, cross)


def zero(payload: bytes, field: str | None, value: object) -> bytes:
    """A level that nobody has is deleted once more. Depth updates only."""

    def add(fields: dict[str, Any]) -> None:
        if fields.get("b"):
            price = Decimal(fields["b"][-1][0]) / 2
            fields["b"] = [*fields["b"], [f"{price:.8f}", "0.00000000"]]
        elif fields.get("a"):
            price = Decimal(fields["a"][-1][0]) * 2
            fields["a"] = [*fields["a"], [f"{price:.8f}", "0.00000000"]]

    return _changed(payload, add)


def corrupt(payload: bytes, field: str | None, value: object) -> bytes:
    """The best level of each side has a wrong quantity, under the event's own ids."""

    def lie(fields: dict[str, Any]) -> None:
        for side in ("b", "a"):
            if fields.get(side):
                price, quantity = fields[side][0]
                wrong = str(Decimal(quantity) + Decimal("7.00000000"))
                fields[side] = [[price, wrong], *fields[side][1:]]

    return _changed(payload, lie)


SPOILERS: dict[str, Spoiler] = {
    "broken_json": broken_json,
    "unknown_event": unknown_event,
    "missing_field": missing_field,
    "extra_field": extra_field,
    "absurd_number": absurd_number,
    "crossed": crossed,
    "zero": zero,
    "corrupt": corrupt,
}


def _usual(fields: dict[str, Any]) -> str:
    return USUAL_FIELD.get(str(fields.get("e")), next(reversed(fields)))


def _changed(payload: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    fields = json.loads(payload)
    change(fields)
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
