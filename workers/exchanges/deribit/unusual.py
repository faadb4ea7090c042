"""Deribit's messages that are no data: answers, heartbeats; and data in an odd order or with more.

Slow and careful where the mapper is fast: it decodes without types, numbers as exact Decimals.
Sources: docs.deribit.com, "JSON-RPC over WebSocket", "public/set_heartbeat", "Error codes".
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple, get_args, get_origin

import msgspec

from workers.exchanges.base import Acknowledged, Reply
from workers.exchanges.deribit.messages import UNREADABLE, DeribitNotification, DeribitParams
from workers.model.errors import WireError, WireErrorKind

HEARTBEAT_ID = 1_000_000_001
TEST_ID = 1_000_000_002
"""Ids of our own messages, far from those the collector counts up."""

ANSWER = msgspec.json.encode(
    {"jsonrpc": "2.0", "id": TEST_ID, "method": "public/test", "params": {}}
)
"""What a test_request must be answered with, or the connection ends with code 4000 in 10 s."""

WAITS_S = {
    10028: 10.0,  # too_many_requests; over a socket it is that socket's end
    10066: 10.0,  # too_many_concurrent_requests
    11051: 60.0,  # system_maintenance
}
"""Errors that forbid any call for a while; they name no time, these are ours."""

Fields = dict[str, Any]
Count = Callable[[str], None]

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Notification(NamedTuple):
    """A message with data, untyped; numbers are int or Decimal."""

    message: Fields
    channel: str


def read_unusual(exchange: str, frame: bytes) -> Acknowledged | Reply | Notification | None:
    """What a frame is; None for a heartbeat that asks nothing.

    Raises:
        WireError: broken_json, missing_field or unknown_event.
    """
    try:
        message = _decode(frame)
    except (*UNREADABLE, ArithmeticError, ValueError) as error:
        raise WireError(exchange, "broken_json", str(error), frame) from error
    if not isinstance(message, dict):
        raise WireError(exchange, "unknown_event", "the message is not an object", frame)
    method, params = message.get("method"), message.get("params")
    if method == "heartbeat":
        asked = isinstance(params, dict) and params.get("type") == "test_request"
        return Reply(ANSWER) if asked else None
    if method == "subscription":
        if not isinstance(params, dict) or "data" not in params:
            raise WireError(exchange, "missing_field", "a notification without data", frame)
        channel = params.get("channel")
        if not isinstance(channel, str):
            raise WireError(exchange, "missing_field", "a notification without channel", frame)
        return Notification(message, channel)
    if "error" in message or "result" in message:
        return _answer(message)
    raise WireError(exchange, "unknown_event", f"method is {str(method)[:40]!r}", frame)


def _answer(message: Fields) -> Acknowledged:
    request_id = message.get("id")
    if type(request_id) not in (int, str):
        request_id = None
    if message.get("error") is not None:
        wait_s = WAITS_S.get(_code(message["error"]))
        return Acknowledged(request_id, complaint(message["error"]), retry_after_s=wait_s)
    result = message.get("result")
    accepted = None
    if isinstance(result, list) and all(isinstance(each, str) for each in result):
        accepted = tuple(result)
    return Acknowledged(request_id, None, accepted)


def _code(error: object) -> int:
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else 0


def complaint(error: object) -> str:
    """`13778: raw_subscriptions_not_available_for_unauthorized`, with what they add to it."""
    if not isinstance(error, dict):
        return str(error)[:200]
    text = f"{error.get('code')}: {error.get('message')}"
    if error.get("data"):
        text += f" ({error['data']})"
    return text[:200]


def convert(notification: Notification, data: Any, count: Count) -> Any:
    """The notification typed, without the fields its structs do not name; those are counted.

    Args:
        notification: as it was read.
        data: the type of its data, a wire struct or a list of one.
        count: called with `<wire struct>.<field>` for each unknown field.

    Raises:
        msgspec.ValidationError: it is not what is documented.
    """
    message = notification.message
    known: Fields = {
        "params": _known(DeribitParams, message["params"], count)
        | {"data": _known_data(data, message["params"]["data"], count)}
    }
    for name in message.keys() - _names(DeribitNotification):
        count(f"DeribitNotification.{name[:40]}")
    return msgspec.convert(known, DeribitNotification[data])


def _known_data(kind: Any, value: Any, count: Count) -> Any:
    if isinstance(value, list) and get_origin(kind) is list:
        (row,) = get_args(kind)
        return [_known_data(row, each, count) for each in value]
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _known(kind, value, count)
    return value


def _known(struct: type[msgspec.Struct], fields: Fields, count: Count) -> Fields:
    """The fields that are read; known ones that are not read are left out, unknown ones counted."""
    kept: Fields = {}
    types = {each.name: each.type for each in msgspec.structs.fields(struct)}
    for name, value in fields.items():
        kind = types.get(name)
        if kind is None:
            count(f"{struct.__name__}.{name[:40]}")
        elif kind is not msgspec.Raw:
            kept[name] = _known_data(kind, value, count)
    return kept


def _names(struct: type[msgspec.Struct]) -> set[str]:
    return {each.name for each in msgspec.structs.fields(struct)}


def unreadable(exchange: str, what: str, error: Exception, body: bytes) -> WireError:
    """The error for bytes that msgspec refused."""
    if not isinstance(error, msgspec.ValidationError):
        return WireError(exchange, "broken_json", f"{what}: {error}", body)
    text = str(error)
    kind: WireErrorKind = "missing_field"
    numbers = ("Expected `int", "Expected `decimal", "Invalid decimal", "out of range")
    if any(each in text for each in numbers) and "got `null`" not in text:
        kind = "absurd_number"
    return WireError(exchange, kind, f"{what}: {text}", body)
