"""One WebSocket: subscriptions, heartbeats, the idle cut, the end.

Source: docs.deribit.com, "Connection Management" and "Notifications"; times as measured in 2026.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping

import msgspec
from aiohttp import WSMsgType

from workers.simulator.deribit import channels, rpc
from workers.simulator.deribit.credits import Credits
from workers.simulator.deribit.methods import Methods
from workers.simulator.deribit.rpc import RpcError
from workers.simulator.hub import Hub, Variant
from workers.simulator.line import Line, Socket
from workers.simulator.wire import PONG, frame

WRAPPED = Variant(combined=True, microseconds=False)
BACKLOG_BYTES = 64 << 20
"""A client that leaves more than this unread is cut."""

SUBSCRIPTION_METHODS = ("subscribe", "unsubscribe", "unsubscribe_all")
HEARTBEAT_METHODS = ("set_heartbeat", "disable_heartbeat")
SOCKET_METHODS = frozenset(f"public/{each}" for each in SUBSCRIPTION_METHODS + HEARTBEAT_METHODS)
"""Methods that only a WebSocket has."""

FIRST_TEST = 1.2
LATER_TEST_S = 0.6
"""The first test_request comes after 1.2 intervals, later ones 0.6 s after the interval."""


class Heart:
    """When heartbeats are due, and what was not answered.

    Attributes:
        interval_s: as set by the client, None for none.
        asked_s: when the oldest unanswered test_request was sent, None if all are answered.
        next_s: when the next is due.
    """

    def __init__(self) -> None:
        self.interval_s: float | None = None
        self.asked_s: float | None = None
        self.next_s = 0.0

    def begin(self, interval_s: float, now_s: float) -> None:
        """The client sets it."""
        self.interval_s, self.asked_s = interval_s, None
        self.next_s = now_s + interval_s * FIRST_TEST

    def ask(self, now_s: float) -> None:
        """A test_request is sent."""
        self.asked_s = self.asked_s or now_s
        self.next_s = now_s + (self.interval_s or 0.0) + LATER_TEST_S


class DeribitConnection(Line):
    """A client.

    Args:
        at: its socket.
        hub: where it subscribes.
        methods: what may be asked.
        credits: of its address.
        refused: counts what was refused, by reason.
    """

    def __init__(
        self,
        at: Socket,
        *,
        hub: Hub,
        methods: Methods,
        credits: Credits,
        refused: Callable[[str], None],
    ) -> None:
        super().__init__(at, hub, WRAPPED, BACKLOG_BYTES)
        self._methods, self._credits, self._refused = methods, credits, refused
        self._switches = methods.market.switches
        self._heart = Heart()
        self._shuffle = random.Random(at.number)
        self._heard_s = self.opened_s

    def take(self, kind: WSMsgType, data: object) -> None:
        """Act on a message from the client."""
        self._heard_s = time.monotonic()
        if kind is WSMsgType.TEXT:
            self._request(str(data))
        elif kind is WSMsgType.PING and isinstance(data, bytes | bytearray):
            self._write(frame(bytes(data), PONG))
        elif kind is not WSMsgType.PONG:
            self.end(1003, "text messages only")

    def _request(self, text: str) -> None:
        began_us = rpc.now_us()
        request_id: object = None
        snapshots: list[str] = []
        outcome: object
        try:
            message = _parsed(text)
            request_id = message.get("id")
            method, params = _method(message)
            if not self._credits.spend(method, time.monotonic()):
                raise rpc.too_many_requests()
            outcome = self._act(method, params, snapshots)
        except RpcError as error:
            outcome = error
        self._send(rpc.reply(request_id, began_us, outcome))
        for channel in snapshots:
            _, name, interval = channel.split(".")
            payload = self._methods.market.streams[name].snapshot(interval)
            self._send(rpc.notification(channels.stream_of(channel), payload))
        if isinstance(outcome, RpcError) and outcome.ends:
            self._refused("credits")
            self.end(1000, outcome.message)

    def _act(self, method: str, params: Mapping[str, object], snapshots: list[str]) -> object:
        match method:
            case "public/subscribe":
                return self._subscribe(_names(params), snapshots)
            case "public/unsubscribe":
                held = {channels.channel_of(each) for each in self.subscriptions()}
                gone = [each for each in dict.fromkeys(_names(params)) if each in held]
                self.unsubscribe([channels.stream_of(each) for each in gone])
                return gone
            case "public/unsubscribe_all":
                self.unsubscribe(self.subscriptions())
                return "ok"
            case "public/set_heartbeat":
                least = self._switches.least_heartbeat_s
                interval = params.get("interval")
                if not isinstance(interval, int | float) or interval < least:
                    raise rpc.invalid("interval", f"value must be at least {least:g}")
                self._heart.begin(float(interval), time.monotonic())
                return "ok"
            case "public/disable_heartbeat":
                self._heart = Heart()
                return "ok"
            case "public/test":
                self._heart.asked_s = None
        return self._methods.call(method, params)

    def _subscribe(self, wanted: list[str], snapshots: list[str]) -> list[str]:
        """Accepted channels in any order; a first-time book also gets its snapshot."""
        if any(channels.needs_login(each) for each in wanted):
            raise RpcError(13778, "raw_subscriptions_not_available_for_unauthorized")
        names = self._methods.market.names()
        taken = [each for each in dict.fromkeys(wanted) if channels.accepted(each, names)]
        held = set(self.subscriptions())
        new = [each for each in taken if channels.stream_of(each) not in held]
        self.listen([channels.stream_of(each) for each in new])
        snapshots += [each for each in new if each.startswith("book.")]
        self._shuffle.shuffle(taken)
        return taken

    def _send(self, message: bytes) -> None:
        self.queue(frame(message), 1)
        self.flush()

    async def keep(self) -> None:
        """Cut idle connections, ask and await heartbeats."""
        switches = self._switches
        while True:
            now, heart = time.monotonic(), self._heart
            if heart.interval_s is None:
                if not self.subscriptions() and now >= self._heard_s + switches.idle_s:
                    self.abort("idle")
                    return
            elif heart.asked_s is not None and now >= heart.asked_s + switches.patience_s:
                self.end(4000, "heartbeat close")
                return
            elif now >= heart.next_s and not self.pings_muted:
                heart.ask(now)
                self.pings_sent += 1
                if not self.subscriptions():
                    self._send(rpc.heartbeat("heartbeat"))
                self._send(rpc.heartbeat("test_request"))
            await asyncio.sleep(0.05)


def _parsed(text: str) -> dict[str, object]:
    try:
        message = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise RpcError(11050, "bad_request", "invalid json") from error
    if not isinstance(message, dict):
        raise RpcError(-32600, "request entity should be an object")
    return message


def _method(message: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    method, params = message.get("method"), message.get("params", {})
    if not isinstance(method, str):
        raise RpcError(-32600, "missing method")
    if params is not None and not isinstance(params, dict):
        raise RpcError(-32602, "Invalid params", "named params only")
    return method, params or {}


def _names(params: Mapping[str, object]) -> list[str]:
    given = params.get("channels")
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise rpc.invalid("channels", "must be a list of strings")
    return given
