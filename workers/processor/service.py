"""Hosts one user processor: a process of its own, fed from JetStream, in nobody's way.

It may be slow, raise, hang or crash: collectors and writers never wait for it, and what it has not
taken stays in the streams for as long as these keep it (nats_unified_streams.yaml).
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import structlog

from config import Settings
from config.queues import processor
from workers.bus.connection import end
from workers.bus.link import Link
from workers.bus.streams import ensure_streams, load_streams
from workers.bus.subscription import Delivery
from workers.model import codec
from workers.model.errors import MarketPrismError, TransportError
from workers.processor.intake import Intake, Turn
from workers.processor.registry import Processor, load
from workers.telemetry.metrics import Counters
from workers.transport.reconnect import Backoff

log = structlog.get_logger(__name__)

ERRORS_IN_A_ROW = 100
"""So many failures with nothing between them end the service; its supervisor starts it anew."""
DRAIN_S = 5.0
QUIET_S = 10.0
"""Errors are counted each and logged at most this often."""


class ProcessorFailed(MarketPrismError):
    """A processor does nothing but raise."""


class ProcessorService:
    """Gives every event of the types a processor wants to its `on_event`, one at a time.

    Args:
        settings: the NATS servers and streams.
        name: of the entry point, without `processor.`.
        made: the processor, where it is not that of an installed package.

    Raises:
        UnknownName: no installed package offers it.
        BrokenPackage: it cannot be used.
    """

    def __init__(self, settings: Settings, name: str, made: Processor | None = None) -> None:
        self.name = processor(name)
        self.counters = Counters()
        self._settings = settings
        self._processor = load(name) if made is None else made
        self._link = Link(settings.nats.servers, self.name)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=self.name)
        streams = load_streams(settings.nats.streams_file)
        self._intakes = [
            Intake(
                self._link,
                next(name for name, each in streams.items() if f"{wanted}-data.>" in each.subjects),
                wanted,
                f"{self.name.replace('.', '-')}-{wanted}",
                self._hand_over,
                self._thread,
            )
            for wanted in dict.fromkeys(self._processor.events)
        ]
        self._linking: asyncio.Task[None] | None = None
        self._in_a_row = 0
        self._last_error: str | None = None
        self._logged_s = 0.0
        self._busy_since_s: float | None = None

    async def run(self) -> None:
        """Feed the processor until cancelled.

        Raises:
            ProcessorFailed: it raised ERRORS_IN_A_ROW times and nothing else.
            StreamError: NATS refuses the streams as they are declared.
        """
        await self._ensure_streams()
        self._linking = asyncio.create_task(self._link.run(), name=f"{self.name} link")
        tasks = {
            asyncio.create_task(each.run(), name=f"{self.name} {each.event_type}")
            for each in self._intakes
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
        """Whoever starts first makes them."""
        nats, backoff = self._settings.nats, Backoff(0.2, 5.0)
        while True:
            try:
                await ensure_streams(nats.servers, nats.streams_file)
            except TransportError as error:
                if not backoff.attempts:
                    log.warning("streams_not_ensured", error=str(error))
                await asyncio.sleep(backoff.next_s())
            else:
                return

    async def drain(self) -> None:
        """Acknowledge what was taken and give back the rest, at most 5 s."""
        finishing = [asyncio.create_task(each.finish()) for each in self._intakes]
        _, late = await asyncio.wait(finishing, timeout=DRAIN_S)
        if late:
            log.warning("processor_not_drained", name=self.name, follows="its events come again")
        for task in late:
            await end(task)
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._linking is not None:
            await end(self._linking)

    def status(self) -> dict[str, Any]:
        """Events taken and failed, what waits in each stream, how long it is at one event."""
        since_s = self._busy_since_s
        return {
            "name": self.name,
            "connected": self._link.connected,
            "events": self.counters.total("processor_events_total"),
            "errors": self.counters.total("processor_errors_total"),
            "errors_in_a_row": self._in_a_row,
            "last_error": self._last_error,
            "busy_s": None if since_s is None else round(time.monotonic() - since_s, 3),
            "intakes": {each.event_type: each.status() for each in self._intakes},
            "counters": self.counters.snapshot(),
        }

    def _hand_over(self, deliveries: Sequence[Delivery], until_s: float) -> Turn:
        """In the processor's own thread. Takes one at least, whatever the time."""
        for taken, delivery in enumerate(deliveries, 1):
            self._busy_since_s = now_s = time.monotonic()
            self._give(delivery, now_s)
            self._busy_since_s = None
            if self._in_a_row >= ERRORS_IN_A_ROW:
                return Turn(taken, ProcessorFailed(self._complaint()))
            if time.monotonic() >= until_s:
                return Turn(taken)
        return Turn(len(deliveries))

    def _complaint(self) -> str:
        return (
            f"{self.name}: {self._in_a_row} events in a row failed, the last one with "
            f"{self._last_error}; the service ends and is started anew"
        )

    def _give(self, delivery: Delivery, now_s: float) -> None:
        kind = delivery.subject.partition("-data.")[0]
        try:
            self._processor.on_event(codec.decode(delivery.data))
        except Exception as error:
            # a stranger's code: whatever it raises is counted and must not end the feed
            why = "unreadable" if isinstance(error, msgspec.DecodeError) else "raised"
            self.counters.add("processor_errors_total", kind, why)
            self._failed(delivery.subject, error, now_s)
        else:
            self._in_a_row = 0
            self.counters.add("processor_events_total", kind)

    def _failed(self, subject: str, error: Exception, now_s: float) -> None:
        self._last_error = f"{subject}: {type(error).__name__}: {error}"[:300]
        self._in_a_row += 1
        if not self._logged_s or now_s - self._logged_s >= QUIET_S:
            self._logged_s = now_s
            log.error("processor_raised", name=self.name, error=self._last_error, exc_info=error)
