"""Commands to a collector, run by the worker that hosts it, between two of its frames."""

from typing import Any

from config import queues
from tasks.celery import EXPECTED, app
from workers.model.names import unknown_name
from workers.runtime.host import ServiceThread
from workers.runtime.hosted import hosted
from workers.runtime.poller import checked_depth

TIMEOUT_S = 15.0
AUDIT_TIMEOUT_S = 90.0
"""A round begins no audit after 40 s, one may wait for the round before it."""


@app.task(name=queues.RESYNC_BOOK, throws=EXPECTED)
def resync_book(exchange: str, symbol: str) -> dict[str, Any]:
    """Build one book again from a fresh snapshot."""
    collector = _collector(exchange, symbol)
    return collector.call(lambda service: service.resync_book(symbol), timeout_s=TIMEOUT_S)


@app.task(name=queues.READ_BOOK, throws=EXPECTED)
def read_book(exchange: str, symbol: str, depth: int = 20) -> dict[str, Any]:
    """A live book with its state and its best `depth` levels a side, 1 to 5000."""
    collector, levels = _collector(exchange, symbol), checked_depth(depth)
    return collector.call(lambda service: service.read_book(symbol, levels), timeout_s=TIMEOUT_S)


@app.task(name=queues.CLEAN_IDLE_BOOKS, throws=EXPECTED)
def clean_idle_books(exchange: str) -> dict[str, Any]:
    """Forget books nobody updates for `stability.memory.inactive_after`."""
    return _collector(exchange).call(
        lambda service: service.clean_idle_books(), timeout_s=TIMEOUT_S
    )


@app.task(name=queues.CHECK_MEMORY, throws=EXPECTED)
def check_memory(exchange: str) -> dict[str, Any]:
    """The collector's memory against `stability.memory.max_mb`."""
    return _collector(exchange).call(lambda service: service.check_memory(), timeout_s=TIMEOUT_S)


@app.task(name=queues.AUDIT_BOOKS, throws=EXPECTED)
def audit_books(exchange: str, symbols: list[str] | None = None) -> dict[str, Any]:
    """Compare live books, all or those named, with others the exchange gives."""
    if isinstance(symbols, str):
        raise ValueError(f"symbols is a list of names, not {symbols!r}")
    collectors = [_collector(exchange, symbol) for symbol in symbols or (None,)]
    return collectors[0].call(
        lambda service: service.audit_books(symbols), timeout_s=AUDIT_TIMEOUT_S
    )


def _collector(exchange: str, symbol: str | None = None) -> ServiceThread:
    """The collector of this process, once the arguments are known to be good.

    Raises:
        UnknownName: no such exchange or symbol in the settings; names the nearest.
        ServiceClosed: this worker hosts another service or none; says what to start.
    """
    known = app.settings.exchanges
    if exchange not in known:
        raise unknown_name("exchange", exchange, known)
    if symbol is not None and symbol not in known[exchange].symbols:
        raise unknown_name(f"symbol of {exchange}", symbol, known[exchange].symbols)
    return hosted(queues.collector(exchange))
