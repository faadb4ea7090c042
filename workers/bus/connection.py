"""One NATS connection: opened for ever, closed within a deadline.

nats-py's own reconnect is off. It keeps a buffer of what it could not send and replays it beside
our own re-sends, it ends for good on an `-ERR` line, and its first connect has no backoff; one loop
of ours serves the start, a restart and an `-ERR` alike. Seen in nats-py 2.16, aio/client.py.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoServersError

from workers.model.errors import TransportError
from workers.transport.reconnect import Backoff

log = structlog.get_logger(__name__)

PENDING_BYTES = 256 * 1024
"""Write buffer of nats-py; for 26 kB payloads 256 kB beat larger ones (measured)."""
ATTEMPT_S = 5.0
CLOSE_S = 2.0
FIRST_DELAY_S, LAST_DELAY_S = 0.1, 5.0


async def connect(servers: Sequence[str], name: str, kind: type[Client] = Client) -> Client:
    """Connect to the first server that answers; each is tried once, in random order.

    Raises:
        TransportError: none of them answered; names each with its reason.
    """
    reasons = []
    for server in random.sample(list(servers), len(servers)):
        client = kind()
        last: list[Exception] = []

        async def note(error: Exception, last: list[Exception] = last) -> None:
            last[:] = [error]

        try:
            async with asyncio.timeout(ATTEMPT_S):
                await client.connect(
                    servers=[server],
                    name=name,
                    error_cb=note,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=2,
                    ping_interval=5,
                    max_outstanding_pings=2,
                    pending_size=PENDING_BYTES,
                    flush_timeout=2,
                )
        except asyncio.CancelledError:
            await close(client)  # its socket may be open already
            raise
        except (NatsError, NoServersError, OSError, TimeoutError) as error:
            await close(client)
            reasons.append(f"{_address(server)}: {(last or [error])[0]!r}")
        else:
            return client
    raise TransportError(f"no NATS server answered: {'; '.join(reasons)}")


def _address(server: str) -> str:
    """The server without its password."""
    return server.rpartition("@")[2]


async def connect_for_ever(
    servers: Sequence[str], name: str, kind: type[Client] = Client
) -> Client:
    """Connect, however long it takes; logs the first failure and the success after it."""
    backoff, failed = Backoff(FIRST_DELAY_S, LAST_DELAY_S), False
    while True:
        try:
            client = await connect(servers, name, kind)
        except TransportError as error:
            if not failed:
                log.warning("nats_unreachable", name=name, error=str(error))
                failed = True
            await asyncio.sleep(backoff.next_s())
        else:
            log.info("nats_connected", name=name, server=_server(client))
            return client


def _server(client: Client) -> str:
    url = client.connected_url
    return url.netloc.rpartition("@")[2] if url else "unknown"


async def close(client: Client) -> None:
    """Close within CLOSE_S; a server that does not read cannot hold us longer."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await client.close()
    except (NatsError, OSError, TimeoutError, RuntimeError, AssertionError) as error:
        # a half-open client asserts on its missing parts; its socket is closed below
        log.debug("nats_close_incomplete", error=repr(error))
    transport: Any = getattr(client, "_transport", None)
    if transport is not None:
        transport.close()


async def end(task: "asyncio.Task[Any]") -> None:
    """Cancel a task until it is done.

    nats-py swallows a cancellation that reaches it while it flushes (`_flush_pending`), so one
    `cancel()` may not end a task that publishes.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)
