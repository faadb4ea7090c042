"""`marketprism backfill` of candles, payments and statistics, against simulated exchanges."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import run_process
from tests.collector.dialects import DERIBIT, OKX_DERIVATIVES, USDM, Dialect
from tests.quality.filling import filling
from tests.quality.test_by_hand import env_of
from tests.waiting import wait_until
from workers.store.queries import query

DAY = ("funding", "open-interest", "ratios")
CASES = (
    pytest.param(USDM, DAY, id="binance_derivatives"),
    pytest.param(OKX_DERIVATIVES, DAY, id="okx_derivatives"),
    pytest.param(DERIBIT, ("funding", "volatility-index"), id="deribit"),
)
TABLES = {
    "funding": ("funding_rates", 3),
    "open-interest": ("open_interest", 280),
    "ratios": ("long_short_ratios", 4 * 280),
    "volatility-index": ("volatility_index", 1400),
}
"""Where rows of a day are stored, and how many there are at least."""


def ago(hours: float) -> str:
    return datetime.fromtimestamp(time.time() - hours * 3600, UTC).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(("dialect", "kinds"), CASES)
def test_a_day_of_each_type_is_fetched_and_stored_as_backfilled(
    dialect: Dialect, kinds: tuple[str, ...], settings_env: dict[str, str], tmp_path: Path
) -> None:
    with filling(settings_env, tmp_path, dialect) as running:
        for kind in kinds:
            about = "BTC" if kind == "volatility-index" else running.symbol
            words = ["backfill", kind, dialect.exchange, about, "--from", ago(24.5), "--json"]
            result = run_process(*words, env=env_of(running, settings_env))
            assert result.returncode == 0, result.stderr
            table, least = TABLES[kind]
            told = json.loads(result.stdout)["published"]
            assert told >= least
            sql = f"SELECT count() FROM {table} WHERE source = 'backfill'"

            def stored(sql: str = sql) -> int:
                return int(query(running.settings.clickhouse, sql).rows[0][0])

            # Where two pieces of the span meet, a row may be published twice; it is one row.
            wait_until(lambda told=told, stored=stored: stored() >= told - 1, 60, f"{kind} stored")
            assert stored() <= told
