"""The table of polling tasks: what the schedule and the command line build on."""

import pytest

from config import queues
from config.poll_task import PollingTask
from config.polls import POLLS

SYMBOLS = ["BTC-USDT-PERP", "ETH-USDT-PERP", "BTC-USDT-261225", "BTC-DVOL"]


def test_a_default_schedule_asks_for_what_a_symbol_can_have() -> None:
    ratio = POLLS[queues.POLL_LONG_SHORT_RATIO]
    perpetuals = [
        {"exchange": "okx_derivatives", "symbol": each}
        for each in ("BTC-USDT-PERP", "ETH-USDT-PERP")
    ]
    currencies = [{"exchange": "okx_derivatives", "currency": each} for each in ("BTC", "ETH")]
    assert ratio.targets("okx_derivatives", SYMBOLS) == perpetuals + currencies
    assert ratio.targets("deribit", SYMBOLS) == []
    klines = POLLS[queues.POLL_KLINES].targets("okx_derivatives", SYMBOLS)
    assert [each["symbol"] for each in klines] == SYMBOLS[:3]
    tickers = POLLS[queues.POLL_TICKERS]
    assert tickers.targets("deribit", SYMBOLS) == [{"exchange": "deribit"}]
    assert tickers.targets("deribit", ["BTC-DVOL"]) == []


def test_an_index_is_asked_for_by_its_currency() -> None:
    index = POLLS[queues.POLL_VOLATILITY_INDEX]
    assert index.default_exchange == "deribit"
    assert [each["currency"] for each in index.targets("deribit", SYMBOLS)] == ["BTC", "ETH"]


def test_more_symbols_than_fit_into_a_budget_are_asked_less_often() -> None:
    ratio = POLLS[queues.POLL_LONG_SHORT_RATIO]
    assert ratio.every_s("binance_derivatives", 2) == ratio.interval_s == 300
    # Four calls each; 1,000 in 5 min are allowed, of which polls may use 560.
    assert 500 * 4 / ratio.every_s("binance_derivatives", 500) < 560 / 300


@pytest.mark.parametrize("task", POLLS.values(), ids=lambda task: task.name)
def test_a_parameters_default_is_one_of_its_choices(task: PollingTask) -> None:
    for parameter in task.parameters:
        if parameter.choices is not None:
            assert set(parameter.choices) == set(task.exchanges)
            for choices in parameter.choices.values():
                assert parameter.default is None or parameter.default in choices
        elif isinstance(parameter.default, int):
            assert parameter.least is not None
            assert parameter.most is not None
            assert parameter.least <= parameter.default <= parameter.most
