"""One stream connection: subscriptions, text ping, idle cut, limits, its end.

Frames to the client are written to the socket as bytes, one write a flush; what the client sends
is read with aiohttp, whose own ping handling is off.
"""

import asyncio
import heapq
import time
from typing import Protocol

from aiohttp import WSMsgType, web

from workers.simulator.binance.limits import SlidingCount
from workers.simulator.hub import Hub, Variant
from workers.simulator.okx import control
from workers.simulator.okx.control import Topic
from workers.simulator.okx.options import OkxOptions
from workers.simulator.wire import PONG, frame

HOUR_S = 3600.0


class Greeter(Protocol):
    """What a connection knows of the markets."""

    listed: frozenset[str]

    def greeting(self, topic: Topic) -> bytes | None:
        """First push of a new subscription, None where there is none."""
        ...


class Connection:
    """A client. Also the hub's receiver and the control messages' session.

    Args:
        number: counts connections from 1.
        socket: prepared, with autoping off.
        transport: the socket's own.
        business: came by `/ws/v5/business`.
        hub: where it subscribes.
        greeter: gives first pushes.
        options: of the dialect.
    """

    variant = Variant(combined=False, microseconds=False)

    def __init__(
        self,
        number: int,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        *,
        business: bool,
        hub: Hub,
        greeter: Greeter,
        options: OkxOptions,
    ) -> None:
        self.number, self.business = number, business
        self.connection_id = f"{number:08x}"
        self.messages_sent = self.bytes_sent = self.received = self.refused = 0
        self.delay_s = 0.0
        self.pings_muted = False
        self.opened_s = self._alive_s = time.monotonic()
        self.ended_by: str | None = None
        self._socket, self._transport, self._hub = socket, transport, hub
        self._greeter, self._options = greeter, options
        self._streams: dict[str, None] = {}
        self._subscribed_once = False
        self._queued: list[bytes] = []
        self._delayed: list[tuple[float, int, bytes]] = []
        self._delays = 0
        self._line_due_s = 0.0
        self._budget = SlidingCount(options.messages, HOUR_S)
        self._ending: asyncio.Task[None] | None = None

    def subscribe(self, topic: Topic, answer: bytes) -> None:
        """Answer and begin to push. A second subscription of the same is answered only."""
        first = None
        if topic.stream not in self._streams:
            first = self._greeter.greeting(topic)
            self._streams[topic.stream] = None
            self._subscribed_once = True
            self._hub.subscribe(self, topic.stream)
        if first is not None and topic.channel in self._options.data_first:
            self._push(first)
            first = None
        self.say(answer)
        if first is not None:
            self._push(first)

    def unsubscribe(self, topic: Topic) -> None:
        """Push no more; what was not subscribed is no error."""
        if topic.stream in self._streams:
            del self._streams[topic.stream]
            self._hub.unsubscribe(self, topic.stream)

    def charge(self) -> bool:
        """Count a control message; False if it is one too many in this hour."""
        if self._budget.record(time.monotonic()):
            return True
        self.refused += 1
        return False

    def say(self, message: bytes) -> None:
        """Send an answer, after what is queued."""
        self.queue(frame(message), 0)
        self.flush()

    def subscriptions(self) -> list[str]:
        """Streams in the order they were added."""
        return list(self._streams)

    def queue(self, data: bytes, messages: int, delay_s: float = 0.0) -> None:
        """Bytes of whole frames to be written at the next flush, or so much later."""
        self.messages_sent += messages
        self._alive_s = time.monotonic()
        if delay_s:
            self._delay(self._alive_s + delay_s, data)
        else:
            self._queued.append(data)

    def flush(self) -> None:
        """Write what is queued and due."""
        now = time.monotonic()
        while self._delayed and self._delayed[0][0] <= now:
            self._write(heapq.heappop(self._delayed)[2])
        if self._queued:
            data = b"".join(self._queued)
            self._queued.clear()
            if self.delay_s or self._line_due_s > now:
                self._line_due_s = max(self._line_due_s, now + self.delay_s)
                self._delay(self._line_due_s, data)
            else:
                self._write(data)

    def backlog(self) -> int:
        """Bytes the client has not taken yet."""
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    def abort(self, reason: str) -> None:
        """Drop the line without a close frame; the client sees 1006."""
        self.ended_by = self.ended_by or reason
        self._transport.abort()

    def end(self, code: int, reason: str) -> None:
        """Close in good order, after what is queued."""
        if self._ending is None:
            self.ended_by = self.ended_by or reason
            self._ending = asyncio.ensure_future(self._close(code, reason))

    async def serve(self) -> None:
        """Read the client's messages until the connection ends, then wait for its close."""
        self._hub.join(self)
        keeper = asyncio.ensure_future(self._keep())
        try:
            async for message in self._socket:
                self.received += 1
                if self._ending is None:
                    self._take(message.type, message.data)
        finally:
            keeper.cancel()
            self._hub.leave(self, set(self._streams))
        if self._ending is not None:
            await self._ending

    def _take(self, kind: WSMsgType, data: object) -> None:
        if kind is WSMsgType.PING and isinstance(data, bytes | bytearray):
            # Answered, but no sign of life: only the text `ping` is one.
            self._write(frame(bytes(data), PONG))
        elif kind is WSMsgType.TEXT and isinstance(data, str):
            if data == "ping":
                self._alive_s = time.monotonic()
                if not self.pings_muted:
                    self.say(b"pong")
            elif len(data.encode()) > self._options.args_bytes:
                self.end(1009, "Request too large")
            else:
                control.act(data, self, self._greeter.listed)
        elif kind is not WSMsgType.PONG:
            self.end(1003, "Text messages only")

    def _push(self, message: bytes) -> None:
        self.queue(frame(message), 1)
        self.flush()

    def _delay(self, due_s: float, data: bytes) -> None:
        self._delays += 1
        heapq.heappush(self._delayed, (due_s, self._delays, data))

    def _write(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self.bytes_sent += len(data)
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self._options.backlog_bytes:
            self.end(4005, "The connection is closed because the write buffer is full")

    async def _keep(self) -> None:
        """Cut who subscribes to nothing, and who has neither heard nor said anything."""
        idle_s = self._options.idle_s
        while True:
            alive_s = self._alive_s if self._subscribed_once else self.opened_s
            if time.monotonic() >= alive_s + idle_s:
                self.end(4004, f"No data received in {idle_s:g}s.")
                return
            await asyncio.sleep(max(0.005, alive_s + idle_s - time.monotonic()))

    async def _close(self, code: int, reason: str) -> None:
        self.flush()
        try:
            await asyncio.wait_for(self._socket.close(code=code, message=reason.encode()), 2.0)
        except TimeoutError:
            self.abort(reason)
