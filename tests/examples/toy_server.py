"""Toybit itself: the smallest server that speaks what examples/toybit/README.md says."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import WSMsgType, web

from workers.local.ports import free_port

PACE_S = 0.02
INSTRUMENTS = [
    {"market": "BTC-USD", "base": "BTC", "quote": "USD", "tick": "0.1", "lot": "0.1", "open": True}
]


class Toybit:
    """One market. Trade n has the id n and the size n; the book's best bid size is its `seq`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.trades = 0
        self._seq = 1
        self._ended = asyncio.Event()

    @property
    def urls(self) -> dict[str, str]:
        return {"ws": f"ws://127.0.0.1:{self.port}", "rest": f"http://127.0.0.1:{self.port}"}

    async def serve(self, up: threading.Event) -> None:
        app = web.Application()
        app.router.add_get("/instruments", self._instruments)
        app.router.add_get("/ws", self._socket)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        up.set()
        await self._ended.wait()
        await runner.cleanup()

    def end(self) -> None:
        self._ended.set()

    async def _instruments(self, request: web.Request) -> web.Response:
        return web.json_response(INSTRUMENTS)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        streams: set[str] = set()
        publishing = asyncio.create_task(self._publish(socket, streams))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._answer(socket, json.loads(message.data), streams)
        finally:
            publishing.cancel()
        return socket

    async def _answer(
        self, socket: web.WebSocketResponse, asked: dict[str, Any], streams: set[str]
    ) -> None:
        names = set(asked["streams"])
        if asked["op"] == "subscribe":
            streams |= names
        else:
            streams -= names
        await socket.send_json({"id": asked["id"], "ok": True})
        if asked["op"] == "subscribe" and "book:BTC-USD" in names:
            await socket.send_json(self._book(prev=None))

    async def _publish(self, socket: web.WebSocketResponse, streams: set[str]) -> None:
        while True:
            await asyncio.sleep(PACE_S)
            if "trade:BTC-USD" in streams:
                self.trades += 1
                trade = {"id": self.trades, "price": "10.0", "size": str(self.trades)}
                await socket.send_json(_about("trade", **trade, taker="buy"))
            if "book:BTC-USD" in streams:
                self._seq += 1
                await socket.send_json(self._book(prev=self._seq - 1))
            if "ticker:BTC-USD" in streams:
                quote = {"bid": "9.9", "bid_size": "1", "ask": "10.1", "ask_size": "1"}
                await socket.send_json(_about("ticker", **quote, last="10.0"))

    def _book(self, prev: int | None) -> dict[str, Any]:
        bids, asks = [["9.9", str(self._seq)]], [["10.1", "1"]]
        return _about("book", seq=self._seq, prev=prev, bids=bids, asks=asks)


def _about(channel: str, **fields: Any) -> dict[str, Any]:
    now_ms = time.time_ns() // 1_000_000
    return {"channel": channel, "market": "BTC-USD", **fields, "time": now_ms}


@contextmanager
def toybit() -> Iterator[Toybit]:
    """Toybit on a loop of its own."""
    server, up, loop = Toybit(free_port()), threading.Event(), asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve(up)))
    thread.start()
    try:
        assert up.wait(20)
        yield server
    finally:
        loop.call_soon_threadsafe(server.end)
        thread.join()
        loop.close()
