"""Control messages of a stream connection: SUBSCRIBE and its siblings, with the exact errors.

Source: binance-spot-api-docs, web-socket-streams.md "Live Subscribing/Unsubscribing to streams".
An unknown symbol or stream is acknowledged like a known one and stays silent.
"""

import json
import re
from typing import Protocol

METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
REQUEST_ID = re.compile(r"^[A-Za-z0-9_-]{1,36}$")
"""Documented as alphanumeric; the 36 are there for UUIDs, which the exchange's own clients send."""


class Session(Protocol):
    """What control messages act on."""

    combined: bool

    def subscribe(self, streams: list[str]) -> None:
        """Add streams."""
        ...

    def unsubscribe(self, streams: list[str]) -> None:
        """Remove streams."""
        ...

    def subscriptions(self) -> list[str]:
        """Streams in the order they were added."""
        ...


class Refused(Exception):
    """A control message that gets an error for an answer."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def answer(text: str, session: Session, *, nested: bool = False) -> bytes:
    """Act on one text message.

    Args:
        text: the message.
        session: what it acts on.
        nested: errors are wrapped in `error`, as live servers were seen to do; the documents
            show them bare.

    Returns:
        The reply, never wrapped in stream and data.
    """
    request_id: object = None
    try:
        request = _parse(text)
        request_id = _request_id(request, text)
        result = _act(request, text, session)
    except Refused as refused:
        error: dict[str, object] = {"code": refused.code, "msg": refused.message}
        if nested:
            error = {"error": error}
        if request_id is not None:
            error["id"] = request_id
        return _encode(error)
    return _encode({"result": result, "id": request_id})


def _parse(text: str) -> dict[str, object]:
    try:
        request = json.loads(text)
    except ValueError as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        message = f"Invalid JSON: expected value at line {line} column {column}"
        raise Refused(3, message) from error
    if not isinstance(request, dict):
        raise Refused(2, "Invalid request: expected an object at line 1 column 1")
    return request


def _request_id(request: dict[str, object], text: str) -> object:
    if "id" not in request:
        raise Refused(2, f"Invalid request: missing field `id` at line 1 column {len(text)}")
    value = request["id"]
    whole = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    if whole or value is None or (isinstance(value, str) and REQUEST_ID.match(value)):
        return value
    raise Refused(
        2,
        "Invalid request: request ID must be a 64-bit signed integer, "
        "an alphanumeric string of at most 36 characters, or null",
    )


def _act(request: dict[str, object], text: str, session: Session) -> object:
    if "method" not in request:
        raise Refused(2, f"Invalid request: missing field `method` at line 1 column {len(text)}")
    method = request["method"]
    if method not in METHODS:
        known = ", ".join(f"`{each}`" for each in METHODS)
        raise Refused(2, f"Invalid request: unknown variant `{method}`, expected one of {known}")
    params = request.get("params", [])
    if not isinstance(params, list):
        raise Refused(2, "Invalid request: invalid type, expected a sequence of params")
    match method:
        case "SUBSCRIBE":
            session.subscribe(_names(params))
            return None
        case "UNSUBSCRIBE":
            session.unsubscribe(_names(params))
            return None
        case "LIST_SUBSCRIPTIONS":
            return session.subscriptions()
        case "SET_PROPERTY":
            _set_property(params, session)
            return None
        case _:
            _property(params, 1)
            return session.combined


def _names(params: list[object]) -> list[str]:
    if not params:
        raise Refused(2, "Invalid request: params must not be empty")
    names = [each for each in params if isinstance(each, str)]
    if len(names) != len(params):
        raise Refused(2, "Invalid request: stream names must be strings")
    return names


def _property(params: list[object], count: int) -> None:
    if len(params) > count:
        raise Refused(2, "Invalid request: too many parameters")
    if not params or not isinstance(params[0], str):
        raise Refused(2, "Invalid request: property name must be a string")
    if params[0] != "combined":
        raise Refused(0, "Unknown property")


def _set_property(params: list[object], session: Session) -> None:
    _property(params, 2)
    if len(params) < 2 or not isinstance(params[1], bool):
        raise Refused(1, "Invalid value type: expected Boolean")
    session.combined = params[1]


def _encode(reply: dict[str, object]) -> bytes:
    return json.dumps(reply, separators=(",", ":"), ensure_ascii=False).encode()
