"""Fetches book snapshots over REST, one at a time, under the exchange's budget."""

import math
import threading
from collections.abc import Iterable

import structlog

from workers.book.sequence import Snapshot
from workers.collector.books.snapshot_queue import SnapshotJob, SnapshotQueue
from workers.exchanges.base import Exchange
from workers.model.clock import Clock
from workers.model.errors import MarketPrismError, WireError
from workers.model.http import HttpResponse
from workers.telemetry.metrics import Counters
from workers.transport.budget import Priority
from workers.transport.call import CallPolicy
from workers.transport.http import HttpClient
from workers.transport.rate_budget import RateBudget

log = structlog.get_logger(__name__)

CALL_DEADLINE_S = 30.0
"""For one call; jobs wait for their budget in the queue."""
FIRST_LEVELS = 1000
"""Levels a side of a first book while the budget has not what deep ones for all that wait would
cost: at Binance spot a fifth of that of 5000."""


class SnapshotFetcher(threading.Thread):
    """The one thread of an exchange that makes REST calls for books.

    A failed call is made again, later, for as long as the job is wanted: `CallPolicy` says when,
    and leaves an endpoint alone that fails for everybody. Other books' jobs are served meanwhile. A
    job waits here for its budget, so that one nobody wants any more costs nothing.

    Attributes:
        crashed: what ended the thread unexpectedly; the service ends with it.
        fetched: snapshots delivered.
    """

    def __init__(
        self,
        exchange: Exchange,
        client: HttpClient,
        calls: CallPolicy,
        budget: RateBudget,
        counters: Counters,
        clock: Clock,
    ) -> None:
        super().__init__(name=f"snapshots.{exchange.name}", daemon=True)
        self._exchange, self._client, self._calls = exchange, client, calls
        self._budget, self._counters, self._clock = budget, counters, clock
        self._queue = SnapshotQueue(clock)
        self._stopping = False
        self.last_error: str | None = None
        self.crashed: BaseException | None = None
        self.fetched = 0
        self._urgent = 0
        self._call_s = 0.1
        self._ready_s = 0.0

    @property
    def waiting(self) -> int:
        """Jobs not served yet."""
        return len(self._queue)

    @property
    def eta_s(self) -> float | None:
        """Seconds until the books that wait for a snapshot will have it; None: none waits."""
        if not self._urgent:
            return None
        return round(max(0.0, self._ready_s - self._clock.monotonic_s()), 1)

    def expect(self, symbols: Iterable[str]) -> None:
        """Their books are going to be asked for: how many they are says how deep to begin."""
        self._queue.expect(symbols)

    def request(self, job: SnapshotJob, delay_s: float) -> None:
        """Queue a job, to be served no sooner than in `delay_s`."""
        self._queue.put(job, delay_s)

    def stop(self) -> None:
        """End after the call in progress; jobs left are forgotten."""
        self._stopping = True
        self._queue.close()

    def run(self) -> None:
        """Serve jobs until stopped."""
        try:
            while (job := self._queue.next()) is not None:
                if job.wanted():
                    self._serve(job)
                self._urgent = self._queue.urgent()
        except Exception as error:  # without this thread no book would ever be built again
            log.exception("snapshot fetcher crashed", exchange=self._exchange.name)
            self.crashed = error

    def _serve(self, job: SnapshotJob) -> None:
        free = self._budget.usable - self._budget.used
        depth = job.depth if job.spare else self._first_depth(job, free)
        request = self._exchange.snapshot_request(job.raw_symbol, depth)
        priority: Priority = "audit" if job.spare else "resync"
        if not job.spare:
            self._estimate(request.weight, free)
        delay_s = self._budget.delay_s(request.weight, priority, request.bucket)
        job.short = delay_s > 0
        rest_s = self._calls.rest_s(request.path)
        if job.short or rest_s > 0:
            self.request(job, max(delay_s, rest_s))
            return

        def read(reply: HttpResponse) -> Snapshot:
            return self._exchange.read_snapshot(reply.body, depth)

        self._counters.add("snapshots_requested_total", self._exchange.name, job.cause)
        begun_s = self._clock.monotonic_s()
        try:
            snapshot = self._calls.attempt(
                self._client, request, read, deadline_s=CALL_DEADLINE_S, priority=priority
            )
        except MarketPrismError as error:
            self._failed(job, error)
            return
        self.last_error = None
        self.fetched += 1
        self._queue.served(job.symbol)
        took_s = self._clock.monotonic_s() - begun_s
        self._call_s += max(0.1, 1 / self.fetched) * (took_s - self._call_s)
        job.deliver(snapshot)

    def _first_depth(self, job: SnapshotJob, free: int) -> int:
        """Levels to ask for: few while many books wait."""
        if job.depth <= FIRST_LEVELS:
            return job.depth
        deep = self._exchange.snapshot_request(job.raw_symbol, job.depth).weight
        deep_for_all = max(1, self._queue.urgent()) * deep <= free
        return job.depth if deep_for_all else FIRST_LEVELS

    def _estimate(self, weight: int, free: int) -> None:
        """Foresee when all books have their snapshots: as fast as calls and the budget go.

        What this window does not pay for waits for the next one, however little it is.
        """
        self._urgent = max(self._queue.urgent(), 1)
        budget, beyond = self._budget, self._urgent * weight - free
        ready_s = self._urgent * self._call_s
        if beyond > 0:
            windows = math.ceil(beyond / budget.usable)
            turn_s = budget.delay_s(budget.usable) or budget.window_s
            last_calls = math.ceil((beyond - (windows - 1) * budget.usable) / weight)
            paced_s = turn_s + (windows - 1) * budget.window_s
            ready_s = max(ready_s, paced_s + last_calls * self._call_s)
        self._ready_s = self._clock.monotonic_s() + ready_s

    def _failed(self, job: SnapshotJob, error: MarketPrismError) -> None:
        if self._stopping:
            return
        if isinstance(error, WireError):
            self._counters.add("wire_errors_total", self._exchange.name, error.kind)
        code = str(getattr(error, "code", type(error).__name__))
        self._counters.add("rest_errors_total", self._exchange.name, code)
        self.last_error = str(error)
        job.failures += 1
        delay_s = self._calls.wait_s(error, job.failures)
        log.warning(
            "snapshot failed",
            exchange=self._exchange.name,
            symbol=job.symbol,
            error=str(error),
            again_in_s=round(delay_s, 1),
        )
        self.request(job, delay_s)
