"""The HTTP face of the simulated OKX: REST with its limits, and the doors to the streams."""

import time

from aiohttp import web

from workers.simulator.binance.limits import SlidingCount
from workers.simulator.doors import JSON, Doors
from workers.simulator.faults import Fault, FaultBox
from workers.simulator.hub import Hub
from workers.simulator.line import Socket
from workers.simulator.okx.connection import Connection
from workers.simulator.okx.endpoints import ENDPOINTS
from workers.simulator.okx.limits import Meter
from workers.simulator.okx.market import OkxMarket
from workers.simulator.okx.options import OkxOptions
from workers.simulator.okx.payloads import encode_json
from workers.simulator.okx.rest import ApiError, RestApi
from workers.simulator.okx.spoil import SPOILERS

MOST_BURSTS = 1000
"""Steps to wait for a push that may never come in a market at rest: some five seconds."""


class Exchange(Doors):
    """Doors, limits and connections."""

    def __init__(self, options: OkxOptions, hub: Hub, faults: FaultBox, market: OkxMarket) -> None:
        super().__init__(hub, faults)
        self._options, self._market = options, market
        self._rest = RestApi(market)
        self._meter = Meter(options.limit_share)
        self._connects: dict[str, SlidingCount] = {}

    def routes(self, *, alone: bool) -> list[web.RouteDef]:
        """Where the exchange answers; `alone` on its port it answers unknown paths, too."""
        return [
            web.get("/api/{tail:.+}" if alone else "/api/v5/{tail:.+}", self.rest),
            web.get("/ws/v5/{door:public|business}", self.stream),
        ]

    async def rest(self, request: web.Request) -> web.Response:
        """One REST request: limit, faults, reply."""
        path, query = request.path, dict(request.query)
        self.count(self.requests, path)
        endpoint = ENDPOINTS.get(path)
        if endpoint is None:
            return _failure("404", "Not Found", 404)
        key = (request.remote or "", path, query.get(endpoint.limit.per, ""))
        if not self._meter.allows(endpoint.limit, key, time.monotonic()):
            return self._too_many()
        trouble = await self.meet(path, query.get("instId", ""))
        if trouble.over_limit is not None:
            return self._too_many()
        if trouble.answer is not None:
            return trouble.answer
        if trouble.other_symbol and "instId" in query:
            query["instId"] = self._market.another(query["instId"])
        try:
            rows = endpoint.answer(self._rest, query)
            if trouble.snapshot is not None:
                rows = [await self._odd_book(trouble.snapshot, query)]
        except ApiError as error:
            return _failure(error.code, error.message, error.status)
        body = encode_json({"code": "0", "msg": "", "data": rows})
        return web.Response(body=trouble.spoiled(body, SPOILERS), content_type=JSON)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """`/ws/v5/public` and `/ws/v5/business`."""
        counter = self._connects.setdefault(
            request.remote or "", SlidingCount(self._options.connects, 1.0)
        )
        if not counter.record(time.monotonic()):
            self.count(self.limited, "connects")
            return web.Response(status=429, text="too many connection attempts")

        def make(at: Socket) -> Connection:
            return Connection(
                at,
                business=request.match_info["door"] == "business",
                hub=self.hub,
                greeter=self._market,
                options=self._options,
            )

        return await self.accept(request, make)

    async def _odd_book(self, fault: Fault, query: dict[str, str]) -> object:
        """A book from a cache that lags behind, or one that the next push follows."""
        at = self._market.books[query["instId"]]
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
        self.count(self.limited, "50011")
        return _failure("50011", "Too Many Requests", self._options.limit_status)


def _failure(code: str, message: str, status: int) -> web.Response:
    body = encode_json({"code": code, "msg": message, "data": []})
    return web.Response(status=status, body=body, content_type=JSON)
