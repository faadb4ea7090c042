"""Events published on a real NATS, again and again, until a test has seen enough."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import nats

from workers.model.address import subject
from workers.model.codec import encode
from workers.model.events import Event

EVERY_S = 0.02


@contextmanager
def published(
    url: str, events: Sequence[Event], raw: Sequence[tuple[str, bytes]] = ()
) -> Iterator[None]:
    """While the block runs, the events go round, each to its own subject."""
    messages = [(subject(event), encode(event)) for event in events] + list(raw)
    enough = threading.Event()

    async def publish() -> None:
        client = await nats.connect(url)
        try:
            while not enough.is_set():
                for name, payload in messages:
                    await client.publish(name, payload)
                await client.flush()
                await asyncio.to_thread(enough.wait, EVERY_S)
        finally:
            await client.close()

    thread = threading.Thread(target=asyncio.run, args=(publish(),))
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()
