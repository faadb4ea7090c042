"""The ledger's tasks on a real worker: told, counted, sent for, filled."""

import json
import time
from pathlib import Path
from typing import Any

import requests

from config import load, queues
from tests.tasks.conftest import System
from tests.waiting import wait_until
from tests.writer.running import writing
from workers.quality.gap_rows import KnownGap, read_gaps, write_gaps


def test_an_open_gap_is_sent_for_and_filled_and_the_ledger_counts_it(system: System) -> None:
    settings = load(env=system.env)
    rest = settings.exchanges["binance_spot"].rest_url
    truth: dict[str, Any] = requests.get(f"{rest}/sim/truth/summary", timeout=20).json()["BTCUSDT"]
    first = truth["first_trade_id"]
    gap = KnownGap(
        exchange="binance_spot",
        market_type="spot",
        symbol="BTC-USDT",
        data_type="trade",
        first_id=first,
        last_id=first + 9,
        told_ns=time.time_ns(),
    )
    write_gaps(settings.clickhouse, [gap])
    with writing(settings):
        sent = system.call(queues.FILL_GAPS, queues.DEFAULT_QUEUE, exchange="binance_spot")
        assert sent["state"] == "SUCCESS"
        assert gap.name in sent["result"]["sent"]

        def filled() -> bool:
            found = [each for each in read_gaps(settings.clickhouse) if each.first_id == first]
            return [each.state for each in found] == ["filled"]

        wait_until(filled, 60, "the gap filled")
    counted = system.call(queues.UPDATE_LEDGER, queues.DEFAULT_QUEUE, exchange="binance_spot")
    assert counted["state"] == "SUCCESS"
    unknown = {"exchange": "binance_spot", "symbol": "BTC-USDT", "first_id": 1, "last_id": 2}
    refused = system.call(queues.BACKFILL_TRADES, queues.DEFAULT_QUEUE, **unknown)
    assert refused["state"] == "FAILURE"
    assert "has no gap 1-2" in refused["result"]


def test_the_report_of_yesterday_is_written(system: System) -> None:
    first = system.call(queues.DAILY_REPORT, queues.DEFAULT_QUEUE)
    assert first["state"] == "SUCCESS", first
    page, data = map(Path, first["result"]["written"])
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads(data.read_text())["gaps_by_state"] == {}
