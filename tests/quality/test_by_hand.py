"""`marketprism backfill`: spans of the past, against the simulator's truth."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import run_process
from tests.collector.dialects import DERIBIT, OKX_SPOT, SPOT, USDM, Dialect
from tests.quality.filling import Filling, filling
from tests.waiting import wait_until
from workers.exchanges import registry
from workers.runtime.backfill_span import PollSpan, SpanBackfill
from workers.runtime.poller import Pollers
from workers.runtime.polls import Polls
from workers.store.queries import query


def text(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def env_of(running: Filling, env: dict[str, str]) -> dict[str, str]:
    """What a shell needs to reach the same servers."""
    section = f"MARKETPRISM_EXCHANGES__{running.name.upper()}__"
    return {
        **env,
        "MARKETPRISM_NETWORK__EGRESS": running.settings.network.egress or "",
        f"{section}ENABLED": "true",
        f"{section}REST_URL": running.exchange.rest_url,
        f"{section}SYMBOLS": ",".join(running.dialect.symbols),
    }


def test_a_span_of_trades_is_fetched_once_and_what_is_stored_is_not_asked_for_again(
    settings_env: dict[str, str], tmp_path: Path
) -> None:
    begin = text(time.time_ns())
    with filling(settings_env, tmp_path, SPOT) as running:
        begun_ns = time.time_ns()
        wait_until(lambda: time.time_ns() - begun_ns > 4e9, 10, "some seconds of trades")
        words = ["backfill", "trades", SPOT.exchange, "btc-usdt", "--from", begin, "--json"]
        first = run_process(*words, env=env_of(running, settings_env))
        assert first.returncode == 0, first.stderr
        facts = json.loads(first.stdout)
        assert facts["published"] == facts["missing_before"] > 20
        assert facts["missing"] == 0
        running.assert_stored_is_true("BTC-USDT")
        assert running.ids()[0] == facts["first_id"]
        assert running.ids() == running.ids(source="backfill")
        to = text(begun_ns + 3 * 10**9)
        again = run_process(*words[:-1], "--to", to, env=env_of(running, settings_env))
        assert again.returncode == 0
        assert "are stored already" in again.stdout


def test_a_span_the_exchange_does_not_give_is_refused_with_its_limit(
    settings_env: dict[str, str], tmp_path: Path
) -> None:
    with filling(settings_env, tmp_path, DERIBIT) as running:
        words = ["backfill", "trades", "deribit", "BTC-USD-PERP", "--from", "2026-01-01"]
        result = run_process(*words, env=env_of(running, settings_env))
        assert result.returncode == 1
        assert "last 24 h" in result.stderr


def test_candles_of_a_span_go_on_where_a_broken_run_came_to(
    settings_env: dict[str, str], tmp_path: Path
) -> None:
    end_s = int(time.time()) // 60 * 60
    bounds = (end_s - 2500 * 60, end_s)
    with filling(settings_env, tmp_path, SPOT) as running:
        pollers = Pollers(running.settings.exchanges, registry.exchange)
        polls = Polls(running.settings, pollers, running.publisher)
        arguments = {"exchange": SPOT.exchange, "symbol": "BTC-USDT", "interval": "1m"}

        def span() -> PollSpan:
            return PollSpan(
                polls, "polling.klines", arguments, 60.0, bounds, tmp_path / "notes"
            )  # fmt: skip

        broken = span().run()
        reached_s, _ = next(broken)
        broken.close()
        assert bounds[0] < reached_s < bounds[1]
        assert span().reached_s == reached_s
        moments = [moment for moment, _ in span().run()]
        assert moments[-1] == end_s
        assert moments[0] > reached_s
        assert span().reached_s == bounds[0]  # done: nothing is left to go on with
        pollers.close()

        def stored() -> int:
            sql = "SELECT count() FROM klines WHERE source = 'backfill' AND closed"
            return int(query(running.settings.clickhouse, sql).rows[0][0])

        wait_until(lambda: stored() >= 1, 30, "candles stored")


@pytest.mark.parametrize(
    "dialect", [pytest.param(each, id=each.exchange) for each in (USDM, OKX_SPOT, DERIBIT)]
)
def test_the_ids_of_a_span_of_time_are_those_the_exchange_made_in_it(
    dialect: Dialect, settings_env: dict[str, str], tmp_path: Path
) -> None:
    begin_ns = time.time_ns()
    with filling(settings_env, tmp_path, dialect) as running:
        wait_until(lambda: time.time_ns() - begin_ns > 6e9, 20, "some seconds of trades")
        end_ns = time.time_ns() - 10**9
        spans = SpanBackfill(running.settings.clickhouse, running.backfills, running.pollers)
        start_ns = end_ns - 2 * 10**9
        span = spans.plan(dialect.exchange, running.symbol, "trade", start_ns, end_ns)
        assert span.ids is not None
        for _ in spans.run(span):
            continue
        assert spans.finish(span) == []
        running.assert_stored_is_true(running.symbol)
        sql = "SELECT min(exchange_ns), max(exchange_ns), count() FROM trades"
        ((first_ns, last_ns, rows),) = query(running.settings.clickhouse, sql).rows
        assert start_ns - 10**6 <= first_ns
        # An aggregate of USD-M may begin in the span and end after it.
        assert last_ns <= end_ns + 10**9
        assert rows == span.ids[1] - span.ids[0] + 1
