"""Hosts a service in a Celery worker: `celery -A tasks worker --service collector.binance_spot`.

The only module below tasks/ that imports Celery. `--service NAME` implies everything a person
would otherwise have to type: the queue NAME, the node name NAME@host, two threads, and neither
gossip nor mingle (five Redis connections less). What is typed wins over what is implied.

The step is in the worker's blueprint, not in the consumer's: that one is torn down and built again
at each loss of the broker (celery/worker/consumer/consumer.py, `Consumer.start`).
"""

import logging
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import click
from celery import Celery, bootsteps, signals
from celery.bin.base import CeleryOption
from celery.exceptions import ImproperlyConfigured
from celery.utils.nodenames import default_nodename, host_format
from celery.worker import state as worker_state

from config import Settings
from config.shards import plain
from workers.model.errors import MarketPrismError
from workers.runtime.deadline import EXIT_GRACE_S
from workers.runtime.exposure import expose
from workers.runtime.health import alive_file
from workers.runtime.host import CRASH_EXIT_CODE, ServiceThread
from workers.runtime.hosted import announce
from workers.runtime.lease_key import is_held
from workers.runtime.service import Gate, Service
from workers.runtime.services import make_gate, make_service

logger = logging.getLogger(__name__)

STOP_TIMEOUT_S = 20.0
CONCURRENCY = 2
"""Threads for commands beside a service: one long command does not silence the queue."""

MakeService = Callable[[str, Settings], Service]
MakeGate = Callable[[str, Settings], Gate | None]


class RefusedStart(ImproperlyConfigured, click.ClickException):
    """The worker must not start like this. The shell shows the message alone: it has the remedy."""

    def __init__(self, message: str) -> None:
        click.ClickException.__init__(self, message)


class ServiceStep(bootsteps.StartStopStep):
    """The worker's step that hosts one service; present only with `--service`."""

    requires = ("celery.worker.components:Pool",)

    settings: Settings
    make: MakeService
    make_gate: MakeGate

    def __init__(self, worker: Any, service: str | None = None, **options: Any) -> None:
        self.name_of_service = plain(service) if service else None
        self.enabled = bool(service)
        super().__init__(worker, **options)

    def create(self, worker: Any) -> ServiceThread:  # type: ignore[override]
        """Check pool and queue, and build the service; it connects to nothing yet."""
        name = str(self.name_of_service)
        pool = worker.pool_cls if isinstance(worker.pool_cls, str) else worker.pool_cls.__module__
        if not pool.endswith((".thread", "threads")):
            raise RefusedStart(
                f'--service needs --pool threads, was {pool.rpartition(".")[2]}; add "-P threads"'
            )
        consumed = sorted(worker.app.amqp.queues.consume_from)
        if name not in consumed:
            raise RefusedStart(
                f"--service {name} needs its queue {name}, the worker consumes "
                f"{', '.join(consumed)}; leave -Q out or add {name} to it"
            )
        settings = type(self).settings
        try:
            service = type(self).make(name, settings)
        except MarketPrismError as error:
            raise RefusedStart(f"--service {name}: {error}") from error
        gate = type(self).make_gate(name, settings)
        if gate is not None:  # a standby must not take commands meant for the process at work
            worker.app.amqp.queues.deselect(name)
        thread = ServiceThread(
            service,
            alive_file=alive_file(settings, name),
            on_crash=_end_worker,
            exit_grace_s=EXIT_GRACE_S,
            gate=gate,
            on_running=None if gate is None else lambda: _take_commands(worker, name),
        )
        announce(thread)
        return thread

    def start(self, worker: Any) -> None:
        """Start the service and return at once: the Consumer step comes after it and blocks."""
        thread: ServiceThread = self.obj
        signals.worker_shutting_down.connect(self._shutting_down, weak=False)
        expose(thread.service, type(self).settings.telemetry)
        thread.start()

    def stop(self, worker: Any) -> None:
        """Drain. Also reached without a signal: remote shutdown, Flower's button, an error."""
        if self.obj is not None:
            self.obj.stop(timeout_s=STOP_TIMEOUT_S)

    def terminate(self, worker: Any) -> None:
        """The same: a thread cannot be killed, only drained."""
        self.stop(worker)

    def info(self, worker: Any) -> dict[str, Any]:  # type: ignore[override]
        """Shown by `inspect stats` and on Flower's worker page under "Other"."""
        return {"service": self.obj.status()} if self.obj is not None else {}

    def _shutting_down(self, **_: object) -> None:
        # Runs inside the signal handler: no log, no lock, no wait.
        self.obj.request_drain()


def install(
    app: Celery,
    settings: Settings,
    make: MakeService = make_service,
    gate: MakeGate = make_gate,
) -> None:
    """Give the app's workers the option `--service`.

    Args:
        app: the Celery app, before its worker starts.
        settings: where services get theirs.
        make: builds a service from its name.
        gate: builds what keeps a service to one process at a time.
    """

    class Step(ServiceStep):
        """The step of this app's workers."""

    Step.settings, Step.make, Step.make_gate = settings, staticmethod(make), staticmethod(gate)
    option = CeleryOption(
        ("--service",),
        default=None,
        help_group="MarketPrism",
        help="Host this service, e.g. collector.binance_spot (.1: its second shard) or writer; "
        "implies its queue.",
    )
    app.user_options["worker"].add(option)
    app.steps["worker"].add(Step)
    signals.worker_init.connect(
        partial(_imply, settings), weak=False, dispatch_uid=f"{__name__}.imply"
    )


def _imply(settings: Settings, sender: Any, **_: object) -> None:
    """Fill in what `--service` implies, before the worker builds its steps.

    A worker made without the command line (tests) keeps what it was given.
    """
    context = click.get_current_context(silent=True)
    if context is None:
        return
    service = plain(sender.options.get("service") or "")

    def typed(option: str) -> bool:
        source = context.get_parameter_source(option)
        return source not in (None, click.core.ParameterSource.DEFAULT)

    if not service:
        return
    if not typed("hostname"):
        # Two nodes of one name would answer for each other: a standby gets its number behind it.
        number = f"-{os.getpid()}" if is_held(settings.redis, service) else ""
        sender.hostname = host_format(default_nodename(f"{service}{number}@%h"))
    if not typed("concurrency"):
        sender.concurrency = CONCURRENCY
    if not typed("queues"):
        sender.app.amqp.queues.select([service])
    sender.options.update(without_gossip=True, without_mingle=True)


def _take_commands(worker: Any, queue: str) -> None:
    """Consume the queue from now on; called in the service's thread."""
    queues = worker.app.amqp.queues
    queues.select_add(queues[queue])  # what a consumer that starts later goes by
    consumer: Any = getattr(worker, "consumer", None)
    if consumer is None:
        return

    def begin() -> None:
        if consumer.task_consumer is not None:
            consumer.add_task_queue(queue)

    consumer.call_soon(begin)


def _end_worker(_: BaseException) -> None:
    """A crash ends the worker: alive without its service it would only look healthy."""
    worker_state.should_stop = CRASH_EXIT_CODE  # type: ignore[assignment]
