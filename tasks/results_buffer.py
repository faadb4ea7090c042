"""States of runs on their way to ClickHouse: a task hands them over and does not wait.

A thread of its own stores them in batches. Overflow policy: while ClickHouse is away the oldest
give way, counted and logged. kill -9 loses what waits here: at most what came within
0.2 s while ClickHouse answers, all that waited while it does not. The tasks themselves ran.
"""

import atexit
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

import structlog
from celery import states

from workers.model.errors import StoreError
from workers.store.task_results import TaskRun

log = structlog.get_logger(__name__)

INSERTS_PER_S = 10
"""At most, lasting; that many may follow at once. Many short tasks become few parts that way, and a
single one is stored at once."""
LAZY_S = 0.2
"""A state that is not final waits that long: a short task is over before anybody asks."""
BATCH_ROWS = 1000
RETRY_FIRST_S = 0.2
RETRY_LIMIT_S = 5.0
DRAIN_S = 3.0

Insert = Callable[[Sequence[TaskRun]], None]


class ResultBuffer:
    """What waits to be stored, one state for each run: a later one takes the earlier one's place.

    Args:
        insert: stores a batch, all or none; raises StoreError.
        max_bytes: what may wait at most.

    Attributes:
        lost: runs whose state was dropped.
    """

    def __init__(self, insert: Insert, max_bytes: int) -> None:
        self._insert, self._max_bytes = insert, max_bytes
        self.lost = 0
        self._reset()
        atexit.register(self.drain)

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._waiting: OrderedDict[str, TaskRun] = OrderedDict()
        self._bytes = 0
        self._urgent = self._closing = False
        self._flying = 0
        self._thread: threading.Thread | None = None

    def add(self, run: TaskRun) -> None:
        """Take the state of a run; returns at once."""
        if self._pid != os.getpid():  # a forked pool: threads and what waited stay with the parent
            self._reset()
        with self._changed:
            before = self._waiting.get(run.task_id)
            if before is not None:
                if before.version > run.version:
                    return
                self._bytes -= self._waiting.pop(run.task_id).size
            self._waiting[run.task_id] = run
            self._bytes += run.size
            self._urgent |= run.state in states.READY_STATES
            while self._bytes > self._max_bytes:
                self._drop_oldest()
            self._start()
            self._changed.notify_all()

    def drain(self, timeout_s: float = DRAIN_S) -> bool:
        """Store what waits, now; False if some is left after `timeout_s`, which is lost then."""
        if self._pid != os.getpid():
            return True
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._left(), timeout_s)
            self._closing = False
            left = self._left()
        if left:
            log.error("task_results_left", rows=left, follows="their callers will not see them")
        return not left

    def _left(self) -> int:
        return len(self._waiting) + self._flying

    def _drop_oldest(self) -> None:
        _, run = self._waiting.popitem(last=False)
        self._bytes -= run.size
        self.lost += 1
        if self.lost.bit_count() == 1:  # 1, 2, 4, 8, ...
            log.error("task_results_lost", rows=self.lost, limit_bytes=self._max_bytes)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="task-results", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        free_s = 0.0  # when all inserts that may follow at once are free again
        retry_s = RETRY_FIRST_S
        away = False
        while True:
            batch = self._next_batch(free_s - (INSERTS_PER_S - 1) / INSERTS_PER_S)
            free_s = max(free_s, time.monotonic()) + 1 / INSERTS_PER_S
            try:
                self._insert(batch)
            except StoreError as error:
                if not error.retryable:
                    self.lost += len(batch)
                    log.error("task_results_refused", rows=len(batch), error=str(error))
                    self._done()
                    continue
                if not away:
                    log.warning("task_results_wait", error=str(error), rows=len(batch))
                away = True
                self._put_back(batch)
                with self._changed:
                    if not self._changed.wait_for(lambda: self._closing, retry_s):
                        retry_s = min(RETRY_LIMIT_S, retry_s * 2)
                    else:
                        self._changed.wait(RETRY_FIRST_S)
            else:
                if away:
                    log.info("task_results_arrive", rows=len(batch), lost=self.lost)
                away, retry_s = False, RETRY_FIRST_S
                self._done()

    def _next_batch(self, not_before_s: float) -> list[TaskRun]:
        """Wait for something to store and for its time; take it."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting))
            begun_s = time.monotonic()
            while not self._closing:
                due_s = not_before_s if self._urgent else max(not_before_s, begun_s + LAZY_S)
                left_s = due_s - time.monotonic()
                if left_s <= 0 or len(self._waiting) >= BATCH_ROWS:
                    break
                self._changed.wait(left_s)
            size = min(BATCH_ROWS, len(self._waiting))
            batch = [self._waiting.popitem(last=False)[1] for _ in range(size)]
            self._bytes -= sum(run.size for run in batch)
            self._urgent = any(run.state in states.READY_STATES for run in self._waiting.values())
            self._flying = size
            return batch

    def _put_back(self, batch: Sequence[TaskRun]) -> None:
        """Return a batch that could not be stored to its place, unless newer states are there."""
        with self._changed:
            for run in reversed(batch):
                if run.task_id not in self._waiting:
                    self._waiting[run.task_id] = run
                    self._waiting.move_to_end(run.task_id, last=False)
                    self._bytes += run.size
            while self._bytes > self._max_bytes:
                self._drop_oldest()
            self._urgent, self._flying = True, 0

    def _done(self) -> None:
        with self._changed:
            self._flying = 0
            self._changed.notify_all()
