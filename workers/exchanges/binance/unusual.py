"""Frames of Binance spot that are not plain data: answers, notices, and what we do not read.

Slow and careful where the mapper is fast: it decodes without types and says what a frame is, or
why it is nothing. Sources: web-socket-streams.md, "Live Subscribing", "serverShutdown", and the
error shapes seen from live servers ({"error":{...},"id":1}).
"""

from typing import Any

import msgspec

from workers.exchanges.base import Acknowledged, ShutdownNotice
from workers.exchanges.binance.messages import UNREADABLE
from workers.model.errors import WireError

IGNORED_EVENTS = frozenset(
    {
        "kline",
        "24hrMiniTicker",
        "1hTicker",
        "4hTicker",
        "1dTicker",
        "avgPrice",
        "referencePrice",
        "blockTrade",  # off the book, ids of its own: not part of the trade tape
    }
)
"""Market data events that exist and that we do not collect."""

PARTIAL_DEPTH = "partialDepth"
"""Our word for `<symbol>@depth20`, whose messages carry no event name."""

WRAPPER = frozenset({"stream", "data"})

Fields = dict[str, Any]


def read_unusual(exchange: str, frame: bytes) -> Acknowledged | ShutdownNotice | tuple[str, Fields]:
    """What a frame is: an answer, a notice, or an event's name with its fields.

    Unknown fields of the wrapper come with the event's own, as `stream.<name>`.

    Raises:
        WireError: broken_json, missing_field or unknown_event.
    """
    try:
        message = msgspec.json.decode(frame)
    except UNREADABLE as error:
        raise WireError(exchange, "broken_json", str(error), frame) from error
    if not isinstance(message, dict):
        raise WireError(exchange, "unknown_event", "the message is not an object", frame)
    if "stream" not in message or "data" not in message:
        answer = _answer(message)
        if answer is not None:
            return answer
        return _event(exchange, message, "", frame)
    if not isinstance(message["data"], dict):
        raise WireError(exchange, "unknown_event", f"{_name(message)}: data is no object", frame)
    extra = {f"stream.{name}": message[name] for name in message.keys() - WRAPPER}
    return _event(exchange, message["data"] | extra, _name(message), frame)


def _event(
    exchange: str, fields: Fields, stream: str, frame: bytes
) -> ShutdownNotice | tuple[str, Fields]:
    event = fields.get("e")
    if event == "serverShutdown":
        return ShutdownNotice(f"serverShutdown, sent at {fields.get('E')}")
    if isinstance(event, str):
        return event, fields
    if event is not None:
        raise WireError(exchange, "missing_field", f"{stream}: e is {event!r:.40}", frame)
    if stream.endswith("@bookTicker") or ("u" in fields and "s" in fields and "U" not in fields):
        return "bookTicker", fields
    if "lastUpdateId" in fields:
        return PARTIAL_DEPTH, fields
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
