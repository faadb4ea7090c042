"""Periods that are missing, found by the ledger and filled from each exchange's history."""

import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.collector.dialects import DERIBIT, OKX_DERIVATIVES, SPOT, USDM, Dialect
from tests.quality.filling import Filling, filling
from tests.waiting import wait_until
from workers.model.codec import encode
from workers.model.events import AnyEvent
from workers.quality.countable import countable, number_of, period_ns, times_of
from workers.quality.gap_rows import KnownGap, read_gaps, write_gaps
from workers.quality.holes import MINUTE_NS, Series
from workers.quality.ledger import GRACE_NS, look
from workers.quality.stored_rows import missing_ids
from workers.quality.window_rows import read_windows
from workers.replay.backfill import Filled
from workers.runtime.backfill_periods import of_periods
from workers.store.insert import Inserter
from workers.store.queries import query
from workers.store.tables import BY_TYPE

KLINES, SECONDS = "kline-1m", "kline-1s"
PAID, OPEN_INTEREST = "funding-rate-paid", "open-interest-5m"
RATIOS = ("long-short-ratio-top_accounts-5m", "long-short-ratio-taker_volume-1h")
HISTORIES = (
    pytest.param(SPOT, (SECONDS,), id="binance_spot"),
    pytest.param(USDM, (PAID, OPEN_INTEREST, *RATIOS), id="binance_derivatives"),
    pytest.param(OKX_DERIVATIVES, (PAID, OPEN_INTEREST, *RATIOS), id="okx_derivatives"),
    pytest.param(DERIBIT, (PAID, "volatility-index-1m"), id="deribit"),
)
"""A simulated exchange has no candles from before it began, so those of a second are asked for."""
MANY = 12


def series_of(dialect: Dialect, data_type: str) -> Series:
    symbol, kind = dialect.symbols[0], "spot" if dialect is SPOT else "perpetual"
    if data_type.startswith("volatility"):
        symbol, kind = "BTC-DVOL", "option"
    return Series(dialect.exchange, kind, symbol, data_type)


def history(running: Filling, series: Series) -> dict[int, AnyEvent]:
    """The newest rows the exchange has of a series, by their ids."""
    length = period_ns(series.data_type) or 0
    last = number_of(series.data_type, time.time_ns()) - 2
    step = 8 if series.data_type == PAID and running.name != "deribit" else 1
    came: list[AnyEvent] = []

    def keep(events: Sequence[AnyEvent], _: float) -> bool:
        came.extend(events)
        return True

    backfill = of_periods(running.pollers.of(running.name), series, keep)
    asked = [(last - MANY * step, last)]
    for _ in backfill.run(asked, Filled(), until_s=time.monotonic() + 60):
        continue
    assert length
    ids = [number_of(series.data_type, at_of(each)) for each in came]
    return dict(zip(ids, came, strict=True))


def enough(made: dict[int, AnyEvent]) -> dict[int, AnyEvent]:
    return made if len(made) >= 5 else {}


def at_of(event: AnyEvent) -> int:
    at_ns = getattr(event, "open_time_ns", None) or event.exchange_ns
    assert at_ns is not None
    return at_ns


def put(running: Filling, events: Sequence[AnyEvent]) -> None:
    """Into the table, as polled."""
    for each in events:
        each.source = "poll"
    inserter = Inserter(running.settings.clickhouse)
    table = BY_TYPE[str(events[0].__struct_config__.tag)]
    inserter.insert(table, [encode(each) for each in events], uuid.uuid4().hex)
    inserter.close()


def gap_of(running: Filling, series: Series) -> KnownGap:
    found = [each for each in gaps(running) if each.series == series]
    assert len(found) == 1, found
    return found[0]


def gaps(running: Filling) -> list[KnownGap]:
    return read_gaps(running.settings.clickhouse)


def rows(running: Filling, series: Series) -> list[dict[str, Any]]:
    """What is stored of a series, without what differs from one asking to the next."""
    kind = countable(series.data_type)
    sql = (
        f"SELECT * EXCEPT (received_ns, published_ns, stored_ns) FROM {kind.table} WHERE "
        f"symbol = %(symbol)s AND {kind.series} = %(data_type)s AND ({kind.where}) "
        f"ORDER BY {kind.at}"
    )
    asked = {"symbol": series.symbol, "data_type": series.data_type}
    found = query(running.settings.clickhouse, sql, asked)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


@pytest.mark.parametrize(("dialect", "data_types"), HISTORIES)
def test_periods_that_are_missing_are_named_filled_and_counted(
    dialect: Dialect, data_types: Sequence[str], settings_env: dict[str, str], tmp_path: Path
) -> None:
    with filling(settings_env, tmp_path, dialect) as running:
        all_series = [series_of(dialect, each) for each in data_types]
        look(running.settings.clickhouse, running.name)  # the ledger has begun
        lost: dict[Series, list[int]] = {}
        for series in all_series:
            made = wait_until(lambda each=series: enough(history(running, each)), 30, f"{series}")
            ids = sorted(made)
            lost[series] = ids[1:3]
            put(running, [event for each, event in made.items() if each not in lost[series]])
        look(running.settings.clickhouse, running.name, time.time_ns() + GRACE_NS + MINUTE_NS)
        for series in all_series:
            gap = gap_of(running, series)
            assert (gap.state, gap.missing) == ("open", 2), series
            assert gap.ids is not None
            assert gap.ids[1] == lost[series][-1]
            running.fill_whole(gap)
            stored = rows(running, series)
            fetched = [row for row in stored if row["source"] == "backfill"]
            assert len(fetched) == 2, series
            assert missing_ids(running.settings.clickhouse, series, *gap.ids) == []
        look(running.settings.clickhouse, running.name, time.time_ns() + GRACE_NS + MINUTE_NS)
        day = time.time_ns() - 10 * 86_400 * 10**9
        counted = read_windows(running.settings.clickhouse, 60, day, time.time_ns())
        missing, backfilled = counted.columns.index("missing"), counted.columns.index("backfilled")
        assert sum(row[missing] for row in counted.rows) == 0
        assert sum(row[backfilled] for row in counted.rows) == 2 * len(all_series)
        assert [each for each in gaps(running) if each.state != "filled"] == []


def test_a_candle_the_exchange_does_not_have_is_asked_for_twice_and_then_is_no_gap(
    settings_env: dict[str, str], tmp_path: Path
) -> None:
    """What lies before the simulated exchange began has no candle."""
    with filling(settings_env, tmp_path, SPOT) as running:
        series = series_of(SPOT, KLINES)
        last = number_of(KLINES, time.time_ns()) - 3 * 365 * 1440
        gap = KnownGap(
            **series._asdict(), first_id=last - 3, last_id=last, told_ns=1, missing=4,
            ended_ns=times_of(KLINES, (last, last))[1],
        )  # fmt: skip
        write_gaps(running.settings.clickhouse, [gap])
        first = running.fill(gap)
        assert (first["state"], first["missing"]) == ("open", 4)
        assert "asked once more" in first["why"]
        assert running.fill(gap)["state"] == "filled"
        (after,) = gaps(running)
        assert after.absent
        assert after.cause == "exchange"
        assert running.fill(gap)["questions"] == 0


def test_what_is_older_than_the_exchange_gives_is_unfillable_and_says_why(
    settings_env: dict[str, str], tmp_path: Path
) -> None:
    with filling(settings_env, tmp_path, USDM) as running:
        series = series_of(USDM, OPEN_INTEREST)
        last = number_of(OPEN_INTEREST, time.time_ns()) - 40 * 288
        gap = KnownGap(**series._asdict(), first_id=last - 3, last_id=last, told_ns=1, missing=4)
        write_gaps(running.settings.clickhouse, [gap])
        told = running.fill(gap)
        assert (told["state"], told["missing"], told["questions"]) == ("unfillable", 4, 0)
        assert "last 30 days" in told["why"]
