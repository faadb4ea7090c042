"""Budgets that several processes share in a real Redis."""

import threading
import time
from collections.abc import Callable

import pytest
from redis import Redis

from tests.transport.declared import LONG_S, limits
from tests.waiting import wait_until
from workers.exchanges.base import Bucket
from workers.model.clock import ManualClock, SystemClock
from workers.model.errors import ServiceClosed
from workers.transport.budget import BudgetExhausted
from workers.transport.fixed import FixedWindow
from workers.transport.link import RedisLink
from workers.transport.moving import MovingWindow
from workers.transport.rate_budget import RateBudget
from workers.transport.rates import open_budget, open_window

MINUTE_START_NS = 1_700_000_040 * 10**9


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MINUTE_START_NS)


@pytest.fixture
def fixed(redis_url, clock) -> Callable[[], FixedWindow]:
    """Each call makes the window of another process: a link and a memory of its own."""
    return lambda: FixedWindow(RedisLink(redis_url), "x/weight", 1000, 60, clock)


@pytest.fixture
def moving(redis_url) -> Callable[..., MovingWindow]:
    def make(limit: int = 10, window_s: float = 60.0) -> MovingWindow:
        return MovingWindow(RedisLink(redis_url), "x/bucket/y", limit, window_s, SystemClock())

    return make


def test_processes_spend_one_minute_together(fixed, clock):
    one, other = fixed(), fixed()
    assert one.take(500) == 0
    assert other.used == 500
    assert other.take(300) == 0
    clock.advance(20)
    assert one.delay_s(1) == other.take(1) == pytest.approx(40)
    clock.advance(40)
    assert one.take(800) == 0
    assert other.used == 800


def test_what_is_refused_costs_nothing(fixed):
    one, other = fixed(), fixed()
    assert one.take(700) == 0
    assert other.take(200) > 0
    assert other.take(100) == 0
    assert one.used == 800


class Late(FixedWindow):
    """A process that looked before the others took."""

    def _look(self, *args: object) -> float:
        return 0.0


def test_who_comes_too_late_is_refused_and_costs_nothing(fixed, redis_url, clock):
    late, other = Late(RedisLink(redis_url), "x/weight", 1000, 60, clock), fixed()
    assert other.take(750) == 0
    assert late.take(100) == pytest.approx(60)
    assert other.used == 750


def test_threads_and_processes_together_take_no_more_than_is_usable(fixed):
    windows = [fixed(), fixed()]
    start = threading.Barrier(8)
    taken: list[int] = []

    def take_all(window: FixedWindow) -> None:
        start.wait()
        while window.take(7) == 0:
            taken.append(7)

    threads = [threading.Thread(target=take_all, args=(windows[n % 2],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert 800 - 7 * 8 <= sum(taken) <= 800


def test_the_figure_of_the_exchange_corrects_all_processes(fixed, clock):
    one, other = fixed(), fixed()
    one.take(10)
    one.observe(795, clock.now_ns())
    assert other.take(10) > 0
    one.observe(20, clock.now_ns())
    assert other.used == 795


def test_a_figure_of_the_minute_before_does_not_close_the_new_one(fixed, clock):
    one, other = fixed(), fixed()
    asked_ns = clock.now_ns()
    clock.advance(60)
    one.observe(1000, asked_ns)
    assert other.take(800) == 0


def test_a_redis_that_forgot_is_told_what_was_spent(fixed, redis_url):
    one, other = fixed(), fixed()
    one.take(700)
    one.pause(30)
    with Redis.from_url(redis_url) as client:
        client.flushall()
    assert one.delay_s(200) == pytest.approx(60)
    assert one.delay_s(1) == pytest.approx(30)
    assert other.used == 700
    assert other.delay_s(1) == pytest.approx(30, abs=1)


def test_a_pause_stops_every_process_and_is_never_shortened(fixed):
    one, other = fixed(), fixed()
    one.pause(50)
    other.pause(10)
    assert other.take(1) == pytest.approx(50, abs=1)
    assert one.delay_s(0) == pytest.approx(50, abs=1)


@pytest.mark.parametrize(("priority", "most"), [("resync", 800), ("audit", 560), ("history", 320)])
@pytest.mark.parametrize("kind", ["fixed", "moving"])
def test_the_less_urgent_stops_first(fixed, moving, kind, priority, most):
    window = fixed() if kind == "fixed" else moving(1000, 60.0)
    most = most if kind == "fixed" else round(window.usable * most / 800)
    assert window.take(most - 1, "resync") == 0
    assert window.delay_s(2, priority) > 0
    assert window.take(1, priority) == 0
    assert window.take(1, priority) > 0


def test_a_call_larger_than_its_share_goes_in_an_empty_window(fixed):
    window = fixed()
    assert window.take(700, "history") == 0
    assert window.take(1, "history") > 0


def test_a_moving_window_counts_from_each_call(moving):
    one, other = moving(3, 1.0), moving(3, 1.0)
    began_s = time.time()
    assert [one.take(1), other.take(1), one.take(1)] == [0, 0, 0]
    delay_s = other.take(1)
    assert 0 < delay_s <= 2.0
    wait_until(lambda: other.take(1) == 0, what="the first call's end")
    assert time.time() - began_s >= 2.0, "a second more than the exchange's window"


def test_large_weights_of_a_moving_window_are_counted_in_units(moving):
    window = moving(25_000, 10.0)
    taken = 0
    while window.take(500) == 0:
        taken += 500
    assert window.usable == 22_000
    assert 21_500 <= taken <= window.used <= window.usable


def test_connects_are_shared_and_those_that_could_not_wait_count(redis_url):
    one, other = (
        open_window("x", 3, 60.0, redis_url=None, link=RedisLink(redis_url)) for _ in range(2)
    )
    one.record()
    assert [other.take(), one.take()] == [0, 0]
    assert 50 < other.delay_s() <= 61
    assert one.take() > 50
    assert open_window("x", 3, 60.0, redis_url=None).take() == 0


def test_an_exchange_that_asks_for_a_pause_of_connects_gets_it_from_all(redis_url):
    shared = [
        open_window("x", 30, 60.0, redis_url=None, link=RedisLink(redis_url)) for _ in range(2)
    ]
    own = open_window("x", 30, 60.0, redis_url=None)
    for window in (shared[0], own):
        window.pause(50)
        window.pause(5)
    assert shared[1].take() == pytest.approx(50, abs=1)
    assert own.take() == pytest.approx(50, abs=1)


def test_budgets_of_other_addresses_and_exchanges_are_their_own(redis_url):
    spot = open_budget("a", limits(), redis_url=redis_url, egress="1")
    spot.acquire(800, 0)
    for exchange, egress in (("a", "2"), ("b", "1")):
        open_budget(exchange, limits(), redis_url=redis_url, egress=egress).acquire(800, 0)
    counted = limits(counted_as="a")
    with pytest.raises(BudgetExhausted):
        open_budget("c", counted, redis_url=redis_url, egress="1").acquire(1, 0)


@pytest.fixture(params=["own", "shared"])
def bucketed(request, redis_url) -> Callable[..., RateBudget]:
    def make(**changes: object) -> RateBudget:
        buckets = {"small": Bucket(2, LONG_S), "large": Bucket(500, LONG_S)}
        shared = request.param == "shared"
        return open_budget(
            "x", limits(buckets=buckets, **changes), redis_url=redis_url if shared else None
        )

    return make


def test_a_bucket_limits_its_calls_alone(bucketed):
    budget = bucketed()
    budget.acquire(1, 0, bucket="small")  # of two, less the headroom
    with pytest.raises(BudgetExhausted):
        budget.acquire(1, 5, bucket="small")
    budget.acquire(1, 0, bucket="large")
    budget.acquire(1, 0)


def test_what_is_counted_for_each_thing_does_not_wait_for_the_others(bucketed):
    budget = bucketed(pauses_bucket_alone=True)
    for what in ("BTC", "ETH", "SOL"):
        budget.acquire(1, 0, bucket=f"small/{what}")
    with pytest.raises(BudgetExhausted):
        budget.acquire(1, 5, bucket="small/BTC")
    budget.pause(30, "small/ADA")
    assert budget.delay_s(1, bucket="small/ADA") == pytest.approx(30, abs=1)
    assert budget.delay_s(1, bucket="small/DOGE") == 0
    assert budget.delay_s(1, bucket="small") == 0


def test_a_report_of_many_things_names_those_asked_last(bucketed):
    budget = bucketed()
    for number in range(9):
        budget.acquire(1, 0, bucket=f"large/S{number}")
    assert set(budget.report()) == {"weight", *(f"large/S{number}" for number in range(4, 9))}


def test_a_report_names_what_is_in_use(bucketed):
    budget = bucketed()
    assert list(budget.report()) == ["weight"]
    budget.acquire(20, 0, bucket="large")
    report = budget.report()
    assert report["weight"]["used"] == 20
    assert report["large"]["used"] == 1
    assert "small" not in report
    budget.pause(30)
    paused = budget.report()["weight"]
    assert paused["wait_s"] == pytest.approx(30, abs=1)
    assert paused["paused_until"].startswith("20")
    assert (report["weight"]["paused_until"], report["weight"]["limit"]) == (None, 1000)


def test_a_report_says_who_counted(redis_url):
    sources = {
        name: open_budget("x", limits(), redis_url=url).report()["weight"]["source"]
        for name, url in (("own", None), ("shared", redis_url))
    }
    assert sources == {"own": "this process", "shared": "redis"}


def test_a_call_that_lacks_weight_does_not_cost_its_bucket(bucketed):
    budget = bucketed()
    budget.acquire(800, 0)
    with pytest.raises(BudgetExhausted):
        budget.acquire(1, 0, bucket="small")
    budget.acquire(0, 0, bucket="small")


@pytest.mark.parametrize("alone", [True, False], ids=["by-endpoint", "by-address"])
def test_a_refused_call_stops_its_bucket_or_everything_as_the_exchange_counts(bucketed, alone):
    budget = bucketed(pauses_bucket_alone=alone)
    budget.pause(30, "large")
    assert budget.delay_s(1, bucket="large") == pytest.approx(30, abs=1)
    assert (budget.delay_s(1, bucket="small") == 0) is alone
    budget.pause(40)
    assert budget.delay_s(0, bucket="small") == pytest.approx(40, abs=1)


def test_closing_a_shared_budget_ends_waits(redis_url):
    budget = open_budget("x", limits(), redis_url=redis_url)
    budget.pause(600)
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(ServiceClosed):
            budget.acquire(1, 3600)
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    budget.close()
    assert ended.wait(10)
