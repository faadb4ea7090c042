"""From a service's name to the service: `writer`, `collector.binance_spot`.

Services are imported when they are asked for: a writer's process has no use for a collector's code.
"""

import difflib

from config import Settings, queues
from workers.model.errors import MarketPrismError
from workers.runtime.service import Service


class UnknownService(MarketPrismError):
    """No service has this name."""


def service_names(settings: Settings) -> list[str]:
    """Every service these settings describe."""
    return [queues.WRITER, *(queues.collector(name) for name in settings.exchanges)]


def make_service(name: str, settings: Settings) -> Service:
    """Build a service. It connects to nothing yet.

    Raises:
        UnknownService: no such service; names the known ones.
    """
    known = service_names(settings)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UnknownService(f"no service is called {name}; {hint}known: {', '.join(known)}")
    if name == queues.WRITER:
        from workers.writer.service import WriterService

        return WriterService(settings)
    from workers.collector.service import CollectorService

    return CollectorService(settings, name.removeprefix(queues.collector("")))
