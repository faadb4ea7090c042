"""Where tasks find the service their process hosts."""

from workers.model.errors import ServiceClosed
from workers.runtime.host import ServiceThread

_threads: dict[str, ServiceThread] = {}


def announce(thread: ServiceThread) -> None:
    """Let this process's tasks find the service."""
    _threads[thread.service.name] = thread


def hosted(name: str) -> ServiceThread:
    """The host of a service of this process.

    Raises:
        ServiceClosed: this process does not host it; says what to start.
    """
    try:
        return _threads[name]
    except KeyError:
        here = ", ".join(sorted(_threads)) or "no service"
        raise ServiceClosed(
            f"this worker hosts {here}, not {name}; "
            f"start one that does: celery -A tasks worker --service {name}"
        ) from None


def hosted_services() -> list[ServiceThread]:
    """Every service of this process."""
    return list(_threads.values())
