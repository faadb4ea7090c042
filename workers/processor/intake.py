"""One type of event for one processor: pull, hand over, acknowledge; in that order."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

import structlog

from workers.bus.link import Link
from workers.bus.streams import Consumer, ensure_consumer
from workers.bus.subscription import Delivery, PullSubscription
from workers.model.errors import TransportError
from workers.transport.reconnect import Backoff

log = structlog.get_logger(__name__)

BATCH, BATCH_BYTES, WAIT_S = 500, 4 << 20, 1.0
ACK_WAIT_S = 60.0
"""An event that was not acknowledged in this time comes again; one event may not take longer."""
TURN_S = 1.0
"""After so long what was taken is acknowledged, before the rest of a batch is handed over."""
LEAVE_S = 20.0
"""What of a batch is not taken by then is given back, and the next batch is smaller."""


class Turn(NamedTuple):
    """How many deliveries the processor took, and why it shall get no more."""

    taken: int
    failure: Exception | None = None


HandOver = Callable[[Sequence[Delivery], float], Turn]
"""Gives deliveries to the processor until the time is up."""


class Intake:
    """Feeds a processor from one stream, through a durable consumer of its own.

    The stream keeps what the processor has not taken, up to the stream's own limits; nothing here
    is in the way of those who publish.

    Args:
        link: to NATS.
        stream: where the events are.
        event_type: which of them.
        durable: name of the consumer; two processes with one name share the events.
        hand_over: runs in `thread`.
        thread: one for all events of a processor.
    """

    def __init__(
        self,
        link: Link,
        stream: str,
        event_type: str,
        durable: str,
        hand_over: HandOver,
        thread: Executor,
    ) -> None:
        self.stream, self.event_type = stream, event_type
        self._link, self._durable = link, durable
        self._hand_over, self._thread = hand_over, thread
        self._subscription = PullSubscription(link, stream, durable)
        self._in_hand: list[Delivery] = []
        self._taking: asyncio.Future[Turn] | None = None
        self._limit = BATCH
        self._pending = 0
        self._error: str | None = None

    async def run(self) -> None:
        """Hand over for ever; NATS being away only delays it. A failed turn's failure ends it."""
        backoff = Backoff(0.2, 5.0)
        wanted = Consumer(
            ack_wait=ACK_WAIT_S,
            max_ack_pending=4 * BATCH,
            filter=f"{self.event_type}-data.>",
            deliver="new",
        )
        declared = False
        while True:
            try:
                if not declared:
                    await ensure_consumer(self._link, self.stream, self._durable, wanted)
                    declared = True
                self._in_hand = await self._subscription.pull(self._limit, BATCH_BYTES, WAIT_S)
                await self._take()
            except TransportError as error:
                if self._error is None:
                    log.warning("processor_intake", stream=self.stream, error=str(error))
                self._error, declared = str(error), False
                await asyncio.sleep(backoff.next_s())
            else:
                self._error = None
                backoff.reset()

    async def _take(self) -> None:
        loop, began_s, size = asyncio.get_running_loop(), time.monotonic(), len(self._in_hand)
        while self._in_hand:
            now_s = time.monotonic()
            if now_s - began_s > LEAVE_S:
                self._limit = max(1, (size - len(self._in_hand)) // 2)
                await self._release()
                return
            self._taking = loop.run_in_executor(
                self._thread, self._hand_over, self._in_hand, now_s + TURN_S
            )
            # shielded: what the processor has taken is acknowledged even if we are cancelled
            await self._end_turn(await asyncio.shield(self._taking))
        self._limit = min(BATCH, 2 * self._limit)

    async def _end_turn(self, turn: Turn) -> None:
        done, self._in_hand = self._in_hand[: turn.taken], self._in_hand[turn.taken :]
        self._taking = None
        if done:
            self._pending = done[-1].pending + len(self._in_hand)
            await self._subscription.ack(done)
        if turn.failure is not None:
            raise turn.failure

    async def finish(self) -> None:
        """Acknowledge what the processor takes of the turn it is in, and give the rest back."""
        try:
            if self._taking is not None:
                await self._end_turn(await self._taking)
            self._in_hand += self._subscription.take()
            await self._release()
        except TransportError as error:
            log.warning("processor_not_acknowledged", stream=self.stream, error=str(error))

    async def _release(self) -> None:
        rest, self._in_hand = self._in_hand, []
        await self._subscription.release(rest)

    def status(self) -> dict[str, Any]:
        """Events waiting in the stream, and the last error."""
        return {"stream": self.stream, "pending": self._pending, "error": self._error}
