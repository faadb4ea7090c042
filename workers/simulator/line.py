"""One client's WebSocket, whatever the dialect: what is queued, written, held back, cut.

Frames to the client are written to the socket as bytes, one write a flush; what the client sends
is read with aiohttp, whose own ping handling is off.
"""

import asyncio
import heapq
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple

from aiohttp import WSMsgType, web

from workers.simulator.hub import Hub, Variant
from workers.simulator.wire import frame

CLOSE_S = 2.0
"""How long a client may take to answer a close frame."""


class Socket(NamedTuple):
    """An accepted WebSocket: prepared, with autoping off, and the transport below it."""

    number: int
    socket: web.WebSocketResponse
    transport: asyncio.Transport


class Line(ABC):
    """A client. Also the hub's receiver.

    Attributes:
        delay_s: everything is sent so much later.
        pings_muted: the dialect's sign of life is not given.
        ended_by: why the exchange ended it, None if it did not.

    Args:
        at: its socket; numbers count connections from 1.
        hub: where it subscribes.
        variant: how it wants its payloads.
        backlog_bytes: a client that leaves more than this unread is cut.
    """

    too_old = (1001, "Connection is too old")
    """Code and reason of the end at the age limit."""

    def __init__(self, at: Socket, hub: Hub, variant: Variant, backlog_bytes: int) -> None:
        self.number, self.variant = at.number, variant
        self.messages_sent = self.bytes_sent = self.received = self.pings_sent = 0
        self.delay_s = 0.0
        self.pings_muted = False
        self.opened_s = time.monotonic()
        self.ended_by: str | None = None
        self._socket, self._transport, self._hub = at.socket, at.transport, hub
        self._backlog_bytes = backlog_bytes
        self._streams: dict[str, None] = {}
        self._queued: list[bytes] = []
        self._delayed: list[tuple[float, int, bytes]] = []
        self._delays = 0
        self._line_due_s = 0.0
        self._frozen = False
        self._ending: asyncio.Task[None] | None = None

    @abstractmethod
    def take(self, kind: WSMsgType, data: object) -> None:
        """Act on a message from the client."""

    @abstractmethod
    async def keep(self) -> None:
        """Pings, idle cuts and age, until the connection ends."""

    def shutdown_notice(self, now_us: int) -> bytes | None:
        """What is said before the exchange shuts the connection down; None: nothing."""
        return None

    @property
    def frozen(self) -> bool:
        """Whether the line is dead with both ends open: nothing is read, nothing arrives."""
        return self._frozen

    @frozen.setter
    def frozen(self, value: bool) -> None:
        self._frozen = value
        if self._transport.is_closing():
            return
        if value:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def subscriptions(self) -> list[str]:
        """Streams in the order they were added, as the hub calls them."""
        return list(self._streams)

    def listen(self, streams: Iterable[str]) -> None:
        """Hear these from the next event on."""
        for stream in streams:
            self._streams[stream] = None
            self.hear(stream)

    def hear(self, stream: str) -> None:
        """Let events of a stream come."""
        self._hub.subscribe(self, stream)

    def unsubscribe(self, streams: list[str]) -> None:
        """Remove streams; unknown ones are none."""
        for stream in streams:
            if stream in self._streams:
                del self._streams[stream]
                self._hub.unsubscribe(self, stream)

    def say(self, message: bytes, kind: int | None = None) -> None:
        """Send something now, after what is queued; `kind` is the first byte of its frame."""
        self.queue(frame(message) if kind is None else frame(message, kind), 0)
        self.flush()

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
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    def abort(self, reason: str) -> None:
        """Drop the line without a close frame; the client sees 1006."""
        self.ended_by = self.ended_by or reason
        self._transport.abort()

    def end(self, code: int, reason: str) -> None:
        """Close in good order, after what is queued."""
        if self._frozen:
            self.abort(reason)
        elif self._ending is None:
            self.ended_by = self.ended_by or reason
            self._ending = asyncio.ensure_future(self._close(code, reason))

    async def serve(self) -> None:
        """Read the client's messages until the connection ends, then wait for its close."""
        self._hub.join(self)
        keeper = asyncio.ensure_future(self.keep())
        try:
            async for message in self._socket:
                self.received += 1
                if self._ending is None:
                    self.take(message.type, message.data)
        finally:
            keeper.cancel()
            self._hub.leave(self, set(self._streams))
        if self._ending is not None:
            await self._ending

    def facts(self) -> dict[str, object]:
        """As `GET /sim/state` shows it."""
        return {
            "number": self.number,
            "age_s": round(time.monotonic() - self.opened_s, 3),
            "streams": self.subscriptions(),
            "messages_sent": self.messages_sent,
            "bytes_sent": self.bytes_sent,
            "messages_received": self.received,
            "pings_sent": self.pings_sent,
            "backlog_bytes": self.backlog(),
        }

    def overflow(self) -> None:
        """The client reads too slowly."""
        self.abort("slow consumer")

    def _delay(self, due_s: float, data: bytes) -> None:
        self._delays += 1
        heapq.heappush(self._delayed, (due_s, self._delays, data))

    def _write(self, data: bytes) -> None:
        if self._frozen or self._transport.is_closing():
            return
        self.bytes_sent += len(data)
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self._backlog_bytes:
            self.overflow()

    async def _close(self, code: int, reason: str) -> None:
        self.flush()
        try:
            await asyncio.wait_for(self._socket.close(code=code, message=reason.encode()), CLOSE_S)
        except TimeoutError:
            self.abort(reason)
