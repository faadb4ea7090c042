"""`celery -A tasks inspect books|connections|rates|polls`: what this worker says of itself.

Read only and at once: the commands run on the worker's event loop, where a wait of 4 s would make
it miss its heartbeats. Figures are the service's own counters; budgets are asked of Redis, which
costs some milliseconds, and a quarter of a second once when it hangs. Budgets and breakers have the
same shape everywhere, also in `marketprism status`: see workers/transport/report.py.
"""

from typing import Any

from celery import bootsteps
from celery.worker.control import inspect_command

from tasks.celery import app
from tasks.counting import counters
from tasks.polling import pollers
from workers.runtime.hosted import hosted_services

NO_SERVICE = "this worker hosts no service; see the one started with --service"
WORKER = "worker"
"""The worker itself, where services stand by their names."""


@inspect_command()
def books(state: Any) -> dict[str, Any]:
    """Books of the hosted collector: state, levels, best prices, gaps."""
    found: dict[str, Any] = {name: each.get("books", {}) for name, each in _status().items()}
    return found or {"error": NO_SERVICE}


@inspect_command()
def connections(state: Any) -> dict[str, Any]:
    """Connections of the hosted collector, and the budget of attempts to connect."""
    found: dict[str, Any] = {
        name: {"connections": each["connections"], "connects": _connects(each)}
        for name, each in _status().items()
        if "connections" in each
    }
    return found or {"error": NO_SERVICE}


@inspect_command()
def rates(state: Any) -> dict[str, Any]:
    """Messages a second, what is published or stored, and how full the budgets are."""
    shown = ("streams", "publisher", "counters", "limits")
    found = {
        name: {part: each[part] for part in shown if part in each}
        for name, each in _status().items()
    }
    return found or {WORKER: _worker()}


@inspect_command(name="polls")
def inspect_polls(state: Any) -> dict[str, Any]:
    """Polls of this worker: how they and their calls ended, budgets, endpoints left alone."""
    worker = _worker()
    breakers = {name: each["breakers"] for name, each in worker["limits"].items()}
    return {**worker, "breakers": breakers}


class LimitsStep(bootsteps.StartStopStep):
    """Adds the budgets of a worker without a service to `celery inspect stats`; starts nothing."""

    def __init__(self, worker: Any, service: str | None = None, **options: Any) -> None:
        self.enabled = not service
        super().__init__(worker, **options)

    def info(self, worker: Any) -> dict[str, Any]:  # type: ignore[override]
        """`limits`, as a service has them in its status."""
        return {"limits": pollers.limits()}


app.steps["worker"].add(LimitsStep)


def _status() -> dict[str, dict[str, Any]]:
    """What each hosted service says of itself, by its name."""
    return {each.service.name: each.service.status() for each in hosted_services()}


def _connects(status: dict[str, Any]) -> dict[str, Any]:
    """Budgets of attempts to connect, by exchange."""
    limits = status.get("limits", {}).items()
    return {name: each["budgets"]["connects"] for name, each in limits}


def _worker() -> dict[str, Any]:
    return {"counters": counters.snapshot(), "limits": pollers.limits()}
