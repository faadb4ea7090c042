"""The simulated OKX in one process: builds the parts, listens, ends cleanly."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

from aiohttp import web

from workers.simulator.faults import FaultBox
from workers.simulator.hub import Hub
from workers.simulator.okx.admin import Admin
from workers.simulator.okx.disturbance import Disturbance
from workers.simulator.okx.exchange import Exchange
from workers.simulator.okx.market import OkxMarket
from workers.simulator.okx.options import okx_options
from workers.simulator.okx.spoil import SPOILERS
from workers.simulator.options import Options


class OkxSimulator:
    """A simulated OKX.

    Args:
        options: how to run it; recordings are neither made nor played.

    Raises:
        ValueError: a symbol is not BASE-QUOTE, a switch is unknown, or recordings are asked for.
    """

    def __init__(self, options: Options) -> None:
        if options.play or options.record:
            raise ValueError("the okx dialect neither records nor plays recordings")
        self.options = options
        okx = okx_options(options.switches)
        self.faults = FaultBox(time.monotonic, spoilers=SPOILERS)
        self.hub = Hub(self.faults)
        self.market = OkxMarket(options, okx, self.hub)
        self.exchange = Exchange(okx, self.hub, self.faults, self.market)
        self.disturbance = Disturbance(
            self.faults, lambda: list(self.exchange.connections.values()), self.market
        )
        self.admin = Admin(self.exchange, self.hub, self.faults, self.disturbance, self.market)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Listen; gives the address, `http://127.0.0.1:18080`."""
        app = web.Application()
        app.add_routes(self.exchange.routes())
        app.add_routes(self.admin.routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        listener = socket.create_server((self.options.address, self.options.port), backlog=512)
        await web.SockSite(runner, listener).start()
        host, port = listener.getsockname()[:2]
        task = asyncio.ensure_future(self.market.pacer.run())
        try:
            yield f"http://{host}:{port}"
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            for connection in list(self.exchange.connections.values()):
                connection.end(1001, "simulator stops")
            await runner.cleanup()
