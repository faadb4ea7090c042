"""The ledger of what is no trade: books by their chain, periods by their pace, the rest counted."""

import typing

import pytest

from config.settings import ClickHouseSettings
from tests.quality.conftest import BEGIN_NS, MINUTE_NS, Store, common
from workers.exchanges.asking import HOUR_NS
from workers.model.events import (
    AnyEvent,
    BookDelta,
    FundingRate,
    Gap,
    Kline,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    OrderBook,
    Source,
    Ticker,
    VolatilityIndex,
)
from workers.quality.countable import ABOUT_DATA, COUNTABLES
from workers.quality.gap_rows import ABSENT, read_gaps, write_gaps
from workers.quality.holes import Series
from workers.quality.ledger import look
from workers.quality.stored_rows import missing_ids
from workers.quality.window_rows import DAY_S, read_windows

EXCHANGE = "binance_derivatives"
SYMBOL = "BTC-USDT-PERP"
DAY_NS = DAY_S * 1_000_000_000
PRICES = {"open": "1", "high": "1", "low": "1", "close": "1"}


def facts(at_s: float, source: Source = "live", **more: object) -> dict[str, typing.Any]:
    of_symbol = {"exchange": EXCHANGE, "market_type": "perpetual", "symbol": SYMBOL}
    return {**common(at_s), **of_symbol, "raw_symbol": "BTCUSDT", "source": source, **more}


def delta(first: int, last: int, at_s: float, before: int | None) -> BookDelta:
    return BookDelta(
        **facts(at_s), first_update_id=first, last_update_id=last, prev_update_id=before,
        bids=[], asks=[],
    )  # fmt: skip


def chained(links: range, *without: int) -> list[BookDelta]:
    """One a second; ids grow by ten and mean nothing between."""
    return [delta(10 * n + 7, 10 * n + 10, n, 10 * n) for n in links if n not in without]


def candle(minute: float, source: Source = "poll", *, closed: bool = True) -> Kline:
    at_s = minute * 60
    open_ns = BEGIN_NS + round(at_s * 1e9)
    return Kline(
        **facts(at_s + 60, source), interval="1m", open_time_ns=open_ns, closed=closed, **PRICES
    )


def paid(hours: float, source: Source = "poll") -> FundingRate:
    """Paid a few milliseconds late, as Binance does."""
    at_ns = BEGIN_NS + round(hours * HOUR_NS) + 5_000_000
    of_row = facts(0, source) | {"exchange_ns": at_ns, "received_ns": at_ns + 10**9}
    return FundingRate(**of_row, funding_rate="0.0001", funding_time_ns=at_ns)


def counted(clickhouse: ClickHouseSettings, end_min: float, length_s: int = 60) -> dict[str, list]:  # type: ignore[type-arg]
    """(window, expected, stored, missing, unused) of each window, by series, after a look."""
    look(clickhouse, EXCHANGE, BEGIN_NS + round(end_min * MINUTE_NS) + 30 * 10**9)
    found = read_windows(clickhouse, length_s, BEGIN_NS, BEGIN_NS + 40 * DAY_NS)
    rows: dict[str, list[tuple[int, ...]]] = {}
    for row in found.rows:
        each = dict(zip(found.columns, row, strict=True))
        place = (each["window_ns"] - BEGIN_NS) // (length_s * 10**9)
        numbers = (place, *(each[name] for name in ("expected", "stored", "missing", "unused")))
        rows.setdefault(each["data_type"], []).append(numbers)
    return rows


def gaps(clickhouse: ClickHouseSettings) -> list[tuple[object, ...]]:
    return [
        (each.data_type, each.ids, each.missing, each.cause, each.state)
        for each in read_gaps(clickhouse)
    ]


def test_every_type_of_event_is_counted_or_is_about_the_data() -> None:
    types = {each.__struct_config__.tag for each in typing.get_args(AnyEvent)}
    assert types == {each.event_type for each in COUNTABLES} | ABOUT_DATA
    assert all(each.how for each in COUNTABLES)


def test_a_chain_without_a_break_lacks_nothing_whatever_its_ids_are(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    store(chained(range(120)))
    store(chained(range(30, 40)))  # a second collector published them too
    assert counted(clickhouse, 2)["orderbook-delta"] == [(0, 60, 60, 0, 0), (1, 60, 60, 0, 0)]
    assert gaps(clickhouse) == []


def test_updates_lost_behind_the_collector_are_a_break_of_unknown_cause(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    store(chained(range(120), 70, 71, 72))
    assert counted(clickhouse, 2)["orderbook-delta"] == [(0, 60, 60, 0, 0), (1, 58, 57, 1, 0)]
    assert gaps(clickhouse) == [("orderbook-delta", (701, 730), 1, "unknown", "unfillable")]


@pytest.mark.parametrize("ids", [(701, 730), (None, None)])
def test_a_break_the_collector_told_is_named_once_and_by_its_cause(
    clickhouse: ClickHouseSettings, store: Store, ids: tuple[int | None, int | None]
) -> None:
    store(chained(range(120), 70, 71, 72))
    store([Gap(**facts(73), data_type="orderbook-delta", cause="disconnect",
               first_id=ids[0], last_id=ids[1])])  # fmt: skip
    rows = counted(clickhouse, 2)["orderbook-delta"]
    assert [row[3] for row in rows] == [0, 1]
    ((_, known, _, cause, state),) = gaps(clickhouse)
    assert (cause, state) == ("network", "unfillable")
    assert known == (None if ids[0] is None else ids)


def test_a_break_between_two_looks_is_seen_and_a_quiet_chain_is_not_one(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    links = chained(range(60))
    store(links)
    counted(clickhouse, 1)
    behind = delta(700, 705, 301, 610)  # follows 610, which is not stored; the last one was 600
    quiet = delta(606, 610, 301, 600)
    store([behind])
    rows = counted(clickhouse, 6)["orderbook-delta"]
    assert sum(row[3] for row in rows) == 1
    store([quiet])
    rows = counted(clickhouse, 6.1)["orderbook-delta"]
    assert sum(row[3] for row in rows) == 0


def test_a_missing_candle_is_missing_in_its_own_minute_until_it_comes(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    store(candle(n) for n in range(30) if n not in (7, 8, 20))
    store([candle(20, closed=False)])  # it ran, and was never closed
    rows = counted(clickhouse, 30)["kline-1m"]
    assert [row[0] for row in rows if row[3]] == [7, 8, 20]
    assert sum(row[1] for row in rows) == 30
    first = BEGIN_NS // MINUTE_NS
    assert sorted(gaps(clickhouse)) == [
        ("kline-1m", (first + 7, first + 8), 2, "unknown", "open"),
        ("kline-1m", (first + 20, first + 20), 1, "unknown", "open"),
    ]
    series = Series(EXCHANGE, "perpetual", SYMBOL, "kline-1m")
    assert missing_ids(clickhouse, series, first + 5, first + 9) == [(first + 7, first + 8)]
    store(candle(n, "backfill") for n in (7, 8, 20))
    rows = counted(clickhouse, 30.2)["kline-1m"]
    assert [(row[3], row[4]) for row in rows] == [(0, 0)] * 30


def test_candles_without_which_the_exchange_goes_on_are_not_missing(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    store(candle(n) for n in range(30) if n not in (7, 8))
    counted(clickhouse, 30)
    (gap,) = read_gaps(clickhouse)
    write_gaps(clickhouse, [gap.now("filled", missing=0, told_as=ABSENT, cause="exchange")])
    rows = counted(clickhouse, 31)["kline-1m"]
    assert [(row[0], row[4]) for row in rows if row[4]] == [(7, 1), (8, 1)]
    assert sum(row[3] for row in rows) == 0
    assert [each.state for each in read_gaps(clickhouse)] == ["filled"]


def test_candles_of_no_known_length_are_counted_and_prove_nothing(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    """Months, and what a package of somebody else's may call a period."""
    for interval in ("1M", "45m"):
        for minute in (1, 20):
            each = candle(minute)
            each.interval = interval
            store([each])
    found = counted(clickhouse, 30)
    assert found["kline-1M"] == found["kline-45m"] == [(1, 1, 1, 0, 0), (20, 1, 1, 0, 0)]
    assert gaps(clickhouse) == []


def test_candles_fetched_by_choice_leave_no_hole_to_those_collected_nor_between_them(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    store(candle(n, "backfill") for n in (*range(10), *range(60, 70)))
    store(candle(n) for n in range(200, 230))
    assert sum(row[3] for row in counted(clickhouse, 230)["kline-1m"]) == 0
    assert gaps(clickhouse) == []


@pytest.mark.parametrize(
    ("hours", "missing"),
    [((0, 8, 16, 32, 40), [24]), ((0, 1, 2, 5), [3, 4]), ((0, 8, 16, 20, 24), [4, 12])],
)
def test_payments_come_at_their_own_pace_and_each_that_is_missing_is_one(
    clickhouse: ClickHouseSettings, store: Store, hours: tuple[int, ...], missing: list[int]
) -> None:
    """The shortest distance counts; where a pace changed, the exchange's history has the word."""
    counted(clickhouse, 0)  # the ledger has begun
    expected_rates = [
        FundingRate(**facts(60.0 * n), funding_rate="0.0002", funding_time_ns=BEGIN_NS + HOUR_NS)
        for n in range(5)
    ]
    store([*(paid(each) for each in hours), *expected_rates])
    by_hour = counted(clickhouse, 60 * (hours[-1] + 2), 3600)
    rows = by_hour["funding-rate-paid"]
    assert [row[0] for row in rows if row[3]] == missing
    assert sum(row[1] for row in rows) == len(hours) + len(missing)
    assert sum(each[2] for each in gaps(clickhouse)) == len(missing)  # type: ignore[misc]
    assert by_hour["funding-rate"] == [(0, 5, 5, 0, 0)]


def test_payments_looked_at_one_by_one_tell_the_same(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    for hours in (0, 8, 24):
        store([paid(hours)])
        rows = counted(clickhouse, 60 * hours + 60, 3600)["funding-rate-paid"]
    assert [(row[0], row[3]) for row in rows] == [(0, 0), (8, 0), (16, 1), (24, 0)]
    begin = BEGIN_NS // HOUR_NS
    assert gaps(clickhouse) == [
        ("funding-rate-paid", (begin + 9, begin + 16), 1, "unknown", "open")
    ]


def test_statistics_are_counted_by_kind_and_period(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    of_ratio = {"period": "5m", "long_short_ratio": "1"}
    store(
        LongShortRatio(**facts(300.0 * n, "poll"), kind="top_accounts", **of_ratio)
        for n in (0, 1, 3)
    )
    store(
        LongShortRatio(**facts(300.0 * n, "poll"), kind="all_accounts", **of_ratio)
        for n in (0, 1, 2, 3)
    )
    store(OpenInterest(**facts(300.0 * n, "poll"), open_interest="1") for n in (0, 1, 4))
    store(OpenInterest(**facts(60.0 * n + 0.25, "poll"), open_interest="1") for n in range(20))
    store(VolatilityIndex(**facts(60.0 * n, "poll"), close="1", resolution="1m") for n in (1, 3))
    store(VolatilityIndex(**facts(float(n)), close="1") for n in range(60))
    found = counted(clickhouse, 30)
    assert [row[0] for row in found["long-short-ratio-top_accounts-5m"] if row[3]] == [10]
    assert sum(row[3] for row in found["long-short-ratio-all_accounts-5m"]) == 0
    assert [row[0] for row in found["open-interest-5m"] if row[3]] == [10, 15]
    assert [row[0] for row in found["volatility-index-1m"] if row[3]] == [2]
    assert sum(row[2] for row in found["open-interest"]) == 20
    assert found["volatility-index"] == [(0, 60, 60, 0, 0)]


def test_what_has_nothing_to_count_by_is_counted_and_called_unverifiable(
    clickhouse: ClickHouseSettings, store: Store
) -> None:
    tickers = [Ticker(**facts(n), best_bid_price=str(n), last_price=None) for n in range(90)]
    store(tickers)
    store(tickers[:5])
    store([OrderBook(**facts(1), last_update_id=1, bids=[], asks=[], depth=0, state="SYNCED",
                     verified_depth=0)])  # fmt: skip
    store([Liquidation(**facts(2), side="buy", price="1", quantity="1", sampled=True)])
    found = counted(clickhouse, 2)
    assert found["ticker"] == [(0, 60, 60, 0, 0), (1, 30, 30, 0, 0)]
    assert found["orderbook"] == found["liquidation"] == [(0, 1, 1, 0, 0)]
    read = read_windows(clickhouse, 60, BEGIN_NS, BEGIN_NS + DAY_NS)
    assert {row[-1] for row in read.rows} == {"unverifiable"}
    assert gaps(clickhouse) == []
