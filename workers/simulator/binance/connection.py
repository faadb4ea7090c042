"""One stream connection: subscriptions, control frames, limits, its end.

Frames to the client are written to the socket as bytes, one write a flush; what the client sends
is read with aiohttp, whose own ping handling is off.
"""

import asyncio
import heapq
import time
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from workers.simulator.binance import control
from workers.simulator.binance.limits import LimitOptions, SlidingCount
from workers.simulator.hub import Hub, Variant
from workers.simulator.wire import PING, PONG, frame


@dataclass(frozen=True)
class ConnectionOptions:
    """Times of a connection, as documented by default.

    Args:
        ping_s: between the server's pings.
        pong_s: a pong with the same payload must come within this.
        max_age_s: the connection is ended at this age.
        backlog_bytes: a client that leaves more than this unread is cut.
        nested_errors: errors of control messages are wrapped in `error`.
    """

    ping_s: float = 20.0
    pong_s: float = 60.0
    max_age_s: float = 86_400.0
    backlog_bytes: int = 64 << 20
    nested_errors: bool = False


class Connection:
    """A client. Also the hub's receiver and the control messages' session.

    Args:
        number: counts connections from 1.
        socket: prepared, with autoping off.
        transport: the socket's own.
        hub: where it subscribes.
        variant: combined or raw, milli- or microseconds.
    """

    def __init__(
        self,
        number: int,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        *,
        hub: Hub,
        variant: Variant,
        limits: LimitOptions,
        options: ConnectionOptions,
    ) -> None:
        self.number, self.variant = number, variant
        self.messages_sent = self.bytes_sent = self.received = self.pings_sent = 0
        self.delay_s = 0.0
        self.pings_muted = False
        self.opened_s = time.monotonic()
        self.ended_by: str | None = None
        self.on_subscribe = _nothing
        self._socket, self._transport, self._hub = socket, transport, hub
        self._limits, self._options = limits, options
        self._streams: dict[str, None] = {}
        self._queued: list[bytes] = []
        self._delayed: list[tuple[float, int, bytes]] = []
        self._delays = 0
        self._line_due_s = 0.0
        self._budget = SlidingCount(limits.messages, 1.0)
        self._pings: dict[bytes, float] = {}
        self._ending: asyncio.Task[None] | None = None

    @property
    def combined(self) -> bool:
        """Whether payloads are wrapped; SET_PROPERTY turns it."""
        return self.variant.combined

    @combined.setter
    def combined(self, value: bool) -> None:
        for stream in self._streams:
            self._hub.unsubscribe(self, stream)
        self.variant = self.variant._replace(combined=value)
        for stream in self._streams:
            self._hub.subscribe(self, stream)

    def subscribe(self, streams: list[str]) -> None:
        """Add streams; more than the limit ends the connection."""
        if len(self._streams.keys() | set(streams)) > self._limits.streams:
            self.end(1008, "Too many streams")
            return
        for stream in streams:
            self._streams[stream] = None
            self._hub.subscribe(self, stream)
        self.on_subscribe()

    def unsubscribe(self, streams: list[str]) -> None:
        """Remove streams; unknown ones are none."""
        for stream in streams:
            if stream in self._streams:
                del self._streams[stream]
                self._hub.unsubscribe(self, stream)

    def subscriptions(self) -> list[str]:
        """Streams in the order they were added."""
        return list(self._streams)

    def queue(self, data: bytes, messages: int, delay_s: float = 0.0) -> None:
        """Bytes of whole frames to be written at the next flush, or so much later."""
        self.messages_sent += messages
        if delay_s:
            self._delay(time.monotonic() + delay_s, data)
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
        if self._transport.is_closing():
            return 0
        return self._transport.get_write_buffer_size()

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
                if not self._budget.record(time.monotonic()):
                    self.end(1008, "Too many requests")
                elif self._ending is None:
                    self._take(message.type, message.data)
        finally:
            keeper.cancel()
            self._hub.leave(self, set(self._streams))
        if self._ending is not None:
            await self._ending

    def _take(self, kind: WSMsgType, data: object) -> None:
        if kind is WSMsgType.TEXT:
            self.flush()
            nested = self._options.nested_errors
            self._write(frame(control.answer(str(data), self, nested=nested)))
        elif kind is WSMsgType.PING and isinstance(data, bytes | bytearray):
            self._write(frame(bytes(data), PONG))
        elif kind is WSMsgType.PONG and isinstance(data, bytes | bytearray):
            self._pings.pop(bytes(data), None)
        else:
            self.end(1003, "Text messages only")

    def _delay(self, due_s: float, data: bytes) -> None:
        self._delays += 1
        heapq.heappush(self._delayed, (due_s, self._delays, data))

    def _write(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self.bytes_sent += len(data)
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self._options.backlog_bytes:
            self.abort("slow consumer")

    async def _keep(self) -> None:
        """Ping, check pongs, end at the age limit."""
        options = self._options
        next_ping = self.opened_s + options.ping_s
        while True:
            now = time.monotonic()
            if now >= self.opened_s + options.max_age_s:
                self.end(1001, "Connection is too old")
                return
            if any(now >= sent + options.pong_s for sent in self._pings.values()):
                self.end(1008, "Pong timeout")
                return
            if now >= next_ping:
                next_ping += options.ping_s
                if not self.pings_muted:
                    payload = str(time.time_ns() // 1_000_000).encode()
                    self._pings[payload] = now
                    self.pings_sent += 1
                    self.flush()
                    self._write(frame(payload, PING))
            due = [next_ping, self.opened_s + options.max_age_s]
            due += [sent + options.pong_s for sent in self._pings.values()]
            await asyncio.sleep(max(0.005, min(due) - time.monotonic()))

    async def _close(self, code: int, reason: str) -> None:
        self.flush()
        try:
            await asyncio.wait_for(self._socket.close(code=code, message=reason.encode()), 2.0)
        except TimeoutError:
            self.abort(reason)


def _nothing() -> None:
    """Nobody waits for subscriptions."""
