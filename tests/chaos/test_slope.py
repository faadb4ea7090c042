"""What a slope of memory is taken from, and when it is called a leak."""

import pytest

from tests.chaos.slope import Sample, slope, too_steep

HOUR_S = 3600


def lived(pid: int, begin_s: int, end_s: int, begin_mb: float, mb_h: float) -> list[Sample]:
    return [
        Sample(at_s, pid, begin_mb + mb_h * (at_s - begin_s) / HOUR_S)
        for at_s in range(begin_s, end_s, 5)
    ]


def test_a_steady_growth_is_its_slope_whatever_the_first_minutes_were() -> None:
    warm_up = [Sample(at_s, 7, 10 + at_s / 5) for at_s in range(0, 300, 5)]
    found = slope(warm_up + lived(7, 300, 2 * HOUR_S, 80, 3.0), [], 300)
    assert found.mb_h == pytest.approx(3.0)
    assert too_steep({"writer": found}) == ["writer grew by 3.0 MB/h over 115 min"]


def test_one_step_of_two_megabytes_in_half_an_hour_is_no_leak() -> None:
    before, after = lived(7, 0, 1250, 80, 0.0), lived(7, 1250, 2200, 82, 0.0)
    found = slope(before + after, [], 300)
    assert found.judged
    assert (found.mb_h or 0) > 1.0
    assert too_steep({"writer": found}) == []


def test_a_short_stretch_is_shown_and_not_judged() -> None:
    found = slope(lived(7, 0, 1500, 80, 60.0), [], 300)
    assert found.mb_h == pytest.approx(60)
    assert not found.judged
    assert too_steep({"writer": found}) == []


def test_a_kill_and_a_fault_end_a_stretch_and_the_longest_one_counts() -> None:
    samples = [
        *lived(7, 0, 1000, 80, 500.0),
        *lived(8, 1000, 2000, 80, 500.0),
        *lived(8, 2000, 6000, 90, 1.0),
    ]
    found = slope(samples, [2000.0], 300)
    assert found.lifetimes == 2
    assert found.mb_h == pytest.approx(1.0)
    assert round(found.stretch_s) == 3695


def test_a_program_that_never_lived_through_its_warm_up_has_no_slope() -> None:
    assert slope(lived(7, 0, 200, 80, 9.0), [], 300).mb_h is None
