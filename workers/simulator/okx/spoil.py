"""Ways to spoil one OKX message or reply, for the faults of that name."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from workers.simulator.mutate import Spoiler, broken_json

USUAL_FIELD = {"books": "seqId", "trades": "px", "trades-all": "px", "tickers": "last"}
"""The field that is spoiled where none is named; else the row's last."""


def unknown_event(payload: bytes, field: str | None, value: object) -> bytes:
    """A channel that nobody has heard of."""

    def rename(fields: dict[str, Any]) -> None:
        fields["arg"] = {**fields.get("arg", {}), "channel": value or "martian-landing"}

    return _changed(payload, rename)


def missing_field(payload: bytes, field: str | None, value: object) -> bytes:
    """One field less in the first row."""
    return _changed(payload, lambda fields: _row(fields).pop(field or _usual(fields), None))


def extra_field(payload: bytes, field: str | None, value: object) -> bytes:
    """One field more in the first row."""
    added = {field or "zz": "extra" if value is None else value}
    return _changed(payload, lambda fields: _row(fields).update(added))


def absurd_number(payload: bytes, field: str | None, value: object) -> bytes:
    """A number that cannot be: NaN unless told; the first level's price of a book."""
    absurd = "NaN" if value is None else value

    def spoil(fields: dict[str, Any]) -> None:
        row = _row(fields)
        side = next((each for each in ("bids", "asks") if row.get(each)), None)
        if field is None and side is not None:
            row[side][0][0] = absurd
        else:
            row[field or _usual(fields)] = absurd

    return _changed(payload, spoil)


def crossed(payload: bytes, field: str | None, value: object) -> bytes:
    """A bid far above every ask, under the message's own ids."""

    def cross(fields: dict[str, Any]) -> None:
        row = _row(fields)
        prices = [Decimal(level[0]) for level in (*row.get("bids", ()), *row.get("asks", ()))]
        if prices:
            row["bids"] = [[str(2 * max(prices)), "1", "0", "1"], *row["bids"]]

    return _changed(payload, cross)


def zero(payload: bytes, field: str | None, value: object) -> bytes:
    """A level that nobody has is deleted once more. Books only."""

    def add(fields: dict[str, Any]) -> None:
        row = _row(fields)
        for side, factor in (("bids", Decimal("0.5")), ("asks", Decimal(2))):
            if row.get(side):
                price = format((Decimal(row[side][-1][0]) * factor).normalize(), "f")
                row[side] = [*row[side], [price, "0", "0", "0"]]

    return _changed(payload, add)


def corrupt(payload: bytes, field: str | None, value: object) -> bytes:
    """The best level of each side has a wrong size, under the message's own ids."""

    def lie(fields: dict[str, Any]) -> None:
        row = _row(fields)
        for side in ("bids", "asks"):
            if row.get(side):
                row[side][0][1] = str(Decimal(row[side][0][1]) + 7)

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


def _row(fields: dict[str, Any]) -> dict[str, Any]:
    """The first row; the message itself where rows are arrays or none."""
    rows = fields.get("data") or [fields]
    return rows[0] if isinstance(rows[0], dict) else fields


def _usual(fields: dict[str, Any]) -> str:
    channel = str(fields.get("arg", {}).get("channel"))
    return USUAL_FIELD.get(channel, next(reversed(_row(fields))))


def _changed(payload: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    fields = json.loads(payload)
    change(fields)
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
