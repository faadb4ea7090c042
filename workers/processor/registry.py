"""User processors: code of installed packages that is given events, one at a time.

A package offers one through the entry point group `marketprism.processors`: an object, or a class
that is made without arguments.
"""

from collections.abc import Sequence
from typing import Protocol, get_args

from config.queues import PROCESSORS
from workers.model.events import AnyEvent
from workers.model.names import unknown_name
from workers.model.packages import BrokenPackage, Packages

KIND = "processor"

EVENTS = tuple(str(each.__struct_config__.tag) for each in get_args(AnyEvent))
"""Every type of event there is: `trade`, `orderbook-delta`, ..."""


class Processor(Protocol):
    """What a package offers."""

    events: Sequence[str]
    """Types of the events it wants, of EVENTS."""

    def on_event(self, event: AnyEvent) -> None:
        """Take one event; its fields are those of workers/model/events.py.

        Called in one thread, never twice at the same time. What it raises is counted, and the event
        counts as taken. It may come again after a crash.
        """
        ...


INSTALLED = Packages(KIND, PROCESSORS)


def load(name: str, packages: Packages = INSTALLED) -> Processor:
    """The processor of this name.

    Raises:
        UnknownName: no installed package offers it; names the nearest.
        BrokenPackage: it cannot be used; says why and whose it is.
    """
    if name not in packages.names():
        raise unknown_name(KIND, name, packages.names())
    found, origin = packages.load(name)
    processor: Processor = found
    if not callable(getattr(processor, "on_event", None)):
        raise BrokenPackage(KIND, name, f"{origin} has no method on_event")
    wanted = getattr(processor, "events", ())
    strange = [each for each in wanted if each not in EVENTS]
    if not wanted or isinstance(wanted, str) or strange:
        why = f"{origin} wants the events {wanted!r}; choose of {', '.join(EVENTS)}"
        raise BrokenPackage(KIND, name, why)
    return processor
