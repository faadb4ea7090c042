"""Frames of OKX that are not plain data: answers, errors, notices.

Slow and careful where the mapper is fast. Sources: OKX API v5 guide, "Subscribe", "Notification",
"Connection count limit", snapshot of 2026-07-28; recordings of 2026-08.
"""

from typing import Any

import msgspec

from workers.exchanges.base import Acknowledged, ShutdownNotice
from workers.exchanges.okx.messages import UNREADABLE
from workers.model.errors import WireError

PONG = b"pong"
"""The answer to the text `ping`; it is no JSON."""

UPGRADE = "64008"
"""The notice 60 s before a connection is closed for a service upgrade."""

IGNORED_EVENTS = frozenset({"channel-conn-count"})

Fields = dict[str, Any]


def read_unusual(exchange: str, frame: bytes) -> Acknowledged | ShutdownNotice | str | Fields:
    """What a frame is: an answer, a notice, the name of an event to ignore, or data as fields.

    Raises:
        WireError: broken_json, missing_field or unknown_event.
    """
    try:
        message = msgspec.json.decode(frame)
    except UNREADABLE as error:
        raise WireError(exchange, "broken_json", str(error), frame) from error
    if not isinstance(message, dict):
        raise WireError(exchange, "unknown_event", "the message is not an object", frame)
    if "event" in message:
        return _answer(exchange, message, frame)
    arg = message.get("arg")
    if not isinstance(arg, dict) or "data" not in message:
        raise WireError(exchange, "unknown_event", "neither an event nor data", frame)
    if not isinstance(arg.get("channel"), str):
        raise WireError(exchange, "missing_field", "arg: no channel", frame)
    return message


def _answer(exchange: str, message: Fields, frame: bytes) -> Acknowledged | ShutdownNotice | str:
    """An answer comes for each channel of a request, under the request's id."""
    event, code = message["event"], message.get("code")
    complaint = f"{code}: {message.get('msg')}"[:300]
    if event == "subscribe":
        return Acknowledged(_request_id(message), accepted=_accepted(message.get("arg")))
    if event == "unsubscribe":
        return Acknowledged(_request_id(message))
    if event in ("error", "channel-conn-count-error"):
        return Acknowledged(_request_id(message), complaint)
    if event == "notice":
        return ShutdownNotice(complaint) if code == UPGRADE else f"notice {code}"[:40]
    if event in IGNORED_EVENTS:
        return str(event)
    raise WireError(exchange, "unknown_event", f"event is {event!r:.40}", frame)


def stream_name(arg: Fields) -> str:
    """What one subscription is called, `books:BTC-USDT`, `liquidation-orders:SWAP`."""
    return f"{arg.get('channel')}:{arg.get('instId') or arg.get('instType')}"


def _accepted(arg: Any) -> tuple[str, ...] | None:
    return (stream_name(arg),) if isinstance(arg, dict) else None


def _request_id(message: Fields) -> int | str | None:
    """Ours are numbers; they come back as text."""
    request_id = message.get("id")
    if not isinstance(request_id, str):
        return None
    return int(request_id) if request_id.isascii() and request_id.isdigit() else request_id
