"""The HTTP face of the simulated OKX: REST with its limits, and the doors to the streams."""

import asyncio
import time

from aiohttp import web

from workers.simulator.binance.limits import SlidingCount
from workers.simulator.faults import SNAPSHOT_KINDS, Fault, FaultBox
from workers.simulator.hub import Hub
from workers.simulator.okx.connection import Connection
from workers.simulator.okx.limits import Meter
from workers.simulator.okx.market import OkxMarket
from workers.simulator.okx.options import OkxOptions
from workers.simulator.okx.payloads import encode_json
from workers.simulator.okx.rest import ENDPOINTS, ApiError, RestApi
from workers.simulator.okx.spoil import SPOILERS

JSON = "application/json"
MOST_BURSTS = 1000
"""Steps to wait for a push that may never come in a market at rest: some five seconds."""


class Exchange:
    """Doors, limits and connections.

    Attributes:
        connections: open ones by number.
        requests: by path.
        limited: requests and connects refused, by reason.
        ended: connections that the exchange ended, by reason.
    """

    def __init__(self, options: OkxOptions, hub: Hub, faults: FaultBox, market: OkxMarket) -> None:
        self.connections: dict[int, Connection] = {}
        self.requests: dict[str, int] = {}
        self.limited: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        self._options, self._hub, self._faults, self._market = options, hub, faults, market
        self._rest = RestApi(market)
        self._meter = Meter(options.limit_share)
        self._connects: dict[str, SlidingCount] = {}
        self._numbers = 0

    def routes(self) -> list[web.RouteDef]:
        """Where the exchange answers."""
        return [
            web.get("/api/{tail:.+}", self.rest),
            web.get("/ws/v5/{door:public|business}", self.stream),
        ]

    async def rest(self, request: web.Request) -> web.Response:
        """One REST request: limit, faults, reply."""
        path, query = request.path, dict(request.query)
        self.requests[path] = self.requests.get(path, 0) + 1
        endpoint = ENDPOINTS.get(path)
        if endpoint is None:
            return _failure("404", "Not Found", 404)
        key = (request.remote or "", path, query.get(endpoint.limit.per, ""))
        if not self._meter.allows(endpoint.limit, key, time.monotonic()):
            return self._too_many()
        stale: Fault | None = None
        spoil: list[Fault] = []
        for fault in self._faults.met_by_reply(path, query.get("instId", "")):
            if fault.kind in ("429", "418"):
                return self._too_many()
            if fault.kind == "http":
                return web.Response(status=fault.status, text=fault.body)
            if fault.kind == "slow":
                await asyncio.sleep(fault.delay_ms / 1000)
            elif fault.kind in SNAPSHOT_KINDS:
                stale = fault
            else:
                spoil.append(fault)
        try:
            rows = endpoint.answer(self._rest, query)
            if stale:
                rows = [await self._odd_book(stale, query)]
        except ApiError as error:
            return _failure(error.code, error.message, error.status)
        body = encode_json({"code": "0", "msg": "", "data": rows})
        for fault in spoil:
            if fault.kind in SPOILERS:
                body = SPOILERS[fault.kind](body, fault.field, fault.value)
        return web.Response(body=body, content_type=JSON)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """`/ws/v5/public` and `/ws/v5/business`."""
        counter = self._connects.setdefault(
            request.remote or "", SlidingCount(self._options.connects, 1.0)
        )
        if not counter.record(time.monotonic()):
            _count(self.limited, "connects")
            return web.Response(status=429, text="too many connection attempts")
        socket = web.WebSocketResponse(autoping=False, autoclose=True, compress=False)
        try:
            await socket.prepare(request)
        except ConnectionError:
            _count(self.ended, "gone before the handshake")
            return web.Response(status=400)
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            return socket
        self._numbers += 1
        connection = Connection(
            self._numbers,
            socket,
            transport,
            business=request.match_info["door"] == "business",
            hub=self._hub,
            greeter=self._market,
            options=self._options,
        )
        self.connections[connection.number] = connection
        try:
            await connection.serve()
        finally:
            del self.connections[connection.number]
            if connection.ended_by:
                _count(self.ended, connection.ended_by)
        return socket

    async def _odd_book(self, fault: Fault, query: dict[str, str]) -> object:
        """A book from a cache that lags behind, or one that the next push follows."""
        at = self._market.publishers[query["instId"]]
        book = at.engine.book
        if fault.kind == "stale_snapshot":
            wanted = max(book.oldest_id, book.update_id - fault.updates)
            return self._rest.book_at(query, wanted)
        published = at.fast_id
        found = self._rest.book_at(query, published)
        for _ in range(MOST_BURSTS):
            if at.fast_id != published:
                break
            await self._market.pacer.burst()
        return found

    def _too_many(self) -> web.Response:
        _count(self.limited, "50011")
        return _failure("50011", "Too Many Requests", self._options.limit_status)


def _failure(code: str, message: str, status: int) -> web.Response:
    body = encode_json({"code": code, "msg": message, "data": []})
    return web.Response(status=status, body=body, content_type=JSON)


def _count(counts: dict[str, int], reason: str) -> None:
    counts[reason] = counts.get(reason, 0) + 1
