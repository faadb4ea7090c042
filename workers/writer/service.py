"""The writer: every type of event into its table, each on its own."""

import asyncio
from typing import Any

import structlog

from config import Settings
from config.queues import WRITER
from workers.bus.connection import end
from workers.bus.link import Link
from workers.bus.streams import ensure_streams, load_streams
from workers.model.errors import TransportError
from workers.telemetry.metrics import Counters
from workers.transport.reconnect import Backoff
from workers.writer.routes import routes
from workers.writer.sink import Sink

log = structlog.get_logger(__name__)

DRAIN_S = 8.0


class WriterService:
    """Pulls from JetStream, inserts into ClickHouse, then acknowledges.

    Args:
        settings: the whole tree.

    Raises:
        ConfigError: the streams file does not feed every table.
    """

    name = WRITER

    def __init__(self, settings: Settings) -> None:
        self.counters = Counters()
        self._settings = settings
        self._link = Link(settings.nats.servers, self.name)
        self._linking: asyncio.Task[None] | None = None
        streams_file = settings.nats.streams_file
        self._sinks = [
            Sink(settings, self._link, route, self.counters)
            for route in routes(load_streams(streams_file), streams_file)
        ]

    async def run(self) -> None:
        """Store until cancelled; NATS or ClickHouse being away only delays it.

        Raises:
            StreamError: NATS refuses the streams as they are declared.
        """
        await self._ensure_streams()
        self._linking = asyncio.create_task(self._link.run(), name="writer link")
        tasks = {asyncio.create_task(sink.run(), name=f"sink {sink.name}") for sink in self._sinks}
        try:
            done, _ = await asyncio.wait(
                {*tasks, self._linking}, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
        finally:
            for task in tasks:
                await end(task)

    async def _ensure_streams(self) -> None:
        nats, backoff = self._settings.nats, Backoff(0.2, 5.0)
        while True:
            try:
                for change in await ensure_streams(nats.servers, nats.streams_file):
                    log.info("stream_changed", change=change)
            except TransportError as error:
                if not backoff.attempts:
                    log.warning("streams_not_ensured", error=str(error))
                await asyncio.sleep(backoff.next_s())
            else:
                return

    async def drain(self) -> None:
        """Store and acknowledge what is in hand, at most 8 s; the rest stays in JetStream."""
        finishing = [asyncio.create_task(sink.finish()) for sink in self._sinks]
        _, late = await asyncio.wait(finishing, timeout=DRAIN_S)
        if late:
            log.warning("writer_not_drained", sinks=len(late), follows="JetStream delivers again")
        for task in late:
            await end(task)
        for sink in self._sinks:
            await sink.close()
        if self._linking is not None:
            await end(self._linking)

    def status(self) -> dict[str, Any]:
        """Figures by stream (`FACTS book-audit` where types share one), largest lag, counters."""
        streams = {sink.name: sink.status() for sink in self._sinks}
        return {
            "name": self.name,
            "connected": self._link.connected,
            "lag_s": max(each["lag_s"] for each in streams.values()),
            "streams": streams,
            "counters": self.counters.snapshot(),
        }
