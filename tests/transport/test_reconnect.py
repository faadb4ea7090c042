import pytest

from workers.transport.reconnect import Backoff


def steady(first_s: float = 1.0, limit_s: float = 30.0) -> Backoff:
    return Backoff(first_s, limit_s, random=lambda: 0.5)


def test_delays_double_up_to_the_limit_and_stay_there():
    backoff = steady()
    assert [backoff.next_s() for _ in range(8)] == [1, 2, 4, 8, 16, 30, 30, 30]
    assert backoff.attempts == 8


def test_reset_begins_again():
    backoff = steady()
    backoff.next_s()
    backoff.next_s()
    backoff.reset()
    assert (backoff.attempts, backoff.next_s()) == (0, 1)


@pytest.mark.parametrize(("drawn", "delay_s"), [(0.0, 8.0), (0.5, 10.0), (0.999999, 12.0)])
def test_jitter_varies_a_delay_by_a_fifth_both_ways(drawn, delay_s):
    backoff = Backoff(10, 10, random=lambda: drawn)
    assert backoff.next_s() == pytest.approx(delay_s, rel=1e-5)


def test_delays_of_two_connections_differ():
    assert Backoff(1, 30).next_s() != Backoff(1, 30).next_s()


def test_thousands_of_attempts_do_not_overflow():
    backoff = steady()
    assert [backoff.next_s() for _ in range(5000)][-1] == 30


@pytest.mark.parametrize(("first_s", "jitter"), [(0, 0.2), (-1, 0.2), (1, 1.0), (1, -0.1)])
def test_a_backoff_that_makes_no_sense_is_refused(first_s, jitter):
    with pytest.raises(ValueError, match="must be positive"):
        Backoff(first_s, 30, jitter)
