import threading
from collections.abc import Iterator, Sequence

import pytest

from tasks.results_buffer import INSERTS_PER_S, ResultBuffer
from tests.waiting import wait_until
from workers.model.errors import StoreError
from workers.store.task_results import TaskRun


class Store:
    """Stands in for ClickHouse: takes batches, or is away, or refuses."""

    def __init__(self) -> None:
        self.batches: list[list[TaskRun]] = []
        self.away = threading.Event()
        self.refuse = False
        self.tried = 0

    def insert(self, runs: Sequence[TaskRun]) -> None:
        self.tried += 1
        if self.refuse:
            raise StoreError("refused", retryable=False)
        if self.away.is_set():
            raise StoreError("away", retryable=True)
        self.batches.append(list(runs))

    @property
    def ids(self) -> list[str]:
        return [run.task_id for batch in self.batches for run in batch]


def a_run(task_id: str, state: str = "SUCCESS", version: int = 1, result: str = "") -> TaskRun:
    return TaskRun(task_id, state=state, version=version, result=result)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def buffer(store: Store) -> Iterator[ResultBuffer]:
    buffer = ResultBuffer(store.insert, 10_000)
    yield buffer
    store.away.clear()
    assert buffer.drain()


def test_many_short_runs_become_few_inserts(store: Store, buffer: ResultBuffer) -> None:
    for number in range(40):
        buffer.add(a_run(str(number)))
    assert buffer.drain()
    assert sorted(store.ids, key=int) == [str(number) for number in range(40)]
    assert len(store.batches) <= INSERTS_PER_S + 2


def test_a_later_state_takes_the_place_of_the_one_that_waits(
    store: Store, buffer: ResultBuffer
) -> None:
    buffer.add(a_run("a", "STARTED", 1))
    buffer.add(a_run("a", "SUCCESS", 2))
    buffer.add(a_run("a", "STARTED", 1))
    assert buffer.drain()
    assert [run.state for batch in store.batches for run in batch] == ["SUCCESS"]


def test_what_waits_arrives_in_order_when_the_store_is_back(
    store: Store, buffer: ResultBuffer
) -> None:
    store.away.set()
    for task_id in "abc":
        buffer.add(a_run(task_id))
    wait_until(lambda: store.tried >= 2, 10, "two attempts")
    assert store.ids == []
    store.away.clear()
    wait_until(lambda: store.ids == ["a", "b", "c"], 10, "all arrived")
    assert buffer.lost == 0


def test_overflow_drops_the_oldest_and_counts_them(store: Store, buffer: ResultBuffer) -> None:
    store.away.set()
    for number in range(10):
        buffer.add(a_run(str(number), result="x" * 1700))
    wait_until(lambda: buffer.lost == 5, 10, "five too many")
    store.away.clear()
    wait_until(lambda: store.ids == ["5", "6", "7", "8", "9"], 10, "the newest arrived")


def test_refused_rows_are_counted_and_the_next_are_stored(
    store: Store, buffer: ResultBuffer
) -> None:
    store.refuse = True
    buffer.add(a_run("a"))
    wait_until(lambda: buffer.lost == 1, 10, "refused")
    store.refuse = False
    buffer.add(a_run("b"))
    wait_until(lambda: store.ids == ["b"], 10, "stored")


def test_drain_gives_up_in_time_and_says_so(store: Store, buffer: ResultBuffer) -> None:
    store.away.set()
    buffer.add(a_run("a"))
    assert not buffer.drain(0.3)
