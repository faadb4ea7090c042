"""Each dialect's books of two instruments, heard by the plainest client."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import websocket

from tests.simulator.running import Running


@dataclass(frozen=True)
class Face:
    """How one dialect is asked.

    Args:
        dialect: its name.
        first, other: two instruments, as the exchange calls them.
        ours: the first as we write it.
        path: where its WebSocket is.
        subscribe: the message for the books of some instruments.
        name: the instrument of a book's message, None for other messages.
        sides: bids and asks of a book's message.
        rest: a REST path that tells of one instrument.
        key: of the instrument's name in the query.
        unknown: code of a reply about an instrument that is not there.
        switches: of the simulator.
    """

    dialect: str
    first: str
    other: str
    ours: str
    path: str
    subscribe: Callable[..., Any]
    name: Callable[[Any], str | None]
    sides: Callable[[Any], tuple[Any, Any]]
    rest: str
    key: str
    unknown: str
    switches: tuple[str, ...] = ()

    def url(self, name: str) -> str:
        return f"{self.rest}{'&' if '?' in self.rest else '?'}{self.key}={name}"


def _binance(*names: str) -> Any:
    streams = [f"{name.lower()}@depth@100ms" for name in names]
    return {"method": "SUBSCRIBE", "params": streams, "id": 1}


def _okx(*names: str) -> Any:
    return {"op": "subscribe", "args": [{"channel": "books", "instId": name} for name in names]}


def _deribit(*names: str) -> Any:
    channels = [f"book.{name}.100ms" for name in names]
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "public/subscribe",
        "params": {"channels": channels},
    }


def _params(message: Any) -> Any:
    return message.get("params", {})


def _row(message: Any) -> Any:
    return message["data"][0]


BINANCE = {
    "first": "BTCUSDT",
    "other": "ETHUSDT",
    "subscribe": _binance,
    "name": lambda m: m["data"]["s"] if "data" in m and "b" in m["data"] else None,
    "sides": lambda m: (m["data"]["b"], m["data"]["a"]),
    "key": "symbol",
    "unknown": "-1121",
}

FACES: dict[str, Face] = {
    each.dialect: each
    for each in (
        Face(
            dialect="binance_spot",
            ours="BTC-USDT",
            path="/stream",
            rest="/api/v3/ticker/bookTicker",
            **BINANCE,  # type: ignore[arg-type]
        ),
        Face(
            dialect="binance_derivatives",
            ours="BTC-USDT-PERP",
            path="/public/stream",
            rest="/fapi/v1/ticker/bookTicker",
            **BINANCE,  # type: ignore[arg-type]
        ),
        Face(
            dialect="okx",
            first="BTC-USDT-SWAP",
            other="ETH-USDT-SWAP",
            ours="BTC-USDT-PERP",
            path="/ws/v5/public",
            subscribe=_okx,
            name=lambda m: m["arg"]["instId"] if m.get("data") else None,
            sides=lambda m: (_row(m)["bids"], _row(m)["asks"]),
            rest="/api/v5/market/ticker",
            key="instId",
            unknown="51001",
            switches=("connects=1000", "limit_share=100"),
        ),
        Face(
            dialect="deribit",
            first="BTC-PERPETUAL",
            other="ETH-PERPETUAL",
            ours="BTC-USD-PERP",
            path="/ws/api/v2",
            subscribe=_deribit,
            name=lambda m: _params(m).get("data", {}).get("instrument_name"),
            sides=lambda m: (_params(m)["data"]["bids"], _params(m)["data"]["asks"]),
            rest="/api/v2/public/ticker",
            key="instrument_name",
            unknown="-32602",
        ),
    )
}


class Listener:
    """A client of a face that subscribed to some books; text that is not JSON is kept apart."""

    def __init__(self, running: Running, face: Face, *names: str) -> None:
        self.face = face
        url = running.address.replace("http", "ws", 1) + face.path
        self.socket = websocket.create_connection(url, timeout=20)
        self.broken: list[str] = []
        self.socket.send(json.dumps(face.subscribe(*names)))

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.shutdown()

    def receive(self) -> Any:
        """The next message that is JSON."""
        while True:
            text = self.socket.recv()
            if not text:
                raise ConnectionError("closed")
            try:
                return json.loads(text)
            except ValueError:
                self.broken.append(text)

    def until(self, wanted: Callable[[Any], bool], timeout_s: float = 20) -> Any:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            message = self.receive()
            if wanted(message):
                return message
        raise AssertionError(f"no such message in {timeout_s:g} s")

    def books(self, name: str, count: int = 1) -> list[Any]:
        """The next changes of a book; the first is no snapshot."""
        found: list[Any] = []
        while len(found) < count:
            found.append(self.until(lambda m: self.face.name(m) == name and not _snapshot(m)))
        return found

    def closed(self) -> int:
        """Read on until the end; the close code, 1006 where there was no close frame."""
        while True:
            try:
                code, data = self.socket.recv_data(control_frame=True)
            except (websocket.WebSocketConnectionClosedException, ConnectionError):
                return 1006
            if code == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big")


def _snapshot(message: Any) -> bool:
    action = message.get("action") or _params(message).get("data", {}).get("type")
    return action == "snapshot"
