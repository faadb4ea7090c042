"""A NATS publisher for threads: the general worker's tasks are not coroutines."""

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

from config.settings import NatsSettings
from workers.bus.publisher import Outgoing, Publisher
from workers.model.address import event_type, message_id, subject
from workers.model.codec import encode
from workers.model.errors import ServiceClosed
from workers.model.events import Event
from workers.runtime.host import ServiceThread
from workers.telemetry.metrics import Counters

NAME = "publisher"
DRAIN_S = 5.0
ASK_S = 0.01


class PublishingService:
    """The publisher as a service of its own."""

    name = NAME

    def __init__(self, settings: NatsSettings) -> None:
        self.counters = Counters()
        self.publisher = Publisher(settings, self.counters, NAME)

    async def run(self) -> None:
        """Publish until cancelled."""
        await self.publisher.run()

    async def drain(self) -> None:
        """Get what was submitted acknowledged."""
        await self.publisher.drain(DRAIN_S)

    def status(self) -> dict[str, Any]:
        """The publisher's figures."""
        return self.publisher.status()

    @property
    def given_up(self) -> int:
        """Events the publisher gave up so far."""
        return self.counters.total("events_dropped_total")

    async def settled(self) -> None:
        """Wait until no event waits for its acknowledgement any more."""
        while self.publisher.unsent:  # noqa: ASYNC110 - the publisher has no event for it
            await asyncio.sleep(ASK_S)


class EventPublisher:
    """Publishes events from any thread; its own thread starts with the first one.

    Args:
        settings: of NATS.
    """

    def __init__(self, settings: NatsSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._thread: ServiceThread | None = None
        self._service: PublishingService | None = None

    def publish(self, event: Event, timeout_s: float) -> bool:
        """Publish one event; see `publish_all`."""
        return self.publish_all([event], timeout_s)

    def publish_all(self, events: Sequence[Event], timeout_s: float) -> bool:
        """Publish events.

        Returns:
            True once JetStream has acknowledged all of them. False if it has not within
            `timeout_s`: they stay queued and are published when NATS is back, or some were given
            up, which `events_dropped_total` counts.
        """
        if not events:
            return True
        thread, service = self._started()
        now_ns, given_up = time.time_ns(), service.given_up
        for event in events:
            event.published_ns = now_ns
        service.publisher.submit(
            [
                Outgoing(subject(event), encode(event), message_id(event), event_type(event))
                for event in events
            ]
        )
        try:
            thread.call(lambda publishing: publishing.settled(), timeout_s)
        except (TimeoutError, ServiceClosed):
            return False
        return service.given_up == given_up

    def stop(self, timeout_s: float) -> None:
        """Drain and end; nothing if nothing was ever published."""
        with self._lock:
            if self._thread is not None:
                self._thread.stop(timeout_s)

    def _started(self) -> tuple[ServiceThread, PublishingService]:
        with self._lock:
            if self._thread is None or self._service is None or self._thread.state == "crashed":
                self._service = PublishingService(self._settings)
                self._thread = ServiceThread(self._service)
                self._thread.start()
            return self._thread, self._service
