"""Past trades of Binance USD-M: aggregates of a day; of single trades the newest alone."""

from workers.exchanges.base import Poll
from workers.exchanges.binance.history import between
from workers.exchanges.binance.usdm import polls
from workers.exchanges.history import Histories, PeriodHistories, PeriodHistory, TradeHistory
from workers.model.instrument import Instrument

DAY_S = 86_400.0
MOST_ROWS = 1000


def _newest_trades(instrument: Instrument, first_id: int, last_id: int) -> Poll:
    return polls.trades(instrument, MOST_ROWS)


def _aggregates(instrument: Instrument, first_id: int, last_id: int) -> Poll:
    return polls.aggregate_trades(instrument, first_id, min(MOST_ROWS, last_id - first_id + 1))


HISTORY: Histories = {
    "trade": TradeHistory(
        _newest_trades,
        "newest",
        between(polls.aggregate_trades, raw=True),
        DAY_S,
        "without a key Binance USD-M gives the newest 1,000 single trades, and none of the "
        "insurance fund or of ADL; older ones are behind historicalTrades, which wants a key",
    ),
    "aggregate-trade": TradeHistory(
        _aggregates,
        "forward",
        between(polls.aggregate_trades, raw=False),
        DAY_S,
        "Binance USD-M gives aggregates of the last 24 h",
    ),
}
"""By type of trades."""

_MONTH = PeriodHistory("Binance USD-M gives statistics of the last 30 days", 30 * DAY_S)
PERIODS: PeriodHistories = {
    "kline": PeriodHistory("candles since the symbol was listed"),
    "funding-rate": PeriodHistory("payments since the symbol was listed"),
    "open-interest": _MONTH,
    "long-short-ratio": _MONTH,
}
"""By type of event."""
