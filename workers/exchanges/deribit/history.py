"""Past trades of Deribit: those of a day, by `trade_seq`."""

from dataclasses import replace

from workers.exchanges.base import Poll
from workers.exchanges.deribit import polls
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
from workers.model.instrument import Instrument

DAY_S = 86_400.0


def _page(instrument: Instrument, first_id: int, last_id: int) -> Poll:
    return polls.trades(instrument, first_id, last_id)


def _between(instrument: Instrument, start_ns: int, end_ns: int, ask: Ask) -> Range | None:
    """The first and the last trade of the span, each with a question of its own."""
    oldest = polls.trades_between(instrument, start_ns // 1_000_000, end_ns // 1_000_000, 1)
    params = dict(oldest.request.params) | {"sorting": "desc"}
    newest = Poll(replace(oldest.request, params=params), oldest.read)
    first, last = (trades_of(ask(each), "trade") for each in (oldest, newest))
    return (first[0].trade_id, last[-1].trade_id) if first and last else None


HISTORY: Histories = {
    "trade": TradeHistory(
        _page,
        "forward",
        _between,
        DAY_S,
        "Deribit's main host gives trades of the last 24 h; older ones are on its history host, "
        "which is not asked",
    ),
}
"""By type of trades."""

PERIODS: PeriodHistories = {
    "kline": PeriodHistory("candles since the listing, none for a time without trades"),
    "funding-rate": PeriodHistory("a row for each full hour since the listing"),
    "volatility-index": PeriodHistory("candles since the index began"),
    "open-interest": NoHistory("Deribit has no history of open interest"),
    "long-short-ratio": NoHistory("Deribit has no long/short ratios"),
}
"""By type of event."""
