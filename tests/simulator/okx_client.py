"""A simulated OKX in a thread of the test process, and the plainest client to ask it with."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import requests
import websocket

from workers.simulator.options import Options
from workers.simulator.server import Simulator

SMALL = {"port": 0, "levels": 600, "symbols": ("BTC-USDT",), "rate": 200.0, "dialect": "okx"}
MANY = ("connects=1000",)


class Running:
    """A simulator that listens until `stop`."""

    def __init__(self, *switches: str, **options: Any) -> None:
        chosen = {**SMALL, "switches": (*MANY, *switches), **options}
        self.simulator = Simulator(Options(**chosen))
        self.address = ""
        self._listening = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._session = requests.Session()
        self._clients: list[Client] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        assert self._listening.wait(20), "the simulator does not listen"

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self.simulator.running() as address:
            self.address = address
            self._listening.set()
            await self._stop.wait()

    def __enter__(self) -> "Running":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        while self._clients:
            self._clients.pop().close()
        self._session.close()
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the simulator does not stop"

    def get(self, path: str, **params: object) -> requests.Response:
        return self._session.get(self.address + path, params=params, timeout=10)

    def json(self, path: str, **params: object) -> Any:
        reply = self.get(path, **params)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def data(self, path: str, **params: object) -> Any:
        """Rows of a reply with code 0."""
        reply = self.json(f"/api/v5/{path}", **params)
        assert reply["code"] == "0", reply
        return reply["data"]

    def post(self, path: str, body: object = None) -> Any:
        reply = self._session.post(self.address + path, json=body, timeout=20)
        assert reply.status_code < 300, reply.text
        return reply.json()

    def fault(self, kind: str, **fields: object) -> None:
        self.post("/sim/faults", {"kind": kind, **fields})

    def client(self, door: str = "public") -> "Client":
        client = Client(f"{self.address.replace('http', 'ws')}/ws/v5/{door}")
        self._clients.append(client)
        return client


class Client:
    """A WebSocket client that keeps everything it hears."""

    def __init__(self, url: str) -> None:
        self.socket = websocket.create_connection(url, timeout=10)
        self.messages: list[Any] = []

    def send(self, operation: str, *args: dict[str, str], **fields: object) -> None:
        self.socket.send(json.dumps({"op": operation, "args": args, **fields}))

    def subscribe(
        self, channel: str, name: str = "BTC-USDT", key: str = "instId"
    ) -> dict[str, str]:
        """Subscribe and wait for the answer; gives the arg."""
        arg = {"channel": channel, key: name}
        self.send("subscribe", arg)
        self.until(lambda m: m.get("event") == "subscribe" and m["arg"] == arg)
        return arg

    def refused(self, operation: str, *args: dict[str, str]) -> str:
        """The code of the error that follows."""
        self.send(operation, *args)
        return str(self.until(lambda m: m.get("event") == "error")["code"])

    def receive(self) -> Any:
        """The next message; a text that is not JSON comes as `{"text": ...}`."""
        text = self.socket.recv()
        if not text:
            raise ConnectionError("closed")
        try:
            message = json.loads(text)
        except ValueError:
            message = {"text": text}
        self.messages.append(message)
        return message

    def until(self, condition: Callable[[Any], bool], timeout_s: float = 10.0) -> Any:
        """The first message from now on that fulfils a condition."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            message = self.receive()
            if condition(message):
                return message
        raise AssertionError(f"no such message in {timeout_s:g} s: {self.messages[-3:]}")

    def heard(self, channel: str) -> list[Any]:
        """Pushes of a channel so far."""
        return [
            m for m in self.messages if "data" in m and m.get("arg", {}).get("channel") == channel
        ]

    def take(self, channel: str, count: int) -> list[Any]:
        """Pushes of a channel once there are so many, older ones included."""
        while len(self.heard(channel)) < count:
            self.receive()
        return self.heard(channel)

    def close(self) -> None:
        with contextlib.suppress(OSError, websocket.WebSocketException):
            self.socket.close(timeout=0)
        self.socket.shutdown()

    def closed(self) -> tuple[int, str]:
        """Read on until the end; close code and reason, 1006 where there was no close frame."""
        while True:
            try:
                code, data = self.socket.recv_data(control_frame=True)
            except (websocket.WebSocketConnectionClosedException, OSError):
                return 1006, ""
            if code == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big"), data[2:].decode()


class NaiveBook:
    """Two dicts that follow `books`. Knows nothing of the simulator."""

    def __init__(self) -> None:
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}
        self.seq_id = 0
        self.updates = self.beats = self.resets = 0

    def apply(self, message: Any) -> None:
        row = message["data"][0]
        if message["action"] == "snapshot":
            assert row["prevSeqId"] == -1
            self.bids, self.asks = {}, {}
        else:
            assert row["prevSeqId"] == self.seq_id, "gap"
            self.updates += 1
            self.beats += row["seqId"] == self.seq_id and not (row["bids"] or row["asks"])
            self.resets += row["seqId"] < self.seq_id
        for side, levels in ((self.bids, row["bids"]), (self.asks, row["asks"])):
            for price, size, _, _ in levels:
                if size == "0":
                    assert side.pop(price, None) is not None, "a level nobody had"
                else:
                    side[price] = size
        self.seq_id = row["seqId"]

    def is_true(self, truth: Any) -> bool:
        return self.bids == dict(truth["bids"]) and self.asks == dict(truth["asks"])
