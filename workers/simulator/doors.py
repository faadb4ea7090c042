"""What every dialect's HTTP face does alike: WebSockets are accepted, replies meet faults."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from workers.simulator.faults import SNAPSHOT_KINDS, Fault, FaultBox
from workers.simulator.hub import Hub
from workers.simulator.line import Line, Socket
from workers.simulator.mutate import SPOILERS, Spoiler

JSON = "application/json"
LOOK_S = 0.02
"""Between two looks whether a reply that hangs may go."""

MAINTENANCE = "<html><head><title>Maintenance</title></head><body>We will be back.</body></html>"


@dataclass
class Trouble:
    """What faults make of one reply.

    Attributes:
        answer: to be given instead of it.
        over_limit: it is refused as one too many.
        snapshot: it is a depth snapshot of another moment.
        other_symbol: it is another symbol's.
        spoil: its bytes are spoiled.
    """

    answer: web.Response | None = None
    over_limit: Fault | None = None
    snapshot: Fault | None = None
    other_symbol: bool = False
    spoil: list[Fault] = field(default_factory=list)

    def spoiled(self, body: bytes, spoilers: Mapping[str, Spoiler] = SPOILERS) -> bytes:
        """The body as it is sent."""
        for fault in self.spoil:
            if fault.kind in spoilers:
                body = spoilers[fault.kind](body, fault.field, fault.value)
        return body


class Doors:
    """Connections, limits and counts of one dialect.

    Attributes:
        connections: open ones by number.
        requests: by path.
        limited: requests, messages and connects refused, by reason.
        ended: connections that the exchange ended, by reason.
        closed_with: HTTP status for new connections, None while they are let in.
        closed_headers: what is said beside it.
    """

    def __init__(self, hub: Hub, faults: FaultBox) -> None:
        self.connections: dict[int, Line] = {}
        self.requests: dict[str, int] = {}
        self.limited: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        self.closed_with: int | None = None
        self.closed_headers: dict[str, str] = {}
        self.hub, self.faults = hub, faults
        self._numbers = 0

    def count(self, counts: dict[str, int], reason: str) -> None:
        """One more."""
        counts[reason] = counts.get(reason, 0) + 1

    def used_weight(self) -> dict[str, int]:
        """What each address has used up."""
        return {}

    async def accept(
        self, request: web.Request, make: Callable[[Socket], Line]
    ) -> web.StreamResponse:
        """Shake hands and serve the client until its end."""
        if self.closed_with is not None:
            self.count(self.limited, "refused")
            return web.Response(
                status=self.closed_with, text="no connections now", headers=self.closed_headers
            )
        socket = web.WebSocketResponse(autoping=False, autoclose=True, compress=False)
        try:
            await socket.prepare(request)
        except ConnectionError:
            self.count(self.ended, "gone before the handshake")
            return web.Response(status=400)
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            return socket
        self._numbers += 1
        line = make(Socket(self._numbers, socket, transport))
        self.connections[line.number] = line
        try:
            await line.serve()
        finally:
            del self.connections[line.number]
            if line.ended_by:
                self.count(self.ended, line.ended_by)
        return socket

    async def meet(self, path: str, symbol: str) -> Trouble:
        """The faults that meet a reply; waits where they say so."""
        trouble = Trouble()
        for entry in self.faults.met_by_reply(path, symbol):
            fault = entry.fault
            match fault.kind:
                case "429" | "418":
                    trouble.over_limit = fault
                    return trouble
                case "http":
                    trouble.answer = web.Response(status=fault.status, text=fault.body)
                    return trouble
                case "maintenance":
                    trouble.answer = web.Response(
                        status=503, text=MAINTENANCE, content_type="text/html"
                    )
                    return trouble
                case "empty":
                    trouble.answer = web.Response(body=b"", content_type=JSON)
                    return trouble
                case "hang":
                    # It ends with its time or by DELETE, which only the clock and a look tell.
                    while not entry.done(time.monotonic()):  # noqa: ASYNC110
                        await asyncio.sleep(LOOK_S)
                case "slow":
                    await asyncio.sleep(fault.delay_ms / 1000)
                case "other_symbol":
                    trouble.other_symbol = True
                case kind if kind in SNAPSHOT_KINDS:
                    trouble.snapshot = fault
                case _:
                    trouble.spoil.append(fault)
        return trouble
