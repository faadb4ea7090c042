"""Books without a snapshot come first, and how long they wait is known."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.waiting import wait_until
from workers.collector.books.snapshot_queue import WIDEN_CAUSE, SnapshotJob
from workers.collector.books.snapshots import SnapshotFetcher
from workers.exchanges.registry import exchange
from workers.model.clock import ManualClock
from workers.telemetry.metrics import Counters
from workers.transport.budget import WeightBudget
from workers.transport.call import CallPolicy
from workers.transport.rate_budget import RateBudget

SPOT = exchange("binance_spot")
TO_THE_TURN_S = 40
"""From where a ManualClock begins to its next minute."""


class Client:
    """Answers every call at once with an empty book, paid from the budget."""

    def __init__(self, budget: RateBudget) -> None:
        self._budget = budget
        self.asked: list[str] = []

    def get(self, request: Any, deadline_s: float, priority: Any) -> Any:
        self._budget.acquire(request.weight, 0, priority)
        self.asked.append(request.params["symbol"])
        return SimpleNamespace(body=b'{"lastUpdateId":1,"bids":[],"asks":[]}')


class Fetching:
    """A fetcher whose minute has nothing left."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        budget = RateBudget(WeightBudget(SPOT.limits.weight, 60, self.clock), clock=self.clock)
        self.usable = budget.usable
        self.client: Any = Client(budget)
        counters = Counters()
        calls = CallPolicy(SPOT.name, counters, clock=self.clock)
        self.fetcher = SnapshotFetcher(SPOT, self.client, calls, budget, counters, self.clock)
        budget.acquire(self.usable, 0)

    def want(self, symbol: str, cause: str = "start") -> None:
        job = SnapshotJob(symbol, symbol, 5000, cause, lambda: True, lambda snapshot: None)
        self.fetcher.request(job, 0)


@pytest.fixture
def fetching() -> Iterator[Fetching]:
    made = Fetching()
    made.fetcher.start()
    yield made
    made.fetcher.stop()
    made.fetcher.join(10)


def test_no_book_is_widened_while_another_waits_for_budget(fetching: Fetching):
    for number in range(5):
        fetching.want(f"WIDE{number}", WIDEN_CAUSE)
    for number in range(3):
        fetching.want(f"FIRST{number}")
    wait_until(lambda: fetching.fetcher.eta_s is not None, 10, "books that wait")
    fetching.clock.advance(TO_THE_TURN_S + 1)
    fetching.want("FIRST3")
    wait_until(lambda: len(fetching.client.asked) == 9, 10, "all snapshots")
    assert all(symbol.startswith("FIRST") for symbol in fetching.client.asked[:4])


def test_no_book_is_widened_while_another_is_going_to_ask(fetching: Fetching):
    fetching.clock.advance(TO_THE_TURN_S + 1)
    fetching.fetcher.expect(["FIRST"])
    fetching.want("WIDE", WIDEN_CAUSE)
    others = ["OTHER0", "OTHER1", "OTHER2"]
    for count, other in enumerate(others, start=1):
        # Behind each of them the fetcher looks for what is next.
        fetching.want(other)
        wait_until(lambda done=count: len(fetching.client.asked) >= done, 10, "another book")
    fetching.want("FIRST")
    wait_until(lambda: len(fetching.client.asked) == 5, 10, "all snapshots")
    assert fetching.client.asked == [*others, "FIRST", "WIDE"]


def test_books_that_wait_for_the_next_minute_are_expected_in_it(fetching: Fetching):
    count = fetching.usable // 50 + 4
    fetching.fetcher.expect(f"S{number}" for number in range(count))
    fetching.want("S0")
    wait_until(lambda: fetching.fetcher.eta_s is not None, 10, "an ETA")
    assert TO_THE_TURN_S + 60 <= fetching.fetcher.eta_s <= TO_THE_TURN_S + 62
