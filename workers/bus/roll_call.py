"""Who says to be at work, over plain NATS: a second witness beside Redis.

A holder calls its name about once a second; whoever listens knows the last one heard. Nothing is
stored. It decides nothing by itself: see workers/runtime/lease.py.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from workers.bus.connection import end
from workers.bus.link import Link
from workers.model.clock import Clock, SystemClock

log = structlog.get_logger(__name__)


class Call(msgspec.Struct, frozen=True):
    """One call: who is at work on `name`, with which token; `leaving` says good-bye."""

    owner: str
    token: int
    leaving: bool = False


class Heard(NamedTuple):
    """The last call of somebody else and when it came, on the monotonic clock."""

    call: Call
    at_s: float


class RollCall:
    """Calls and listens on one subject while `run` runs.

    Args:
        servers: NATS addresses.
        name: what is held; the subject is `lease.<name>`.
        owner: ourselves; own calls are not heard.
        clock: tells when a call came.
    """

    def __init__(
        self, servers: Sequence[str], name: str, owner: str, clock: Clock | None = None
    ) -> None:
        self._link = Link(servers, f"lease {name}")
        self._subject, self._owner = f"lease.{name}", owner
        self._clock: Clock = clock or SystemClock()
        self._tasks: list[asyncio.Task[None]] = []
        self.heard: Heard | None = None
        self.unreadable = 0
        self.listening_since_s: float | None = None
        """When the present subscription began; None while NATS is away."""

    def start(self) -> None:
        """Begin to listen; returns at once, NATS may come later."""
        self._tasks = [
            asyncio.create_task(self._link.run(), name="roll call link"),
            asyncio.create_task(self._listen(), name="roll call"),
        ]

    async def stop(self) -> None:
        """End listening and close the connection."""
        for task in self._tasks:
            await end(task)
        self._tasks = []

    async def call(self, token: int, *, leaving: bool = False) -> bool:
        """Say that we are at work, or leaving; False if NATS is away, it is not said then."""
        if not self._link.connected:
            return False
        client = await self._link.client()
        try:
            await client.publish(
                self._subject, msgspec.json.encode(Call(self._owner, token, leaving))
            )
            if leaving:
                await client.flush(timeout=1)
        except (NatsError, OSError, TimeoutError) as error:
            log.debug("roll_call_unsaid", subject=self._subject, error=repr(error))
            return False
        return True

    async def _listen(self) -> None:
        """Subscribe on every connection anew."""
        while True:
            client = await self._link.client()
            try:
                await client.subscribe(self._subject, cb=self._take)
                await client.flush(timeout=2)
            except (NatsError, OSError, TimeoutError) as error:
                log.debug("roll_call_deaf", subject=self._subject, error=repr(error))
                await asyncio.sleep(0.5)
                continue
            self.listening_since_s = self._clock.monotonic_s()
            while client.is_connected:  # noqa: ASYNC110  nats-py does not always call back
                await asyncio.sleep(0.2)
            self.listening_since_s = None

    async def _take(self, message: Msg) -> None:
        try:
            call = msgspec.json.decode(message.data, type=Call)
        except msgspec.DecodeError as error:
            self.unreadable += 1
            log.warning("roll_call_unreadable", subject=self._subject, error=str(error))
            return
        if call.owner != self._owner:
            self.heard = Heard(call, self._clock.monotonic_s())
