"""The whole simulator in one process: builds the dialects, listens, ends cleanly."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import get_args

from aiohttp import web

from workers.simulator.admin import Admin, asked_rate, json_response
from workers.simulator.binance.market import SpotMarket
from workers.simulator.deribit.switches import Switches as DeribitSwitches
from workers.simulator.dialects import BUILDS, Dialect
from workers.simulator.faults import LineKind, MarketKind, ReplyKind, StreamKind
from workers.simulator.live import Market
from workers.simulator.okx.options import OkxOptions
from workers.simulator.options import Options
from workers.simulator.recorder import Recorder
from workers.simulator.tls import server_context
from workers.simulator.usdm.switches import Switches as UsdmSwitches
from workers.simulator.world import World

FIRST = "binance_spot"
"""Whose side door `/sim/...` without a name is where several dialects are spoken."""


class Simulator:
    """Simulated exchanges on one port.

    Args:
        options: how to run it.

    Raises:
        RecordingError: what should be played cannot be read.
        ValueError: a symbol is not BASE-QUOTE, a switch is not known, or a recording is asked of
            a dialect that has none.
    """

    def __init__(self, options: Options) -> None:
        if (options.play or options.record) and options.dialects != (FIRST,):
            raise ValueError(f"--play and --record: only --dialect {FIRST} has recordings")
        self.options = options
        self.world = World(options)
        rate = options.rate / len(options.dialects)
        self.dialects: dict[str, Dialect] = {
            name: BUILDS[name](options, self.world, rate) for name in options.dialects
        }

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Listen; gives the address, `http://127.0.0.1:18080`."""
        context = server_context(self.options) if self.options.secure else None
        app = web.Application()
        app.add_routes(self._routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        listener = socket.create_server((self.options.address, self.options.port), backlog=512)
        await web.SockSite(runner, listener, ssl_context=context).start()
        recorder = self._recorder()
        task = asyncio.ensure_future(self._run())
        try:
            yield _address(listener, context)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            for dialect in self.dialects.values():
                for line in list(dialect.face.connections.values()):
                    line.end(1001, "simulator stops")
            if recorder:
                recorder.close()
            await runner.cleanup()

    async def _run(self) -> None:
        """Let time pass; a recording has a time of its own."""
        for dialect in self.dialects.values():
            if not isinstance(dialect.source, Market):
                await dialect.source.run()
        await self.world.pacer.run()

    def _recorder(self) -> Recorder | None:
        dialect = next(iter(self.dialects.values()))
        if self.options.record and isinstance(dialect.source, SpotMarket):
            return Recorder(self.options.record, dialect.source, dialect.hub, time.time_ns)
        return None

    def _routes(self) -> list[web.RouteDef]:
        alone = len(self.dialects) == 1
        routes = [web.get("/sim", self.index)]
        for dialect in self.dialects.values():
            routes += dialect.face.routes(alone=alone)
            for name in dialect.names:
                routes += dialect.admin.routes(f"/sim/{name}")
        first = self.dialects[FIRST] if not alone else next(iter(self.dialects.values()))
        if not alone:
            routes += [
                web.post("/sim/pause", self._each(Admin.pause)),
                web.post("/sim/resume", self._each(Admin.resume)),
                web.post("/sim/rate", self.rate),
            ]
        taken = {(each.method, each.path) for each in routes}
        own = first.admin.routes("/sim")
        return routes + [each for each in own if (each.method, each.path) not in taken]

    async def index(self, request: web.Request) -> web.Response:
        """What there is."""
        return json_response(
            {
                "dialects": {
                    name: {
                        "side_doors": [f"/sim/{each}" for each in dialect.names],
                        "paths": sorted({each.path for each in dialect.face.routes(alone=False)}),
                        "symbols": list(dialect.source.publishers)
                        if isinstance(dialect.source, Market)
                        else [],
                    }
                    for name, dialect in self.dialects.items()
                },
                "side_door": sorted(
                    {
                        f"{each.method} {each.path}"
                        for dialect in self.dialects.values()
                        for each in dialect.admin.routes("/sim/<exchange>")
                    }
                ),
                "switches": {
                    "binance_derivatives": UsdmSwitches(),
                    "okx": OkxOptions(),
                    "deribit": DeribitSwitches(),
                },
                "faults": {
                    "lines": get_args(LineKind),
                    "streams": get_args(StreamKind),
                    "market": get_args(MarketKind),
                    "replies": get_args(ReplyKind),
                },
            }
        )

    async def rate(self, request: web.Request) -> web.Response:
        """`{"rate": 500}`: messages a second, shared by all dialects alike."""
        rate = await asked_rate(request)
        if isinstance(rate, web.Response):
            return rate
        for dialect in self.dialects.values():
            if isinstance(dialect.source, Market):
                dialect.source.set_rate(rate / len(self.dialects))
        return json_response({"rate": rate})

    def _each(
        self, act: Callable[[Admin, web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Order the same of all dialects; the answer is the first one's."""

        async def answer(request: web.Request) -> web.Response:
            answers = [await act(each.admin, request) for each in self.dialects.values()]
            return answers[0]

        return answer


def _address(listener: socket.socket, context: ssl.SSLContext | None) -> str:
    host, port = listener.getsockname()[:2]
    return f"{'https' if context else 'http'}://{host}:{port}"
