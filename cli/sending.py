"""Tasks as people name them, checked and sent. Imports the tasks, which takes its time."""

from collections.abc import Iterable, Mapping
from typing import Any

from celery.result import AsyncResult

from beat.entries import Entry
from config.settings import Settings
from tasks import app
from tasks.arguments import Argument, arguments_of, check, parsed
from workers.model.errors import MarketPrismError
from workers.model.names import unknown_name

PREFIXES = ("", "polling.", "collector.", "quality.", "backfill.")


def task_names() -> list[str]:
    """Names of all our tasks, polls first."""
    ours = [name for name in app.tasks if not name.startswith("celery.")]
    return sorted(ours, key=lambda name: (not name.startswith("polling."), name))


def task_named(name: str) -> str:
    """A task's own name: `klines` and `order-book` forms are understood.

    Raises:
        UnknownName: there is no such; has the nearest.
    """
    known = task_names()
    folded = name.strip().lower().replace("-", "_")
    for prefix in PREFIXES:
        if prefix + folded in known:
            return prefix + folded
    raise unknown_name("task", name, known)


def arguments(task: str, settings: Settings) -> list[Argument]:
    """What a task takes."""
    return arguments_of(task, app.tasks[task].run, settings)


def title(task: str) -> str:
    """What a task does, in a line."""
    return (app.tasks[task].__doc__ or app.tasks[task].run.__doc__ or "").strip().partition("\n")[0]


def typed(task: str, texts: Mapping[str, str], settings: Settings) -> dict[str, Any]:
    """Arguments as typed, as values.

    Raises:
        MarketPrismError: there is no such argument, or the text is no such value.
    """
    try:
        return parsed(task, arguments(task, settings), texts)
    except ValueError as error:
        raise MarketPrismError(str(error)) from error


def check_all(settings: Settings, entries: Iterable[Entry]) -> None:
    """See that entries could be run as they are.

    Raises:
        MarketPrismError: one could not; names it.
    """
    for each in entries:
        try:
            check_one(settings, task_named(each.task), each.kwargs)
        except MarketPrismError as error:
            raise MarketPrismError(f"{each.name}: {error}") from error


def check_one(settings: Settings, task: str, kwargs: Mapping[str, Any]) -> None:
    """See that a task could run with these arguments.

    Raises:
        MarketPrismError: it could not; says what would be right.
    """
    try:
        check(task, app.tasks[task].run, settings, (), kwargs, app.secrets)
    except ValueError as error:
        raise MarketPrismError(str(error)) from error


def send(task: str, kwargs: dict[str, Any], **options: Any) -> AsyncResult[Any]:
    """Send a task.

    Raises:
        MarketPrismError: its arguments are wrong; nothing was sent.
        kombu.exceptions.OperationalError: Redis does not answer.
    """
    try:
        return app.send_task(task, kwargs=kwargs, **options)
    except ValueError as error:
        raise MarketPrismError(str(error)) from error
