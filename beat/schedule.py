"""Settings to beat's entries; pure. Tasks are known by name only."""

from typing import Any

from beat.entries import every
from config import Settings, queues


def schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """Beat's entries by name, for every enabled exchange.

    Snapshots of all symbols are spread evenly over their interval: each costs weight at the
    exchange, and a burst of them would cost it at once.
    """
    expires_s = settings.celery.task_expires
    memory = settings.stability.memory
    enabled = settings.enabled_exchanges()
    polled = [(name, symbol) for name, each in enabled.items() for symbol in each.symbols]
    interval_s = settings.schedule.orderbook_snapshot
    entries = {
        f"snapshot {name} {symbol}": every(
            interval_s,
            queues.ORDERBOOK_SNAPSHOT,
            kwargs={"exchange": name, "symbol": symbol},
            queue=queues.DEFAULT_QUEUE,
            expires_s=expires_s,
            offset_s=interval_s * place / len(polled),
        )
        for place, (name, symbol) in enumerate(polled)
    }
    for name in enabled:
        for label, task, period_s in (
            ("clean idle books", queues.CLEAN_IDLE_BOOKS, memory.cleanup_interval),
            ("check memory", queues.CHECK_MEMORY, memory.check_interval),
        ):
            entries[f"{label} {name}"] = every(
                period_s,
                task,
                kwargs={"exchange": name},
                queue=queues.collector(name),
                expires_s=expires_s,
            )
    return entries
