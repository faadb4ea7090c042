"""Windowed, acknowledged publishing into JetStream.

Each message is a core publish with a reply subject of its own; the reply is JetStream's
acknowledgement and finds its message in our own map. At most `nats.publish_window` messages are
unacknowledged. A message is sent again under the same id after `nats.publish_ack_timeout`, after a
temporary refusal, and after a reconnect; JetStream stores it once within the stream's
`duplicate_window`. After a longer outage a message whose acknowledgement was lost may be stored
twice; the tables' keys take care of that.

While NATS is away messages go to a spool on disk, see backlog.py. Order is kept, except around a
message that JetStream refused for a time.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import structlog
from nats.aio.client import Client
from nats.errors import BadSubjectError, MaxPayloadError
from nats.errors import Error as NatsError

from config.settings import NatsSettings
from workers.bus.backlog import Backlog
from workers.bus.command import publish_command
from workers.bus.connection import FIRST_DELAY_S, close, connect_for_ever, end
from workers.bus.direct import DirectClient, status_of
from workers.bus.outgoing import Outgoing
from workers.bus.refusals import PROBES, Flight, Parking, Refusal, read_refusal
from workers.bus.spool import Spool
from workers.model.clock import Clock, SystemClock
from workers.telemetry.metrics import Counters

__all__ = ["Outgoing", "Publisher"]

log = structlog.get_logger(__name__)

BURST = 128
"""Messages sent before the loop may do something else."""
WRITE_BYTES = 64 * 1024
"""After which a write of several messages is handed to the socket."""
WATCH_S = 0.2
LOG_EVERY_S = 30.0
SILENT_ROUNDS = 2
"""Re-sends without a single reply after which the connection is given up."""


class Publisher:
    """Publishes what threads submit. `run` and `drain` live on one event loop.

    Args:
        settings: servers, window, timeout, queue size.
        counters: gets events_published_total, events_dropped_total, publish_retries_total and
            publish_duplicates_total.
        name: of the NATS connection.
        clock: for ack timeouts.
        on_lost: called on the loop with (type, count, subject) for messages given up, while
            connected and at most once a second for each subject.
        spool_dir: where messages wait while NATS is away, a folder of this publisher alone; None:
            in memory only.
        standby: another process may be using the folder until `run` is called.
    """

    def __init__(
        self,
        settings: NatsSettings,
        counters: Counters,
        name: str,
        clock: Clock | None = None,
        *,
        on_lost: Callable[[str, int, str], None] | None = None,
        spool_dir: Path | None = None,
        standby: bool = False,
    ) -> None:
        self.name = name
        self.on_lost = on_lost
        self._settings = settings
        self._counters = counters
        self._clock: Clock = clock or SystemClock()
        spool = None
        if spool_dir is not None and settings.spool_max_mb:
            spool = Spool(spool_dir, settings.spool_max_mb << 20, counters, find=not standby)
        self._spool = spool
        self._backlog = Backlog(settings, counters, spool, self._clock)
        self._flights: dict[int, Flight] = {}
        self._again: deque[Flight] = deque()
        self._parking = Parking(settings.publish_window)
        self._token = 0
        self._client: Client | None = None
        self._inbox = b""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._asleep = False
        self._silent_rounds = 0
        self._logged_s = float("-inf")

    # -- any thread

    def submit(self, batch: Sequence[Outgoing]) -> None:
        """Queue messages; never blocks. What does not fit is shed, see outgoing.SHED_ORDER."""
        self._backlog.put(batch)
        if self._asleep and self._loop is not None:
            self._asleep = False
            try:
                self._loop.call_soon_threadsafe(self._wake.set)
            except RuntimeError as error:
                # the loop ended; what is queued is counted by drain()
                log.debug("publisher_loop_ended", name=self.name, error=str(error))

    @property
    def connected(self) -> bool:
        """Whether NATS is reached right now."""
        return self._client is not None and self._client.is_connected

    @property
    def unsent(self) -> int:
        """Messages submitted and not acknowledged, those on disk included."""
        return self._waiting + self._backlog.on_disk

    @property
    def _waiting(self) -> int:
        """Of them, those in memory alone."""
        return self._backlog.in_memory + sum(each.segment is None for each in self._on_their_way())

    def _on_their_way(self) -> Iterable[Flight]:
        return chain(self._flights.values(), self._again, self._parking.parked)

    @property
    def _unacknowledged(self) -> int:
        return len(self._flights) + len(self._again) + len(self._parking.parked)

    def status(self) -> dict[str, Any]:
        """Figures for people; takes no lock."""
        return {
            "connected": self.connected,
            **self._backlog.status(),
            "unacknowledged": self._unacknowledged,
            "published": self._counters.total("events_published_total"),
            "dropped": self._counters.total("events_dropped_total"),
            "retries": self._counters.total("publish_retries_total"),
            "duplicates": self._counters.total("publish_duplicates_total"),
        }

    # -- the loop

    async def run(self) -> None:
        """Publish until cancelled; NATS being away only delays it."""
        self._loop = asyncio.get_running_loop()  # at once: a drain that comes now must not work too
        if self._spool is not None:
            self._spool.find()
        task = asyncio.create_task(self._work(), name=f"{self.name} publisher")
        try:
            await asyncio.wait({task})
            task.result()
        finally:
            await end(task)
            self._loop = None  # also if the worker was cancelled before it began

    async def drain(self, timeout_s: float) -> int:
        """Get everything in memory acknowledged, with `run` still running or already cancelled.

        What is on disk stays there for the next process, and what could not be delivered in time
        goes there.

        Returns:
            Messages neither delivered nor on disk.
        """
        task = None
        try:
            async with asyncio.timeout(timeout_s):
                while self._waiting:
                    if self._loop is None and task is None:
                        task = asyncio.create_task(self._work(), name=f"{self.name} drain")
                    await asyncio.sleep(0.01)
        except TimeoutError:
            log.warning("publisher_not_drained", name=self.name, unsent=self.unsent)
        finally:
            if task is not None:
                await end(task)
        return await self._backlog.save(self._withdraw())

    def _withdraw(self) -> list[Outgoing]:
        """Take back what is on its way and in memory alone, in order."""
        ours = [each for each in self._on_their_way() if each.segment is None]
        self._flights = {token: each for token, each in self._flights.items() if each.segment}
        self._again = deque(each for each in self._again if each.segment)
        self._parking.parked = deque(each for each in self._parking.parked if each.segment)
        return [each.message for each in ours]

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        spooling = asyncio.create_task(
            self._backlog.keep(lambda: self.connected, self._withdraw), name=f"{self.name} spool"
        )
        try:
            while True:
                client = await connect_for_ever(self._settings.servers, self.name, DirectClient)
                assert isinstance(client, DirectClient)
                try:
                    await self._serve(client)
                except (NatsError, OSError) as error:
                    log.warning("nats_failed", name=self.name, error=repr(error))
                finally:
                    self._client = None
                    await close(client)
                log.warning("nats_lost", name=self.name, unacknowledged=self._unacknowledged)
                await asyncio.sleep(FIRST_DELAY_S)  # a server that only accepts and closes
        finally:
            await end(spooling)
            self._loop = None

    async def _serve(self, client: DirectClient) -> None:
        """Publish over one connection until it is lost."""
        self._inbox = client.new_inbox().encode() + b"."
        self._silent_rounds = 0
        await client.subscribe_direct(self._inbox.decode() + "*", self._on_reply)
        self._send_again(list(self._flights))
        self._client = client
        tasks = {
            asyncio.create_task(self._send(client), name=f"{self.name} send"),
            asyncio.create_task(self._watch(client), name=f"{self.name} watch"),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                await end(task)

    def _send_again(self, tokens: Sequence[int]) -> None:
        """Put messages on their way back in line, in their order, before the queue."""
        flights = [self._flights.pop(token) for token in tokens]
        self._again.extendleft(reversed(flights))
        self._counters.add("publish_retries_total", by=len(flights))
        if flights:
            self._wake.set()

    async def _send(self, client: DirectClient) -> None:
        while client.is_connected:
            self._wake.clear()
            self._asleep = True
            flights = deque(self._next_flights())
            if not flights:
                await self._wake.wait()
                continue
            self._asleep = False
            try:
                while flights:
                    await self._publish(client, flights)
            finally:
                self._again.extendleft(reversed(flights))
            await asyncio.sleep(0)

    def _next_flights(self) -> list[Flight]:
        """What may be sent now: a burst within the window, or a few probes while all is refused."""
        room = min(BURST, self._settings.publish_window - len(self._flights))
        if self._parking.down:
            if not self._parking.probe(self._clock.monotonic_s()):
                return []
            self._again.extendleft(reversed(self._parking.take_all()))
            room = min(room, PROBES)
        flights: list[Flight] = []
        while self._again and len(flights) < room:
            flights.append(self._again.popleft())
        if len(flights) < room:
            flights += self._backlog.take(room - len(flights))
        return flights

    async def _publish(self, client: DirectClient, flights: deque[Flight]) -> None:
        """Send the first of them in one write; what was sent is taken out of `flights`."""
        now_s, size, commands, sent = self._clock.monotonic_s(), 0, [], []
        while flights and size < WRITE_BYTES:
            flight = flights.popleft()
            self._token += 1
            reply = b"%b%d" % (self._inbox, self._token)
            try:
                command = publish_command(flight.message, reply, client.max_payload)
            except (MaxPayloadError, BadSubjectError, UnicodeError) as error:
                reason = "too_large" if isinstance(error, MaxPayloadError) else "bad_subject"
                self._give_up(flight, Refusal(reason, repr(error), temporary=False))
                continue
            flight.sent_s = now_s
            self._flights[self._token] = flight
            sent.append(self._token)
            commands.append(command)
            size += len(command)
        try:
            await client.send(b"".join(commands))
        except BaseException:
            unsent = [self._flights.pop(token, None) for token in sent]
            flights.extendleft(each for each in reversed(unsent) if each is not None)
            raise

    def _on_reply(self, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        flight = self._flights.pop(int(subject.rpartition(b".")[2]), None)
        if flight is None:
            return  # it was sent again meanwhile; the reply to that one counts
        self._silent_rounds = 0
        status = status_of(headers) if headers else ""
        refusal = read_refusal(data, {"Status": status[:3]} if status else None)
        if refusal is None:
            self._parking.taken()
            self._counters.add("events_published_total", flight.message.type)
            self._backlog.done(flight)
            if b'"duplicate"' in data:
                self._counters.add("publish_duplicates_total")
        elif refusal.temporary:
            now_s = self._clock.monotonic_s()
            if self._logged_s + LOG_EVERY_S < now_s:
                self._logged_s = now_s
                log.warning(
                    "nats_refuses",
                    name=self.name,
                    subject=flight.message.subject,
                    error=refusal.text,
                )
            for lost in self._parking.refused(flight, now_s):
                self._give_up(lost, refusal)
        else:
            self._give_up(flight, refusal)
        if self._asleep:
            self._wake.set()

    def _give_up(self, flight: Flight, refusal: Refusal) -> None:
        message = flight.message
        self._backlog.done(flight)
        self._counters.add("events_dropped_total", message.type, refusal.reason)
        if self._backlog.note_loss(message):
            subject = message.subject
            log.error("event_given_up", name=self.name, subject=subject, error=refusal.text)

    async def _watch(self, client: Client) -> None:
        """Send again what is overdue; end when the connection is lost or silent."""
        timeout_s = self._settings.publish_ack_timeout
        while client.is_connected:
            await asyncio.sleep(min(WATCH_S, timeout_s / 4))
            now_s = self._clock.monotonic_s()
            self._report_losses()
            self._again.extendleft(reversed(self._parking.due(now_s)))
            overdue = [t for t, each in self._flights.items() if each.sent_s + timeout_s <= now_s]
            if overdue:
                self._silent_rounds += 1
                if self._silent_rounds > SILENT_ROUNDS:
                    log.warning("nats_silent", name=self.name, unacknowledged=len(overdue))
                    return
                self._send_again(overdue)
            self._wake.set()

    def _report_losses(self) -> None:
        for (event_type, subject), count in self._backlog.losses().items():
            log.error("events_lost", name=self.name, subject=subject, count=count)
            if self.on_lost is not None:
                self.on_lost(event_type, count, subject)
