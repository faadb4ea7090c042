"""What waits to be published: in memory, and on disk while NATS is away or too slow.

While NATS takes messages they pass through memory alone. When it has been away for
`nats.spool_after`, or more than SPILL_SHARE of the queue is full, what waits goes to the spool, in
order, and is read from there first when NATS is back. So a collector that is killed during an
outage loses what came since the last move, a tenth of a second, and nothing older.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from config.settings import NatsSettings
from workers.bus.outgoing import Outgoing, OutgoingQueue
from workers.bus.refusals import Flight
from workers.bus.spool import Spool
from workers.model.clock import Clock
from workers.telemetry.metrics import Counters

log = structlog.get_logger(__name__)

MOVE_EVERY_S = 0.1
MOVE_AT_ONCE = 2000
SPILL_SHARE = 0.25


class Backlog:
    """The queue and the spool behind it. `put` from any thread, the rest on the publisher's loop.

    Args:
        settings: sizes and delays.
        counters: of the publisher.
        spool: None: memory alone; what does not fit is shed.
        clock: measures how long NATS is away.
    """

    def __init__(
        self, settings: NatsSettings, counters: Counters, spool: Spool | None, clock: Clock
    ) -> None:
        self._settings, self._clock = settings, clock
        self._queue = OutgoingQueue(settings.queue_max_mb << 20, counters)
        self._spool = spool
        self._spill_bytes = int((settings.queue_max_mb << 20) * SPILL_SHARE)
        self._moving: list[Outgoing] = []
        self._writing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._away_s: float | None = None
        self._synced_s = clock.monotonic_s()

    def put(self, batch: Sequence[Outgoing]) -> None:
        """Append; never blocks."""
        self._queue.put(batch)

    def __len__(self) -> int:
        return self.in_memory + self.on_disk

    @property
    def in_memory(self) -> int:
        """Messages that a kill would lose."""
        return len(self._queue) + len(self._moving)

    @property
    def on_disk(self) -> int:
        """Messages in the spool, those on their way included."""
        return len(self._spool) if self._spool is not None else 0

    @property
    def waiting_bytes(self) -> int:
        """In memory."""
        return self._queue.waiting_bytes

    def take(self, limit: int) -> list[Flight]:
        """The oldest messages, at most `limit`."""
        flights: list[Flight] = []
        if self._spool is not None:
            flights = [Flight(each.message, each.segment) for each in self._spool.take(limit)]
        room = limit - len(flights)
        if room and not self._writing:  # what is being written is older than the queue
            taken, self._moving = self._moving[:room], self._moving[room:]
            taken += self._queue.take(room - len(taken))
            flights += map(Flight, taken)
        return flights

    def done(self, flight: Flight) -> None:
        """A message was stored by JetStream, or given up."""
        if self._spool is not None and flight.segment is not None:
            self._spool.done(flight.segment)

    def note_loss(self, message: Outgoing) -> bool:
        """See OutgoingQueue.note_loss."""
        return self._queue.note_loss(message)

    def losses(self) -> dict[tuple[str, str], int]:
        """Messages lost since the last call, by (type, subject)."""
        lost = self._queue.losses()
        if self._spool is not None:
            for key, count in self._spool.losses().items():
                lost[key] = lost.get(key, 0) + count
        return lost

    async def keep(
        self, connected: Callable[[], bool], withdraw: Callable[[], list[Outgoing]]
    ) -> None:
        """Move what waits to disk when that is due, until cancelled.

        Args:
            connected: whether NATS takes messages.
            withdraw: gives back the messages on their way that are in memory alone.
        """
        if self._spool is None:
            return
        while True:
            await asyncio.sleep(MOVE_EVERY_S)
            if self._due(connected()):
                await self._move([] if connected() else withdraw())
            await self._sync()

    async def save(self, withdrawn: Sequence[Outgoing]) -> int:
        """Put everything in memory on disk, at the end; the number that could not be."""
        if self._spool is None:
            return self.in_memory + len(withdrawn)
        await self._in_thread(int)  # what was being written when we were cancelled
        await self._move(list(withdrawn))
        await self._in_thread(self._spool.close)
        self._thread.shutdown(wait=False)
        return self.in_memory

    def status(self) -> dict[str, Any]:
        """Figures for people."""
        spool = self._spool
        return {
            "queued": self.in_memory,
            "queued_mb": round(self.waiting_bytes / (1 << 20), 3),
            "spooled": self.on_disk,
            "spooled_mb": round(spool.bytes / (1 << 20), 3) if spool is not None else 0.0,
            "spool_error": spool.last_error if spool is not None else None,
        }

    def _due(self, connected: bool) -> bool:
        now_s = self._clock.monotonic_s()
        if connected:
            self._away_s = None
            return self._queue.waiting_bytes > self._spill_bytes
        if self._away_s is None:
            self._away_s = now_s
        return now_s - self._away_s >= self._settings.spool_after

    async def _move(self, withdrawn: list[Outgoing]) -> None:
        """Withdrawn messages, then the queue, to disk; what the disk does not take stays."""
        self._moving += withdrawn
        while self._moving or (batch := self._queue.take(MOVE_AT_ONCE)):
            if not self._moving:
                self._moving = batch
            self._writing = True
            await self._in_thread(self._write)
            if self._moving:
                return

    def _write(self) -> None:
        """On the disk's thread, which alone touches what is moved while `_writing`."""
        if self._spool is not None:
            self._moving = self._spool.append(self._moving)
        self._writing = False

    async def _sync(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._spool is not None and now_s - self._synced_s >= self._settings.spool_fsync:
            self._synced_s = now_s
            await self._in_thread(self._spool.sync)

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        """On the disk's own thread, to the end even if we are cancelled meanwhile."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))
