"""One gap filled from the exchange's history."""

from typing import Any

from config import queues
from tasks.celery import EXPECTED, app
from tasks.polling import pollers, publisher
from workers.model.names import unknown_name
from workers.runtime.backfills import Backfills

backfills = Backfills(app.settings, pollers, publisher)


@app.task(name=queues.BACKFILL_TRADES, throws=EXPECTED)
def trades(
    exchange: str,
    symbol: str,
    first_id: int,
    last_id: int,
    data_type: str = "trade",
    due: bool = False,
) -> dict[str, Any]:
    """Fill one gap of the ledger, named by its ids; a long one takes several runs.

    `due`: only if its next try is due, as the schedule asks; a person means now.
    """
    if exchange not in app.settings.exchanges:
        raise unknown_name("exchange", exchange, app.settings.exchanges)
    return backfills.fill(exchange, symbol, first_id, last_id, data_type, due=due)


@app.task(name=queues.BACKFILL_PERIODS, throws=EXPECTED)
def periods(
    exchange: str, symbol: str, first_id: int, last_id: int, data_type: str, due: bool = False
) -> dict[str, Any]:
    """The same for candles, payments and statistics: ids are numbers of periods since 1970."""
    if exchange not in app.settings.exchanges:
        raise unknown_name("exchange", exchange, app.settings.exchanges)
    return backfills.fill(exchange, symbol, first_id, last_id, data_type, due=due)
