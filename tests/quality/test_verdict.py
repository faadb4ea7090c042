import pytest

from workers.quality.filling import MOST_ATTEMPTS, Try, failed, postponed, verdict
from workers.quality.gap_rows import KnownGap
from workers.quality.holes import MINUTE_NS, Hole, Series, clusters, shares, subtract

GAP = KnownGap(
    exchange="deribit", market_type="perpetual", symbol="BTC-USD-PERP", data_type="trade",
    first_id=10, last_id=19, told_ns=1, missing=10,
)  # fmt: skip
NOW_NS = 10**18


def test_a_gap_with_nothing_missing_is_filled() -> None:
    after = verdict(GAP, Try([]), NOW_NS)
    assert (after.state, after.missing, after.why) == ("filled", 0, "")


def test_what_the_history_itself_lacks_is_unfillable_and_says_how_many() -> None:
    after = verdict(GAP, Try([(12, 13)], absent=[(11, 14)]), NOW_NS)
    assert (after.state, after.missing) == ("unfillable", 2)
    assert after.why == "the exchange's own history has no trade under 2 of these ids"


def test_a_long_gap_goes_on_at_once() -> None:
    after = verdict(GAP, Try([(15, 19)], left=[(15, 19)], time_is_up=True), NOW_NS)
    assert (after.state, after.missing, after.next_try_ns, after.attempts) == ("open", 5, NOW_NS, 0)


def test_a_limit_of_the_exchange_is_stated() -> None:
    after = verdict(GAP, Try([(10, 12)], left=[(10, 12)], why="24 h", final=True), NOW_NS)
    assert (after.state, after.missing, after.why) == ("unfillable", 3, "24 h")


def test_tries_in_vain_come_less_often_and_end() -> None:
    gap, waits = GAP, []
    for _ in range(MOST_ATTEMPTS - 1):
        gap = failed(gap, "HTTP 503", NOW_NS)
        waits.append((gap.next_try_ns - NOW_NS) // 10**9)
        assert (gap.state, gap.why) == ("open", "HTTP 503")
    assert waits == sorted(waits)
    assert (waits[0], waits[-1] <= 3600) == (30, True)
    gap = failed(gap, "HTTP 503", NOW_NS)
    assert (gap.state, gap.why) == ("unfillable", "tried 8 times in vain: HTTP 503")


def test_waiting_for_the_budget_is_no_try_in_vain() -> None:
    gap = GAP
    for _ in range(MOST_ATTEMPTS + 1):
        gap = postponed(gap, "no budget", NOW_NS, 12.5)
    assert (gap.state, gap.attempts, gap.why) == ("open", 0, "no budget")
    assert gap.next_try_ns == NOW_NS + 12_500_000_000


@pytest.mark.parametrize("missing", [1, 7, 60, 1000])
@pytest.mark.parametrize("minutes", [0, 1, 2, 5])
def test_the_missing_of_a_hole_add_up_over_its_minutes(missing: int, minutes: int) -> None:
    found = shares(missing, 10, 20 + minutes * MINUTE_NS)
    assert sum(found.values()) == missing
    assert all(each > 0 for each in found.values())
    assert max(found, default=0) <= minutes * MINUTE_NS


def test_a_hole_of_many_days_is_told_hour_by_hour_and_adds_up() -> None:
    days = 30 * 1440 * MINUTE_NS
    hole = Hole(Series("deribit", "perpetual", "BTC-USD-PERP", "trade"), 1, 10**6, 0, days)
    found = hole.by_minute([hole.ids], None)
    assert sum(found.values()) == 10**6
    assert len(found) == 30 * 24 + 1
    candles = hole._replace(last_id=30 * 1440)
    exact = candles.by_minute([candles.ids], MINUTE_NS)
    assert sum(exact.values()) == 30 * 1440
    assert set(exact.values()) == {59, 60, 1}


def test_ranges_are_cut_out_of_a_range() -> None:
    assert subtract((1, 10), [(3, 4), (4, 6), (9, 20)]) == [(1, 2), (7, 8)]
    assert subtract((1, 10), [(0, 10)]) == []
    assert subtract((1, 10), [(20, 30)]) == [(1, 10)]


def test_minutes_far_apart_are_spans_of_their_own() -> None:
    minutes = [each * MINUTE_NS for each in (1, 2, 4, 40)]
    found = clusters(minutes, 10 * MINUTE_NS, 100 * MINUTE_NS)
    assert found == [(MINUTE_NS, 5 * MINUTE_NS), (40 * MINUTE_NS, 41 * MINUTE_NS)]
