"""Which symbols are collected, changed while the collector runs, and remembered."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from config.settings import ExchangeSettings, Settings
from workers.collector.instruments import Instruments
from workers.collector.lines import Lines
from workers.collector.plan import streams_of
from workers.collector.remembered import NotRemembered, RememberedSymbols
from workers.collector.resume import published_before
from workers.collector.roster import Changes, Roster
from workers.exchanges.base import Exchange, Stream
from workers.model.errors import MarketPrismError
from workers.model.events import AnyEvent
from workers.model.instrument import Instrument
from workers.model.names import unknown_name

log = structlog.get_logger(__name__)

BEFORE_S = 1.5
"""What was published before is asked for no longer than this: a command has three seconds."""
REMEMBER_EVERY_S = 5.0


class SymbolChanges:
    """Subscribes and unsubscribes for one collector; for the service's loop.

    Args:
        settings: the whole tree.
        exchange: what is spoken.
        instruments: what is listed.
        lines: the connections, once they are open.
        begun: told of instruments that are collected from now on.
    """

    def __init__(
        self,
        settings: Settings,
        exchange: Exchange,
        instruments: Instruments,
        lines: Lines,
        begun: Callable[[list[Instrument]], None],
    ) -> None:
        self._nats, self._exchange = settings.nats, exchange
        self._instruments, self._lines, self._begun = instruments, lines, begun
        self.roster = Roster(exchange.name, settings.exchanges[exchange.name])
        self._memory = RememberedSymbols(settings.redis.url, exchange.name)
        self._one = asyncio.Lock()
        self._due = False  # a connection did not take its change yet
        self._read = False  # what Redis holds is known here

    async def open(self) -> None:
        """Open the connections: the symbols of the settings as people changed them."""
        await self._remember()
        await self._instruments.load(self.roster.wanted())
        begun = self._instruments.choose(self.roster.wanted())
        before = await published_before(self._nats, begun)
        self._begun(begun)
        self._lines.open(begun, self._streams(), before)

    async def subscribe(
        self, symbols: Sequence[str], channels: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Collect these, too; see `CollectorService.subscribe`."""
        self._check(symbols, channels)
        async with self._one:
            await self._instruments.find(symbols)
            await self._read_once()
            return await self._apply(self.roster.subscribed(symbols, channels))

    async def unsubscribe(
        self, symbols: Sequence[str], channels: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Collect these no more; see `CollectorService.unsubscribe`."""
        self._check(symbols, channels)
        async with self._one:
            await self._read_once()
            return await self._apply(self.roster.unsubscribed(symbols, channels))

    async def configure(self, settings: ExchangeSettings) -> dict[str, Any]:
        """Collect what new settings say, what people changed still changed."""
        async with self._one:
            self.roster.settings = settings
            return await self._apply(self.roster.subscribed((), None))

    async def look_after(self) -> None:
        """Do what could not be done at once; until cancelled."""
        while True:
            await asyncio.sleep(REMEMBER_EVERY_S)
            async with self._one:
                if await self._remember() and not self._due:
                    continue
                try:
                    await self._rearrange()
                except (MarketPrismError, TimeoutError) as error:
                    log.warning(
                        "symbols not changed yet", exchange=self._exchange.name, error=str(error)
                    )

    async def close(self) -> None:
        """Close what is open."""
        await self._memory.close()

    def status(self) -> dict[str, Any]:
        """Plain data: origin and channels by symbol, and whether changes are remembered."""
        return {"symbols": self.roster.facts(), "symbols_kept": self._memory.status()}

    def _check(self, symbols: Sequence[str], channels: Sequence[str] | None) -> None:
        if isinstance(symbols, str) or not symbols:
            raise ValueError(f"symbols is a list of names, not {symbols!r}")
        if isinstance(channels, str):
            raise ValueError(f"channels is a list of names, not {channels!r}")
        for each in channels or ():
            if each not in self._exchange.channels:
                kind = f"channel of {self._exchange.name}"
                raise unknown_name(kind, each, self._exchange.channels)

    async def _apply(self, changes: Changes) -> dict[str, Any]:
        before = set(self._streams())
        self.roster.changes = changes
        await self._rearrange()
        # Before it was read, writing would forget what it has.
        kept = self._read and await self._memory.keep(changes)
        after = set(self._streams())
        report = {
            "exchange": self._exchange.name,
            "begun": _named(after - before),
            "ended": _named(before - after),
            "symbols": len(self._instruments.chosen),
            "connections": len(self._lines.connections),
            "remembered": kept,
        }
        log.warning("symbols changed", **report)
        return report

    async def _rearrange(self) -> None:
        self._due = True
        begun = self._instruments.choose(self.roster.wanted())
        before: list[AnyEvent] = []
        if begun:
            self._begun(begun)
            try:
                async with asyncio.timeout(BEFORE_S):
                    before = await published_before(self._nats, begun)
            except TimeoutError:
                log.warning(
                    "what was published before is not known in time; the time since then is not "
                    "named as a gap",
                    symbols=[each.symbol for each in begun],
                )
        chosen = list(self._instruments.chosen.values())
        await self._lines.rearrange(chosen, self._streams(), before)
        self._due = False

    def _streams(self) -> list[Stream]:
        chosen, wanted = self._instruments.chosen, self.roster.wanted()
        pairs = [(chosen[each], channels) for each, channels in wanted.items() if each in chosen]
        return streams_of(self._exchange, pairs)

    async def _read_once(self) -> None:
        """Know what Redis has before it is changed."""
        if not self._read and not await self._remember():
            self._due = True

    async def _remember(self) -> bool:
        """Bring Redis and ourselves to the same; False: what it says is new to us.

        Raises nothing: without Redis the symbols are those known here.
        """
        name = self._exchange.name
        try:
            kept = await self._memory.read()
        except NotRemembered as error:
            if not self._read:
                log.warning(
                    "changed symbols cannot be read; collecting those of the settings until then",
                    exchange=name,
                    error=str(error),
                )
            return True
        if self._read:
            if kept != self.roster.changes:
                log.warning("changed symbols written anew", exchange=name, found=len(kept))
                await self._memory.keep(self.roster.changes)
            return True
        self._read = True
        if not kept:
            log.info("no changed symbols in Redis; collecting those of the settings", exchange=name)
        # What was changed here before Redis answered is newer.
        merged = kept | self.roster.changes
        if merged != kept:
            await self._memory.keep(merged)
        changed, self.roster.changes = merged != self.roster.changes, merged
        return not changed


def _named(streams: set[Stream]) -> list[str]:
    return sorted(f"{each.channel} {each.symbol}" for each in streams)
