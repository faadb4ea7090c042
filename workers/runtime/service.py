"""The seam between a long-lived service and the process that hosts it."""

from typing import Any, Protocol


class Service(Protocol):
    """Something that runs until it is told to drain; it knows no Celery.

    `run`, `drain` and every coroutine passed to a host's `call` run on one event loop, in one
    thread.
    """

    name: str

    async def run(self) -> None:
        """Work until cancelled. Returning without cancellation is a crash to the host."""
        ...

    async def drain(self) -> None:
        """Finish what was accepted, take nothing new, close.

        Called once, after `run` was cancelled or failed; the host gives it about 10 s.
        """
        ...

    def status(self) -> dict[str, Any]:
        """Plain JSON data for `inspect stats`, `marketprism status` and Flower.

        Called from other threads: reads counters, takes no lock, waits for nothing.
        """
        ...
