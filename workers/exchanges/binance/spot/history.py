"""Past trades of Binance spot: all there ever were, by id, without a key."""

from workers.exchanges.base import Poll
from workers.exchanges.binance.history import between
from workers.exchanges.binance.spot import polls
from workers.exchanges.history import Histories, PeriodHistories, PeriodHistory, TradeHistory
from workers.model.instrument import Instrument


def _trades(instrument: Instrument, first_id: int, last_id: int) -> Poll:
    return polls.trades(instrument, first_id, min(polls.MOST_ROWS, last_id - first_id + 1))


def _aggregates(instrument: Instrument, first_id: int, last_id: int) -> Poll:
    rows = min(polls.MOST_ROWS, last_id - first_id + 1)
    return polls.aggregate_trades(instrument, first_id, rows)


HISTORY: Histories = {
    "trade": TradeHistory(
        _trades,
        "forward",
        between(polls.aggregate_trades, raw=True),
        None,
        "historicalTrades has every trade; data-api.binance.vision does not serve it",
    ),
    "aggregate-trade": TradeHistory(
        _aggregates,
        "forward",
        between(polls.aggregate_trades, raw=False),
        None,
        "aggTrades has every aggregate",
    ),
}
"""By type of trades."""

PERIODS: PeriodHistories = {"kline": PeriodHistory("candles since the symbol was listed")}
"""By type of event."""
