"""Messages nobody can run are refused once: logged, counted, recorded as failed, never again taken.

Celery does so with most of them. Bytes that are no message at all, and bodies that are no list of
arguments, end its worker, which takes them again after the restart; both are caught here, in the
transport and in the consumer.
"""

import uuid
from collections.abc import Callable
from typing import Any

import structlog
from celery.utils.collections import AttributeDict
from celery.worker.consumer.consumer import Consumer as CeleryConsumer
from kombu.transport import TRANSPORT_ALIASES, redis

from tasks.counting import counters
from workers.model.errors import MarketPrismError

log = structlog.get_logger(__name__)

UNUSABLE = (ValueError, TypeError, KeyError, AttributeError)
"""What reading bytes that are not what they should be ends with."""

KEPT_CHARS = 200
NO_NAME = "unreadable"


class PoisonedMessage(MarketPrismError):
    """A message that is no task of ours; it was taken from its queue and is not run."""


class Channel(redis.Channel):
    """Drops what was taken from a queue and is no message."""

    our_app: Any = None

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        except UNUSABLE as error:
            refused("no message", error, backend=self.our_app and self.our_app.backend)
            return True


class Transport(redis.Transport):
    """Redis, with a channel that survives what people push into its lists."""

    Channel = Channel


class Consumer(CeleryConsumer):
    """Refuses messages that Celery cannot read, and counts all that were refused."""

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], Any]:
        """Celery's handler, which may meet anything."""
        take = super().create_task_handler(*args, **options)

        def on_task_received(message: Any) -> Any:
            try:
                return take(message)
            except UNUSABLE as error:
                errors = self.connection_errors  # type: ignore[attr-defined]
                message.reject_log_error(log, errors)
                return refused("no arguments", error, message, self.app.backend)

        return on_task_received

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """A body that is not what its header says."""
        super().on_decode_error(message, exc)
        refused("undecodable", exc, message, self.app.backend)

    def on_unknown_message(self, body: Any, message: Any) -> None:
        """A message without a task's name."""
        super().on_unknown_message(body, message)
        refused("no task", None, message, self.app.backend)

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """A task that is not ours; Celery records it without its name."""
        super().on_unknown_task(body, message, exc)
        refused("unknown task", exc, message, self.app.backend)

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        """A task's message of a wrong form or content type."""
        super().on_invalid_task(body, message, exc)
        refused("invalid", exc, message, self.app.backend)


def refused(
    why: str, error: BaseException | None, message: Any = None, backend: Any = None
) -> None:
    """Count, log and record one message that was taken and will not be run.

    Args:
        why: the counter's label.
        error: what reading it ended with.
        message: if it was one; names queue, task and id.
        backend: records it as failed; None: somebody else does.
    """
    headers = message.headers if message is not None and isinstance(message.headers, dict) else {}
    delivery = getattr(message, "delivery_info", None) or {}
    queue = str(delivery.get("routing_key", "unknown"))
    name = headers.get("task") if isinstance(headers.get("task"), str) else NO_NAME
    counters.add("messages_poisoned_total", queue, why)
    text = f"{queue}: {why}: {str(error)[:KEPT_CHARS] if error else 'of no form we know'}"
    log.error("message_poisoned", queue=queue, why=why, task=name, error=text)
    if backend is not None:
        task_id = headers.get("id") if isinstance(headers.get("id"), str) else str(uuid.uuid4())
        request = AttributeDict(name=name, task=name, id=task_id, correlation_id=task_id)
        request.update(root_id=None, reply_to=None, errbacks=None, chord=None)
        poisoned = PoisonedMessage(f"{text}; refused, not run")
        backend.mark_as_failure(task_id, poisoned, request=request)


def install(app: Any) -> None:
    """Let workers of this app use them."""
    Channel.our_app = app
    TRANSPORT_ALIASES["redis"] = f"{__name__}:Transport"
    app.conf.worker_consumer = f"{__name__}:Consumer"
