"""REST polls, for the general worker: one task for each line of config/polls.py.

Arguments by name: `exchange`, then `symbol` or `currency`, then the task's parameters. What a run
brought is in its result: events, the exchange's time of the newest, calls, weight, duration.
"""

from collections.abc import Callable
from typing import Any

from celery import Task, signals

from config.poll_task import PollingTask
from config.polls import POLLS
from tasks.celery import EXPECTED, app
from tasks.counting import counters
from workers.exchanges import registry
from workers.runtime.poller import Pollers
from workers.runtime.polls import Polls
from workers.runtime.publishing import EventPublisher
from workers.transport.network import Network

STOP_TIMEOUT_S = 8.0

pollers = Pollers(
    app.settings.exchanges,
    registry.exchange,
    counters,
    redis_url=app.settings.redis.url,
    network=Network.from_settings(app.settings.network),
)
publisher = EventPublisher(app.settings.nats)
polls = Polls(app.settings, pollers, publisher)


def _door(task: PollingTask) -> Callable[..., dict[str, Any]]:
    def run(*args: Any, **kwargs: Any) -> dict[str, Any]:
        return polls.run(task.name, args, kwargs)

    run.__name__, run.__doc__ = task.name.partition(".")[2], task.title
    return run


TASKS: dict[str, Task[Any, dict[str, Any]]] = {
    each.name: app.task(name=each.name, throws=EXPECTED)(_door(each)) for each in POLLS.values()
}
"""Polling tasks by name."""


@signals.worker_shutting_down.connect(weak=False)
def _end_waits(**_: object) -> None:
    """Tasks that wait for the budget end now, not when it is their turn."""
    pollers.close()


@signals.worker_shutdown.connect(weak=False)
def _drain(**_: object) -> None:
    publisher.stop(STOP_TIMEOUT_S)
