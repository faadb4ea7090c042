"""Arguments of polling tasks are refused before anything is sent, with what would be right."""

from typing import Any

import pytest

from config import queues
from workers.model.names import UnknownName
from workers.runtime.poll_arguments import checked, named

RATIO, INDEX = queues.POLL_LONG_SHORT_RATIO, queues.POLL_VOLATILITY_INDEX
SYMBOL = {"exchange": "binance_derivatives", "symbol": "BTC-USDT-PERP"}


def test_defaults_are_filled_in() -> None:
    found = checked(RATIO, SYMBOL)
    assert (found.exchange, found.symbol, found.currency) == (*SYMBOL.values(), None)
    assert found.values == {"kind": None, "period": "5m", "limit": 12, "start": None, "end": None}
    assert found.period == "5m"
    assert checked(INDEX, {"currency": "BTC"}).exchange == "deribit"


def test_times_are_utc_unless_they_say_otherwise() -> None:
    given = SYMBOL | {"start": "2026-11-01", "end": "2026-11-01T13:00+01:00"}
    found = checked(RATIO, given).values
    assert found["end"] - found["start"] == 12 * 3600 * 10**9
    assert found["start"] == 1793491200 * 10**9


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("polling.kline", {}, "no polling task is called 'polling.kline'; nearest: polling.klines"),
        (RATIO, {"exchange": "binance"}, "nearest: binance_derivatives"),
        (RATIO, {"exchange": "deribit", "symbol": "BTC-USD-PERP"}, "no exchange of polling.long"),
        (RATIO, SYMBOL | {"perid": "5m"}, "is called 'perid'; nearest: period"),
        (RATIO, SYMBOL | {"period": "5min"}, "is called '5min'; nearest: 5m"),
        (RATIO, SYMBOL | {"kind": "top_account"}, "nearest: top_accounts"),
        (RATIO, SYMBOL | {"currency": "BTC"}, "is called 'currency'"),
        (INDEX, {"currency": "BTCC"}, "no currency of polling.volatility_index on deribit"),
    ],
)
def test_an_unknown_name_hears_the_nearest(name: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(UnknownName) as refused:
        checked(name, given)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        (RATIO, {}, "name the exchange: binance_derivatives, okx_derivatives"),
        (RATIO, {"exchange": "binance_derivatives"}, "name the symbol"),
        (
            RATIO,
            {"exchange": "okx_derivatives", "symbol": "BTC-USDT-PERP", "currency": "BTC"},
            "name only one of symbol, currency",
        ),
        (RATIO, {"exchange": "okx_derivatives"}, "name one of symbol, currency"),
        (RATIO, SYMBOL | {"symbol": "BTC-USDT-261225"}, "BTC-USDT-261225 is no perpetual"),
        (RATIO, SYMBOL | {"symbol": 7}, "symbol 7 is no text"),
        (RATIO, SYMBOL | {"limit": 0}, "limit 0; choose a whole number from 1 to 100"),
        (RATIO, SYMBOL | {"limit": True}, "limit True; choose a whole number"),
        (RATIO, SYMBOL | {"start": "yesterday"}, "write a time such as 2026-11-01"),
        (RATIO, SYMBOL | {"start": "2026-11-01", "limit": 5}, "limit 5 together with start"),
    ],
)
def test_a_value_that_cannot_be_hears_what_can(
    name: str, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=r"choose|name|no perpetual|no text|write") as refused:
        checked(name, given)
    assert words in str(refused.value)


def test_arguments_by_position_are_exchange_symbol_and_parameters() -> None:
    assert named(RATIO, ("binance_derivatives", "BTC-USDT-PERP", "all_accounts"), {}) == {
        **SYMBOL,
        "kind": "all_accounts",
    }
    assert named(RATIO, ("okx_derivatives",), {"currency": "BTC", "symbol": None}) == {
        "exchange": "okx_derivatives",
        "currency": "BTC",
    }
    with pytest.raises(ValueError, match="exchange given twice"):
        named(RATIO, ("okx_derivatives",), {"exchange": "okx_derivatives"})
    with pytest.raises(ValueError, match="8 arguments; it takes exchange, symbol"):
        named(RATIO, tuple("binance_derivatives" if n == 0 else n for n in range(8)), {})
