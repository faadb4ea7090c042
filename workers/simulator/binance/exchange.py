"""The HTTP face of Binance: REST with its limits, and the doors to the streams."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from urllib.parse import unquote

from aiohttp import web

from workers.simulator.binance.connection import Connection, ConnectionOptions
from workers.simulator.binance.limits import (
    LimitOptions,
    Refusal,
    SlidingCount,
    WeightMeter,
)
from workers.simulator.binance.payloads import encode_json
from workers.simulator.binance.replies import ApiError
from workers.simulator.doors import JSON, Doors
from workers.simulator.faults import Fault, FaultBox
from workers.simulator.hub import Hub, Variant
from workers.simulator.line import Socket

WEIGHT_HEADERS = ("X-MBX-USED-WEIGHT", "X-MBX-USED-WEIGHT-1M")
"""The first has no interval in its name and the same value; some clients read only that one."""


class Source(Protocol):
    """Where replies and events come from: a market, or a recording."""

    def weight(self, path: str, query: Mapping[str, str]) -> int:
        """What a request costs."""
        ...

    def bucket(self, path: str) -> str | None:
        """The limit of calls that a request counts in instead of its weight, None for none."""
        ...

    def answer(self, path: str, query: Mapping[str, str], micro: bool) -> bytes:
        """The reply. Raises ApiError."""
        ...

    async def odd_snapshot(self, fault: Fault, query: Mapping[str, str]) -> bytes:
        """A depth snapshot that is older than it should be, or ends where an event begins."""
        ...

    def another(self, name: str) -> str:
        """Some other symbol."""
        ...

    def subscribed(self) -> None:
        """Some connection subscribed to something."""
        ...


class Exchange(Doors):
    """Doors, limits and connections.

    Args:
        limits: for each address.
        connections: times of connections.
        source: where replies come from.
    """

    def __init__(
        self,
        hub: Hub,
        faults: FaultBox,
        *,
        limits: LimitOptions,
        connections: ConnectionOptions,
        source: Source,
    ) -> None:
        super().__init__(hub, faults)
        self.limits, self.times = limits, connections
        self._source = source
        self._meters: dict[str, WeightMeter] = {}
        self._calls: dict[tuple[str, str], SlidingCount] = {}
        self._connects: dict[str, SlidingCount] = {}

    def routes(self, *, alone: bool) -> list[web.RouteDef]:
        """Where the exchange answers; `alone` on its port it answers unknown paths, too."""
        return [
            web.get("/api/{tail:.+}" if alone else "/api/v3/{tail:.+}", self.rest),
            web.get("/ws", self.raw),
            web.get("/ws/{streams:.*}", self.raw),
            web.get("/stream", self.combined),
            web.get("/stream/", self.combined),
        ]

    async def rest(self, request: web.Request) -> web.Response:
        """One REST request: weight, limits, faults, reply."""
        path, query = request.path, dict(request.query)
        self.count(self.requests, path)
        address = request.remote or ""
        meter = self._meters.setdefault(address, WeightMeter(self.limits))
        refusal = meter.charge(self._source.weight(path, query), time.time())
        headers = dict.fromkeys(WEIGHT_HEADERS, str(meter.used))
        if refusal is None and not self._counted(address, self._source.bucket(path)):
            refusal = self._refusal(429, self.limits.call_window_s)
        if refusal is not None:
            return self._refused(refusal, headers)
        trouble = await self.meet(path, query.get("symbol", ""))
        if trouble.over_limit is not None:
            fault = trouble.over_limit
            return self._refused(self._refusal(int(fault.kind), fault.retry_after_s), headers)
        if trouble.answer is not None:
            trouble.answer.headers.update(headers)
            return trouble.answer
        if trouble.other_symbol and "symbol" in query:
            query["symbol"] = self._source.another(query["symbol"])
        micro = request.headers.get("X-MBX-TIME-UNIT", "").upper() == "MICROSECOND"
        snapshot: Callable[[], Awaitable[bytes]] | None = None
        if trouble.snapshot is not None:
            snapshot = _bound(self._source, trouble.snapshot, query)
        try:
            if len(query) < len(request.query):
                raise ApiError(-1101, "Duplicate values for a parameter detected.")
            body = await snapshot() if snapshot else self._source.answer(path, query, micro)
        except ApiError as error:
            reply = encode_json({"code": error.code, "msg": error.message})
            return web.Response(status=error.status, body=reply, content_type=JSON, headers=headers)
        return web.Response(body=trouble.spoiled(body), content_type=JSON, headers=headers)

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

    def connection(self, at: Socket, variant: Variant, request: web.Request) -> Connection:
        """A client that has just come."""
        return Connection(at, hub=self.hub, variant=variant, limits=self.limits, options=self.times)

    async def _connect(
        self, request: web.Request, streams: str, *, combined: bool
    ) -> web.StreamResponse:
        limits = self.limits
        address = request.remote or ""
        counter = self._connects.setdefault(
            address, SlidingCount(limits.connects, limits.connect_window_s)
        )
        if not counter.record(time.monotonic()):
            self.count(self.limited, "connects")
            return web.Response(status=429, text="too many connection attempts")
        unit = request.query.get("timeUnit", "MILLISECOND").upper()
        if unit not in ("MILLISECOND", "MICROSECOND"):
            return web.Response(status=400, text=f"timeUnit {unit} is not known")

        def make(at: Socket) -> Connection:
            variant = Variant(combined, unit == "MICROSECOND")
            connection = self.connection(at, variant, request)
            connection.on_subscribe = self._source.subscribed
            names = [name for name in streams.split("/") if name]
            if names:
                connection.subscribe(names)
            return connection

        return await self.accept(request, make)

    def _counted(self, address: str, bucket: str | None) -> bool:
        """Count a request in the bucket of its path; False if it is one too many."""
        if bucket is None:
            return True
        limits = self.limits
        counter = self._calls.setdefault(
            (address, bucket), SlidingCount(limits.calls[bucket], limits.call_window_s)
        )
        return counter.record(time.monotonic())

    @staticmethod
    def _refusal(status: int, retry_after_s: float) -> Refusal:
        until_ms = int((time.time() + retry_after_s) * 1000)
        return Refusal(status, int(retry_after_s), until_ms)

    def _refused(self, refusal: Refusal, headers: Mapping[str, str]) -> web.Response:
        self.count(self.limited, str(refusal.status))
        if refusal.status == 418:
            text = (
                f"Way too much request weight used; IP banned until {refusal.until_ms}. "
                "Please use WebSocket Streams for live updates to avoid bans."
            )
        else:
            text = (
                f"Too much request weight used; current limit is {self.limits.weight} request "
                "weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid "
                "polling the API."
            )
        return web.Response(
            status=refusal.status,
            body=encode_json({"code": -1003, "msg": text}),
            content_type=JSON,
            headers={**headers, "Retry-After": str(refusal.retry_after_s)},
        )


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
