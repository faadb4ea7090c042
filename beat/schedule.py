"""Settings to the default entries; pure. Tasks are known by name only."""

from dataclasses import replace

from beat.entries import Entry, every
from config import Settings, queues
from config.poll_task import PollingTask
from config.polls import POLLS

POLL_PREFIX = "polling."


def schedule(settings: Settings) -> dict[str, Entry]:
    """The default entries by name, for every enabled exchange.

    `poll-long-short-ratio.binance_derivatives.BTC-USDT-PERP`, `check-memory.binance_spot`: all
    entries of a group are spread evenly over their interval, so that the requests of many symbols
    do not come at once.
    """
    groups = [_polls(settings, task) for task in POLLS.values()]
    memory = settings.stability.memory
    groups += [
        _commands(settings, "audit-books", queues.AUDIT_BOOKS, settings.schedule.audit_books),
        _commands(settings, "clean-idle-books", queues.CLEAN_IDLE_BOOKS, memory.cleanup_interval),
        _commands(settings, "check-memory", queues.CHECK_MEMORY, memory.check_interval),
        _quality(settings, "update-ledger", queues.UPDATE_LEDGER, settings.schedule.update_ledger),
        _quality(settings, "fill-gaps", queues.FILL_GAPS, settings.schedule.fill_gaps),
    ]
    return {entry.name: entry for group in groups for entry in group}


def group_of(task: str) -> str:
    """The name of a task's entries: `polling.open_interest` -> `poll-open-interest`."""
    return "poll-" + task.removeprefix(POLL_PREFIX).replace("_", "-")


def _polls(settings: Settings, task: PollingTask) -> list[Entry]:
    """A poll's runs on all exchanges that have it."""
    setting = task.name.removeprefix(POLL_PREFIX)
    interval_s: float = getattr(settings.schedule, setting)
    if not interval_s:
        return []
    written = setting in settings.schedule.model_fields_set
    targets = {
        exchange: task.targets(exchange, each.symbols)
        for exchange, each in settings.enabled_exchanges().items()
    }
    runs = [
        (target, interval_s if written else task.every_s(exchange, len(each)))
        for exchange, each in targets.items()
        for target in each
    ]
    return [
        every(
            every_s,
            task.name,
            name=".".join([group_of(task.name), *target.values()]),
            kwargs=target,
            queue=queues.DEFAULT_QUEUE,
            expires_s=settings.celery.task_expires,
            phase=place / len(runs),
        )
        for place, (target, every_s) in enumerate(runs)
    ]


def _quality(settings: Settings, group: str, task: str, interval_s: float) -> list[Entry]:
    """What the general worker does about the stored data of each exchange."""
    return [
        replace(each, queue=queues.DEFAULT_QUEUE)
        for each in _commands(settings, group, task, interval_s)
    ]


def _commands(settings: Settings, group: str, task: str, interval_s: float) -> list[Entry]:
    """A command to every collector."""
    enabled = list(settings.enabled_exchanges())
    if not interval_s:
        return []
    return [
        every(
            interval_s,
            task,
            name=f"{group}.{exchange}",
            kwargs={"exchange": exchange},
            queue=queues.collector(exchange),
            expires_s=settings.celery.task_expires,
            phase=place / len(enabled),
        )
        for place, exchange in enumerate(enabled)
    ]
