"""Control messages of a connection: subscribe and unsubscribe, answered arg by arg.

Source: OKX API v5 guide, "WebSocket", "Subscribe", and "WebSocket error codes".
"""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from workers.simulator.okx.listing import stream_key
from workers.simulator.okx.payloads import encode_json
from workers.simulator.okx.publisher import BARS

IDENTITY = re.compile(r"^[A-Za-z0-9]{1,32}$")
OF_ALL = frozenset({"tickers", "trades", "books", "books5", "bbo-tbt"})
OF_SWAPS = frozenset({"funding-rate", "mark-price", "open-interest"})
BY_TYPE = {"liquidation-orders": ("SWAP",), "instruments": ("SPOT", "SWAP")}
FOR_VIPS = frozenset({"books-l2-tbt", "books50-l2-tbt"})
BUSINESS = frozenset({"trades-all", *(f"candle{bar}" for bar in BARS)})

Arg = dict[str, object]


class Topic(NamedTuple):
    """A channel of an instrument, of an index, or of a kind of instruments."""

    channel: str
    name: str

    @property
    def stream(self) -> str:
        """What the hub calls it, `btcusdtswap@books`."""
        return f"{stream_key(self.name)}@{self.channel}"


class Session(Protocol):
    """What control messages act on.

    Attributes:
        business: whether it came by `/ws/v5/business`.
        connection_id: told in every answer.
    """

    business: bool
    connection_id: str

    def subscribe(self, topic: Topic, answer: bytes) -> None:
        """Answer and begin to push; some channels push first."""
        ...

    def forget(self, topic: Topic) -> None:
        """Push no more."""
        ...

    def say(self, message: bytes) -> None:
        """Send an answer."""
        ...

    def charge(self) -> bool:
        """Count a control message; False if it is one too many."""
        ...


class Refused(Exception):
    """A message, or one of its args, that is answered with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def act(text: str, session: Session, listed: frozenset[str]) -> None:
    """Act on one text message that is not `ping`; `listed` are the instrument ids."""
    try:
        request = _parse(text)
    except Refused as refused:
        _refuse(session, refused, None)
        return
    request_id = request.get("id")
    try:
        operation, args = _checked(request, text)
        if not session.charge():
            raise Refused("60014", "Requests too frequent")
    except Refused as refused:
        _refuse(session, refused, request_id)
        return
    for arg in args:
        try:
            topic = find(arg, session.business, listed)
        except Refused as refused:
            _refuse(session, refused, request_id)
            continue
        answer = {
            **({} if request_id is None else {"id": request_id}),
            "event": operation,
            "arg": arg,
            "connId": session.connection_id,
        }
        if topic.channel in FOR_VIPS:
            session.say(encode_json(answer))
            refusal = Refused("64003", "Your trading fee tier doesn't meet the requirement.")
            _refuse(session, refusal, request_id)
        elif operation == "subscribe":
            session.subscribe(topic, encode_json(answer))
        else:
            session.forget(topic)
            session.say(encode_json(answer))


def find(arg: Mapping[str, object], business: bool, listed: frozenset[str]) -> Topic:
    """What an arg means. Raises Refused where there is no such thing here."""
    channel = arg.get("channel")
    if not isinstance(channel, str):
        raise Refused("60027", "Parameter channel can not be empty.")
    kind, name = arg.get("instType"), arg.get("instId")
    if business and channel not in BUSINESS:
        raise Refused(
            "64002",
            'This channel is not supported by "/business" URL. Please use "/private" URL'
            '(for private channels), or "/public" URL(for public channels).',
        )
    if not business and channel in BUSINESS:
        raise Refused(
            "64001",
            'This channel has been migrated to the "/business" URL. '
            "Please subscribe using the new URL.",
        )
    if channel == "status":
        return Topic(channel, "status")
    if channel in BY_TYPE and kind in BY_TYPE[channel] and name is None:
        return Topic(channel, str(kind))
    if isinstance(name, str) and _serves(channel, name, listed):
        return Topic(channel, name)
    shown = ",".join(f"{key}:{value}" for key, value in arg.items())
    raise Refused(
        "60018",
        f"Wrong URL or {shown} doesn't exist. Please use the correct URL, channel and "
        "parameters referring to API document.",
    )


def _serves(channel: str, name: str, listed: frozenset[str]) -> bool:
    if channel == "index-tickers":
        return f"{name}-SWAP" in listed
    if name not in listed:
        return False
    if channel in OF_SWAPS:
        return name.endswith("-SWAP")
    return channel in OF_ALL or channel in BUSINESS or channel in FOR_VIPS


def _parse(text: str) -> dict[str, object]:
    try:
        request = json.loads(text)
    except ValueError as error:
        raise Refused("60012", f"Invalid request: {text}") from error
    if not isinstance(request, dict):
        raise Refused("60012", f"Invalid request: {text}")
    return request


def _checked(request: Mapping[str, object], text: str) -> tuple[str, list[Arg]]:
    """Operation and args of a well-formed request."""
    request_id = request.get("id")
    if request_id is not None and not (isinstance(request_id, str) and IDENTITY.match(request_id)):
        raise Refused("60013", "Invalid args: id")
    operation, args = request.get("op"), request.get("args")
    if "op" not in request or "args" not in request:
        raise Refused("60012", f"Invalid request: {text}")
    if operation not in ("subscribe", "unsubscribe"):
        raise Refused("60019", f"Invalid op: {operation}")
    if not isinstance(args, list) or not args or not all(isinstance(arg, dict) for arg in args):
        raise Refused("60013", "Invalid args")
    return str(operation), args


def _refuse(session: Session, refused: Refused, request_id: object) -> None:
    session.say(
        encode_json(
            {
                **({} if request_id is None else {"id": request_id}),
                "event": "error",
                "code": refused.code,
                "msg": refused.message,
                "connId": session.connection_id,
            }
        )
    )
