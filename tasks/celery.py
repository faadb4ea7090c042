"""The Celery app `marketprism`; `celery -A tasks ...` finds it as `tasks.app`."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import click
from celery import Celery, signals
from celery.result import AsyncResult

from config import ConfigError, Settings, load
from config.logging import configure, secrets_of
from tasks.arguments import check
from tasks.flower import default_options
from tasks.routing import queue_of
from workers.model.errors import MarketPrismError
from workers.model.names import unknown_name
from workers.runtime import bootstep

CELERYS_OWN = "celery."
"""How names of Celery's own tasks begin."""

EXPECTED = (MarketPrismError, ValueError, LookupError, TimeoutError)
"""Errors of tasks that tell the caller something; logged in one line, without a traceback."""


class MarketPrism(Celery):
    """A Celery app whose messages all expire.

    `send_task` is the one door of every way to send: apply_async, beat, `celery call`, Flower.
    """

    settings: Settings

    @cached_property
    def secrets(self) -> list[str]:
        """What must not be sent, stored or logged."""
        return secrets_of(self.settings)

    def send_task(
        self,
        name: str,
        args: Sequence[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
        *more: Any,
        **options: Any,
    ) -> AsyncResult[Any]:
        """Send a task by name, with an expiry if the sender gave none.

        The expiry counts from when the task is due, and nobody can ask for a task without one.

        Raises:
            UnknownName, ValueError: no such task, exchange or argument, or a value that cannot be:
                nobody would ever run it.
        """
        if options.get("expires") is None:
            options["expires"] = self._expiry(options.get("eta"), options.get("countdown"))
        try:
            if name not in self.tasks:
                raise unknown_name("task", name, _ours(self.tasks))
            if not name.startswith(CELERYS_OWN):
                run = self.tasks[name].run
                check(name, run, self.settings, args or (), kwargs or {}, self.secrets)
            sent: AsyncResult[Any] = super().send_task(name, args, kwargs, *more, **options)
        except ValueError as error:  # an UnknownName is one
            context = click.get_current_context(silent=True)
            if context is not None and context.info_name == "call":
                raise click.ClickException(str(error)) from error
            raise
        return sent

    def _expiry(self, eta: datetime | None, countdown: float | None) -> float | datetime:
        lifetime_s = self.settings.celery.task_expires
        if eta is not None:
            return eta + timedelta(seconds=lifetime_s)
        return lifetime_s + (countdown or 0.0)

    @property
    def Beat(self) -> Any:
        """Celery's beat, with the folder of its schedule file, which it opens before any signal."""
        (self.settings.data_path / "run").mkdir(parents=True, exist_ok=True)
        return super().Beat


def _ours(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith(CELERYS_OWN)]


def _route(
    name: str,
    args: Sequence[Any] | None,
    kwargs: dict[str, Any] | None,
    options: dict[str, Any],
    **_: object,
) -> dict[str, str] | None:
    """Celery's router; a queue that was typed wins."""
    queue = queue_of(name, args or (), kwargs or {}, app.settings.exchanges)
    return {"queue": queue} if queue is not None else None


def _load() -> Settings:
    """The settings; a wrong one ends a celery command with its path and remedy, no traceback."""
    try:
        return load()
    except ConfigError as error:
        if click.get_current_context(silent=True) is None:
            raise
        raise SystemExit(str(error)) from error


app = MarketPrism("marketprism")
app.settings = _load()
app.config_from_object("celeryconfig")
app.conf.task_routes = (_route,)
bootstep.install(app, app.settings)


@signals.setup_logging.connect(weak=False)
def _log_like_the_services(
    loglevel: int | None = None, logfile: str | None = None, **_: object
) -> None:
    """Replace Celery's log set-up by ours; a level typed on the command line wins."""
    context = click.get_current_context(silent=True)
    source = context.get_parameter_source("loglevel") if context else None
    typed = source not in (None, click.core.ParameterSource.DEFAULT)
    configure(
        app.settings.log,
        secrets=secrets_of(app.settings),
        level=loglevel if typed else None,
        file=logfile,
    )


default_options(app.settings)
