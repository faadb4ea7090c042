"""Gaps made on purpose, filled from the exchange's history, held against the exchange's truth."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.collector.dialects import DERIBIT, OKX_SPOT, SPOT, USDM, Dialect
from tests.quality.filling import Filling, filling
from tests.waiting import wait_until
from workers.quality.filling import due_gaps
from workers.quality.gap_rows import KnownGap, read_gaps, write_gaps
from workers.quality.holes import Range, ranges_of

EXCHANGES = [pytest.param(each, id=each.exchange) for each in (SPOT, USDM, OKX_SPOT, DERIBIT)]


def drop_trades(running: Filling, many: int) -> None:
    """Let the exchange lose the next trades of the first symbol on their way."""
    symbol = running.dialect.raw[running.symbol]
    running.exchange.fault("drop", symbol=symbol, stream=stream_of(running.dialect), count=many)


def stream_of(dialect: Dialect) -> str:
    return "trades." if dialect.exchange == "deribit" else dialect.trades


@pytest.mark.parametrize("dialect", EXCHANGES)
def test_dropped_trades_and_a_stop_of_the_collector_are_gaps_that_are_filled_to_the_truth(
    dialect: Dialect, settings_env: dict[str, str], tmp_path: Path
) -> None:
    with filling(settings_env, tmp_path, dialect) as running:
        with running.collecting():
            running.wait_trades()
            running.wait_books()
            drop_trades(running, 5)
            wait_until(lambda: len(running.gaps()) >= 1, 60, "a gap told")
            running.wait_trades()
        running.wait_made(100)
        with running.collecting():  # the time between was nobody's
            wait_until(
                lambda: any(each.cause == "ours" for each in running.gaps()), 60, "a second gap"
            )
            running.wait_trades()
            running.wait_books()
        gaps = running.gaps()
        assert {each.state for each in gaps} == {"open"}
        for each in gaps:
            running.fill_whole(each)
        filled = {each for gap in gaps if gap.ids for each in range(gap.ids[0], gap.ids[1] + 1)}
        for symbol in dialect.symbols:
            running.assert_stored_is_true(symbol)
        fetched = {each for symbol in dialect.symbols for each in running.ids(symbol, "backfill")}
        assert fetched <= filled
        assert {gap.state for gap in running.gaps()} == {"filled"}
        running.count_all()
        assert running.missing() == 0
        assert {gap.state for gap in running.gaps()} == {"filled"}
        # The books were not followed meanwhile either: the same stop, told once for each of them.
        breaks = read_gaps(running.settings.clickhouse, "data_type = 'orderbook-delta'")
        named = [(each.symbol, each.cause, each.told_as) for each in breaks]
        assert sorted(named) == sorted((each, "ours", "restart") for each in dialect.symbols)
        assert running.missing("orderbook-delta") == len(dialect.symbols)


def test_twenty_losses_and_three_cuts_are_all_told_none_is_invented_and_all_are_filled(
    settings_env: dict[str, str], tmp_path: Path
) -> None:
    with filling(settings_env, tmp_path, SPOT, "--rate", "1500") as running:
        with running.collecting():
            running.wait_trades()
            for many in range(1, 21):
                drop_trades(running, many % 4 + 1)
                running.wait_trades(many % 4 + 8)
                if many % 7 == 0:
                    running.exchange.fault("1006")
                    running.wait_trades()
            running.wait_trades()
        running.count_all()
        wanted = {
            (symbol, ids)
            for symbol in SPOT.symbols
            for ids in holes_of(running, symbol)
        }  # fmt: skip
        assert len(wanted) >= 20

        def told() -> bool:
            running.count_all()
            return {each.cause for each in running.gaps()} <= {"exchange", "network"}

        wait_until(told, 60, "the collector's word on every gap")
        gaps = running.gaps()
        assert {(each.symbol, each.ids) for each in gaps} == wanted
        assert running.missing() == sum(each.missing for each in gaps)
        for gap in due_gaps(running.settings.clickhouse, "binance_spot"):
            running.fill_whole(gap)
        while due := due_gaps(running.settings.clickhouse, "binance_spot"):
            for gap in due:
                running.fill_whole(gap)
        for symbol in SPOT.symbols:
            running.assert_stored_is_true(symbol)
        running.count_all()
        assert running.missing() == 0
        assert {each.state for each in running.gaps()} == {"filled"}


def holes_of(running: Filling, symbol: str) -> list[Range]:
    """What lacks between the first stored trade and the last, by the exchange's truth."""
    ids = running.ids(symbol)
    made = running.dialect.trades_made(running.exchange, symbol, ids[0], ids[-1])
    return ranges_of({each[0] for each in made} - set(ids))


def known(running: Filling, first: int, last: int, **facts: Any) -> KnownGap:
    """A gap of the ledger, as if it had been told."""
    gap = KnownGap(
        exchange=running.name,
        market_type="spot" if running.name.endswith("spot") else "perpetual",
        symbol=running.symbol,
        first_id=first,
        last_id=last,
        told_ns=time.time_ns(),
        **{"data_type": "trade", **facts},
    )
    write_gaps(running.settings.clickhouse, [gap])
    return gap


def test_what_an_exchange_does_not_give_is_unfillable_and_says_why(
    settings_env: dict[str, str], tmp_path: Path
) -> None:
    two_days_ago = time.time_ns() - 2 * 86_400 * 10**9
    with filling(settings_env, tmp_path, DERIBIT) as running:
        old = running.fill(known(running, 5, 9, ended_ns=two_days_ago))
        assert (old["state"], old["questions"]) == ("unfillable", 0)
        assert "last 24 h" in old["why"]
    with filling(settings_env, tmp_path, OKX_SPOT) as running:
        fills = running.fill(known(running, 5, 9, data_type="aggregate-trade"))
        assert (fills["state"], fills["questions"]) == ("unfillable", 0)
        assert "single trades" in fills["why"]


def test_single_trades_of_usdm_beyond_the_newest_thousand_need_a_key_and_the_ledger_says_so(
    settings_env: dict[str, str], tmp_path: Path
) -> None:
    with filling(settings_env, tmp_path, USDM, "--rate", "3000") as running:

        def truth() -> dict[str, int]:
            return dict(running.exchange.get("/sim/truth/summary")["BTCUSDT"])

        wait_until(lambda: truth()["trades"] > 1100, 60, "over a thousand trades")
        first = truth()["first_trade_id"]
        result = running.fill(known(running, first, first + 4))
        assert (result["state"], result["missing"]) == ("unfillable", 5)
        assert "wants a key" in result["why"]


def test_an_exchange_in_trouble_is_asked_again_later_and_then_filled(
    settings_env: dict[str, str], tmp_path: Path
) -> None:
    with filling(settings_env, tmp_path, SPOT) as running:
        with running.collecting():
            running.wait_trades()
            drop_trades(running, 3)
            gap = wait_until(running.gaps, 60, "a gap told")[0]
        running.exchange.fault("maintenance", path="/historicalTrades", duration_s=600)
        result = running.fill(gap)
        assert (result["state"], result["missing"]) == ("open", 3)
        (after,) = [each for each in running.gaps() if each.ids == gap.ids]
        assert after.attempts == 1
        assert after.next_try_ns > time.time_ns()
        again = running.fill(gap, due=True)  # sent for twice before the first was taken
        assert (again["state"], again["questions"]) == ("open", 0)
        assert again["why"].startswith("not due yet")
        (same,) = [each for each in running.gaps() if each.ids == gap.ids]
        assert same == after
        running.exchange.clear_faults()
        running.fill_whole(gap)
