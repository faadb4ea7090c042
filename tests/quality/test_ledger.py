"""The ledger against tables whose holes are known."""

import time

import pytest

from config.settings import ClickHouseSettings
from tests.quality.conftest import BEGIN_NS, MINUTE_NS, Store, gap, trade, unused
from workers.quality.gap_rows import KnownGap, read_gaps, write_gaps
from workers.quality.ledger import look
from workers.quality.stored_rows import missing_ids
from workers.quality.told import OVERLAP_NS
from workers.quality.window_rows import DAY_S, HOUR_S, reached, read_windows

DAY_NS = DAY_S * 1_000_000_000


def after(minutes: float) -> int:
    """A time at which so many minutes are over for longer than the grace."""
    return BEGIN_NS + round(minutes * MINUTE_NS) + 30 * 10**9


def minutes_of(clickhouse: ClickHouseSettings, length_s: int = 60) -> list[tuple[int, ...]]:
    """Expected, stored, missing, duplicates and backfilled of each window."""
    found = read_windows(clickhouse, length_s, BEGIN_NS, BEGIN_NS + DAY_NS)
    picked = [
        found.columns.index(name)
        for name in ("expected", "stored", "missing", "duplicates", "backfilled")
    ]
    return [tuple(row[place] for place in picked) for row in found.rows]


def proofs(clickhouse: ClickHouseSettings) -> list[str]:
    return [row[-1] for row in read_windows(clickhouse, 60, BEGIN_NS, BEGIN_NS + DAY_NS).rows]


def told(clickhouse: ClickHouseSettings) -> list[tuple[object, ...]]:
    return [(each.first_id, each.last_id, each.cause, each.state) for each in read_gaps(clickhouse)]


def test_a_clean_run_has_no_hole_and_every_minute_adds_up(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    store(trade(1000 + n, n) for n in range(300))
    look(clickhouse, "binance_spot", after(5))
    assert minutes_of(clickhouse) == [(60, 60, 0, 0, 0)] * 5
    assert minutes_of(clickhouse, HOUR_S) == minutes_of(clickhouse, DAY_S) == [(300, 300, 0, 0, 0)]
    assert read_gaps(clickhouse) == []
    assert proofs(clickhouse) == ["verified"] * 4 + ["open"]


def test_trades_that_come_late_and_out_of_order_are_no_hole(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    trades = [trade(1000 + n, n) for n in range(120)]
    store(each for each in trades if each.trade_id not in range(1070, 1080))
    look(clickhouse, "binance_spot", after(1))
    assert read_gaps(clickhouse) == []
    store(trades[70:80][::-1])
    look(clickhouse, "binance_spot", after(2))
    assert read_gaps(clickhouse) == []
    assert minutes_of(clickhouse) == [(60, 60, 0, 0, 0)] * 2


def test_each_of_twenty_holes_is_told_once_and_none_is_invented(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    holes = [(1000 + 50 * n, 1000 + 50 * n + n) for n in range(1, 21)]
    gone = {each for first, last in holes for each in range(first, last + 1)}
    store(trade(each, (each - 1000) / 2) for each in range(1000, 2100) if each not in gone)
    store([gap(first, last, last - 1000) for first, last in holes[:10]])
    for minutes in (3, 6, 10, 10):
        look(clickhouse, "binance_spot", after(minutes))
    wanted = [(*each, "network" if n < 10 else "unknown", "open") for n, each in enumerate(holes)]
    assert sorted(told(clickhouse)) == sorted(wanted)
    rows = minutes_of(clickhouse)
    assert sum(row[2] for row in rows) == len(gone)
    assert sum(row[0] for row in rows) == 1100
    assert minutes_of(clickhouse, DAY_S) == [(1100, 1100 - len(gone), len(gone), 0, 0)]


def test_a_hole_of_minutes_is_seen_in_each_of_them_until_it_is_filled(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    trades = [trade(1000 + n, n) for n in range(600)]
    store(trades[:90] + trades[330:])
    look(clickhouse, "binance_spot", after(10))
    assert [row[2] for row in minutes_of(clickhouse)] == [0, 0, 60, 60, 60, 60, 0, 0, 0, 0]
    assert told(clickhouse) == [(1090, 1329, "unknown", "open")]
    store(trade(each.trade_id, each.trade_id - 1000, "backfill") for each in trades[90:330])
    look(clickhouse, "binance_spot", after(10.2))
    rows = minutes_of(clickhouse)
    assert [row[:3] for row in rows] == [(60, 60, 0)] * 10
    assert sum(row[4] for row in rows) == 240
    assert len(read_gaps(clickhouse)) == 1


def test_what_is_filled_of_an_outage_of_days_is_not_missing_any_more(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    """What is left is spread anew; where it was told before it is not."""
    made = [trade(1000 + n, n * 43_200) for n in range(11)]  # two trades a day
    end = after(5 * 1440 + 1)
    store([made[0]])
    look(clickhouse, "binance_spot", after(1))
    # What is stored from now on is new; the quiet days between are not looked at one by one.
    reached(clickhouse, {"trades:binance_spot": time.time_ns() + OVERLAP_NS})
    store([made[10]])
    look(clickhouse, "binance_spot", end)

    def told() -> int:
        found = read_windows(clickhouse, 60, BEGIN_NS, BEGIN_NS + 6 * DAY_NS)
        missing = found.columns.index("missing")
        return sum(row[missing] for row in found.rows)

    assert told() == 9
    for part, left in ((made[1:3], 7), (made[3:10], 0)):
        reached(clickhouse, {"trades:binance_spot": time.time_ns() + OVERLAP_NS})
        store(trade(each.trade_id, (each.trade_id - 1000) * 43_200, "backfill") for each in part)
        look(clickhouse, "binance_spot", end)
        assert told() == left


def test_an_old_hole_filled_to_its_end_leaves_nothing_in_the_minute_behind_it(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    trades = [trade(1000 + n, n) for n in range(600)]
    store(trades[:90] + trades[360:])
    look(clickhouse, "binance_spot", after(60))
    assert [row[2] for row in minutes_of(clickhouse)][:8] == [0, 0, 54, 54, 54, 54, 54, 0]
    # What is stored from now on is new; nothing before it is looked at again.
    reached(clickhouse, {"trades:binance_spot": time.time_ns() + OVERLAP_NS})
    store(trade(each.trade_id, each.trade_id - 1000, "backfill") for each in trades[90:360])
    look(clickhouse, "binance_spot", after(60.2))
    assert [row[:3] for row in minutes_of(clickhouse)][:10] == [(60, 60, 0)] * 10


def test_trades_far_apart_that_fill_one_hole_do_not_open_it_again(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    """They are counted one after the other; meanwhile the others are not missing."""
    quiet = [trade(1000 + n, 1800 * n) for n in range(5)]
    store([quiet[0], quiet[4]])
    look(clickhouse, "binance_spot", after(121))
    (found,) = read_gaps(clickhouse)
    store(trade(each.trade_id, 1800 * (each.trade_id - 1000), "backfill") for each in quiet[1:4])
    write_gaps(clickhouse, [found.now("filled", missing=0)])
    look(clickhouse, "binance_spot", after(121.1))
    assert [each.state for each in read_gaps(clickhouse)] == ["filled"]
    assert sum(row[2] for row in minutes_of(clickhouse)) == 0


def test_a_half_filled_hole_is_one_gap_and_what_is_left_is_still_missing(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    trades = [trade(1000 + n, n) for n in range(600)]
    store(trades[:90] + trades[330:])
    look(clickhouse, "binance_spot", after(10))
    store(trade(each.trade_id, each.trade_id - 1000, "backfill") for each in trades[90:200])
    look(clickhouse, "binance_spot", after(10.2))
    assert sum(row[2] for row in minutes_of(clickhouse)) == 130
    assert told(clickhouse) == [(1090, 1329, "unknown", "open")]


def test_where_a_backfill_was_begun_by_choice_is_no_hole(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    store(trade(each, each / 10, "backfill") for each in range(10, 500))
    store(trade(each, each / 10) for each in range(5000, 6000))
    look(clickhouse, "binance_spot", after(11))
    assert read_gaps(clickhouse) == []
    assert sum(row[2] for row in minutes_of(clickhouse)) == 0


def test_ids_the_exchange_left_out_are_not_missing(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    store(trade(1000 + n, n) for n in range(120) if n not in (50, 51, 70, 71))
    store([unused(1050, 50), unused(1051, 51.1), unused(1070, 70)])
    look(clickhouse, "binance_spot", after(2))
    assert told(clickhouse) == [(1071, 1071, "unknown", "open")]
    assert [row[:3] for row in minutes_of(clickhouse)] == [(58, 58, 0), (59, 58, 1)]


def test_aggregates_have_ids_of_their_own_and_those_named_by_their_last_trade_cover_many(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    store(trade(1000 + n, n) for n in range(60))
    plain = {"aggregate": True, "first_trade_id": 900, "last_trade_id": 901}
    store(trade(n, n, **plain) for n in range(10) if n not in (4, 5))
    fills = ((100, 104), (105, 105), (110, 119))
    store(
        trade(last, last - 60, symbol="ETH-USDT", aggregate=True,
              first_trade_id=first, last_trade_id=last)
        for first, last in fills
    )  # fmt: skip
    look(clickhouse, "binance_spot", after(1))
    found = [(each.symbol, each.data_type, each.ids) for each in read_gaps(clickhouse)]
    assert sorted(found) == [
        ("BTC-USDT", "aggregate-trade", (4, 5)),
        ("ETH-USDT", "aggregate-trade", (106, 109)),
    ]
    series = read_gaps(clickhouse, "symbol = 'ETH-USDT'")[0].series
    assert missing_ids(clickhouse, series, 102, 112) == [(106, 109)]
    assert missing_ids(clickhouse, series, 106, 107) == [(106, 107)]


def test_ids_counted_anew_are_no_hole_of_the_table(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    store(trade(5000 + n, n) for n in range(60))
    store(trade(1 + n, 60 + n) for n in range(60))
    store([gap(None, None, 60, "sequence")])
    look(clickhouse, "binance_spot", after(2))
    assert told(clickhouse) == [(None, None, "exchange", "unfillable")]
    assert sum(row[2] for row in minutes_of(clickhouse)) == 0


def test_a_trade_delivered_three_times_is_stored_once_and_its_repeats_are_counted(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    trades = [trade(1000 + n, n) for n in range(60)]
    for _ in range(3):
        store(trades[:10])
    store(trades)
    look(clickhouse, "binance_spot", after(1))
    ((expected, stored, missing, repeats, _),) = minutes_of(clickhouse)
    assert (expected, stored, missing) == (60, 60, 0)
    assert 0 <= repeats <= 30  # ClickHouse may have merged some of them already


def test_ids_missing_again_open_their_gap_again(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    store(trade(1000 + n, n) for n in range(60) if n != 30)
    look(clickhouse, "binance_spot", after(1))
    (found,) = read_gaps(clickhouse)
    write_gaps(clickhouse, [found.now("filled", missing=0)])
    look(clickhouse, "binance_spot", after(1.1))
    (again,) = read_gaps(clickhouse)
    assert (again.state, again.missing, again.why) == (
        "open",
        1,
        "missing again after it was filled",
    )


@pytest.mark.parametrize("order", ["event first", "hole first"])
def test_a_collectors_gap_and_the_hole_in_the_table_are_one_row(
    clickhouse: ClickHouseSettings, store: Store, order: str
) -> None:
    trades = [trade(1000 + n, n) for n in range(120) if n not in range(40, 50)]
    event = gap(1040, 1049, 51, "restart")
    for first in (True, False):
        store([event] if first == (order == "event first") else trades)
        look(clickhouse, "binance_spot", after(2))
    (found,) = read_gaps(clickhouse)
    assert isinstance(found, KnownGap)
    assert (found.ids, found.cause, found.told_as) == ((1040, 1049), "ours", "restart")
    assert (found.begun_ns, found.ended_ns) == (BEGIN_NS + 39 * 10**9, BEGIN_NS + 50 * 10**9)
