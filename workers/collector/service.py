"""The collector: one exchange live, from its instruments to its last acknowledged message."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psutil
import structlog

from config import Settings
from config.queues import collector as collector_name
from workers.bus.publisher import Publisher
from workers.collector.audit import BookAuditor
from workers.collector.books import LiveBooks
from workers.collector.calls import call
from workers.collector.common import Common
from workers.collector.connection import Connection
from workers.collector.health import problems
from workers.collector.instruments import AGAIN_S, Instruments
from workers.collector.live_book import identity
from workers.collector.outbox import Outbox
from workers.collector.performance import Performance
from workers.collector.plan import plan
from workers.collector.resume import published_before
from workers.collector.snapshots import SnapshotFetcher
from workers.exchanges.registry import exchange as find_exchange
from workers.model.clock import Clock, SystemClock
from workers.model.errors import MarketPrismError, ServiceClosed
from workers.model.events import AnyEvent, Gap, InstrumentChange
from workers.model.instrument import Instrument
from workers.telemetry.metrics import Counters
from workers.transport.http import HttpClient
from workers.transport.network import Network
from workers.transport.rates import open_budget, open_window
from workers.transport.websocket import WebSocketConnection

log = structlog.get_logger(__name__)

T = TypeVar("T")

WATCH_S = 0.5
JOIN_TIMEOUT_S = 3.0
PUBLISH_DRAIN_S = 5.0
PUBLISH_END_S = 1.0


class CollectorService:
    """Keeps one exchange's streams and books and publishes what they say.

    Args:
        settings: the whole tree; the exchange's own section must be in it.
        exchange_name: `binance_spot`, ...
    """

    def __init__(self, settings: Settings, exchange_name: str, clock: Clock | None = None) -> None:
        self.name = collector_name(exchange_name)
        self._all, self._settings = settings, settings.exchanges[exchange_name]
        self._exchange = find_exchange(exchange_name)
        self._clock: Clock = clock or SystemClock()
        self.counters = Counters()
        self._publisher = Publisher(
            settings.nats,
            self.counters,
            self.name,
            self._clock,
            on_lost=self._lost,
            spool_dir=settings.data_path / "spool" / self.name,
        )
        self._outbox = Outbox(self._publisher)
        limits = self._exchange.limits
        self._network = Network.from_settings(settings.network)
        redis_url, clock = settings.redis.url, self._clock
        egress = self._network.egress(self._settings.rest_url)
        self._budget = open_budget(
            exchange_name, limits, redis_url=redis_url, egress=egress, clock=clock
        )
        # A session is used by one thread at a time, so the fetcher has its own; the budget is one.
        self._client, self._fetching = self._rest_client(), self._rest_client()
        self._fetcher = SnapshotFetcher(
            self._exchange, self._fetching, self._budget, self.counters, self._clock
        )
        self._connects = open_window(
            limits.counted_as or exchange_name,
            limits.connects,
            limits.connect_window_s,
            redis_url=redis_url,
            egress=self._network.egress(self._settings.ws_url),
            clock=clock,
        )
        self._performance = Performance(exchange_name, settings.stability.performance, self._clock)
        self._publishing: asyncio.Task[None] | None = None
        self._connections: list[Connection] = []
        self._with_book: dict[str, Connection] = {}
        self._instruments = Instruments(
            self._exchange,
            self._settings,
            settings.stability.reconnect,
            self._client,
            self._clock,
        )
        self._auditor: BookAuditor | None = None
        self._health: dict[str, Any] | None = None
        health_check_s = settings.stability.reconnect.health_check
        self._health_due_s = self._clock.monotonic_s() + health_check_s
        self._phase = "starting"
        self._started_ns = self._clock.now_ns()
        self._process = psutil.Process()

    async def run(self) -> None:
        """Load instruments, open connections, watch over them until cancelled."""
        # Not a task group: the publisher has to outlive this coroutine until drain is done with it.
        self._publishing = asyncio.create_task(self._publisher.run(), name="publisher")
        instruments = await self._instruments.load()
        self._fetcher.start()
        before = await published_before(self._all.nats, instruments)
        self._tell_instruments(instruments)
        self._open(instruments, before)
        self._phase = "running"
        looking = asyncio.create_task(self._look_at_instruments(), name="instruments")
        try:
            while True:
                await asyncio.sleep(WATCH_S)
                self._watch()
        finally:
            looking.cancel()

    async def drain(self) -> None:
        """Close connections, hand over what they read, wait for its acknowledgements."""
        self._phase = "draining"
        self._fetcher.stop()
        self._budget.close()  # whoever waits for it need not any more
        for connection in self._connections:
            connection.stop()
        await asyncio.to_thread(self._join)
        left = await self._publisher.drain(PUBLISH_DRAIN_S)
        if self._publishing:
            self._publishing.cancel()
            await asyncio.wait({self._publishing}, timeout=PUBLISH_END_S)
        self._client.close()
        self._fetching.close()
        if left:
            log.error("drained; events not acknowledged are lost", exchange=self.name, lost=left)
        self._phase = "stopped"

    async def resync_book(self, symbol: str) -> dict[str, Any]:
        """Build one book again from a fresh snapshot.

        Raises:
            ServiceClosed: the collector is not running yet or no more.
            LookupError: no such symbol here.
        """
        return await self._on(symbol, lambda books: books.resync(symbol, "command"))

    async def read_book(self, symbol: str, depth: int | None = 20) -> dict[str, Any]:
        """A book with its state and `depth` levels a side; all that are kept with None."""
        return await self._on(symbol, lambda books: books.read(symbol, depth))

    async def audit_books(self, symbols: list[str] | None = None) -> dict[str, Any]:
        """Compare live books with others the exchange gives, all of them by default; see audit.py.

        Raises:
            ServiceClosed: the collector is not running yet or no more.
            LookupError: no such symbol here.
        """
        self._require_running()
        for symbol in symbols or ():
            self._booked(symbol)
        assert self._auditor is not None
        return await self._auditor.audit(list(self._with_book) if symbols is None else symbols)

    async def clean_idle_books(self) -> dict[str, Any]:
        """Forget books nobody updates: over `inactive_after`, or beyond `max_book_states`."""
        memory = self._all.stability.memory
        connections = list(dict.fromkeys(self._with_book.values()))
        share = -(-memory.max_book_states // max(1, len(connections)))
        dropped: list[str] = []
        kept = 0

        def clean(books: LiveBooks) -> tuple[list[str], int]:
            gone = books.drop_idle(memory.inactive_after, share, self._clock.monotonic_s())
            return gone, books.held

        self._require_running()
        for connection in connections:
            gone, held = await call(self.name, connection, clean)
            dropped, kept = dropped + gone, kept + held
        return {"dropped": dropped, "kept": kept}

    async def check_memory(self) -> dict[str, Any]:
        """Resident memory against `stability.memory.max_mb`; over it, idle books are dropped."""
        memory = self._all.stability.memory
        used_mb = self._memory_mb()
        percent = 100.0 * used_mb / memory.max_mb
        level = "over" if percent > 100 else "warn" if percent >= memory.warn_percent else "ok"
        report: dict[str, Any] = {
            "memory_mb": used_mb,
            "max_mb": memory.max_mb,
            "percent": round(percent, 1),
            "level": level,
        }
        if level != "ok":
            log.warning("memory", exchange=self._exchange.name, **report)
        if level == "over":
            report |= await self.clean_idle_books()
        return report

    def status(self) -> dict[str, Any]:
        """Connections, books, streams, rates and counters, as of the connections' last tick."""
        reports = [dict(connection.report) for connection in self._connections]
        books: dict[str, Any] = {}
        streams: dict[str, dict[str, Any]] = {}
        for report in reports:
            books |= report.pop("books", {})
            for channel, symbols in report.pop("streams", {}).items():
                streams.setdefault(channel, {}).update(symbols)
        return {
            "service": self.name,
            "pid": os.getpid(),
            "exchange": self._exchange.name,
            "phase": self._phase,
            "last_error": self._instruments.last_error,
            "connections": reports,
            "books": books,
            "streams": streams,
            "unlisted": self._instruments.unlisted,
            "snapshots": {
                "fetched": self._fetcher.fetched,
                "waiting": self._fetcher.waiting,
                "eta_s": self._fetcher.eta_s,
                "last_error": self._fetcher.last_error,
            },
            "publisher": self._publisher.status(),
            "performance": self._performance.history[-1] if self._performance.history else None,
            "performance_detail": self._performance.detail,
            "health": self._health,
            "counters": self.counters.snapshot(),
            "memory_mb": self._memory_mb(),
            "started_ns": self._started_ns,
        }

    async def _look_at_instruments(self) -> None:
        """Halts, new tick sizes and the like, where the exchange does not tell of them itself."""
        while True:
            await asyncio.sleep(AGAIN_S)
            try:
                self._tell_instruments(await self._instruments.changed())
            except MarketPrismError as error:
                log.warning("instruments not read", exchange=self._exchange.name, error=str(error))

    def _tell_instruments(self, instruments: list[Instrument]) -> None:
        for change in self._instruments.changes(instruments):
            self._outbox.put(change)
            self._changed(change)
        self._outbox.flush()

    def _changed(self, change: InstrumentChange) -> None:
        """A book is kept of what is traded; called on any thread."""
        connection = self._with_book.get(change.symbol)
        if connection is not None:
            trading = change.status == "trading"
            connection.halt(change.symbol, None if trading else change.raw_status)

    def _open(self, instruments: list[Instrument], before: list[AnyEvent]) -> None:
        limits, settings = self._exchange.limits, self._settings
        common = Common(
            exchange=self._exchange,
            settings=settings,
            stability=self._all.stability,
            instruments=instruments,
            on_change=self._changed,
            dial=self._dial,
            connects=self._connects,
            fetcher=self._fetcher,
            publisher=self._publisher,
            counters=self.counters,
            clock=self._clock,
        )
        self._auditor = BookAuditor(common, self._on)
        most = min(settings.streams_per_connection, limits.streams_per_connection)
        shares = plan(self._exchange, settings.ws_url, instruments, settings.channels, most)
        self._connections = [Connection(*each, common) for each in enumerate(shares)]
        for connection in self._connections:
            booked = [each.symbol for each in connection.streams if each.channel == "orderbook"]
            self._with_book.update(dict.fromkeys(booked, connection))
            for event in before:
                connection.resume(event)
        for connection in self._connections:
            connection.start()

    def _dial(self, url: str) -> WebSocketConnection:
        timeout_s = self._all.stability.reconnect.connect_timeout
        return WebSocketConnection(url, connect_timeout_s=timeout_s, network=self._network)

    def _rest_client(self) -> HttpClient:
        return HttpClient(
            self._settings.rest_url,
            exchange=self._exchange.name,
            timeout_s=self._settings.rest_timeout,
            budget=self._budget,
            read_error=self._exchange.read_error,
            used_weight_header=self._exchange.limits.used_weight_header,
            network=self._network,
        )

    def _watch(self) -> None:
        if self._publishing and self._publishing.done():
            self._publishing.result()
            raise RuntimeError(f"{self.name}: the publisher ended by itself")
        for connection in self._connections:
            if connection.crashed is not None:
                raise connection.crashed
        if self._fetcher.crashed is not None:
            raise self._fetcher.crashed
        status = [connection.report.get("streams", {}) for connection in self._connections]
        streams: dict[str, dict[str, Any]] = {}
        for report in status:
            for channel, symbols in report.items():
                streams.setdefault(channel, {}).update(symbols)
        messages = sum(s["messages"] for symbols in streams.values() for s in symbols.values())
        self._performance.look(messages, streams)
        self._check_health()

    def _check_health(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s < self._health_due_s:
            return
        self._health_due_s = now_s + self._all.stability.reconnect.health_check
        found = problems(self.status())
        if found:
            log.warning("not well", exchange=self._exchange.name, problems=found)
        self._health = {"problems": found, "checked_ns": self._clock.now_ns()}

    def _lost(self, event_type: str, count: int, subject: str) -> None:
        """The publisher gave up messages of one subject: say so in the data itself."""
        log.error("events lost", exchange=self._exchange.name, subject=subject, count=count)
        instrument = self._instruments.chosen.get(subject.rpartition(".")[2])
        if instrument is None:
            return
        self.counters.add("gaps_total", self._exchange.name, event_type, "overflow")
        self._outbox.put(
            Gap(
                **identity(instrument),
                exchange_ns=None,
                received_ns=self._clock.now_ns(),
                data_type=event_type,
                cause="overflow",
                lost=count,
            )
        )
        self._outbox.flush()

    async def _on(self, symbol: str, act: Callable[[LiveBooks], T]) -> T:
        self._require_running()
        return await call(self.name, self._booked(symbol), act)

    def _booked(self, symbol: str) -> Connection:
        connection = self._with_book.get(symbol)
        if connection is None:
            known = ", ".join(sorted(self._with_book)) or "none"
            raise LookupError(f"{self._exchange.name} has no book of {symbol}; it has {known}")
        return connection

    def _require_running(self) -> None:
        if self._phase != "running":
            raise ServiceClosed(f"{self.name} is {self._phase}; the call was not made")

    def _join(self) -> None:
        # Not for the fetcher: a call that hangs would hold us, and nobody wants its answer.
        deadline_s = time.monotonic() + JOIN_TIMEOUT_S
        for connection in self._connections:
            connection.join(max(0.0, deadline_s - time.monotonic()))
        stuck = [connection.name for connection in self._connections if connection.is_alive()]
        if stuck:
            log.error("connections did not end in time", exchange=self.name, stuck=stuck)

    def _memory_mb(self) -> float:
        return round(self._process.memory_info().rss / 2**20, 1)
