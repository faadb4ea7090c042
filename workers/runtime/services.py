"""From a service's name to the service: `writer`, `collector.binance_spot`, `processor.mine`.

Services are imported when they are asked for: a writer's process has no use for a collector's code.
"""

from config import Settings, queues
from config.load import load_with_origins
from config.shards import collectors, exchange_of, plain, shard_number
from workers.model.names import unknown_name
from workers.processor.registry import INSTALLED
from workers.runtime.lease import Lease
from workers.runtime.service import Gate, Service


def service_names(settings: Settings) -> list[str]:
    """Every service these settings describe, and the processors of installed packages."""
    return [
        queues.WRITER,
        *(
            service
            for name, each in settings.exchanges.items()
            for service in collectors(name, each.shards)
        ),
        *(queues.processor(name) for name in INSTALLED.names()),
    ]


def make_service(name: str, settings: Settings) -> Service:
    """Build a service. It connects to nothing yet.

    Args:
        name: as in `service_names`; `collector.binance_spot.0` is `collector.binance_spot`.
        settings: the whole tree.

    Raises:
        UnknownName: no such service; names the nearest.
        BrokenPackage: an installed package offers it, and it cannot be used.
    """
    name, known = plain(name), service_names(settings)
    if name not in known:
        raise unknown_name("service", name, known)
    if name == queues.WRITER:
        from workers.writer.service import WriterService

        return WriterService(settings)
    if name.startswith(queues.processor("")):
        from workers.processor.service import ProcessorService

        return ProcessorService(settings, name.removeprefix(queues.processor("")))
    from workers.collector.service import CollectorService

    exchange, shard = exchange_of(name), shard_number(name)
    assert exchange is not None
    return CollectorService(settings, exchange, read=load_with_origins, shard=shard)


def make_gate(name: str, settings: Settings) -> Gate | None:
    """What lets a service run in one process at a time; None: it may run in several.

    Collectors are alone, each with its part of an exchange. Writers and processors share consumers.
    """
    return Lease(settings, plain(name)) if name.startswith(queues.collector("")) else None
