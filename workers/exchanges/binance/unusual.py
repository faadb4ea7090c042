"""Frames that are not plain data: answers, notices, rows of all symbols, and what we do not read.

Slow and careful where the mapper is fast: it decodes without types and says what a frame is, or
why it is nothing. Sources: web-socket-streams.md, "Live Subscribing", "serverShutdown", and the
error shapes seen from live servers ({"error":{...},"id":1}).
"""

from typing import Any, NamedTuple

import msgspec

from workers.exchanges.base import Acknowledged, ShutdownNotice
from workers.exchanges.binance.messages import UNREADABLE
from workers.model.errors import WireError

PARTIAL_DEPTH = "partialDepth"
"""Our word for `<symbol>@depth20`, whose messages have no event name or that of the changes."""

WRAPPER = frozenset({"stream", "data"})

Fields = dict[str, Any]


class Row(NamedTuple):
    """One event, undecoded. `stream`: the wrapper's name, empty on raw connections.

    `among_all`: it came with rows of symbols nobody asked for.
    """

    event: str
    fields: Fields
    stream: str
    among_all: bool


def read_unusual(exchange: str, frame: bytes) -> Acknowledged | ShutdownNotice | list[Row]:
    """What a frame is: an answer, a notice, or its events.

    Unknown fields of the wrapper come with the event's own, as `stream.<name>`.

    Raises:
        WireError: broken_json, missing_field or unknown_event.
    """
    try:
        message = msgspec.json.decode(frame)
    except UNREADABLE as error:
        raise WireError(exchange, "broken_json", str(error), frame) from error
    if isinstance(message, list):
        return _rows(exchange, message, "", frame)
    if not isinstance(message, dict):
        raise WireError(exchange, "unknown_event", "the message is not an object", frame)
    if "stream" not in message or "data" not in message:
        answer = _answer(message)
        if answer is not None:
            return answer
        return _notice_or_row(exchange, message, "", frame)
    stream, data = _name(message), message["data"]
    if isinstance(data, list):
        return _rows(exchange, data, stream, frame)
    if not isinstance(data, dict):
        raise WireError(exchange, "unknown_event", f"{stream}: data is no object", frame)
    extra = {f"stream.{name}": message[name] for name in message.keys() - WRAPPER}
    return _notice_or_row(exchange, data | extra, stream, frame)


def _rows(exchange: str, rows: list[Any], stream: str, frame: bytes) -> list[Row]:
    """A stream of all symbols sends an array."""
    if not rows or not all(isinstance(each, dict) for each in rows):
        raise WireError(exchange, "unknown_event", f"{stream}: no array of events", frame)
    return [Row(_event(exchange, each, stream, frame), each, stream, True) for each in rows]


def _notice_or_row(
    exchange: str, fields: Fields, stream: str, frame: bytes
) -> ShutdownNotice | list[Row]:
    if fields.get("e") == "serverShutdown":
        return ShutdownNotice(f"serverShutdown, sent at {fields.get('E')}")
    event = _event(exchange, fields, stream, frame)
    return [Row(event, fields, stream, stream.startswith("!"))]


def _event(exchange: str, fields: Fields, stream: str, frame: bytes) -> str:
    event = fields.get("e")
    if isinstance(event, str):
        return event
    if event is not None:
        raise WireError(exchange, "missing_field", f"{stream}: e is {event!r:.40}", frame)
    if stream.endswith("@bookTicker") or ("u" in fields and "s" in fields and "U" not in fields):
        return "bookTicker"
    if "lastUpdateId" in fields:
        return PARTIAL_DEPTH
    if "E" in fields or "s" in fields:
        raise WireError(exchange, "missing_field", f"{stream}: no event name e", frame)
    raise WireError(exchange, "unknown_event", f"{stream}: nothing we know", frame)


def _answer(message: Fields) -> Acknowledged | None:
    """An answer to one of our requests; errors come in two shapes, the older without an id."""
    error = message.get("error")
    if isinstance(error, dict):
        return Acknowledged(_request_id(message), _complaint(error))
    if error is not None:
        return Acknowledged(_request_id(message), str(error)[:200])
    if "code" in message and "msg" in message:
        return Acknowledged(_request_id(message), _complaint(message))
    if "result" in message:
        return Acknowledged(_request_id(message))
    return None


def _complaint(error: Fields) -> str:
    return f"{error.get('code')}: {error.get('msg')}"[:200]


def _request_id(message: Fields) -> int | str | None:
    request_id = message.get("id")
    return request_id if type(request_id) in (int, str) else None


def _name(message: Fields) -> str:
    return str(message["stream"])[:80]
