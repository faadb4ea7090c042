"""What `marketprism backfill` refuses, and the limits it tells."""

import json

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("open-interest", "binance_derivatives", "BTC-USDT-PERP", "--from", "2026-01-01"),
         "statistics of the last 30 days; begin at "),
        (("funding", "okx_derivatives", "BTC-USDT-PERP", "--from", "2026-01-01"), "three months"),
        (("ratios", "okx_derivatives", "BTC", "--from", "2026-01-01"), "2 days of 5m"),
        (("open-interest", "deribit", "BTC-USD-PERP", "--from", "2026-11-22"),
         "Deribit has no history of open interest"),
        (("klines", "binance_spot", "BTC-USDT", "--from", "2126-01-01"), "nothing to fetch"),
        (("klines", "binance_spot", "BTC-USDT", "--interval", "7m", "--from", "2026-01-01"),
         "nearest: 5m, 3m, 1m"),
        (("klines", "binance_spot", "BTC-USDT", "--interval", "often", "--from", "2026-01-01"),
         "'often' is no period"),
    ],
)  # fmt: skip
def test_what_an_exchange_does_not_give_is_refused_before_it_is_asked(
    run: Run, settings_env: dict[str, str], words: tuple[str, ...], said: str
) -> None:
    result = run("backfill", *words, env=settings_env)
    assert result.exit_code == 1
    assert said in result.stderr


def test_the_limits_of_every_exchange_are_told(run: Run, settings_env: dict[str, str]) -> None:
    rows = json.loads(run("backfill", "limits", "--json", env=settings_env).stdout)
    told = {(row["exchange"], row["type"]): row for row in rows}
    assert told["deribit", "open-interest"]["given"] is False
    assert "24 h" in told["deribit", "trade"]["limit"]
    assert "wants a key" in told["binance_derivatives", "trade"]["limit"]
    assert "three months" in told["okx_spot", "trade"]["limit"]
    assert "24 h" in run("backfill", "limits", env=settings_env).stdout
