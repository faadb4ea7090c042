"""The writer: every stream into its table, each on its own."""

import asyncio
from typing import Any

import structlog

from config import ConfigError, Problem, Settings
from config.queues import WRITER
from workers.bus.connection import end
from workers.bus.link import Link
from workers.bus.streams import Consumer, ensure_streams, load_streams
from workers.model.errors import TransportError
from workers.store.tables import TABLES
from workers.telemetry.metrics import Counters
from workers.transport.reconnect import Backoff
from workers.writer.sink import Sink

log = structlog.get_logger(__name__)

ROUTES = {
    "TRADES": "trades",
    "ORDERBOOKS": "orderbook_snapshots",
    "ORDERBOOK_DELTAS": "orderbook_deltas",
    "TICKERS": "tickers",
    "FACTS": "gaps",
}
"""Stream to table."""

DRAIN_S = 8.0


class WriterService:
    """Pulls from JetStream, inserts into ClickHouse, then acknowledges.

    Args:
        settings: the whole tree.
    """

    name = WRITER

    def __init__(self, settings: Settings) -> None:
        self.counters = Counters()
        self._settings = settings
        self._link = Link(settings.nats.servers, self.name)
        self._linking: asyncio.Task[None] | None = None
        self._sinks = [
            Sink(
                settings,
                self._link,
                stream,
                TABLES[table],
                whole=consumer.filter is None,
                counters=self.counters,
            )
            for (stream, table), consumer in zip(
                ROUTES.items(), _consumers(settings.nats.streams_file), strict=True
            )
        ]

    async def run(self) -> None:
        """Store until cancelled; NATS or ClickHouse being away only delays it.

        Raises:
            StreamError: NATS refuses the streams as they are declared.
        """
        await self._ensure_streams()
        self._linking = asyncio.create_task(self._link.run(), name="writer link")
        tasks = {
            asyncio.create_task(sink.run(), name=f"sink {sink.stream}") for sink in self._sinks
        }
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
        """Figures by stream, the largest lag, and all counters."""
        streams = {sink.stream: sink.status() for sink in self._sinks}
        return {
            "name": self.name,
            "connected": self._link.connected,
            "lag_s": max(each["lag_s"] for each in streams.values()),
            "streams": streams,
            "counters": self.counters.snapshot(),
        }


def _consumers(streams_file: str) -> list[Consumer]:
    """The writer's consumers, in the order of ROUTES.

    Raises:
        ConfigError: one is not declared.
    """
    declared = load_streams(streams_file)
    found = {name: declared[name].consumers.get(WRITER) for name in ROUTES if name in declared}
    problems = [
        Problem(
            f"streams.{name}.consumers.{WRITER}",
            "nothing",
            "declare it; the writer stores this stream",
            streams_file,
        )
        for name in ROUTES
        if found.get(name) is None
    ]
    if problems:
        raise ConfigError(problems)
    return [consumer for consumer in found.values() if consumer is not None]
