"""The whole simulator in one process: builds the parts, listens, ends cleanly."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

from aiohttp import web

from workers.simulator.admin import Admin
from workers.simulator.deribit import dialect as deribit
from workers.simulator.disturbance import Disturbance
from workers.simulator.exchange import Exchange
from workers.simulator.faults import FaultBox
from workers.simulator.hub import Hub
from workers.simulator.live import Market
from workers.simulator.options import Options
from workers.simulator.playback import Playback
from workers.simulator.recorder import Recorder
from workers.simulator.recordings import read


class Simulator:
    """A simulated exchange.

    Args:
        options: how to run it.

    Raises:
        RecordingError: what should be played cannot be read.
        ValueError: a symbol is not BASE-QUOTE.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.faults = FaultBox(time.monotonic)
        self.hub = Hub(self.faults)
        self.source: Market | Playback
        self.exchange: Exchange
        if options.dialect == "deribit":
            self.faults, self.hub, self.source, self.exchange = deribit.parts(options)
        else:
            if options.play:
                recording = read(options.play, options.http)
                self.source = Playback(recording, options, self.hub, self._backlog)
            else:
                self.source = Market(options, self.hub)
            self.exchange = Exchange(options, self.hub, self.faults, self.source)
        market = self.source if isinstance(self.source, Market) else None
        self.disturbance = Disturbance(
            self.faults,
            lambda: list(self.exchange.connections.values()),
            market,
            self.source.now_us,
        )
        self.admin = Admin(self.exchange, self.hub, self.faults, self.disturbance, self.source)

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
        recorder = None
        if self.options.record and isinstance(self.source, Market):
            recorder = Recorder(self.options.record, self.source, self.hub, time.time_ns)
        task = asyncio.ensure_future(self.source.run())
        try:
            yield f"http://{host}:{port}"
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            for connection in list(self.exchange.connections.values()):
                connection.end(1001, "simulator stops")
            if recorder:
                recorder.close()
            await runner.cleanup()

    def _backlog(self) -> int:
        return max((each.backlog() for each in self.exchange.connections.values()), default=0)
