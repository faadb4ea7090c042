"""JSON-RPC envelopes and errors.

Source: docs.deribit.com, "JSON-RPC over WebSocket" and the list of error codes.
"""

import time
from collections.abc import Mapping

import msgspec

from workers.simulator.deribit.numbers import encode


class RpcError(Exception):
    """A request that is answered with an error.

    Args:
        code, message, data: as documented.
        ends: the session is terminated after it.
    """

    def __init__(self, code: int, message: str, data: object = None, *, ends: bool = False) -> None:
        super().__init__(message)
        self.code, self.message, self.data, self.ends = code, message, data, ends


def invalid(param: str, reason: str) -> RpcError:
    """A parameter that cannot be."""
    return RpcError(-32602, "Invalid params", {"reason": reason, "param": param})


def too_many_requests() -> RpcError:
    """The credits are used up."""
    return RpcError(10028, "too_many_requests", ends=True)


def now_us() -> int:
    """Wall clock."""
    return time.time_ns() // 1000


def reply(request_id: object, began_us: int, outcome: object) -> bytes:
    """The answer to a request; without an id if the request had none.

    Args:
        request_id: as it came, None for none.
        began_us: when it came.
        outcome: a result, or an RpcError.
    """
    fields: dict[str, object] = {"jsonrpc": "2.0"}
    if request_id is not None:
        fields["id"] = request_id
    if isinstance(outcome, RpcError):
        error: dict[str, object] = {"code": outcome.code, "message": outcome.message}
        if outcome.data is not None:
            error["data"] = outcome.data
        fields["error"] = error
    else:
        fields["result"] = outcome
    ended_us = now_us()
    fields.update(usIn=began_us, usOut=ended_us, usDiff=ended_us - began_us, testnet=False)
    return encode(fields)


def notification(stream: str, payload: bytes) -> bytes:
    """What a subscriber gets; `stream` as channels.py names it for the hub."""
    params = {"channel": stream.rpartition(" ")[2], "data": msgspec.Raw(payload)}
    return encode({"jsonrpc": "2.0", "method": "subscription", "params": params})


def heartbeat(kind: str) -> bytes:
    """`heartbeat` or `test_request`."""
    if kind == "test_request":
        return b'{"params":{"type":"test_request"},"method":"heartbeat","jsonrpc":"2.0"}'
    return b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"heartbeat"}}'


def whole(params: Mapping[str, object], name: str, default: int | None = None) -> int:
    """A whole number. Raises RpcError -32602 where it is missing or something else."""
    value = params.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise invalid(name, "must be an integer")


def word(params: Mapping[str, object], name: str, default: str | None = None) -> str:
    """A text. Raises RpcError -32602 where it is missing."""
    value = params.get(name, default)
    if isinstance(value, str) and value:
        return value
    raise invalid(name, "value required")
