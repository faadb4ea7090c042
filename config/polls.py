"""Every polling task there is: what it asks, of whom, with which parameters, how often by default.

A pure table. The schedule, `marketprism run` and the tasks themselves are built from it; how an
exchange is asked is in workers/exchanges/*/polling.py. Times are seconds.
"""

from collections.abc import Mapping, Sequence

from config import queues
from config.poll_choices import INTERVALS, KINDS, PERIODS, RESOLUTIONS
from config.poll_task import Parameter, PollingTask, Scope

DERIVATIVES = ("binance_derivatives", "okx_derivatives", "deribit")
ALL = ("binance_spot", "binance_derivatives", "okx_spot", "okx_derivatives", "deribit")


def _scopes(
    exchanges: Sequence[str], *scopes: Scope, **others: tuple[Scope, ...]
) -> dict[str, tuple[Scope, ...]]:
    return {each: others.get(each, scopes) for each in exchanges}


def _rows(most: int, default: int) -> Parameter:
    return Parameter("limit", "newest rows; not together with start", default, None, 1, most)


START = Parameter("start", "first moment, UTC: 2026-11-01 or 2026-11-01T12:00; default: the newest")
END = Parameter("end", "last moment, UTC; default: now")

_TASKS = (
    PollingTask(
        name=queues.POLL_LONG_SHORT_RATIO,
        title="accounts, top accounts, top positions long and short; what takers buy and sell",
        scopes=_scopes(DERIVATIVES[:2], "symbol", okx_derivatives=("symbol", "currency")),
        interval_s=300.0,
        events=("long-short-ratio",),
        parameters=(
            Parameter("kind", "one kind; default: all that there are", None, KINDS),
            Parameter("period", "length of a period", "5m", PERIODS),
            _rows(100, 12),
            START,
            END,
        ),
        # Four calls each: of 1,000 in 5 min on Binance, 5 in 2 s on OKX.
        pace_s={"binance_derivatives": 3.0, "okx_derivatives": 5.0},
        perpetuals=True,
    ),
    PollingTask(
        name=queues.POLL_VOLATILITY_INDEX,
        title="candles of a volatility index (DVOL)",
        scopes=_scopes(("deribit",), "currency"),
        interval_s=60.0,
        events=("volatility-index",),
        parameters=(
            Parameter("resolution", "length of a candle", "1m", RESOLUTIONS),
            _rows(1000, 60),
            START,
            END,
        ),
    ),
    PollingTask(
        name=queues.POLL_OPEN_INTEREST,
        title="open positions now; published some seconds late on Binance, and kept so",
        scopes=_scopes(DERIVATIVES, "exchange", binance_derivatives=("symbol",)),
        interval_s=60.0,
        events=("open-interest",),
        pace_s={"binance_derivatives": 0.2},
    ),
    PollingTask(
        name=queues.POLL_OPEN_INTEREST_HISTORY,
        title="open positions at each period's edge; Deribit has no such history",
        scopes=_scopes(DERIVATIVES[:2], "symbol"),
        interval_s=300.0,
        events=("open-interest",),
        parameters=(
            Parameter("period", "length of a period", "5m", PERIODS),
            _rows(100, 12),
            START,
            END,
        ),
        pace_s={"binance_derivatives": 4.0, "okx_derivatives": 0.6},
        perpetuals=True,
    ),
    PollingTask(
        name=queues.POLL_FUNDING_RATE,
        title="the rate expected for the next payment; Deribit: the rate of now",
        scopes=_scopes(DERIVATIVES, "exchange"),
        interval_s=60.0,
        events=("funding-rate",),
        perpetuals=True,
    ),
    PollingTask(
        name=queues.POLL_FUNDING_RATE_HISTORY,
        title="rates that were paid",
        scopes=_scopes(DERIVATIVES, "symbol"),
        interval_s=3600.0,
        events=("funding-rate",),
        parameters=(_rows(100, 24), START, END),
        pace_s={"binance_derivatives": 2.0, "okx_derivatives": 0.6, "deribit": 1.0},
        perpetuals=True,
    ),
    PollingTask(
        name=queues.POLL_MARK_PRICE,
        title="mark and index price now",
        scopes=_scopes(DERIVATIVES, "exchange"),
        interval_s=60.0,
        events=("funding-rate",),
        perpetuals=True,
    ),
    PollingTask(
        name=queues.ORDERBOOK_SNAPSHOT,
        title="the order book now, for audit and resync",
        scopes=_scopes(ALL, "symbol"),
        interval_s=60.0,
        events=("orderbook",),
        parameters=(
            Parameter(
                "depth", "levels a side; default: publish_depth", None, None, least=1, most=5000
            ),
        ),
        pace_s={
            "binance_spot": 0.8,
            "binance_derivatives": 1.2,
            "okx_spot": 0.2,
            "okx_derivatives": 0.2,
            "deribit": 1.0,
        },
    ),
    PollingTask(
        name=queues.POLL_INSTRUMENTS,
        title="listings, delistings, expiries and changed filters since the last time",
        scopes=_scopes(ALL, "exchange"),
        interval_s=300.0,
        events=("instrument",),
    ),
    PollingTask(
        name=queues.POLL_KLINES,
        title="closed candles",
        scopes=_scopes(ALL, "symbol"),
        interval_s=300.0,
        events=("kline",),
        parameters=(
            Parameter("interval", "length of a candle", "1m", INTERVALS),
            _rows(300, 10),
            START,
            END,
        ),
        pace_s={
            "binance_spot": 0.15,
            "binance_derivatives": 0.2,
            "okx_spot": 0.2,
            "okx_derivatives": 0.2,
            "deribit": 1.0,
        },
    ),
    PollingTask(
        name=queues.POLL_TICKERS,
        title="last price and the figures of 24 h",
        scopes=_scopes(ALL, "exchange"),
        interval_s=60.0,
        events=("ticker",),
    ),
)

POLLS: Mapping[str, PollingTask] = {each.name: each for each in _TASKS}
"""Polling tasks by name. All are in the default schedule."""
