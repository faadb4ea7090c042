"""When a process of the stack is ready, and where it is reached then."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config import queues
from config.settings import Settings
from config.shards import shard_number, shard_of
from workers.local.ports import answers
from workers.local.server import http_ok
from workers.local.servers import ClickHouseServer, NatsServer, servers
from workers.runtime.health import alive_file


@dataclass(frozen=True)
class Check:
    """A question that is asked until it is answered with yes.

    Args:
        where: shown once it is: an address or what the process serves.
    """

    ready: Callable[[], bool]
    where: str = ""


def checks(
    settings: Settings, begun_s: float, worker_ready: Callable[[], bool]
) -> dict[str, Check]:
    """A check for every program of the stack, by its name.

    Args:
        settings: where everything is.
        begun_s: seconds since 1970; liveness files older than that are another run's.
        worker_ready: asks over the broker, may take a second; asked in a thread of its own.
    """
    found: dict[str, Check] = {}
    for server in servers(settings):
        where = f"127.0.0.1:{server.port}"
        if isinstance(server, NatsServer):
            where += f", monitoring http://127.0.0.1:{server.monitoring_port}"
        if isinstance(server, ClickHouseServer):
            where += f", http://127.0.0.1:{server.http_port}"
        found[server.name] = Check(server.healthy, where)
    simulator, flower = settings.simulator, settings.flower
    found["simulator"] = Check(
        lambda: answers(simulator.port, simulator.address),
        f"http://{simulator.address}:{simulator.port}",
    )
    for name, exchange in settings.collectors().items():
        each = settings.exchanges[exchange]
        number = shard_number(name)
        own = [symbol for symbol in each.symbols if shard_of(symbol, each.shards) == number]
        where = f"{', '.join(own) or 'no symbols'} from {each.ws_url}"
        found[name] = Check(_touched(settings, name, begun_s), where)
    found[queues.WRITER] = Check(
        _touched(settings, queues.WRITER, begun_s), f"database {settings.clickhouse.database}"
    )
    found["worker"] = Check(_Asked(worker_ready), f"queue {queues.DEFAULT_QUEUE}")
    found["beat"] = Check(lambda: _beat_wrote(settings, begun_s), "schedule")
    found["flower"] = Check(
        lambda: http_ok(flower.port, f"/{flower.url_prefix}/healthcheck".replace("//", "/")),
        flower.url,
    )
    return found


def _touched(settings: Settings, service: str, begun_s: float) -> Callable[[], bool]:
    file = alive_file(settings, service)
    return lambda: _newer(file, begun_s)


def _newer(file: Path, begun_s: float) -> bool:
    try:
        return file.stat().st_mtime >= begun_s
    except FileNotFoundError:
        return False


def _beat_wrote(settings: Settings, begun_s: float) -> bool:
    """Beat saves its schedule once it has read it."""
    files = (settings.data_path / "run").glob("beat-schedule*")
    return any(_newer(file, begun_s) for file in files)


class _Asked:
    """Asks a slow question again and again beside the caller; remembers a yes."""

    def __init__(self, ask: Callable[[], bool]) -> None:
        self._ask = ask
        self._yes = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self) -> bool:
        if not self._yes.is_set() and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._run, name="ask-worker", daemon=True)
            self._thread.start()
        return self._yes.is_set()

    def _run(self) -> None:
        if self._ask():
            self._yes.set()
