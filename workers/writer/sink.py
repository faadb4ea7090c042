"""One stream into one table: pull, insert, acknowledge; in that order, whatever happens."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog

from config.settings import Settings
from workers.bus.acked import publish_acked
from workers.bus.connection import end
from workers.bus.link import Link
from workers.bus.streams import StreamError, last_delivered, stream_position
from workers.bus.subscription import Delivery, PullSubscription
from workers.model.errors import StoreError, TransportError
from workers.store.insert import Inserter
from workers.telemetry.metrics import Counters
from workers.transport.reconnect import Backoff
from workers.writer import dead_letters
from workers.writer.batch import Holes, StoredRanges, token
from workers.writer.routes import Route

log = structlog.get_logger(__name__)

T = TypeVar("T")

SUSPICIOUS_RETRIES = 5
"""Retries of an insert after which its rows are looked at, whatever ClickHouse says is wrong."""

Refused = list[tuple[Delivery, str]]


class Sink:
    """Stores one type of event. At most two batches are in hand: one being inserted, one pulled.

    Args:
        settings: batch sizes, ClickHouse.
        link: to NATS.
        route: from which consumer into which table; where it takes the whole stream, a jump in the
            sequence is a loss.
        counters: gets the metrics about rows, batches and losses.
    """

    def __init__(self, settings: Settings, link: Link, route: Route, counters: Counters) -> None:
        self.name, self.stream, self.table = route.name, route.stream, route.table
        self._durable = route.durable
        self._settings, self._link, self._counters = settings.writer, link, counters
        self._subscription = PullSubscription(link, route.stream, route.durable)
        self._inserter = Inserter(settings.clickhouse)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"insert-{self.table.name}")
        self._stored = StoredRanges()
        self._holes = Holes() if route.whole else None
        self._suspected: list[tuple[int, int]] = []
        self._storing: asyncio.Task[None] | None = None
        self._in_hand: list[Delivery] = []
        self._next: list[Delivery] = []
        self._pending = 0
        self._last_stored_s: float | None = None
        self._lag_s = 0.0
        self._error: str | None = None

    async def run(self) -> None:
        """Store for ever; ClickHouse or NATS being away only delays it."""
        await self._take_position()
        limit, max_bytes = self._settings.batch_rows, self._settings.batch_mb << 20
        backoff = Backoff(self._settings.retry_first, self._settings.retry_limit)
        while True:
            try:
                self._next = await self._subscription.pull(
                    limit, max_bytes, self._settings.batch_age
                )
            except TransportError as error:
                if self._error is None:
                    log.warning("pull_failed", stream=self.name, error=str(error))
                self._error = str(error)
                await asyncio.sleep(backoff.next_s())
                continue
            backoff.reset()
            if self._storing is None:
                self._error = None
            await self._stored_before()
            if self._next:
                self._begin_storing()

    async def _take_position(self) -> None:
        """Learn how far the writer before this one came, to see what it missed."""
        if self._holes is not None:
            try:
                delivered = await last_delivered(self._link, self.stream, self._durable)
            except (TransportError, StreamError) as error:
                log.warning("position_unknown", stream=self.name, error=str(error))
            else:
                self._holes.start_after(delivered)

    def _begin_storing(self) -> None:
        self._in_hand, self._next = self._next, []
        self._storing = asyncio.create_task(
            self._store(self._in_hand), name=f"store {self.table.name}"
        )

    async def _stored_before(self) -> None:
        """Wait for the batch being stored; being cancelled here leaves it alone."""
        if self._storing is not None:
            await asyncio.wait({self._storing})
            self._storing.result()
            self._storing = None

    async def finish(self) -> None:
        """Store and acknowledge what is in hand; `run` was cancelled."""
        await self._stored_before()
        self._next += self._subscription.take()
        if self._next:
            self._begin_storing()
            await self._stored_before()

    async def close(self) -> None:
        """Let go of ClickHouse; what is still in hand comes again to the next writer."""
        if self._storing is not None:
            await end(self._storing)
        self._inserter.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _store(self, batch: list[Delivery]) -> None:
        first = next((each for each in batch if each.deliveries == 1), None)
        if first is not None and first.sequence in self._stored:
            self._stored.clear()  # the stream was made anew
        fresh = [
            each for each in batch if each.deliveries == 1 or each.sequence not in self._stored
        ]
        if fresh:
            refused = await self._insert(fresh)
            if refused:
                await self._bury(refused)
            rows = len(fresh) - len(refused)
            self._counters.add("rows_stored_total", self.table.name, by=rows)
            self._stored.add([each.sequence for each in fresh])
        await self._acknowledge(batch)
        await self._look_for_holes(batch)
        self._last_stored_s = time.monotonic()
        self._lag_s = time.time() - min(each.stored_ns for each in batch) / 1e9
        self._pending = batch[-1].pending
        self._in_hand = []

    async def _insert(self, batch: Sequence[Delivery]) -> Refused:
        """Insert all rows ClickHouse takes, however long that takes. Returns the refused ones."""
        lines = [each.data for each in batch]
        name = token(self.stream, batch)
        while True:
            try:
                await self._ask(
                    lambda: self._inserter.insert(self.table, lines, name), SUSPICIOUS_RETRIES
                )
            except StoreError as error:
                if not error.retryable or await self._complaints(lines):
                    return await self._isolate(batch, lines, str(error))
            else:
                self._counters.add("batches_stored_total", self.table.name)
                return []

    async def _isolate(
        self, batch: Sequence[Delivery], lines: Sequence[bytes], reason: str
    ) -> Refused:
        """Find the rows that make an insert fail; store the others."""
        if len(batch) == 1:
            return [(batch[0], reason)]
        wrong = await self._complaints(lines)
        refused = [(batch[position], text) for position, text in sorted(wrong.items())]
        rest = [each for position, each in enumerate(batch) if position not in wrong]
        if refused:
            return refused + (await self._insert(rest) if rest else [])
        # nothing to complain about, and yet refused: halve until the guilty rows are alone
        middle = len(rest) // 2
        return [*await self._insert(rest[:middle]), *await self._insert(rest[middle:])]

    async def _complaints(self, lines: Sequence[bytes]) -> dict[int, str]:
        """Positions of wrong rows with the reason; empty if ClickHouse cannot say."""
        try:
            return await self._ask(lambda: self._inserter.complaints(self.table, lines))
        except StoreError as error:
            log.warning("rows_not_checked", table=self.table.name, error=str(error))
            return {}

    async def _ask(self, work: Callable[[], T], retries: int | None = None) -> T:
        """Run a call to ClickHouse in the sink's thread until it is answered.

        Args:
            work: the call.
            retries: at most; None for ever.

        Raises:
            StoreError: it refused the rows, or the retries are used up (`retryable`).
        """
        backoff = Backoff(self._settings.retry_first, self._settings.retry_limit)
        loop = asyncio.get_running_loop()
        while True:
            try:
                answer = await loop.run_in_executor(self._thread, work)
            except StoreError as error:
                if not error.retryable or backoff.attempts == retries:
                    raise
                self._counters.add("insert_retries_total", self.table.name)
                if not backoff.attempts:
                    log.warning("store_waits", table=self.table.name, error=str(error))
                self._error = str(error)
                await asyncio.sleep(backoff.next_s())
            else:
                if backoff.attempts:
                    log.info("store_recovered", table=self.table.name, retries=backoff.attempts)
                    self._error = None
                return answer

    async def _bury(self, refused: Refused) -> None:
        """Make dead letters of refused rows; only then may they be acknowledged."""
        table = self.table.name
        self._counters.add("rows_refused_total", table, by=len(refused))
        log.error(
            "rows_refused", table=table, rows=len(refused), first=dead_letters.summary(refused)
        )
        for delivery, reason in refused:
            await publish_acked(
                self._link,
                dead_letters.subject(table),
                dead_letters.envelope(self.stream, table, delivery, reason),
                dead_letters.message_id(self.stream, delivery),
            )

    async def _acknowledge(self, batch: Sequence[Delivery]) -> None:
        try:
            await self._subscription.ack(batch)
        except TransportError as error:
            # they come again and are known by their sequence
            log.warning("not_acknowledged", stream=self.name, rows=len(batch), error=str(error))

    async def _look_for_holes(self, batch: Sequence[Delivery]) -> None:
        """Report messages that the stream dropped at its limits before they were stored."""
        if self._holes is None:
            return
        self._suspected += self._holes.seen(batch)
        if not self._suspected:
            return
        try:
            begins = (await stream_position(self._link, self.stream)).first
        except TransportError as error:
            log.warning("holes_not_checked", stream=self.name, error=str(error))
            return
        suspected, self._suspected = self._suspected, []
        for first, last in suspected:
            lost = min(last, begins - 1) - first + 1
            if lost > 0:
                self._counters.add(
                    "events_dropped_total", self.table.event_type, "stream_limit", by=lost
                )
                log.error("stream_dropped_unstored", stream=self.stream, first=first, lost=lost)

    def status(self) -> dict[str, Any]:
        """Figures for people; takes no lock."""
        table, now_s, in_hand = self.table.name, time.monotonic(), self._in_hand
        last_s = self._last_stored_s
        return {
            "table": table,
            "stored_rows": self._counters.get("rows_stored_total", table),
            "batches": self._counters.get("batches_stored_total", table),
            "refused": self._counters.get("rows_refused_total", table),
            "retries": self._counters.get("insert_retries_total", table),
            "pending": self._pending,
            "in_hand": len(in_hand),
            "last_stored_age_s": None if last_s is None else round(now_s - last_s, 3),
            "lag_s": round(time.time() - in_hand[0].stored_ns / 1e9 if in_hand else self._lag_s, 3),
            "error": self._error,
        }
