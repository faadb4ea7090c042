"""The completeness ledger kept up to date, and its gaps sent for."""

from typing import Any

from config import queues
from tasks.celery import EXPECTED, app
from workers.model.errors import MarketPrismError
from workers.model.names import unknown_name
from workers.quality.daily import FOLDER
from workers.quality.daily import daily_report as write_daily
from workers.quality.filling import due_gaps
from workers.quality.ledger import look
from workers.quality.told import tell_gaps
from workers.runtime.alone import Alone

SPAN_S = 30.0
"""Longer than one span of a look takes; one that died is waited for as long."""

alone = Alone(app.settings.redis.url)
TRADES = ("trade", "aggregate-trade")


@app.task(name=queues.UPDATE_LEDGER, throws=EXPECTED)
def update_ledger(exchange: str) -> dict[str, Any]:
    """Count the closed minutes of an exchange that changed, and name their holes."""
    _known(exchange)
    with alone.at(f"ledger:{exchange}", SPAN_S) as turn:
        if not turn.held:
            return {"minutes": 0, "why": "another look is under way"}
        return look(app.settings.clickhouse, exchange, between=turn.go_on)._asdict()


@app.task(name=queues.FILL_GAPS, throws=EXPECTED)
def fill_gaps(exchange: str) -> dict[str, Any]:
    """Take over what collectors told, and send for the open gaps of an exchange."""
    _known(exchange)
    told = tell_gaps(app.settings.clickhouse, exchange)
    due = due_gaps(app.settings.clickhouse, exchange)
    for gap in due:
        app.send_task(
            queues.BACKFILL_TRADES if gap.data_type in TRADES else queues.BACKFILL_PERIODS,
            kwargs={
                "exchange": exchange,
                "symbol": gap.symbol,
                "first_id": gap.first_id,
                "last_id": gap.last_id,
                "data_type": gap.data_type,
                "due": True,
            },
        )
    return {"told": len(told), "sent": [gap.name for gap in due]}


@app.task(name=queues.DAILY_REPORT, throws=EXPECTED)
def daily_report() -> dict[str, Any]:
    """Write yesterday's report on completeness (page and JSON), unless it is there and settled."""
    folder = app.settings.data_path / FOLDER
    try:
        written = write_daily(app.settings.clickhouse, folder)
    except OSError as error:
        raise MarketPrismError(f"{folder}: {error.strerror}; the next hour tries again") from error
    return {"written": [str(each) for each in written]}


def _known(exchange: str) -> None:
    if exchange not in app.settings.exchanges:
        raise unknown_name("exchange", exchange, app.settings.exchanges)
