"""Which queue a task goes to: a collector's tasks to the worker that hosts that collector."""

from collections.abc import Mapping, Sequence
from typing import Any

from config import queues
from workers.model.names import unknown_name

COLLECTOR_TASKS = "collector."


def queue_of(
    name: str, args: Sequence[Any], kwargs: Mapping[str, Any], exchanges: Mapping[str, object]
) -> str | None:
    """The queue of a task by its `exchange` argument; None: the default queue.

    Args:
        name: the task's.
        args: its positional arguments; a collector task's first is the exchange.
        kwargs: its named arguments.
        exchanges: the settings' exchanges by name.

    Raises:
        UnknownName: there is no such exchange, so nobody would ever take the message.
    """
    if not name.startswith(COLLECTOR_TASKS):
        return None
    exchange = kwargs.get("exchange", args[0] if args else None)
    if not isinstance(exchange, str) or exchange not in exchanges:
        raise unknown_name("exchange", exchange, exchanges)
    return queues.collector(exchange)
