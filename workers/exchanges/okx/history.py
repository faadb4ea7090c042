"""Past trades of OKX: single ones of three months, from an id or a time back."""

from dataclasses import replace

from workers.exchanges.base import Poll
from workers.exchanges.history import (
    Ask,
    Histories,
    NoHistory,
    PeriodHistories,
    PeriodHistory,
    Range,
    TradeHistory,
    trades_of,
)
from workers.exchanges.okx import polls
from workers.model.instrument import Instrument

DAY_S = 86_400.0
MONTHS_S = 90 * DAY_S


def _page(instrument: Instrument, first_id: int, last_id: int) -> Poll:
    return polls.trades_before(instrument, last_id + 1)


def _before(instrument: Instrument, at_ms: int) -> Poll:
    """The last trades before a time."""
    poll = polls.trades_before(instrument)
    params = dict(poll.request.params) | {"type": "2", "after": str(at_ms)}
    return Poll(replace(poll.request, params=params), poll.read)


def _between(instrument: Instrument, start_ns: int, end_ns: int, ask: Ask) -> Range | None:
    """The last id before the span and the last one in it."""
    inside = trades_of(ask(_before(instrument, end_ns // 1_000_000 + 1)), "trade")
    if not inside:
        return None
    last = inside[-1].trade_id
    earlier = trades_of(ask(_before(instrument, start_ns // 1_000_000)), "trade")
    # Without an earlier trade the history begins inside the span, and ids count from 1.
    first = earlier[-1].trade_id + 1 if earlier else 1
    return (first, last) if first <= last else None


HISTORY: Histories = {
    "trade": TradeHistory(
        _page, "backward", _between, MONTHS_S, "OKX gives single trades of the last three months"
    ),
    "aggregate-trade": NoHistory(
        "OKX's history has single trades, never the fills of one order together"
    ),
}
"""By type of trades."""

_NEWEST = PeriodHistory("OKX gives the newest 1,440 periods of a length", max_rows=1440)
PERIODS: PeriodHistories = {
    "kline": PeriodHistory(
        "OKX gives candles of years, those of one second of three months", ages_s={"1s": MONTHS_S}
    ),
    "funding-rate": PeriodHistory("OKX gives payments of the last three months", MONTHS_S),
    "open-interest": _NEWEST,
    "long-short-ratio": _NEWEST,
    "long-short-ratio of a currency": PeriodHistory(
        "of a currency OKX gives 2 days of 5m, 30 of 1h, 180 of 1d",
        ages_s={"5m": 2 * DAY_S, "1h": 30 * DAY_S, "1d": 180 * DAY_S},
    ),
}
"""By type of event."""
