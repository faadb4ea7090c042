"""`marketprism completeness` as people and programs see it."""

import json
from pathlib import Path

import pytest

from config.settings import Settings
from tests.cli.conftest import Run
from tests.quality.conftest import BEGIN_NS, MINUTE_NS, gap, trade
from workers.model.codec import encode
from workers.model.events import AnyEvent
from workers.quality.gap_rows import read_gaps, write_gaps
from workers.quality.ledger import GRACE_NS, look
from workers.store.insert import Inserter
from workers.store.migrate import migrate
from workers.store.tables import BY_TYPE

DAY = ("completeness", "--day", "2026-01-01")


@pytest.fixture
def stored(settings: Settings) -> Settings:
    """Five minutes of a trade a second; ids 1100 to 1219 are missing, and 1250 was filled."""
    migrate(settings.clickhouse)
    inserter = Inserter(settings.clickhouse)
    trades = [trade(1000 + n, n, "backfill" if n == 250 else "live")
              for n in range(300) if not 100 <= n < 220]  # fmt: skip
    told: list[AnyEvent] = [gap(1100, 1219, 220, "restart"), gap(1250, 1250, 251)]
    for events in (trades, told):
        lines = [encode(each) for each in events]
        inserter.insert(BY_TYPE[str(events[0].__struct_config__.tag)], lines, str(len(lines)))
    inserter.close()
    look(settings.clickhouse, "binance_spot", BEGIN_NS + 5 * MINUTE_NS + GRACE_NS)
    filled = [each.now("filled", missing=0) for each in read_gaps(settings.clickhouse)
              if each.first_id == 1250]  # fmt: skip
    write_gaps(settings.clickhouse, filled)
    return settings


def test_the_day_is_told_in_a_line_a_map_and_its_gaps(
    run: Run, stored: Settings, settings_env: dict[str, str]
) -> None:
    result = run(*DAY, env=settings_env)
    assert result.exit_code == 2
    first = result.stdout.splitlines()[0]
    assert first == (
        "2026-01-01 UTC: 180 of 300 expected rows stored (60.0000 %), 120 missing; "
        "gaps: 1 filled, 1 open"
    )
    assert "▒" + "·" * 23 in result.stdout
    assert "1100-1219" in result.stdout
    assert " ours " in result.stdout


def test_an_hour_is_told_minute_by_minute(
    run: Run, stored: Settings, settings_env: dict[str, str]
) -> None:
    result = run(*DAY, "--hour", "0", "--symbol", "btc-usdt", env=settings_env)
    assert "█" in result.stdout
    shown = json.loads(run(*DAY, "--hour", "0", "--json", env=settings_env).stdout)
    windows = shown["series"][0]["windows"]
    assert [each["missing"] for each in windows[:6]] == [0, 0, 60, 60, 0, 0]
    levels = [each["level"] for each in windows[:6]]
    assert levels == ["complete", "complete", "nothing", "much", "open", "uncounted"]


def test_programs_get_everything_and_a_page_stands_alone(
    run: Run, stored: Settings, settings_env: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "day.html"
    result = run(*DAY, "--html", str(file), "--json", env=settings_env)
    shown = json.loads(result.stdout)
    assert shown["total"]["missing"] == 120
    assert shown["gaps_by_state"] == {"open": 1, "filled": 1}
    beside = json.loads(file.with_suffix(".json").read_text())
    assert beside["series"] == shown["series"]
    page = file.read_text()
    assert page.count('class="c ') == 24
    assert "120 missing" in page
    assert "1100-1219" in page
    assert "src=" not in page
    assert "href=" not in page


def test_a_day_of_which_nothing_is_counted_says_so_and_what_to_do(
    run: Run, stored: Settings, settings_env: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "day.html"
    result = run("completeness", "--day", "2020-02-02", "--html", str(file), env=settings_env)
    assert result.exit_code == 0
    assert "nothing is counted of 2020-02-02" in result.stdout
    assert "marketprism run quality.update_ledger" in result.stdout
    assert "Nothing is counted" in file.read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--day", "23.11.2026"], "write it like"),
        (["--exchange", "binance_sport"], "nearest: binance_spot"),
    ],
)
def test_a_wrong_word_is_refused_with_the_right_one(
    run: Run, settings_env: dict[str, str], options: list[str], said: str
) -> None:
    result = run("completeness", *options, env=settings_env)
    assert result.exit_code == 1
    assert said in result.stderr
