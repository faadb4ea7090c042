"""One NATS connection for several users that wait while it is away."""

import asyncio
from collections.abc import Sequence

import structlog

from workers.bus.connection import FIRST_DELAY_S, close, connect_for_ever
from workers.bus.direct import DirectClient

log = structlog.get_logger(__name__)

LOOK_S = 0.1


class Link:
    """Keeps a connection open for as long as `run` runs.

    Args:
        servers: NATS addresses.
        name: of the connection.
    """

    def __init__(self, servers: Sequence[str], name: str) -> None:
        self.name = name
        self._servers = servers
        self._client: DirectClient | None = None
        self._up = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether NATS is reached right now."""
        return self._client is not None and self._client.is_connected

    async def client(self) -> DirectClient:
        """The connected client; waits while there is none."""
        while True:
            await self._up.wait()
            if self._client is not None and self._client.is_connected:
                return self._client
            await asyncio.sleep(LOOK_S)

    async def run(self) -> None:
        """Connect, and connect again when it is lost, until cancelled."""
        while True:
            client = await connect_for_ever(self._servers, self.name, DirectClient)
            assert isinstance(client, DirectClient)
            self._client = client
            self._up.set()
            try:
                while True:  # nats-py does not always call its callbacks when it loses a server
                    await asyncio.sleep(LOOK_S)
                    if not client.is_connected:
                        break
            finally:
                self._client = None
                self._up.clear()
                await close(client)
            log.warning("nats_lost", name=self.name)
            await asyncio.sleep(FIRST_DELAY_S)
