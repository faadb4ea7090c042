"""Counting without a server."""

from workers.simulator.binance.limits import LimitOptions, SlidingCount, WeightMeter


def test_weight_is_forgotten_when_the_clock_minute_turns() -> None:
    meter = WeightMeter(LimitOptions(weight=10))
    assert meter.charge(10, 59.0) is None
    refusal = meter.charge(1, 59.5)
    assert refusal is not None
    assert (refusal.status, refusal.retry_after_s) == (429, 1)
    assert meter.charge(10, 60.0) is None


def test_each_ban_is_twice_as_long_as_the_one_before() -> None:
    meter = WeightMeter(LimitOptions(weight=1, patience=0, ban_s=120.0))
    first = meter.charge(2, 0.0)
    assert first is not None
    assert (first.status, first.retry_after_s) == (418, 120)
    assert meter.charge(1, 119.0) is not None
    assert meter.charge(1, 121.0) is None
    second = meter.charge(2, 122.0)
    assert second is not None
    assert (second.status, second.retry_after_s) == (418, 240)


def test_a_sliding_count_frees_itself_as_time_passes() -> None:
    count = SlidingCount(2, 1.0)
    assert [count.record(at) for at in (0.0, 0.5, 0.9)] == [True, True, False]
    assert count.record(1.95)
