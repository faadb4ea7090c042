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
    exchange: str, symbol: str, first_id: int, last_id: int, data_type: str = "trade"
) -> dict[str, Any]:
    """Fill one gap of the ledger, named by its ids; a long one takes several runs."""
    if exchange not in app.settings.exchanges:
        raise unknown_name("exchange", exchange, app.settings.exchanges)
    return backfills.fill(exchange, symbol, first_id, last_id, data_type)


@app.task(name=queues.BACKFILL_PERIODS, throws=EXPECTED)
def periods(
    exchange: str, symbol: str, first_id: int, last_id: int, data_type: str
) -> dict[str, Any]:
    """The same for candles, payments and statistics: ids are numbers of periods since 1970."""
    if exchange not in app.settings.exchanges:
        raise unknown_name("exchange", exchange, app.settings.exchanges)
    return backfills.fill(exchange, symbol, first_id, last_id, data_type)
