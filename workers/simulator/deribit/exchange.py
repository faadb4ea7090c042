"""The HTTP face: JSON-RPC by GET or POST, the WebSocket's door, connections and credits."""

import asyncio
import time
from collections.abc import Mapping

import msgspec
from aiohttp import web

from workers.simulator.deribit import rpc
from workers.simulator.deribit.connection import SOCKET_METHODS, DeribitConnection
from workers.simulator.deribit.credits import Credits
from workers.simulator.deribit.market import DeribitMarket
from workers.simulator.deribit.methods import Methods
from workers.simulator.deribit.rpc import RpcError
from workers.simulator.deribit.spoil import SPOILERS
from workers.simulator.doors import JSON, Doors, Trouble
from workers.simulator.faults import Fault, FaultBox
from workers.simulator.hub import Hub
from workers.simulator.line import Socket


class DeribitExchange(Doors):
    """Doors, limits and connections; the history host is at `/history`."""

    def __init__(self, hub: Hub, faults: FaultBox, market: DeribitMarket) -> None:
        super().__init__(hub, faults)
        self._market, self._methods = market, Methods(market)
        self._credits: dict[str, Credits] = {}
        self._lines: dict[str, set[asyncio.Transport]] = {}

    def routes(self, *, alone: bool) -> list[web.RouteDef]:
        """Where the exchange answers."""
        return [
            web.get("/ws/api/v2", self.socket),
            web.get("/api/v2/{method:.+}", self.rest),
            web.post("/api/v2/{method:.+}", self.rest),
            web.post("/api/v2", self.rest),
            web.get("/history/api/v2/{method:.+}", self.rest),
        ]

    def used_weight(self) -> dict[str, int]:
        """Calls by address; Deribit has no weights."""
        return {address: each.used for address, each in self._credits.items()}

    async def list_hidden(self, request: web.Request) -> web.Response:
        """Not the exchange's: list the instruments that are not listed yet."""
        names = sorted(self._market.hidden)
        for name in names:
            self._market.list_instrument(name)
        return web.json_response({"listed": names})

    async def rest(self, request: web.Request) -> web.Response:
        """One call: connections, credits, faults, reply. Errors have status 400."""
        if not self._joined(request):
            return self._too_many()
        began_us = rpc.now_us()
        request_id: object = None
        method, params = request.match_info.get("method", ""), dict[str, object](request.query)
        if request.method == "POST":
            request_id, method, params = await _posted(request, method)
        path = f"/api/v2/{method}"
        self.count(self.requests, path)
        trouble = Trouble()
        outcome: object
        try:
            if not self._credit(request).spend(method, time.monotonic()):
                raise rpc.too_many_requests()
            trouble = await self.meet(path, str(params.get("instrument_name", "")))
            if trouble.over_limit is not None:
                raise rpc.too_many_requests()
            if trouble.answer is not None:
                return trouble.answer
            if trouble.other_symbol and "instrument_name" in params:
                params["instrument_name"] = self._market.another(str(params["instrument_name"]))
            outcome = self._outcome(method, params, request, trouble.snapshot)
        except RpcError as error:
            outcome = error
        body = trouble.spoiled(rpc.reply(request_id, began_us, outcome), SPOILERS)
        status = 400 if isinstance(outcome, RpcError) else 200
        response = web.Response(status=status, body=body, content_type=JSON)
        if isinstance(outcome, RpcError) and outcome.ends:
            self.count(self.limited, "credits")
            response.force_close()
        return response

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """`/ws/api/v2`."""
        if not self._joined(request):
            return self._too_many()

        def make(at: Socket) -> DeribitConnection:
            return DeribitConnection(
                at,
                hub=self.hub,
                methods=self._methods,
                credits=self._credit(request),
                refused=lambda reason: self.count(self.limited, reason),
            )

        return await self.accept(request, make)

    def _outcome(
        self,
        method: str,
        params: Mapping[str, object],
        request: web.Request,
        stale: Fault | None,
    ) -> object:
        if method in SOCKET_METHODS:
            raise RpcError(10030, "must_be_websocket_request")
        if stale is not None and stale.kind == "stale_snapshot":
            name = self._methods.streams(params).at.raw
            change_id = self._market.stale_change(name, stale)
            return self._methods.order_book(params, change_id)
        return self._methods.call(method, params, history=request.path.startswith("/history"))

    def _credit(self, request: web.Request) -> Credits:
        address = request.remote or ""
        if address not in self._credits:
            self._credits[address] = Credits(self._market.switches, time.monotonic())
        return self._credits[address]

    def _joined(self, request: web.Request) -> bool:
        """Whether the address may have this connection, HTTP ones counted too."""
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            return False
        lines = self._lines.setdefault(request.remote or "", set())
        lines.difference_update([each for each in lines if each.is_closing()])
        if transport not in lines and len(lines) >= self._market.switches.connections:
            return False
        lines.add(transport)
        return True

    def _too_many(self) -> web.Response:
        self.count(self.limited, "connections")
        response = web.Response(status=429, text="too many connections")
        response.force_close()
        return response


async def _posted(request: web.Request, method: str) -> tuple[object, str, dict[str, object]]:
    """Id, method and params of a JSON-RPC body; the method in the path comes first."""
    try:
        message = msgspec.json.decode(await request.read())
    except msgspec.DecodeError:
        return None, method, {}
    if not isinstance(message, dict):
        return None, method, {}
    params = message.get("params")
    return (
        message.get("id"),
        method or str(message.get("method", "")),
        params if isinstance(params, dict) else {},
    )
