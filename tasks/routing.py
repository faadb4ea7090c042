"""Which queue a task goes to: a collector's tasks to the worker that hosts that collector."""

from collections.abc import Mapping, Sequence
from typing import Any

from config import queues
from config.settings import ExchangeSettings
from config.shards import shard_of
from workers.model.names import unknown_name

COLLECTOR_TASKS = "collector."
OF_SYMBOLS = {
    queues.RESYNC_BOOK: "symbol",
    queues.READ_BOOK: "symbol",
    queues.SUBSCRIBE: "symbols",
    queues.UNSUBSCRIBE: "symbols",
    queues.AUDIT_BOOKS: "symbols",
}
"""Commands about symbols, and the argument that has them: always the second."""


def queue_of(
    name: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    exchanges: Mapping[str, ExchangeSettings],
) -> str | None:
    """The queue of a task by its `exchange` argument; None: the default queue.

    Of an exchange's shards: the one asked for by `shard`, the one that has the (first) symbol, or
    the first, which hands on what is for others.

    Args:
        name: the task's.
        args: its positional arguments; a collector task's first is the exchange.
        kwargs: its named arguments.
        exchanges: the settings' exchanges by name.

    Raises:
        UnknownName: there is no such exchange, so nobody would ever take the message.
        ValueError: nor such a shard.
    """
    if not name.startswith(COLLECTOR_TASKS):
        return None
    exchange = kwargs.get("exchange", args[0] if args else None)
    if not isinstance(exchange, str) or exchange not in exchanges:
        raise unknown_name("exchange", exchange, exchanges)
    shards = exchanges[exchange].shards
    shard = kwargs.get("shard")
    if shard is not None:
        if shard not in range(shards):
            raise ValueError(f"{exchange} has shards 0 to {shards - 1}, there is no shard {shard}")
        return queues.collector(exchange, shard)
    about = kwargs.get(OF_SYMBOLS.get(name, ""))
    if about is None and name in OF_SYMBOLS and len(args) > 1:
        about = args[1]
    first = about[0] if isinstance(about, list | tuple) and about else about
    return queues.collector(
        exchange, shard_of(first, shards) if isinstance(first, str) and first else 0
    )
