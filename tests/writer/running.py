"""A writer on a loop of its own, and messages for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from config.settings import Settings
from tests.bus.running import LoopThread, running
from workers.bus.outgoing import Outgoing
from workers.bus.publisher import Publisher
from workers.telemetry.metrics import Counters
from workers.writer.service import WriterService


class RunningWriter:
    """A writer on a loop of its own."""

    def __init__(self, settings: Settings) -> None:
        self.service = WriterService(settings)
        self.thread = LoopThread()
        self.task = self.thread.start(self.service.run())

    def rows(self, table: str = "trades") -> int:
        return self.service.counters.get("rows_stored_total", table)

    def stream(self, name: str = "TRADES") -> dict[str, Any]:
        streams = self.service.status()["streams"]
        return dict(streams[name])

    def drain(self) -> None:
        self.task.cancel()
        self.thread.call(self.service.drain(), 12)

    def close(self) -> None:
        self.thread.close()


@contextmanager
def writing(settings: Settings) -> Iterator[RunningWriter]:
    writer = RunningWriter(settings)
    try:
        yield writer
        writer.drain()
    finally:
        writer.close()


def publish(settings: Settings, messages: list[Outgoing]) -> None:
    publisher = Publisher(settings.nats, Counters(), "test")
    with running(publisher) as loop:
        publisher.submit(messages)
        assert loop.call(publisher.drain(60), 70) == 0
