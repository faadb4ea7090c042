"""From events to messages: encodes, addresses, and hands them to the publisher in batches."""

import time

from workers.bus.publisher import Outgoing, Publisher
from workers.model.address import event_type, message_id, subject
from workers.model.codec import encode
from workers.model.events import Event


class Outbox:
    """What one thread has to publish since it last handed over. Not thread-safe by design.

    Attributes:
        events: events put in since the service began.
    """

    __slots__ = ("_batch", "_publisher", "events")

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._batch: list[Outgoing] = []
        self.events = 0

    def put(self, event: Event) -> None:
        """Stamp `published_ns`, encode and keep an event until the next `flush`."""
        event.published_ns = time.time_ns()
        self.events += 1
        self._batch.append(
            Outgoing(subject(event), encode(event), message_id(event), event_type(event))
        )

    def put_raw(self, message: Outgoing) -> None:
        """Keep a message that is no event (a dead letter)."""
        self._batch.append(message)

    def flush(self) -> None:
        """Hand over everything kept; returns at once, however slow the broker is."""
        if self._batch:
            batch, self._batch = self._batch, []
            self._publisher.submit(batch)
