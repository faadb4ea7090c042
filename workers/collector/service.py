"""The collector: one exchange live, from its instruments to its last acknowledged message."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import psutil
import structlog

from config import Settings
from config.queues import collector as collector_name
from workers.bus.publisher import Publisher
from workers.collector.access import Access
from workers.collector.books.audit import BookAuditor
from workers.collector.books.books import LiveBooks
from workers.collector.books.snapshots import SnapshotFetcher
from workers.collector.calls import call
from workers.collector.common import Common
from workers.collector.configuration import Configuration, Read
from workers.collector.health import problems
from workers.collector.memory import MemoryLimit
from workers.collector.outbox import Outbox
from workers.collector.own_events import OwnEvents
from workers.collector.performance import Performance
from workers.collector.reloading import Reload
from workers.collector.symbols.changes import SymbolChanges
from workers.collector.symbols.instruments import AGAIN_S, Instruments
from workers.collector.symbols.lines import Lines
from workers.exchanges.registry import exchange as find_exchange
from workers.model.clock import Clock, SystemClock
from workers.model.errors import MarketPrismError, ServiceClosed
from workers.model.events import InstrumentChange
from workers.model.instrument import Instrument
from workers.model.names import unknown_name
from workers.telemetry.metrics import Counters

log = structlog.get_logger(__name__)

T = TypeVar("T")

LEVELS = ("debug", "info", "warning", "error")
WATCH_S = 0.5
PUBLISH_DRAIN_S = 5.0
PUBLISH_END_S = 1.0


class CollectorService:
    """Keeps one exchange's streams and books and publishes what they say.

    Args:
        settings: the whole tree; the exchange's own section must be in it.
        exchange_name: `binance_spot`, ...
        clock: the time.
        read: reads the settings again, when asked and when their file changes; None: never.
        shard: which part of the exchange's symbols; see config/shards.py.
    """

    def __init__(
        self,
        settings: Settings,
        exchange_name: str,
        clock: Clock | None = None,
        read: Read | None = None,
        shard: int = 0,
    ) -> None:
        self.name, self.shard = collector_name(exchange_name, shard), shard
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
            standby=True,
        )
        self._outbox = Outbox(self._publisher)
        self._own_events = OwnEvents(self._exchange, self._outbox, self.counters, self._clock)
        self._access = Access(settings, self._exchange, self.counters, self._clock)
        # A session is used by one thread at a time, so each user has its own; the budget is one.
        self._fetching = self._access.client()
        self._fetcher = SnapshotFetcher(
            self._exchange,
            self._fetching,
            self._access.calls,
            self._access.budget,
            self.counters,
            self._clock,
        )
        self._performance = Performance(exchange_name, settings.stability.performance, self._clock)
        self._publishing: asyncio.Task[None] | None = None
        self._instruments = Instruments(
            self._exchange, self._access.calls, self._access.client, self._clock
        )
        common = Common(
            exchange=self._exchange,
            settings=self._settings,
            stability=settings.stability,
            instruments=(),
            on_change=self._changed,
            dial=self._access.dial,
            connects=self._access.connects,
            fetcher=self._fetcher,
            publisher=self._publisher,
            counters=self.counters,
            clock=self._clock,
        )
        self._lines = Lines(self.name, common)
        self._auditor = BookAuditor(common, self._on)
        self._changes = SymbolChanges(
            settings,
            self._exchange,
            self._instruments,
            self._lines,
            self._begun,
            shard,
            self._clock,
        )
        self._configuration = Configuration(settings, exchange_name, self._take_over, read)
        self._memory = MemoryLimit(self.name, self._memory_mb, self.clean_idle_books, self._clock)
        self._health: dict[str, Any] | None = None
        health_check_s = settings.stability.reconnect.health_check
        self._health_due_s = self._clock.monotonic_s() + health_check_s
        self._phase = "starting"
        self._ready = asyncio.Event()
        self._started_ns = self._clock.now_ns()
        self._process = psutil.Process()

    async def run(self) -> None:
        """Load instruments, open connections, watch over them until cancelled."""
        self._phase = "starting"
        # Not a task group: the publisher has to outlive this coroutine until drain is done with it.
        self._publishing = asyncio.create_task(self._publisher.run(), name="publisher")
        self._fetcher.start()
        await self._changes.open()
        self._phase = "running"
        self._ready.set()
        beside = [
            asyncio.create_task(self._look_at_instruments(), name="instruments"),
            asyncio.create_task(self._changes.look_after(), name="symbols"),
            asyncio.create_task(self._changes.share(), name="shards"),
            asyncio.create_task(self._configuration.watch(), name="settings"),
        ]
        try:
            while True:
                await asyncio.sleep(WATCH_S)
                self._watch()
                for task in beside:
                    if task.done():  # they end by an error alone
                        task.result()
        finally:
            for task in beside:
                task.cancel()

    async def warm(self) -> None:
        """Know the instruments while another process is at work; until cancelled."""
        self._phase = "standby"
        await self._instruments.warm()

    async def ready(self) -> None:
        """Wait until connections and books are there to be asked about."""
        await self._ready.wait()

    async def drain(self) -> None:
        """Close connections, hand over what they read, wait for its acknowledgements."""
        self._phase = "draining"
        self._fetcher.stop()
        self._access.close()
        self._lines.stop()
        await asyncio.to_thread(self._lines.join)
        left = await self._publisher.drain(PUBLISH_DRAIN_S)
        if self._publishing:
            self._publishing.cancel()
            await asyncio.wait({self._publishing}, timeout=PUBLISH_END_S)
        await self._changes.close()
        self._fetching.close()
        if left:
            log.error("drained; events not acknowledged are lost", exchange=self.name, lost=left)
        self._phase = "stopped"

    async def subscribe(
        self, symbols: Sequence[str], channels: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Collect symbols that were not collected, or more channels of those that were.

        Streams that are there already are not touched. The symbols are remembered.

        Args:
            symbols: ours.
            channels: those of the settings with None.

        Returns:
            begun, ended: streams, `trade BTC-USDT`; symbols, connections: how many there are now;
            remembered: whether the next collector will know.

        Raises:
            UnknownName: no such symbol or channel here, or a delisted one; has the nearest.
            ServiceClosed: the collector is not running yet or no more.
        """
        self._require_running()
        return await self._changes.subscribe(symbols, channels)

    async def unsubscribe(
        self, symbols: Sequence[str], channels: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Collect symbols no more, or some of their channels; answers like `subscribe`.

        Raises:
            UnknownName: a symbol is not collected, or there is no such channel.
            ServiceClosed: the collector is not running yet or no more.
        """
        self._require_running()
        return await self._changes.unsubscribe(symbols, channels)

    async def resync_book(self, symbol: str) -> dict[str, Any]:
        """Build one book again from a fresh snapshot.

        Raises:
            ServiceClosed: the collector is not running yet or no more.
            UnknownName: no such symbol here.
        """
        return await self._on(symbol, lambda books: books.resync(symbol, "command"))

    async def read_book(self, symbol: str, depth: int | None = 20) -> dict[str, Any]:
        """A book with its state and `depth` levels a side; all that are kept with None."""
        return await self._on(symbol, lambda books: books.read(symbol, depth))

    async def audit_books(self, symbols: list[str] | None = None) -> dict[str, Any]:
        """Compare live books with others the exchange gives, all of them by default; see audit.py.

        Raises:
            ServiceClosed: the collector is not running yet or no more.
            UnknownName: no such symbol here.
        """
        self._require_running()
        for symbol in symbols or ():
            self._lines.booked(symbol)
        return await self._auditor.audit(self._lines.symbols if symbols is None else symbols)

    async def clean_idle_books(self) -> dict[str, Any]:
        """Forget books nobody updates: over `inactive_after`, or beyond `max_book_states`."""
        self._require_running()
        return await self._lines.clean(self._all.stability.memory)

    async def check_memory(self) -> dict[str, Any]:
        """Resident memory against `stability.memory.max_mb`; see memory.py for what is done."""
        self._require_running()
        return await self._memory.check(self._all.stability)

    async def set_log_level(self, level: str) -> dict[str, Any]:
        """Log from this level on, until the process ends or the settings' level changes.

        Raises:
            UnknownName: no such level.
        """
        if level.lower() not in LEVELS:
            raise unknown_name("log level", level, LEVELS)
        root = logging.getLogger()
        before = logging.getLevelName(root.level).lower()
        root.setLevel(level.upper())
        log.warning("log level changed", exchange=self._exchange.name, before=before, now=level)
        return {"exchange": self._exchange.name, "before": before, "now": level.lower()}

    async def reload_config(self) -> dict[str, Any]:
        """Take over what is written in the settings now; see configuration.py.

        Returns:
            applied, next_session, restart: paths with the value before and now.

        Raises:
            BrokenConfiguration: the file cannot be used; nothing has changed.
        """
        self._require_running()
        return await self._configuration.reload()

    def status(self) -> dict[str, Any]:
        """Connections, books, streams, rates and counters, as of the connections' last tick."""
        reports = self._lines.reports
        return {
            "service": self.name,
            "pid": os.getpid(),
            "exchange": self._exchange.name,
            "shard": self.shard,
            "phase": self._phase,
            "last_error": self._instruments.last_error,
            "connections": [
                {key: each[key] for key in each.keys() - {"books", "streams"}} for each in reports
            ],
            "books": {symbol: book for each in reports for symbol, book in each["books"].items()},
            "streams": self._lines.streams(),
            "unlisted": self._instruments.unlisted,
            **self._changes.status(),
            "settings": self._configuration.status(),
            "snapshots": {
                "fetched": self._fetcher.fetched,
                "waiting": self._fetcher.waiting,
                "eta_s": self._fetcher.eta_s,
                "last_error": self._fetcher.last_error,
            },
            "limits": self._access.limits(),
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
        connection = self._lines.connection_of(change.symbol)
        if connection is not None:
            trading = change.status == "trading"
            connection.halt(change.symbol, None if trading else change.raw_status)

    def _begun(self, instruments: list[Instrument]) -> None:
        self._auditor.know(instruments)
        self._tell_instruments(instruments)

    def _watch(self) -> None:
        if self._publishing and self._publishing.done():
            self._publishing.result()
            raise RuntimeError(f"{self.name}: the publisher ended by itself")
        if self._memory.wanted is not None:
            why, most_mb = self._memory.wanted, self._all.stability.memory.max_mb
            self._own_events.restart(str(why), self._memory_mb(), most_mb)
            raise why
        crashed = self._lines.crashed()
        if crashed is not None:
            raise crashed
        if self._fetcher.crashed is not None:
            raise self._fetcher.crashed
        streams = self._lines.streams()
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
        self._own_events.lost(instrument, event_type, count)

    async def _on(self, symbol: str, act: Callable[[LiveBooks], T]) -> T:
        self._require_running()
        return await call(self.name, self._lines.booked(symbol), act)

    async def _take_over(self, found: Reload) -> None:
        """Carry changed settings out."""
        settings, stability = found.settings, found.settings.stability
        before, self._settings = self._settings, settings.exchanges[self._exchange.name]
        self._all = settings
        self._performance.settings = stability.performance
        if any(path == "log.level" for path in found.applied):
            await self.set_log_level(settings.log.level)
        await self._lines.configure(self._settings, stability)
        live = ("symbols", "channels", "shards")
        if any(getattr(before, each) != getattr(self._settings, each) for each in live):
            await self._changes.configure(self._settings)

    def _require_running(self) -> None:
        if self._phase != "running":
            raise ServiceClosed(f"{self.name} is {self._phase}; the call was not made")

    def _memory_mb(self) -> float:
        return round(self._process.memory_info().rss / 2**20, 1)
