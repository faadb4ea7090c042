"""Commands to a collector, run by the worker that hosts it, between two of its frames.

Of an exchange with several shards, a command about symbols is carried out where those are, and one
about the whole exchange everywhere: the worker that took it does its part and hands the rest on
(`handed_on`: task by collector). `shard` asks one alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

from config import queues
from config.shards import by_shard, collectors, exchange_of
from tasks.celery import EXPECTED, app
from workers.model.names import unknown_name
from workers.runtime.host import ServiceThread
from workers.runtime.hosted import hosted, hosted_services
from workers.runtime.poller import checked_depth
from workers.runtime.summary import summary

TIMEOUT_S = 15.0
AUDIT_TIMEOUT_S = 90.0
"""A round begins no audit after 40 s, one may wait for the round before it."""

Answer = dict[str, Any]


@app.task(name=queues.RESYNC_BOOK, throws=EXPECTED)
def resync_book(exchange: str, symbol: str) -> Answer:
    """Build one book again from a fresh snapshot."""
    collector = _collector(exchange)
    return collector.call(lambda service: service.resync_book(symbol), timeout_s=TIMEOUT_S)


@app.task(name=queues.READ_BOOK, throws=EXPECTED)
def read_book(exchange: str, symbol: str, depth: int = 20) -> Answer:
    """A live book with its state and its best `depth` levels a side, 1 to 5000."""
    collector, levels = _collector(exchange), checked_depth(depth)
    return collector.call(lambda service: service.read_book(symbol, levels), timeout_s=TIMEOUT_S)


@app.task(name=queues.CLEAN_IDLE_BOOKS, throws=EXPECTED)
def clean_idle_books(exchange: str, shard: int | None = None) -> Answer:
    """Forget books nobody updates for `stability.memory.inactive_after`."""
    return _everywhere(clean_idle_books, exchange, shard, lambda each: each.clean_idle_books())


@app.task(name=queues.CHECK_MEMORY, throws=EXPECTED)
def check_memory(exchange: str, shard: int | None = None) -> Answer:
    """The collector's memory against `stability.memory.max_mb`."""
    return _everywhere(check_memory, exchange, shard, lambda each: each.check_memory())


@app.task(name=queues.AUDIT_BOOKS, throws=EXPECTED)
def audit_books(
    exchange: str, symbols: list[str] | None = None, shard: int | None = None
) -> Answer:
    """Compare live books, all or those named, with others the exchange gives."""
    if symbols is None:
        return _everywhere(
            audit_books,
            exchange,
            shard,
            lambda each: each.audit_books(None),
            timeout_s=AUDIT_TIMEOUT_S,
        )
    return _by_symbol(
        audit_books,
        exchange,
        symbols,
        {},
        lambda each, own: each.audit_books(own),
        timeout_s=AUDIT_TIMEOUT_S,
    )


@app.task(name=queues.SUBSCRIBE, throws=EXPECTED)
def subscribe(exchange: str, symbols: list[str], channels: list[str] | None = None) -> Answer:
    """Collect more symbols, or more channels of them (default: those of the settings)."""
    return _by_symbol(
        subscribe,
        exchange,
        symbols,
        {"channels": channels},
        lambda each, own: each.subscribe(own, channels),
    )


@app.task(name=queues.UNSUBSCRIBE, throws=EXPECTED)
def unsubscribe(exchange: str, symbols: list[str], channels: list[str] | None = None) -> Answer:
    """Collect symbols no more, or some of their channels (default: all)."""
    return _by_symbol(
        unsubscribe,
        exchange,
        symbols,
        {"channels": channels},
        lambda each, own: each.unsubscribe(own, channels),
    )


@app.task(name=queues.STATUS, throws=EXPECTED)
def status(exchange: str, shard: int = 0) -> Answer:
    """What a collector says of itself, without its streams and counters; also as a standby."""
    return summary(_collector(exchange).status())


@app.task(name=queues.SET_LOG_LEVEL, throws=EXPECTED)
def set_log_level(exchange: str, level: str, shard: int | None = None) -> Answer:
    """Log from debug, info, warning or error on, until the process ends."""
    return _everywhere(
        set_log_level, exchange, shard, lambda each: each.set_log_level(level), level=level
    )


@app.task(name=queues.RELOAD_CONFIG, throws=EXPECTED)
def reload_config(exchange: str, shard: int | None = None) -> Answer:
    """Take over what the settings say now; names what needs a restart."""
    return _everywhere(reload_config, exchange, shard, lambda each: each.reload_config())


def _everywhere(
    task: Any,
    exchange: str,
    shard: int | None,
    act: Callable[[Any], Any],
    timeout_s: float = TIMEOUT_S,
    **arguments: object,
) -> Answer:
    """Act on this process's shard, and unless one was asked for, have the others do so."""
    collector = _collector(exchange)
    answer: Answer = collector.call(act, timeout_s=timeout_s)
    others = range(_shards(collector)) if shard is None else ()
    return _handed_on(
        answer,
        task,
        exchange,
        {
            each: {**arguments, "shard": each}
            for each in others
            if queues.collector(exchange, each) != collector.service.name
        },
    )


def _by_symbol(
    task: Any,
    exchange: str,
    symbols: Sequence[str],
    arguments: Answer,
    act: Callable[[Any, list[str]], Any],
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """Act on the symbols that are this shard's, and have the others act on theirs."""
    if isinstance(symbols, str):
        raise ValueError(f"symbols is a list of names, not {symbols!r}")
    collector = _collector(exchange)
    shards = _shards(collector)
    names = collectors(exchange, shards)
    groups = by_shard(symbols, shards)
    here = names.index(collector.service.name) if collector.service.name in names else None
    own = groups.pop(here, []) if here is not None else []
    answer: Answer = {"exchange": exchange}
    if own or not groups:
        answer = collector.call(lambda service: act(service, own), timeout_s=timeout_s)
    return _handed_on(
        answer,
        task,
        exchange,
        {each: {**arguments, "symbols": theirs} for each, theirs in groups.items()},
    )


def _handed_on(answer: Answer, task: Any, exchange: str, rest: dict[int, Answer]) -> Answer:
    sent = {
        queues.collector(exchange, shard): task.apply_async(
            kwargs={"exchange": exchange, **kwargs}, queue=queues.collector(exchange, shard)
        ).id
        for shard, kwargs in rest.items()
    }
    return answer | {"handed_on": sent} if sent else answer


def _shards(collector: ServiceThread) -> int:
    """How many there are, as the running collector knows: its settings may be newer than ours."""
    status = collector.service.status()
    return int(status["shards"])


def _collector(exchange: str) -> ServiceThread:
    """The collector of this process; which symbols it has it knows itself.

    Raises:
        UnknownName: no such exchange in the settings; names the nearest.
        ServiceClosed: this worker hosts another service or none; says what to start.
    """
    known = app.settings.exchanges
    if exchange not in known:
        raise unknown_name("exchange", exchange, known)
    for each in hosted_services():
        if exchange_of(each.service.name) == exchange:
            return each
    return hosted(queues.collector(exchange))  # says what to start
