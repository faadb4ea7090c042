"""One stream connection of OKX: subscriptions, text ping, idle cut, limits, its end."""

import asyncio
import time
from typing import Protocol

from aiohttp import WSMsgType

from workers.simulator.binance.limits import SlidingCount
from workers.simulator.hub import Hub, Variant
from workers.simulator.line import Line, Socket
from workers.simulator.okx import control
from workers.simulator.okx.control import Topic
from workers.simulator.okx.options import OkxOptions
from workers.simulator.okx.payloads import encode_json
from workers.simulator.wire import PONG, frame

HOUR_S = 3600.0
PLAIN = Variant(combined=False, microseconds=False)


class Greeter(Protocol):
    """What a connection knows of the markets."""

    def listed(self) -> frozenset[str]:
        """Instrument ids that may be subscribed."""
        ...

    def greeting(self, topic: Topic) -> bytes | None:
        """First push of a new subscription, None where there is none."""
        ...


class Connection(Line):
    """A client. Also the control messages' session.

    Args:
        at: its socket.
        business: came by `/ws/v5/business`.
        hub: where it subscribes.
        greeter: gives first pushes.
        options: of the dialect.
    """

    def __init__(
        self, at: Socket, *, business: bool, hub: Hub, greeter: Greeter, options: OkxOptions
    ) -> None:
        super().__init__(at, hub, PLAIN, options.backlog_bytes)
        self.business = business
        self.connection_id = f"{at.number:08x}"
        self.refused = 0
        self._alive_s = self.opened_s
        self._greeter, self._options = greeter, options
        self._subscribed_once = False
        self._budget = SlidingCount(options.messages, HOUR_S)

    def subscribe(self, topic: Topic, answer: bytes) -> None:
        """Answer and begin to push. A second subscription of the same is answered only."""
        first = None
        if topic.stream not in self._streams:
            first = self._greeter.greeting(topic)
            self._subscribed_once = True
            self.listen([topic.stream])
        if first is not None and topic.channel in self._options.data_first:
            self._push(first)
            first = None
        self.say(answer)
        if first is not None:
            self._push(first)

    def forget(self, topic: Topic) -> None:
        """Push no more; what was not subscribed is no error."""
        self.unsubscribe([topic.stream])

    def charge(self) -> bool:
        """Count a control message; False if it is one too many in this hour."""
        if self._budget.record(time.monotonic()):
            return True
        self.refused += 1
        return False

    def queue(self, data: bytes, messages: int, delay_s: float = 0.0) -> None:
        """Bytes of whole frames to be written; whatever is sent is a sign of life."""
        self._alive_s = time.monotonic()
        super().queue(data, messages, delay_s)

    def shutdown_notice(self, now_us: int) -> bytes:
        """Notice 64008."""
        notice = {
            "event": "notice",
            "code": "64008",
            "msg": "The connection will soon be closed for a service upgrade. Please reconnect.",
            "connId": self.connection_id,
        }
        return encode_json(notice)

    def facts(self) -> dict[str, object]:
        """As `GET /sim/state` shows it."""
        more = {"business": self.business, "messages_refused": self.refused}
        return {**super().facts(), **more}

    def overflow(self) -> None:
        """The client reads too slowly."""
        self.end(4005, "The connection is closed because the write buffer is full")

    def take(self, kind: WSMsgType, data: object) -> None:
        """Act on a message from the client."""
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
                control.act(data, self, self._greeter.listed())
        elif kind is not WSMsgType.PONG:
            self.end(1003, "Text messages only")

    async def keep(self) -> None:
        """Cut who subscribes to nothing, and who has neither heard nor said anything."""
        idle_s = self._options.idle_s
        while True:
            alive_s = self._alive_s if self._subscribed_once else self.opened_s
            if time.monotonic() >= alive_s + idle_s:
                self.end(4004, f"No data received in {idle_s:g}s.")
                return
            await asyncio.sleep(max(0.005, alive_s + idle_s - time.monotonic()))

    def _push(self, message: bytes) -> None:
        self.queue(frame(message), 1)
        self.flush()
