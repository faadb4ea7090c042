"""A simulator in a thread of the test process, and the plainest clients to ask it with."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import requests
import websocket

from workers.simulator.options import Options
from workers.simulator.server import Simulator

SMALL = {
    "port": 0,
    "levels": 300,
    "symbols": ("BTC-USDT", "ETH-USDT"),
    "rate": 200.0,
    "dialect": "binance_spot",
}


class Running:
    """A simulator that listens until `stop`."""

    def __init__(self, **options: Any) -> None:
        self.options = Options(**{**SMALL, **options})
        self.simulator = Simulator(self.options)
        self.address = ""
        self._listening = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._clients: list[Client] = []
        self._session = requests.Session()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        assert self._listening.wait(10), "the simulator does not listen"

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self.simulator.running() as address:
            self.address = address
            self._listening.set()
            await self._stop.wait()

    def hang_up(self) -> None:
        """End all clients."""
        while self._clients:
            self._clients.pop().close()

    def stop(self) -> None:
        self.hang_up()
        self._session.close()
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the simulator does not stop"

    def get(self, path: str, headers: dict[str, str] | None = None) -> requests.Response:
        return self._session.get(self.address + path, headers=headers, timeout=10)

    def json(self, path: str) -> Any:
        reply = self.get(path)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def post(self, path: str, body: object = None) -> requests.Response:
        return self._session.post(self.address + path, json=body, timeout=10)

    def delete(self, path: str) -> requests.Response:
        return self._session.delete(self.address + path, timeout=10)

    def fault(self, kind: str, **fields: object) -> int:
        reply = self.post("/sim/faults", {"kind": kind, **fields})
        assert reply.status_code == 201, reply.text
        return int(reply.json()["ids"][0])

    def state(self) -> Any:
        return self.json("/sim/state")

    def client(self, path: str = "/stream") -> "Client":
        client = Client(self.address.replace("http", "ws") + path)
        self._clients.append(client)
        return client


class Client:
    """A WebSocket client that keeps everything it hears. Pings are answered by the library."""

    def __init__(self, url: str) -> None:
        self.socket = websocket.create_connection(url, timeout=10)
        self.messages: list[Any] = []

    def ask(self, method: str, params: object = None, request_id: object = 1) -> Any:
        """Send a control message; its reply. Other messages are kept."""
        request = {"method": method, "id": request_id}
        self.socket.send(json.dumps(request if params is None else {**request, "params": params}))
        return self.until(lambda message: "id" in message or "code" in message)

    def subscribe(self, *streams: str) -> None:
        assert self.ask("SUBSCRIBE", list(streams)) == {"result": None, "id": 1}

    def receive(self) -> Any:
        """The next message; a text that is not JSON comes as it is."""
        text = self.socket.recv()
        if not text:
            raise ConnectionError("closed")
        try:
            message = json.loads(text)
        except ValueError:
            message = text
        self.messages.append(message)
        return message

    def until(self, condition: Callable[[Any], bool], timeout_s: float = 10.0) -> Any:
        """The first message from now on that fulfils a condition."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            message = self.receive()
            if condition(message):
                return message
        raise AssertionError(f"no such message in {timeout_s:g} s")

    def take(self, stream: str, count: int) -> list[Any]:
        """The next `count` payloads of a stream on a combined connection."""
        found: list[Any] = []
        while len(found) < count:
            found.append(self.until(lambda m: isinstance(m, dict) and m.get("stream") == stream))
        return [message["data"] for message in found]

    def heard(self, stream: str) -> list[Any]:
        """Payloads of a stream so far, on a combined connection."""
        return [
            m["data"] for m in self.messages if isinstance(m, dict) and m.get("stream") == stream
        ]

    def close(self) -> None:
        """The library forgets its socket once the other side has closed."""
        self.socket.close(timeout=0)
        self.socket.shutdown()

    def closed(self) -> int:
        """Read on until the end; the close code, 1006 where there was no close frame."""
        while True:
            try:
                code, data = self.socket.recv_data(control_frame=True)
            except (websocket.WebSocketConnectionClosedException, OSError):
                return 1006
            if code == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big")
