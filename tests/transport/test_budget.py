import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.model.clock import ManualClock
from workers.model.errors import ServiceClosed, TransportError
from workers.transport.budget import BudgetExhausted, SlidingWindow, WeightBudget

MINUTE_START_NS = 1_700_000_040 * 10**9
assert MINUTE_START_NS % (60 * 10**9) == 0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MINUTE_START_NS)


@pytest.fixture
def budget(clock: ManualClock) -> WeightBudget:
    return WeightBudget(6000, 60, clock, wait=clock.advance)


def test_a_fifth_of_the_limit_is_never_spent(budget):
    budget.acquire(4800, 0)
    with pytest.raises(BudgetExhausted):
        budget.acquire(1, 0)


def test_the_budget_is_whole_again_when_the_clock_minute_turns(budget, clock):
    clock.advance(50)
    budget.acquire(4800, 0)
    assert budget.delay_s(1) == pytest.approx(10)
    clock.advance(10)
    assert budget.delay_s(4800) == 0
    assert budget.used == 0


def test_acquire_waits_for_the_minute_to_turn(budget, clock):
    clock.advance(59)
    budget.acquire(4800, 0)
    before_s = clock.monotonic_s()
    budget.acquire(250, deadline_s=5)
    assert clock.monotonic_s() - before_s == pytest.approx(1)
    assert budget.used == 250


def test_a_wait_beyond_the_deadline_is_refused_at_once_with_both_numbers(budget, clock):
    budget.acquire(4800, 0)
    before_s = clock.monotonic_s()
    with pytest.raises(BudgetExhausted, match=r"weight 250 before 60\.0 s, the call has 5\.0 s"):
        budget.acquire(250, deadline_s=5)
    assert clock.monotonic_s() == before_s
    assert budget.used == 4800
    assert issubclass(BudgetExhausted, TransportError)


def test_a_weight_that_never_fits_is_a_mistake_not_a_wait(budget):
    with pytest.raises(ValueError, match="weight 4801 is more than the 4800 usable of 6000"):
        budget.acquire(4801, 60)


def test_what_the_exchange_reports_corrects_upwards_only(budget):
    budget.acquire(100, 0)
    budget.observe(4000)
    assert budget.used == 4000
    budget.observe(50)
    assert budget.used == 4000


def test_a_report_holds_for_its_minute_only(budget, clock):
    budget.observe(4800)
    clock.advance(60)
    assert budget.delay_s(1) == 0


def test_a_pause_delays_calls_there_is_budget_for(budget, clock):
    budget.pause(120)
    assert budget.delay_s(1) == pytest.approx(120)
    budget.pause(10)
    assert budget.delay_s(1) == pytest.approx(120)
    budget.acquire(1, 120.1)
    assert budget.delay_s(1) == 0


def test_a_wall_clock_that_steps_back_hands_out_no_minute_twice(clock):
    budget = WeightBudget(100, 60, clock, headroom=0)
    budget.acquire(100, 0)
    earlier = ManualClock(MINUTE_START_NS - 3600 * 10**9)
    budget._clock = earlier
    assert budget.delay_s(1) > 0


def test_threads_together_never_take_more_than_the_budget(clock):
    budget = WeightBudget(1000, 60, clock)
    taken: list[int] = []
    start = threading.Barrier(8)

    def take_all():
        start.wait()
        for _ in range(500):
            try:
                budget.acquire(1, 0)
            except BudgetExhausted:
                return
            taken.append(1)

    threads = [threading.Thread(target=take_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(taken) == 800


def test_closing_ends_a_wait_of_another_thread():
    budget = WeightBudget(100, 3600)
    budget.pause(3600)
    outcomes: list[BaseException] = []

    def wait():
        try:
            budget.acquire(1, 7200)
        except ServiceClosed as error:
            outcomes.append(error)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    budget.close()
    waiting.join(10)
    assert len(outcomes) == 1
    with pytest.raises(ServiceClosed):
        budget.acquire(1, 0)


@pytest.mark.parametrize(
    ("limit", "window_s", "headroom"), [(0, 60, 0.2), (1, 0, 0.2), (1, 60, 1.0), (1, 60, -0.1)]
)
def test_a_budget_that_makes_no_sense_is_refused(limit, window_s, headroom):
    with pytest.raises(ValueError, match="budget of"):
        WeightBudget(limit, window_s, headroom=headroom)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 80), st.floats(0, 90)), max_size=40))
def test_no_clock_minute_ever_holds_more_than_the_usable_weight(calls):
    clock = ManualClock(MINUTE_START_NS)
    budget = WeightBudget(100, 60, clock, wait=clock.advance)
    spent: dict[int, int] = {}
    for weight, pause_s in calls:
        clock.advance(pause_s)
        budget.acquire(weight, 61)
        minute = clock.now_ns() // (60 * 10**9)
        spent[minute] = spent.get(minute, 0) + weight
    assert all(weight <= 80 for weight in spent.values())


def test_a_sliding_window_counts_from_each_event(clock):
    window = SlidingWindow(5, 1.0, clock)
    for _ in range(5):
        assert window.delay_s() == 0
        window.record()
        clock.advance(0.1)
    assert window.delay_s() == pytest.approx(0.5)
    clock.advance(0.495)
    assert window.delay_s() == pytest.approx(0.005)
    clock.advance(0.01)
    assert window.delay_s() == 0


def test_events_over_the_limit_lengthen_the_wait(clock):
    window = SlidingWindow(2, 1.0, clock)
    for _ in range(4):
        window.record()
        clock.advance(0.1)
    assert window.delay_s() == pytest.approx(0.8)


def test_take_notes_an_event_only_if_it_is_allowed(clock):
    window = SlidingWindow(1, 1.0, clock)
    assert window.take() == 0
    assert window.take() == pytest.approx(1.0)
    clock.advance(1.0)
    assert window.take() == 0


def test_threads_together_take_no_more_than_the_window_allows(clock):
    window = SlidingWindow(100, 1.0, clock)
    start = threading.Barrier(8)
    allowed: list[int] = []

    def take():
        start.wait()
        allowed.extend(1 for _ in range(100) if window.take() == 0)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(allowed) == 100


@pytest.mark.parametrize(("limit", "window_s"), [(0, 1.0), (1, 0.0)])
def test_a_sliding_window_that_makes_no_sense_is_refused(limit, window_s):
    with pytest.raises(ValueError, match="both must be positive"):
        SlidingWindow(limit, window_s)


@settings(deadline=None)
@given(st.integers(1, 6), st.lists(st.floats(0, 2), max_size=60))
def test_no_window_of_any_begin_ever_holds_more_than_the_limit(limit, pauses_s):
    clock = ManualClock(MINUTE_START_NS)
    window = SlidingWindow(limit, 1.0, clock)
    times_s: list[float] = []
    for pause_s in pauses_s:
        clock.advance(pause_s)
        while (delay_s := window.take()) > 0:
            clock.advance(max(delay_s, 1e-9))
        times_s.append(clock.monotonic_s())
    for index, begin_s in enumerate(times_s):
        within = [each for each in times_s[index:] if each - begin_s < 1.0]
        assert len(within) <= limit
