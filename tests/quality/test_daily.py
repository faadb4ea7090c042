import json
import time
from pathlib import Path

from config.settings import ClickHouseSettings
from tests.quality.conftest import BEGIN_NS, MINUTE_NS, Store, trade
from workers.quality.daily import daily_report, yesterday_ns
from workers.quality.gap_rows import read_gaps, write_gaps
from workers.quality.ledger import look
from workers.quality.report import DAY_NS


def test_a_day_that_lacked_something_is_written_again_until_it_is_whole(
    clickhouse: ClickHouseSettings, store: Store, tmp_path: Path
) -> None:
    store(trade(1000 + n, n) for n in range(120) if n != 30)
    look(clickhouse, "binance_spot", BEGIN_NS + 3 * MINUTE_NS)
    for _ in range(2):
        page, data = daily_report(clickhouse, tmp_path, BEGIN_NS)
        assert page.name == "completeness-2026-01-01.html"
        assert json.loads(data.read_text())["total"]["missing"] == 1
    store([trade(1030, 30, "backfill")])
    look(clickhouse, "binance_spot", BEGIN_NS + 4 * MINUTE_NS)
    _, data = daily_report(clickhouse, tmp_path, BEGIN_NS)
    assert json.loads(data.read_text())["total"]["missing"] == 0
    assert daily_report(clickhouse, tmp_path, BEGIN_NS) != []  # its gap is not closed yet
    (gap,) = read_gaps(clickhouse)
    write_gaps(clickhouse, [gap.now("filled", missing=0)])
    assert daily_report(clickhouse, tmp_path, BEGIN_NS) != []
    assert daily_report(clickhouse, tmp_path, BEGIN_NS) == []
    assert {each.name for each in tmp_path.iterdir()} == {page.name, data.name}


def test_a_day_that_has_just_ended_is_written_again_however_complete_it_looks(
    clickhouse: ClickHouseSettings, tmp_path: Path
) -> None:
    """Nothing is counted yet: the ledger may be behind."""
    (page, data) = daily_report(clickhouse, tmp_path, time.time_ns() - DAY_NS)
    assert page.exists()
    assert json.loads(data.read_text())["total"]["missing"] == 0
    assert daily_report(clickhouse, tmp_path, time.time_ns() - DAY_NS) == [page, data]


def test_yesterday_is_a_day_of_utc() -> None:
    assert yesterday_ns() % DAY_NS == 0
    assert 0 <= time.time_ns() - yesterday_ns() - DAY_NS < DAY_NS
