"""One stream connection of Binance: subscriptions, control frames, limits, its end."""

import asyncio
import time
from dataclasses import dataclass

from aiohttp import WSMsgType

from workers.simulator.binance import control
from workers.simulator.binance.limits import LimitOptions, SlidingCount
from workers.simulator.binance.payloads import encode_json
from workers.simulator.hub import Hub, Variant, wrap
from workers.simulator.line import Line, Socket
from workers.simulator.wire import PING, PONG

SHUTDOWN_STREAM = "!serverShutdown"


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


class Connection(Line):
    """A client. Also the control messages' session.

    Args:
        at: its socket.
        hub: where it subscribes.
        variant: combined or raw, milli- or microseconds.
        limits: of messages and streams.
        options: times.
    """

    def __init__(
        self,
        at: Socket,
        *,
        hub: Hub,
        variant: Variant,
        limits: LimitOptions,
        options: ConnectionOptions,
    ) -> None:
        super().__init__(at, hub, variant, options.backlog_bytes)
        self.on_subscribe = _nothing
        self._limits, self._options = limits, options
        self._budget = SlidingCount(limits.messages, 1.0)
        self._pings: dict[bytes, float] = {}

    @property
    def combined(self) -> bool:
        """Whether payloads are wrapped; SET_PROPERTY turns it."""
        return self.variant.combined

    @combined.setter
    def combined(self, value: bool) -> None:
        for stream in self._streams:
            self._hub.unsubscribe(self, stream)
        self.variant = self.variant._replace(combined=value)
        self.listen(self._streams)

    def subscribe(self, streams: list[str]) -> None:
        """Add streams; more than the limit ends the connection."""
        if len(self._streams.keys() | set(streams)) > self._limits.streams:
            self.end(1008, "Too many streams")
            return
        self.listen(streams)
        self.on_subscribe()

    def shutdown_notice(self, now_us: int) -> bytes:
        """`serverShutdown`."""
        time_now = now_us if self.variant.microseconds else now_us // 1000
        notice = encode_json({"e": "serverShutdown", "E": time_now})
        return wrap(SHUTDOWN_STREAM, notice) if self.combined else notice

    def facts(self) -> dict[str, object]:
        """As `GET /sim/state` shows it."""
        variant = self.variant
        return {
            **super().facts(),
            "combined": variant.combined,
            "microseconds": variant.microseconds,
        }

    def take(self, kind: WSMsgType, data: object) -> None:
        """Act on a message from the client."""
        if not self._budget.record(time.monotonic()):
            self.end(1008, "Too many requests")
        elif kind is WSMsgType.TEXT:
            nested = self._options.nested_errors
            self.flush()
            self.say(control.answer(str(data), self, nested=nested))
        elif kind is WSMsgType.PING and isinstance(data, bytes | bytearray):
            self.say(bytes(data), PONG)
        elif kind is WSMsgType.PONG and isinstance(data, bytes | bytearray):
            self._pings.pop(bytes(data), None)
        else:
            self.end(1003, "Text messages only")

    async def keep(self) -> None:
        """Ping, check pongs, end at the age limit."""
        options = self._options
        next_ping = self.opened_s + options.ping_s
        while True:
            now = time.monotonic()
            if now >= self.opened_s + options.max_age_s:
                self.end(*self.too_old)
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
                    self.say(payload, PING)
            due = [next_ping, self.opened_s + options.max_age_s]
            due += [sent + options.pong_s for sent in self._pings.values()]
            await asyncio.sleep(max(0.005, min(due) - time.monotonic()))


def _nothing() -> None:
    """Nobody waits for subscriptions."""
