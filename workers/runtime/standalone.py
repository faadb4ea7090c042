"""Hosts a service without Celery: `python -m workers.runtime writer`.

The same Service in the same thread; the signals drain it. There is no command queue: this is the
fallback if Celery is ever dropped, and the way to look at one service alone.
"""

import logging
import signal
import sys
from collections.abc import Callable

from config import ConfigError, Settings, load
from config.logging import configure, secrets_of
from workers.model.errors import MarketPrismError
from workers.runtime.deadline import EXIT_GRACE_S
from workers.runtime.exposure import expose
from workers.runtime.health import alive_file
from workers.runtime.host import ServiceThread
from workers.runtime.service import Service
from workers.runtime.services import make_gate, make_service

logger = logging.getLogger(__name__)

USAGE = "usage: python -m workers.runtime SERVICE"


def host(service: Service, settings: Settings) -> int:
    """Run a service until it is signalled or crashes; the exit code of the process."""
    thread = ServiceThread(
        service,
        alive_file=alive_file(settings, service.name),
        exit_grace_s=EXIT_GRACE_S,
        gate=make_gate(service.name, settings),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: thread.request_drain())
    expose(service, settings.telemetry)
    thread.start()
    logger.info("%s: started without Celery, it takes no commands", service.name)
    thread.wait()
    return thread.exit_code


def main(
    arguments: list[str] | None = None,
    make: Callable[[str, Settings], Service] = make_service,
) -> int:
    """The command: 0 drained, 70 crashed, 2 wrong usage or a wrong setting."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        settings = load()
        configure(settings.log, secrets=secrets_of(settings))
        service = make(given[0], settings)
    except (ConfigError, MarketPrismError) as error:
        print(error, file=sys.stderr)
        return 2
    return host(service, settings)
