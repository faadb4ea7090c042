"""Commands to a collector, run by the worker that hosts it, between two of its frames."""

from typing import Any

from config import queues
from tasks.celery import EXPECTED, app
from workers.model.names import unknown_name
from workers.runtime.host import ServiceThread
from workers.runtime.hosted import hosted
from workers.runtime.poller import checked_depth
from workers.runtime.summary import summary

TIMEOUT_S = 15.0
AUDIT_TIMEOUT_S = 90.0
"""A round begins no audit after 40 s, one may wait for the round before it."""


@app.task(name=queues.RESYNC_BOOK, throws=EXPECTED)
def resync_book(exchange: str, symbol: str) -> dict[str, Any]:
    """Build one book again from a fresh snapshot."""
    collector = _collector(exchange)
    return collector.call(lambda service: service.resync_book(symbol), timeout_s=TIMEOUT_S)


@app.task(name=queues.READ_BOOK, throws=EXPECTED)
def read_book(exchange: str, symbol: str, depth: int = 20) -> dict[str, Any]:
    """A live book with its state and its best `depth` levels a side, 1 to 5000."""
    collector, levels = _collector(exchange), checked_depth(depth)
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
    return _collector(exchange).call(
        lambda service: service.audit_books(symbols), timeout_s=AUDIT_TIMEOUT_S
    )


@app.task(name=queues.SUBSCRIBE, throws=EXPECTED)
def subscribe(
    exchange: str, symbols: list[str], channels: list[str] | None = None
) -> dict[str, Any]:
    """Collect more symbols, or more channels of them (default: those of the settings)."""
    return _collector(exchange).call(
        lambda service: service.subscribe(symbols, channels), timeout_s=TIMEOUT_S
    )


@app.task(name=queues.UNSUBSCRIBE, throws=EXPECTED)
def unsubscribe(
    exchange: str, symbols: list[str], channels: list[str] | None = None
) -> dict[str, Any]:
    """Collect symbols no more, or some of their channels (default: all)."""
    return _collector(exchange).call(
        lambda service: service.unsubscribe(symbols, channels), timeout_s=TIMEOUT_S
    )


@app.task(name=queues.STATUS, throws=EXPECTED)
def status(exchange: str) -> dict[str, Any]:
    """What the collector says of itself, without its streams and counters; also as a standby."""
    return summary(_collector(exchange).status())


@app.task(name=queues.SET_LOG_LEVEL, throws=EXPECTED)
def set_log_level(exchange: str, level: str) -> dict[str, Any]:
    """Log from debug, info, warning or error on, until the process ends."""
    return _collector(exchange).call(
        lambda service: service.set_log_level(level), timeout_s=TIMEOUT_S
    )


@app.task(name=queues.RELOAD_CONFIG, throws=EXPECTED)
def reload_config(exchange: str) -> dict[str, Any]:
    """Take over what the settings say now; names what needs a restart."""
    return _collector(exchange).call(lambda service: service.reload_config(), timeout_s=TIMEOUT_S)


def _collector(exchange: str) -> ServiceThread:
    """The collector of this process; which symbols it has it knows itself.

    Raises:
        UnknownName: no such exchange in the settings; names the nearest.
        ServiceClosed: this worker hosts another service or none; says what to start.
    """
    known = app.settings.exchanges
    if exchange not in known:
        raise unknown_name("exchange", exchange, known)
    return hosted(queues.collector(exchange))
