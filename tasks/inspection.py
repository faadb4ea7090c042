"""`celery -A tasks inspect books|connections|rates`: what this worker's service says of itself.

Read only and at once: the commands run on the worker's event loop, where a wait of 4 s would make
it miss its heartbeats. Figures are the service's own counters.
"""

from typing import Any

from celery.worker.control import inspect_command

from workers.runtime.hosted import hosted_services

NO_SERVICE = "this worker hosts no service; see the one started with --service"


@inspect_command()
def books(state: Any) -> dict[str, Any]:
    """Books of the hosted collector: state, levels, best prices, gaps."""
    return _figures("books")


@inspect_command()
def connections(state: Any) -> dict[str, Any]:
    """Connections of the hosted collector."""
    return _figures("connections")


@inspect_command()
def rates(state: Any) -> dict[str, Any]:
    """Messages a second by channel and symbol, and what is published or stored."""
    return _figures("rates", "streams", "publisher", "counters")


def _figures(*names: str) -> dict[str, Any]:
    """The named parts of each hosted service's status, as far as it has them."""
    services = {each.service.name: each.service.status() for each in hosted_services()}
    if not services:
        return {"error": NO_SERVICE}
    found = {
        service: {name: status[name] for name in names if name in status}
        for service, status in services.items()
    }
    return {
        service: parts.get(names[0], {}) if len(names) == 1 else parts
        for service, parts in found.items()
    }
