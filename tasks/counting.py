"""What the general worker counts: polls, calls, refused messages.

Shown by `celery -A tasks inspect polls`, and to Prometheus where the settings give `polling` a
port.
"""

from typing import Any

from celery import signals

from config import queues
from tasks.celery import app
from workers.telemetry.exporter import serve
from workers.telemetry.metrics import Counters

counters = Counters()


@signals.worker_ready.connect(weak=False)
def _expose(sender: Any = None, **_: object) -> None:
    """Only in the worker that polls: collectors and writers have counters of their own."""
    telemetry = app.settings.telemetry
    port = telemetry.ports.get(queues.DEFAULT_QUEUE)
    if port is not None and queues.DEFAULT_QUEUE in sender.app.amqp.queues.consume_from:
        serve(counters, queues.DEFAULT_QUEUE, telemetry.address, port)
