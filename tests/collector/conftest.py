"""A collector in this process, on a thread, between a simulated exchange and a real NATS."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import nats
import pytest
from nats.aio.msg import Msg

import config
from config.settings import ROOT, Settings
from tests.collector.dialects import SPOT, Dialect, levels_of
from tests.simulated import SimulatedExchange
from tests.waiting import wait_until
from workers.bus.streams import ensure_streams
from workers.collector.service import CollectorService
from workers.local.servers import NatsServer, RedisServer, free_ports
from workers.model.events import AnyEvent
from workers.runtime.host import ServiceThread
from workers.telemetry.metrics import Metric

ROOTS = (
    *(f"{each.__struct_config__.tag}-data" for each in get_args(AnyEvent)),
    "dead-letter",
)


class Subscriber:
    """A plain NATS subscriber on a thread of its own: what any user would see."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._messages: list[tuple[str, dict[str, Any]]] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._subscribe())
        self._loop.run_forever()
        self._loop.run_until_complete(self._client.close())
        self._loop.close()

    async def _subscribe(self) -> None:
        self._client = await nats.connect(self._url, reconnect_time_wait=0.1)
        for root in ROOTS:
            await self._client.subscribe(f"{root}.>", cb=self._take, pending_bytes_limit=1 << 30)
        await self._client.flush()
        self._ready.set()

    async def _take(self, message: Msg) -> None:
        self._messages.append((message.subject, msgspec.json.decode(message.data)))

    def of(self, subject: str) -> list[dict[str, Any]]:
        """Messages so far whose subject starts so."""
        return [body for name, body in list(self._messages) if name.startswith(subject)]

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


class Running:
    """The collector under test with both its neighbours."""

    def __init__(
        self,
        settings: Settings,
        exchange: SimulatedExchange,
        subscriber: Subscriber,
        dialect: Dialect = SPOT,
    ) -> None:
        self.settings, self.exchange, self.subscriber = settings, exchange, subscriber
        self.dialect, self.name = dialect, dialect.exchange
        self.service = CollectorService(settings, self.name)
        self.host = ServiceThread(self.service)
        self.host.start()

    def of(self, data_type: str, symbol: str) -> list[dict[str, Any]]:
        """What was published of a type and symbol."""
        return self.subscriber.of(f"{data_type}-data.{self.name}.{symbol}")

    def books(self) -> dict[str, Any]:
        return dict(self.service.status()["books"])

    def synced(self, *symbols: str) -> bool:
        books = self.books()
        wanted = symbols or self.settings.exchanges[self.name].symbols
        wanted = [each for each in wanted if each not in self.dialect.indices]
        return all(books.get(each, {}).get("state") == "SYNCED" for each in wanted)

    def wait_synced(self, timeout_s: float = 20) -> None:
        wait_until(self.synced, timeout_s, "all books SYNCED")

    def count(self, metric: Metric, *labels: str) -> int:
        """A counter of this exchange."""
        return self.service.counters.get(metric, self.name, *labels)

    def call(self, make: Callable[[CollectorService], Any], timeout_s: float = 10) -> Any:
        return self.host.call(make, timeout_s)

    def assert_book_is_true(self, symbol: str) -> None:
        """Every level kept within the verified depth equals the exchange's own book."""

        def synced() -> dict[str, Any] | None:
            book = self.call(lambda service: service.read_book(symbol, None))
            return book if book["state"] == "SYNCED" else None

        book = wait_until(synced, 20, f"{symbol} SYNCED")
        depth = book["verified_depth"]
        assert depth >= 300
        truth = self.dialect.book(self.exchange, symbol, book["last_update_id"], depth)
        mine = levels_of(book)
        for side in ("bids", "asks"):
            assert mine[side][:depth] == truth[side][:depth]


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path / "nats", *free_ports(2))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def run_collector(
    tmp_path: Path, own_nats: NatsServer, redis_server: RedisServer
) -> Iterator[Callable[..., Running]]:
    endings: list[Callable[[], None]] = []

    def run(
        *options: str,
        before: Callable[[SimulatedExchange], None] = bool,
        dialect: Dialect = SPOT,
        **env: str,
    ) -> Running:
        exchange = SimulatedExchange(
            tmp_path / "simulator.log", "--rate", "300", *dialect.options, *options
        )
        endings.append(exchange.end)
        before(exchange)
        section = f"MARKETPRISM_EXCHANGES__{dialect.exchange.upper()}__"
        settings = config.load(
            env={
                "MARKETPRISM_CONFIG": str(ROOT / "config" / "marketprism.yaml"),
                "MARKETPRISM_DATA_DIR": str(tmp_path / "data"),
                "MARKETPRISM_NATS__SERVERS": own_nats.url,
                "MARKETPRISM_REDIS__PORT": str(redis_server.port),
                # Each simulated exchange counts for itself, so do the budgets of its collectors.
                "MARKETPRISM_NETWORK__EGRESS": f"simulated:{exchange.rest_url.rpartition(':')[2]}",
                "MARKETPRISM_STABILITY__RECONNECT__FIRST_DELAY": "200ms",
                f"{section}WS_URL": exchange.ws_url + dialect.path,
                f"{section}REST_URL": exchange.rest_url,
                f"{section}SYMBOLS": ",".join([*dialect.symbols, *dialect.indices]),
                **{f"{section}{name}": value for name, value in dialect.env.items()},
                **{f"MARKETPRISM_{name}": value for name, value in env.items()},
            }
        )
        streams = ROOT / "config" / settings.nats.streams_file
        asyncio.run(ensure_streams(settings.nats.servers, streams))
        subscriber = Subscriber(own_nats.url)
        endings.append(subscriber.close)
        running = Running(settings, exchange, subscriber, dialect)
        endings.append(lambda: running.host.stop(15))
        return running

    yield run
    for end in reversed(endings):
        end()
