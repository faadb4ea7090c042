"""The HTTP face of the exchange: REST with its limits, and the doors to the streams."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from urllib.parse import unquote

from aiohttp import web

from workers.simulator.binance.connection import Connection
from workers.simulator.binance.limits import Refusal, SlidingCount, WeightMeter
from workers.simulator.binance.payloads import encode_json
from workers.simulator.binance.replies import ApiError
from workers.simulator.faults import SNAPSHOT_KINDS, Fault, FaultBox
from workers.simulator.hub import Hub, Variant
from workers.simulator.mutate import SPOILERS
from workers.simulator.options import Options

JSON = "application/json"
WEIGHT_HEADERS = ("X-MBX-USED-WEIGHT", "X-MBX-USED-WEIGHT-1M")
"""The first has no interval in its name and the same value; some clients read only that one."""


class Source(Protocol):
    """Where replies and events come from: a market, or a recording."""

    def weight(self, path: str, query: Mapping[str, str]) -> int:
        """What a request costs."""
        ...

    def answer(self, path: str, query: Mapping[str, str], micro: bool) -> bytes:
        """The reply. Raises ApiError."""
        ...

    async def odd_snapshot(self, fault: Fault, query: Mapping[str, str]) -> bytes:
        """A depth snapshot that is older than it should be, or ends where an event begins."""
        ...

    def subscribed(self) -> None:
        """Some connection subscribed to something."""
        ...


class Exchange:
    """Doors, limits and connections.

    Attributes:
        connections: open ones by number.
        limited: requests, messages and connects refused, by reason.
        ended: connections that the exchange ended, by reason.
    """

    def __init__(self, options: Options, hub: Hub, faults: FaultBox, source: Source) -> None:
        self.connections: dict[int, Connection] = {}
        self.limited: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        self.requests: dict[str, int] = {}
        self._options, self._hub, self._faults, self._source = options, hub, faults, source
        self._meters: dict[str, WeightMeter] = {}
        self._connects: dict[str, SlidingCount] = {}
        self._numbers = 0

    def routes(self) -> list[web.RouteDef]:
        """Where the exchange answers."""
        return [
            web.get("/api/{tail:.+}", self.rest),
            web.get("/ws", self.raw),
            web.get("/ws/{streams:.*}", self.raw),
            web.get("/stream", self.combined),
            web.get("/stream/", self.combined),
        ]

    async def rest(self, request: web.Request) -> web.Response:
        """One REST request: weight, limits, faults, reply."""
        path, query = request.path, dict(request.query)
        self.requests[path] = self.requests.get(path, 0) + 1
        meter = self._meters.setdefault(request.remote or "", WeightMeter(self._options.limits))
        refusal = meter.charge(self._source.weight(path, query), time.time())
        headers = dict.fromkeys(WEIGHT_HEADERS, str(meter.used))
        if refusal is not None:
            return self._refused(refusal, headers)
        micro = request.headers.get("X-MBX-TIME-UNIT", "").upper() == "MICROSECOND"
        snapshot: Callable[[], Awaitable[bytes]] | None = None
        spoil: list[Fault] = []
        for fault in self._faults.met_by_reply(path, query.get("symbol", "")):
            if fault.kind in ("429", "418"):
                until_ms = int((time.time() + fault.retry_after_s) * 1000)
                return self._refused(
                    Refusal(int(fault.kind), fault.retry_after_s, until_ms), headers
                )
            if fault.kind == "http":
                return web.Response(status=fault.status, text=fault.body, headers=headers)
            if fault.kind == "slow":
                await asyncio.sleep(fault.delay_ms / 1000)
            elif fault.kind in SNAPSHOT_KINDS:
                snapshot = _bound(self._source, fault, query)
            else:
                spoil.append(fault)
        try:
            if len(query) < len(request.query):
                raise ApiError(-1101, "Duplicate values for a parameter detected.")
            body = await snapshot() if snapshot else self._source.answer(path, query, micro)
        except ApiError as error:
            reply = encode_json({"code": error.code, "msg": error.message})
            return web.Response(status=error.status, body=reply, content_type=JSON, headers=headers)
        for fault in spoil:
            if fault.kind in SPOILERS:
                body = SPOILERS[fault.kind](body, fault.field, fault.value)
        return web.Response(body=body, content_type=JSON, headers=headers)

    async def raw(self, request: web.Request) -> web.StreamResponse:
        """`/ws` and `/ws/<stream>/<stream>`: bare payloads."""
        streams = request.match_info.get("streams", "")
        return await self._connect(request, streams, combined=False)

    async def combined(self, request: web.Request) -> web.StreamResponse:
        """`/stream?streams=<stream>/<stream>`: payloads under their stream's name."""
        return await self._connect(
            request, _streams(request.rel_url.raw_query_string), combined=True
        )

    def used_weight(self) -> dict[str, int]:
        """Weight of the present minute by address."""
        return {address: meter.used for address, meter in self._meters.items()}

    async def _connect(
        self, request: web.Request, streams: str, *, combined: bool
    ) -> web.StreamResponse:
        limits = self._options.limits
        address = request.remote or ""
        counter = self._connects.setdefault(
            address, SlidingCount(limits.connects, limits.connect_window_s)
        )
        if not counter.record(time.monotonic()):
            self._count(self.limited, "connects")
            return web.Response(status=429, text="too many connection attempts")
        unit = request.query.get("timeUnit", "MILLISECOND").upper()
        if unit not in ("MILLISECOND", "MICROSECOND"):
            return web.Response(status=400, text=f"timeUnit {unit} is not known")
        socket = web.WebSocketResponse(autoping=False, autoclose=True, compress=False)
        try:
            await socket.prepare(request)
        except ConnectionError:
            self._count(self.ended, "gone before the handshake")
            return web.Response(status=400)
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            return socket
        self._numbers += 1
        connection = Connection(
            self._numbers,
            socket,
            transport,
            hub=self._hub,
            variant=Variant(combined, unit == "MICROSECOND"),
            limits=limits,
            options=self._options.connections,
        )
        connection.on_subscribe = self._source.subscribed
        self.connections[connection.number] = connection
        names = [name for name in streams.split("/") if name]
        if names:
            connection.subscribe(names)
        try:
            await connection.serve()
        finally:
            del self.connections[connection.number]
            if connection.ended_by:
                self._count(self.ended, connection.ended_by)
        return socket

    def _refused(self, refusal: Refusal, headers: Mapping[str, str]) -> web.Response:
        self._count(self.limited, str(refusal.status))
        if refusal.status == 418:
            text = (
                f"Way too much request weight used; IP banned until {refusal.until_ms}. "
                "Please use WebSocket Streams for live updates to avoid bans."
            )
        else:
            limit = self._options.limits.weight
            text = (
                f"Too much request weight used; current limit is {limit} request weight per "
                "1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API."
            )
        return web.Response(
            status=refusal.status,
            body=encode_json({"code": -1003, "msg": text}),
            content_type=JSON,
            headers={**headers, "Retry-After": str(refusal.retry_after_s)},
        )

    @staticmethod
    def _count(counts: dict[str, int], reason: str) -> None:
        counts[reason] = counts.get(reason, 0) + 1


def _streams(raw_query: str) -> str:
    """`streams` of a query, decoded; a bare plus is a plus, as in `@kline_1d@+08:00`."""
    for part in raw_query.split("&"):
        name, _, value = part.partition("=")
        if name == "streams":
            return unquote(value)
    return ""


def _bound(
    source: Source, fault: Fault, query: Mapping[str, str]
) -> Callable[[], Awaitable[bytes]]:
    return lambda: source.odd_snapshot(fault, query)
