"""Gaps made on purpose, filled from the exchange's history, held against the exchange's truth."""

from pathlib import Path

import pytest

from tests.collector.dialects import DERIBIT, OKX_SPOT, SPOT, USDM, Dialect
from tests.quality.filling import Filling, filling
from tests.waiting import wait_until

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
            drop_trades(running, 5)
            wait_until(lambda: len(running.gaps()) >= 1, 60, "a gap told")
            running.wait_trades()
        with running.collecting():  # the time between was nobody's
            wait_until(
                lambda: any(each.cause == "ours" for each in running.gaps()), 60, "a second gap"
            )
            running.wait_trades()
        gaps = running.gaps()
        assert {each.state for each in gaps} == {"open"}
        results = [running.fill(each) for each in gaps]
        assert [each["state"] for each in results] == ["filled"] * len(gaps), results
        filled = {each for gap in gaps if gap.ids for each in range(gap.ids[0], gap.ids[1] + 1)}
        for symbol in dialect.symbols:
            running.assert_stored_is_true(symbol)
        fetched = {each for symbol in dialect.symbols for each in running.ids(symbol, "backfill")}
        assert fetched <= filled
        assert {gap.state for gap in running.gaps()} == {"filled"}
        running.count_all()
        assert running.missing() == 0
        assert {gap.state for gap in running.gaps()} == {"filled"}
