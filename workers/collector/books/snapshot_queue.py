"""Snapshots that are wanted, and which of them is next: books that are down before all others."""

import heapq
import itertools
import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from workers.book.sequence import Snapshot
from workers.model.clock import Clock

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
        failures: calls that failed so far.
        short: it is wanted now and waits for nothing but budget.
    """

    symbol: str
    raw_symbol: str
    depth: int
    cause: str
    wanted: Callable[[], bool]
    deliver: Callable[[Snapshot], None]
    failures: int = 0
    short: bool = False

    @property
    def spare(self) -> bool:
        """Its book is SYNCED already."""
        return self.cause in SPARE_CAUSES


Heap = list[tuple[float, int, SnapshotJob]]
"""Jobs by the second they are due."""


class SnapshotQueue:
    """Jobs of one exchange, from any thread to the one that serves them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: Heap = []
        self._spare_jobs: Heap = []
        self._order = itertools.count()
        self._expected: dict[str, float] = {}
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._jobs) + len(self._spare_jobs)

    def put(self, job: SnapshotJob, delay_s: float) -> None:
        """Queue a job, to be served no sooner than in `delay_s`."""
        with self._changed:
            due_s = self._clock.monotonic_s() + delay_s
            queue = self._spare_jobs if job.spare else self._jobs
            heapq.heappush(queue, (due_s, next(self._order), job))
            self._changed.notify()

    def expect(self, symbols: Iterable[str]) -> None:
        """Their books are going to be asked for."""
        with self._changed:
            until_s = self._clock.monotonic_s() + EXPECTED_S
            self._expected.update(dict.fromkeys(symbols, until_s))

    def served(self, symbol: str) -> None:
        """Its book has its snapshot."""
        with self._changed:
            self._expected.pop(symbol, None)

    def close(self) -> None:
        """Give out no more jobs."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def next(self) -> SnapshotJob | None:
        """The job that is to be served now; waits for it. None: closed."""
        with self._changed:
            while not self._closed:
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

    def urgent(self) -> int:
        """Books that wait for their snapshot or are going to; the one at hand may be left out."""
        with self._changed:
            waiting = {job.symbol for _, _, job in self._jobs}
            now_s = self._clock.monotonic_s()
            return len(waiting | {each for each, s in self._expected.items() if s > now_s})

    def _books_wait(self, now_s: float) -> bool:
        """Whether books are going to ask, or have to wait for budget.

        Not those whose calls fail: one that always does would keep all others thin.
        """
        return any(until_s > now_s for until_s in self._expected.values()) or any(
            job.short and job.wanted() for _, _, job in self._jobs
        )


def _wait_s(queue: Heap, now_s: float) -> float:
    """Seconds until its first job is due."""
    return queue[0][0] - now_s if queue else math.inf
