"""The seam between a long-lived service and the process that hosts it."""

from typing import Any, Protocol, runtime_checkable


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


@runtime_checkable
class Warming(Protocol):
    """A service that can prepare itself while another process is at work."""

    async def warm(self) -> None:
        """Load what `run` will need, as often as it grows old; cancelled when `run` begins.

        Must not fail: what could not be loaded is loaded by `run`.
        """
        ...


@runtime_checkable
class Readying(Protocol):
    """A service that runs for a while before it can be asked for anything."""

    async def ready(self) -> None:
        """Return once commands make sense; awaited beside `run`. Must not fail."""
        ...


class Gate(Protocol):
    """Lets a service run in one process at a time; `Lease` is one."""

    async def enter(self) -> None:
        """Return when this process may run the service."""
        ...

    async def hold(self) -> None:
        """Keep the right until cancelled; raises when it is lost."""
        ...

    async def leave(self) -> None:
        """Give the right back, held or not."""
        ...

    def status(self) -> dict[str, Any]:
        """Plain JSON data; called from other threads."""
        ...
