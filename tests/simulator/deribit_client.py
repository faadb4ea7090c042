"""The plainest Deribit client, and a simulator to ask."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests
import websocket

from tests.simulated import SimulatedExchange

Levels = dict[Decimal, Decimal]


@contextmanager
def deribit(folder: Path, *switches: str, symbols: str = "", rate: int = 200) -> Iterator[Any]:
    """A simulator that speaks Deribit; `switches` as `idle_s=0.5`."""
    options = ["--dialect", "deribit", "--rate", str(rate), "--symbols", symbols or "all"]
    for each in switches:
        options += ["--switch", each]
    running = SimulatedExchange(folder / "simulator.log", *options)
    try:
        yield running
    finally:
        running.end()


def result(exchange: SimulatedExchange, method: str, **params: object) -> Any:
    """The result of a REST call."""
    return exchange.get(f"/api/v2/public/{method}", **params)["result"]


def error(exchange: SimulatedExchange, method: str, **params: object) -> dict[str, Any]:
    """The error of a REST call that must be refused."""
    url = f"{exchange.rest_url}/api/v2/public/{method}"
    answer = requests.get(url, params=params, timeout=20)
    assert answer.status_code == 400, answer.text
    return dict(answer.json()["error"])


class Client:
    """One socket. Notifications are kept in `notes`, frames as they came in `texts`."""

    def __init__(self, exchange: SimulatedExchange) -> None:
        self._socket = websocket.create_connection(f"{exchange.ws_url}/ws/api/v2", timeout=20)
        self._id = 0
        self.notes: list[dict[str, Any]] = []
        self.texts: list[str] = []
        self.closed: int | None = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown()

    def send(self, text: str) -> None:
        self._socket.send(text)

    def receive(self) -> dict[str, Any]:
        """The next message; ConnectionError with `closed` set at the end."""
        try:
            opcode, data = self._socket.recv_data()
        except (websocket.WebSocketConnectionClosedException, ConnectionError) as end:
            self.closed = 1006
            raise ConnectionError("cut") from end
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            self.closed = int.from_bytes(data[:2], "big")
            raise ConnectionError(data[2:].decode())
        self.texts.append(data.decode())
        message: dict[str, Any] = json.loads(data, parse_float=Decimal)
        if message.get("method") == "subscription":
            self.notes.append(message["params"])
        return message

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """The reply; what comes before it is kept."""
        self._id += 1
        self.send(
            json.dumps({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params})
        )
        while True:
            message = self.receive()
            if message.get("id") == self._id:
                return message

    def subscribe(self, *channels: str) -> dict[str, Any]:
        return self.call("public/subscribe", channels=channels)

    def until(self, done: Callable[[], object], what: str, timeout_s: float = 20.0) -> None:
        """Receive until a condition holds."""
        deadline = time.monotonic() + timeout_s
        while not done():
            assert time.monotonic() < deadline, f"{what}: not within {timeout_s:g} s"
            self.receive()

    def ended(self) -> str:
        """Receive until the connection ends; the reason."""
        while True:
            try:
                self.receive()
            except ConnectionError as end:
                return str(end)

    def data(self, channel: str) -> list[Any]:
        return [each["data"] for each in self.notes if each["channel"] == channel]


class NaiveBook:
    """Two dicts and the chain."""

    def __init__(self) -> None:
        self.bids: Levels = {}
        self.asks: Levels = {}
        self.change_id = 0
        self.breaks = 0

    def apply(self, data: dict[str, Any]) -> None:
        if data["type"] == "snapshot":
            assert "prev_change_id" not in data
            self.bids, self.asks = {}, {}
        elif data["prev_change_id"] != self.change_id:
            self.breaks += 1
        self.change_id = data["change_id"]
        for side, rows in ((self.bids, data["bids"]), (self.asks, data["asks"])):
            for action, price, amount in rows:
                assert (action == "delete") == (amount == 0), rows
                if action == "change":
                    assert price in side, f"change of the unknown level {price}"
                if amount:
                    side[price] = amount
                else:
                    del side[price]

    def sides(self) -> tuple[Levels, Levels]:
        return self.bids, self.asks


def true_sides(exchange: SimulatedExchange, name: str, change_id: int) -> tuple[Levels, Levels]:
    """The book right after a change_id, as the simulator knows it."""
    truth = exchange.book(name, change_id)
    bids, asks = (
        {Decimal(price): Decimal(amount) for price, amount in truth[side]}
        for side in ("bids", "asks")
    )
    return bids, asks
