"""REST polls, for the general worker."""

from decimal import Decimal
from typing import Any

from celery import signals

from config import queues
from tasks.celery import EXPECTED, app
from workers.exchanges import registry
from workers.model.events import OrderBook
from workers.runtime.poller import Pollers
from workers.runtime.publishing import EventPublisher

PUBLISH_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 8.0

pollers = Pollers(app.settings.exchanges, registry.exchange)
publisher = EventPublisher(app.settings.nats)


@app.task(name=queues.ORDERBOOK_SNAPSHOT, throws=EXPECTED)
def orderbook_snapshot(exchange: str, symbol: str, depth: int | None = None) -> dict[str, Any]:
    """Ask an exchange for a book over REST and publish it with `source` poll.

    Args:
        exchange: `binance_spot`.
        symbol: `BTC-USDT`.
        depth: levels a side, 1 to 5000; default the exchange's `publish_depth`.

    Returns:
        exchange, symbol, last_update_id, bids and asks (numbers of levels), spread (decimal as
        text, None if a side is empty), published (False: not acknowledged yet, it stays queued).
    """
    book = pollers.of(exchange).order_book(symbol, depth)
    return {
        "exchange": exchange,
        "symbol": symbol,
        "last_update_id": book.last_update_id,
        "bids": len(book.bids),
        "asks": len(book.asks),
        "spread": spread(book),
        "published": publisher.publish(book, PUBLISH_TIMEOUT_S),
    }


def spread(book: OrderBook) -> str | None:
    """Best ask minus best bid, exactly; None if a side is empty."""
    if not book.bids or not book.asks:
        return None
    return str(Decimal(book.asks[0][0]) - Decimal(book.bids[0][0]))


@signals.worker_shutting_down.connect(weak=False)
def _end_waits(**_: object) -> None:
    """Tasks that wait for the budget end now, not when it is their turn."""
    pollers.close()


@signals.worker_shutdown.connect(weak=False)
def _drain(**_: object) -> None:
    publisher.stop(STOP_TIMEOUT_S)
