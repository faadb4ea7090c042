"""Fetches book snapshots over REST, one at a time, under the exchange's budget."""

import heapq
import itertools
import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from workers.book.sequence import Snapshot
from workers.exchanges.base import Exchange
from workers.model.clock import Clock
from workers.model.errors import MarketPrismError, RateLimited, WireError
from workers.telemetry.metrics import Counters
from workers.transport.budget import Priority
from workers.transport.http import HttpClient
from workers.transport.rate_budget import RateBudget
from workers.transport.reconnect import Backoff

log = structlog.get_logger(__name__)

CALL_DEADLINE_S = 120.0
"""Waiting for budget and the call itself, together."""
FIRST_LEVELS = 1000
"""Levels a side of a first book while the budget has not what deep ones for all that wait would
cost: at Binance spot a fifth of that of 5000."""
EXPECTED_S = 30.0
"""A book that has not asked for its snapshot by then is not going to."""
WIDEN_CAUSE = "depth"
COMPARE_CAUSE = "compare"
SPARE_CAUSES = frozenset({WIDEN_CAUSE, COMPARE_CAUSE})
"""For a book that is SYNCED already, to widen or to audit it: these wait while a book that is not
waits for budget, and leave it a part of the budget for what comes."""
LOOK_AGAIN_S = 1.0
"""How often spare calls look whether books still wait."""


@dataclass
class SnapshotJob:
    """One wanted snapshot.

    Args:
        symbol: ours, for logs.
        raw_symbol: the exchange's.
        depth: levels a side.
        cause: why it is wanted; a label of `snapshots_requested_total`.
        wanted: False once nobody waits for it any more.
        deliver: takes the snapshot; called on the fetcher's thread.

    Attributes:
        short: it is wanted now and waits for nothing but budget.
    """

    symbol: str
    raw_symbol: str
    depth: int
    cause: str
    wanted: Callable[[], bool]
    deliver: Callable[[Snapshot], None]
    backoff: Backoff = field(default_factory=lambda: Backoff(0.5, 30.0))
    short: bool = False


Queue = list[tuple[float, int, SnapshotJob]]
"""A heap of jobs by the second they are due."""


class SnapshotFetcher(threading.Thread):
    """The one thread of an exchange that makes REST calls for books.

    A failed call is tried again with growing delays for as long as the job is wanted; other books'
    jobs are served meanwhile. A job waits here for its budget, so that one nobody wants any more
    costs nothing.

    Attributes:
        crashed: what ended the thread unexpectedly; the service ends with it.
        fetched: snapshots delivered.
    """

    def __init__(
        self,
        exchange: Exchange,
        client: HttpClient,
        budget: RateBudget,
        counters: Counters,
        clock: Clock,
    ) -> None:
        super().__init__(name=f"snapshots.{exchange.name}", daemon=True)
        self._exchange, self._client, self._budget = exchange, client, budget
        self._counters, self._clock = counters, clock
        self._jobs: Queue = []
        self._spare_jobs: Queue = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopping = False
        self.last_error: str | None = None
        self.crashed: BaseException | None = None
        self.fetched = 0
        self._expected: dict[str, float] = {}
        self._urgent = 0
        self._call_s = 0.1
        self._ready_s = 0.0

    @property
    def waiting(self) -> int:
        """Jobs not served yet."""
        return len(self._jobs) + len(self._spare_jobs)

    @property
    def eta_s(self) -> float | None:
        """Seconds until the books that wait for a snapshot will have it; None: none waits."""
        if not self._urgent:
            return None
        return round(max(0.0, self._ready_s - self._clock.monotonic_s()), 1)

    def expect(self, symbols: Iterable[str]) -> None:
        """Their books are going to be asked for: how many they are says how deep to begin."""
        with self._changed:
            until_s = self._clock.monotonic_s() + EXPECTED_S
            self._expected.update(dict.fromkeys(symbols, until_s))

    def request(self, job: SnapshotJob, delay_s: float) -> None:
        """Queue a job, to be served no sooner than in `delay_s`."""
        with self._changed:
            due_s = self._clock.monotonic_s() + delay_s
            queue = self._spare_jobs if job.cause in SPARE_CAUSES else self._jobs
            heapq.heappush(queue, (due_s, next(self._order), job))
            self._changed.notify()

    def stop(self) -> None:
        """End after the call in progress; jobs left are forgotten."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def run(self) -> None:
        """Serve jobs until stopped."""
        try:
            while (job := self._next()) is not None:
                if job.wanted():
                    self._serve(job)
                self._urgent = self._waiting_urgent()
        except Exception as error:  # without this thread no book would ever be built again
            log.exception("snapshot fetcher crashed", exchange=self._exchange.name)
            self.crashed = error

    def _next(self) -> SnapshotJob | None:
        with self._changed:
            while not self._stopping:
                now_s = self._clock.monotonic_s()
                wait_s = _wait_s(self._jobs, now_s)
                if wait_s <= 0:
                    return heapq.heappop(self._jobs)[2]
                spare_s = _wait_s(self._spare_jobs, now_s)
                if spare_s <= 0:
                    if not self._books_wait(now_s):
                        return heapq.heappop(self._spare_jobs)[2]
                    spare_s = LOOK_AGAIN_S
                wait_s = min(wait_s, spare_s)
                self._changed.wait(None if wait_s == math.inf else wait_s)
        return None

    def _books_wait(self, now_s: float) -> bool:
        """Whether books are going to ask, or have to wait for budget.

        Not those whose calls fail: one that always does would keep all others thin.
        """
        return any(until_s > now_s for until_s in self._expected.values()) or any(
            job.short and job.wanted() for _, _, job in self._jobs
        )

    def _serve(self, job: SnapshotJob) -> None:
        spare = job.cause in SPARE_CAUSES
        free = self._budget.usable - self._budget.used
        depth = job.depth if spare else self._first_depth(job, free)
        request = self._exchange.snapshot_request(job.raw_symbol, depth)
        priority: Priority = "audit" if spare else "resync"
        if not spare:
            self._estimate(request.weight, free)
        delay_s = self._budget.delay_s(request.weight, priority, request.bucket)
        job.short = delay_s > 0
        if job.short:
            self.request(job, delay_s)
            return
        self._counters.add("snapshots_requested_total", self._exchange.name, job.cause)
        begun_s = self._clock.monotonic_s()
        try:
            response = self._client.get(request, deadline_s=CALL_DEADLINE_S, priority=priority)
            snapshot = self._exchange.read_snapshot(response.body, depth)
        except MarketPrismError as error:
            if isinstance(error, RateLimited):  # perhaps in a reply of status 200
                self._client.pause(request, error.retry_after_s)
            self._failed(job, error)
            return
        self.last_error = None
        self.fetched += 1
        with self._changed:
            self._expected.pop(job.symbol, None)
        took_s = self._clock.monotonic_s() - begun_s
        self._call_s += max(0.1, 1 / self.fetched) * (took_s - self._call_s)
        job.deliver(snapshot)

    def _first_depth(self, job: SnapshotJob, free: int) -> int:
        """Levels to ask for: few while many books wait."""
        if job.depth <= FIRST_LEVELS:
            return job.depth
        deep = self._exchange.snapshot_request(job.raw_symbol, job.depth).weight
        deep_for_all = max(1, self._waiting_urgent()) * deep <= free
        return job.depth if deep_for_all else FIRST_LEVELS

    def _waiting_urgent(self) -> int:
        """Books that wait for their snapshot or are going to; the one at hand may be left out."""
        with self._changed:
            waiting = {job.symbol for _, _, job in self._jobs}
            now_s = self._clock.monotonic_s()
            return len(waiting | {each for each, s in self._expected.items() if s > now_s})

    def _estimate(self, weight: int, free: int) -> None:
        """Foresee when all books have their snapshots: as fast as calls and the budget go.

        What this window does not pay for waits for the next one, however little it is.
        """
        self._urgent = max(self._waiting_urgent(), 1)
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
        code = str(getattr(error, "code", type(error).__name__))
        if isinstance(error, WireError):
            self._counters.add("wire_errors_total", self._exchange.name, error.kind)
        self._counters.add("rest_errors_total", self._exchange.name, code)
        self.last_error = str(error)
        delay_s = job.backoff.next_s()
        if isinstance(error, RateLimited):
            delay_s = max(delay_s, error.retry_after_s)
        log.warning(
            "snapshot failed",
            exchange=self._exchange.name,
            symbol=job.symbol,
            error=str(error),
            again_in_s=round(delay_s, 1),
        )
        self.request(job, delay_s)


def _wait_s(queue: Queue, now_s: float) -> float:
    """Seconds until its first job is due."""
    return queue[0][0] - now_s if queue else math.inf
