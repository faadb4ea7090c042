"""Ways to spoil the `data` of a Deribit notification, or a reply."""

import json
from collections.abc import Mapping
from typing import Any

from workers.simulator.mutate import SPOILERS as COMMON
from workers.simulator.mutate import Spoiler


def missing_field(payload: bytes, field: str | None, value: object) -> bytes:
    """One field less: of the first trade, of everything else."""
    data, fields = _open(payload)
    fields.pop(field or next(reversed(fields)), None)
    return _closed(data)


def extra_field(payload: bytes, field: str | None, value: object) -> bytes:
    """One field more."""
    data, fields = _open(payload)
    fields[field or "zz"] = "extra" if value is None else value
    return _closed(data)


def unknown_event(payload: bytes, field: str | None, value: object) -> bytes:
    """A type that nobody has heard of."""
    data, fields = _open(payload)
    fields["type"] = value or "martianLanding"
    return _closed(data)


def absurd_number(payload: bytes, field: str | None, value: object) -> bytes:
    """A number that cannot be, in the first level of a book or in a price."""
    data, fields = _open(payload)
    absurd = "NaN" if value is None else value
    side = next((each for each in ("bids", "asks") if fields.get(each)), None)
    if field is None and side is not None:
        fields[side][0] = ["new", absurd, 1.0]
    else:
        fields[field or ("price" if "price" in fields else "timestamp")] = absurd
    return _closed(data)


def crossed(payload: bytes, field: str | None, value: object) -> bytes:
    """A bid far above every ask, in the same chain. Books only."""
    data, fields = _open(payload)
    prices = [level[1] for side in ("bids", "asks") for level in fields.get(side, ())]
    if prices:
        fields["bids"] = [["new", 2 * max(prices), 10.0], *fields["bids"]]
    return _closed(data)


def zero(payload: bytes, field: str | None, value: object) -> bytes:
    """A level that nobody has is deleted once more. Books only."""
    data, fields = _open(payload)
    for side, factor in (("bids", 0.5), ("asks", 2)):
        if fields.get(side):
            fields[side] = [*fields[side], ["delete", fields[side][-1][1] * factor, 0.0]]
    return _closed(data)


def corrupt(payload: bytes, field: str | None, value: object) -> bytes:
    """The best level of each side has a wrong amount, in the same chain. Books only."""
    data, fields = _open(payload)
    for side in ("bids", "asks"):
        if fields.get(side):
            _, price, amount = fields[side][0]
            fields[side][0] = ["change", price, amount + 70.0]
    return _closed(data)


SPOILERS: Mapping[str, Spoiler] = {
    **COMMON,
    "missing_field": missing_field,
    "extra_field": extra_field,
    "unknown_event": unknown_event,
    "absurd_number": absurd_number,
    "crossed": crossed,
    "zero": zero,
    "corrupt": corrupt,
}


def _open(payload: bytes) -> tuple[Any, dict[str, Any]]:
    data = json.loads(payload)
    return data, data[0] if isinstance(data, list) else data


def _closed(data: object) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode()
