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
from workers.simulator.exchange import JSON, Exchange
from workers.simulator.faults import SNAPSHOT_KINDS, Fault, FaultBox
from workers.simulator.hub import Hub
from workers.simulator.options import Options


class DeribitExchange(Exchange):
    """Doors, limits and connections; the history host is at `/history`."""

    def __init__(self, options: Options, hub: Hub, faults: FaultBox, source: DeribitMarket) -> None:
        super().__init__(options, hub, faults, source)
        self._market, self._methods = source, Methods(source)
        self._credits: dict[str, Credits] = {}
        self._lines: dict[str, set[asyncio.Transport]] = {}

    def routes(self) -> list[web.RouteDef]:
        """Where the exchange answers."""
        return [
            web.get("/ws/api/v2", self.socket),
            web.get("/api/v2/{method:.+}", self.rest),
            web.post("/api/v2/{method:.+}", self.rest),
            web.get("/history/api/v2/{method:.+}", self.rest),
            web.post("/sim/list", self.list_hidden),
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
        method, params = request.match_info["method"], dict[str, object](request.query)
        if request.method == "POST":
            request_id, params = await _posted(request)
        path = request.path.removeprefix("/history")
        self.requests[path] = self.requests.get(path, 0) + 1
        spoil: list[Fault] = []
        stale: Fault | None = None
        outcome: object
        try:
            if not self._credit(request).spend(method, time.monotonic()):
                raise rpc.too_many_requests()
            for fault in self._faults.met_by_reply(path, str(params.get("instrument_name", ""))):
                if fault.kind in ("429", "418", "http"):
                    status = fault.status if fault.kind == "http" else int(fault.kind)
                    return web.Response(status=status, text=fault.body)
                if fault.kind == "slow":
                    await asyncio.sleep(fault.delay_ms / 1000)
                elif fault.kind in SNAPSHOT_KINDS:
                    stale = fault
                else:
                    spoil.append(fault)
            outcome = self._outcome(method, params, request, stale)
        except RpcError as error:
            outcome = error
        body = rpc.reply(request_id, began_us, outcome)
        for fault in spoil:
            if fault.kind in SPOILERS:
                body = SPOILERS[fault.kind](body, fault.field, fault.value)
        status = 400 if isinstance(outcome, RpcError) else 200
        response = web.Response(status=status, body=body, content_type=JSON)
        if isinstance(outcome, RpcError) and outcome.ends:
            self._count(self.limited, "credits")
            response.force_close()
        return response

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """`/ws/api/v2`."""
        if not self._joined(request):
            return self._too_many()
        socket = web.WebSocketResponse(autoping=False, autoclose=True, compress=False)
        await socket.prepare(request)
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            return socket
        self._numbers += 1
        connection = DeribitConnection(
            self._numbers,
            socket,
            transport,
            hub=self._hub,
            options=self._options.connections,
            methods=self._methods,
            credits=self._credit(request),
            refused=lambda reason: self._count(self.limited, reason),
        )
        self.connections[connection.number] = connection
        try:
            await connection.serve()
        finally:
            del self.connections[connection.number]
            if connection.ended_by:
                self._count(self.ended, connection.ended_by)
        return socket

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
        self._count(self.limited, "connections")
        response = web.Response(status=429, text="too many connections")
        response.force_close()
        return response


async def _posted(request: web.Request) -> tuple[object, dict[str, object]]:
    """Id and params of a JSON-RPC body."""
    try:
        message = msgspec.json.decode(await request.read())
    except msgspec.DecodeError:
        return None, {}
    if not isinstance(message, dict) or not isinstance(message.get("params"), dict):
        return None, {}
    return message.get("id"), message["params"]
