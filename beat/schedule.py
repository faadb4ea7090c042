"""Settings to the default entries; pure. Tasks are known by name only."""

from collections.abc import Mapping, Sequence

from beat.entries import Entry, every
from config import Settings, queues
from config.poll_task import PollingTask
from config.polls import POLLS
from config.shards import shard_number

Target = tuple[str, Mapping[str, object], str]
"""Last part of an entry's name, arguments, queue."""

POLL_PREFIX = "polling."


def schedule(settings: Settings) -> dict[str, Entry]:
    """The default entries by name, for every enabled exchange.

    `poll-long-short-ratio.binance_derivatives.BTC-USDT-PERP`, `check-memory.binance_spot`: all
    entries of a group are spread evenly over their interval, so that the requests of many symbols
    do not come at once.
    """
    groups = [_polls(settings, task) for task in POLLS.values()]
    memory, when = settings.stability.memory, settings.schedule
    commands, quality = _commands(settings), _quality(settings)
    groups += [
        _each(settings, group, task, interval_s, targets)
        for group, task, interval_s, targets in (
            ("audit-books", queues.AUDIT_BOOKS, when.audit_books, commands),
            ("clean-idle-books", queues.CLEAN_IDLE_BOOKS, memory.cleanup_interval, commands),
            ("check-memory", queues.CHECK_MEMORY, memory.check_interval, commands),
            ("update-ledger", queues.UPDATE_LEDGER, when.update_ledger, quality),
            ("fill-gaps", queues.FILL_GAPS, when.fill_gaps, quality),
        )
    ]
    groups.append(_daily_report(settings))
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


def _quality(settings: Settings) -> list[Target]:
    """What the general worker does about the stored data of each exchange."""
    return [
        (exchange, {"exchange": exchange}, queues.DEFAULT_QUEUE)
        for exchange in settings.enabled_exchanges()
    ]


def _daily_report(settings: Settings) -> list[Entry]:
    """Asked for some minutes after the hour, when the ledger has counted the minutes before it."""
    if not settings.schedule.daily_report or not settings.enabled_exchanges():
        return []
    return [
        every(
            settings.schedule.daily_report,
            queues.DAILY_REPORT,
            name="daily-report",
            kwargs={},
            queue=queues.DEFAULT_QUEUE,
            expires_s=settings.celery.task_expires,
            phase=0.1,
        )
    ]


def _commands(settings: Settings) -> list[Target]:
    """A command to every collector; `check-memory.deribit.1` is for the exchange's second shard.

    Of several each is asked by its number: a command without one would be handed on to all.
    """
    found: list[Target] = []
    for service, exchange in settings.collectors().items():
        kwargs: dict[str, object] = {"exchange": exchange}
        if settings.exchanges[exchange].shards > 1:
            kwargs["shard"] = shard_number(service)
        found.append((service.removeprefix(queues.collector("")), kwargs, service))
    return found


def _each(
    settings: Settings, group: str, task: str, interval_s: float, targets: Sequence[Target]
) -> list[Entry]:
    if not interval_s:
        return []
    return [
        every(
            interval_s,
            task,
            name=f"{group}.{name}",
            kwargs=kwargs,
            queue=queue,
            expires_s=settings.celery.task_expires,
            phase=place / len(targets),
        )
        for place, (name, kwargs, queue) in enumerate(targets)
    ]
