"""Which symbols are collected, changed while the collector runs, and remembered."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from config.settings import ExchangeSettings, Settings
from workers.collector.symbols.carried import CarriedBoard
from workers.collector.symbols.instruments import Instruments
from workers.collector.symbols.lines import Lines
from workers.collector.symbols.plan import streams_of
from workers.collector.symbols.remembered import NotRemembered, RememberedSymbols
from workers.collector.symbols.resume import published_before
from workers.collector.symbols.roster import Changes, Roster
from workers.collector.symbols.sharding import Sharding
from workers.exchanges.base import Exchange, Stream
from workers.model.clock import Clock
from workers.model.errors import MarketPrismError
from workers.model.events import AnyEvent
from workers.model.instrument import Instrument
from workers.model.names import UnknownName, unknown_name

log = structlog.get_logger(__name__)

SHARE_EVERY_S = 1.0
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
        shard: which part of the exchange's symbols is ours.
        clock: the time.
    """

    def __init__(
        self,
        settings: Settings,
        exchange: Exchange,
        instruments: Instruments,
        lines: Lines,
        begun: Callable[[list[Instrument]], None],
        shard: int,
        clock: Clock,
    ) -> None:
        self._nats, self._exchange = settings.nats, exchange
        self._instruments, self._lines, self._begun = instruments, lines, begun
        self.roster = Roster(exchange.name, settings.exchanges[exchange.name], shard)
        self._memory = RememberedSymbols(settings.redis.url, exchange.name)
        self._board = CarriedBoard(settings.redis.url, exchange.name, shard)
        self._sharding = Sharding(exchange.name, self._board, self.roster, clock)
        self._one = asyncio.Lock()
        self._due = False  # a connection did not take its change yet
        self._read = False  # what Redis holds is known here

    async def open(self) -> None:
        """Open the connections: the symbols of the settings as people changed them."""
        await self._remember()
        await self._instruments.load(self.roster.wanted())
        begun = self._instruments.choose(self.roster.wanted())
        before = await self._published_before(begun)
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
            if settings.shards != self.roster.settings.shards:
                self._read = False  # what Redis has of symbols that are ours now counts, too
            self.roster.configure(settings)
            await self._read_once()
            return await self._apply(self.roster.subscribed((), None))

    async def look_after(self) -> None:
        """Do what could not be done at once; until cancelled."""
        while True:
            await asyncio.sleep(REMEMBER_EVERY_S)
            async with self._one:
                if not await self._remember() or self._due:
                    await self._rearrange_soon()

    async def share(self) -> None:
        """Take turns with the exchange's other shards; until cancelled."""
        while True:
            taken = await self._sharding.step(self._lines.reports)
            if taken:
                async with self._one:
                    self.roster.held -= taken
                    self._due = True  # done by `look_after`, if not at once
                    await self._rearrange_soon()
            await asyncio.sleep(SHARE_EVERY_S)

    async def close(self) -> None:
        """Close what is open."""
        await self._board.close()
        await self._memory.close()

    def status(self) -> dict[str, Any]:
        """Plain data: origin and channels by symbol, and whether changes are remembered."""
        return {
            "shards": self.roster.settings.shards,
            "held_for": self._sharding.status(),
            "symbols": self.roster.facts(),
            "symbols_kept": self._memory.status(),
        }

    def _check(self, symbols: Sequence[str], channels: Sequence[str] | None) -> None:
        if isinstance(symbols, str) or not symbols:
            raise ValueError(f"symbols is a list of names, not {symbols!r}")
        if isinstance(channels, str):
            raise ValueError(f"channels is a list of names, not {channels!r}")
        for each in symbols:
            if not self.roster.owns(each):
                raise UnknownName(f"{each} belongs to {self.roster.owner(each)}; ask that one")
        for each in channels or ():
            if each not in self._exchange.channels:
                kind = f"channel of {self._exchange.name}"
                raise unknown_name(kind, each, self._exchange.channels)

    async def _apply(self, changes: Changes) -> dict[str, Any]:
        before, own = set(self._streams()), self.roster.own
        gone = own(self.roster.changes).keys() - changes.keys()
        self.roster.changes = changes
        await self._rearrange()
        # Before it was read, writing would forget what it has.
        kept = self._read and await self._memory.keep(own(changes), gone)
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

    async def _rearrange_soon(self) -> None:
        """Now, or when `look_after` looks again."""
        try:
            await self._rearrange()
        except (MarketPrismError, TimeoutError) as error:
            log.warning("symbols not changed yet", exchange=self._exchange.name, error=str(error))

    async def _rearrange(self) -> None:
        self._due = True
        begun = self._instruments.choose(self.roster.wanted())
        before: list[AnyEvent] = []
        if begun:
            self._begun(begun)
            try:
                async with asyncio.timeout(BEFORE_S):
                    before = await self._published_before(begun)
            except TimeoutError:
                log.warning(
                    "what was published before is not known in time; the time since then is not "
                    "named as a gap",
                    symbols=[each.symbol for each in begun],
                )
        chosen = list(self._instruments.chosen.values())
        await self._lines.rearrange(chosen, self._streams(), before)
        self._due = False

    async def _published_before(self, begun: list[Instrument]) -> list[AnyEvent]:
        """Where to go on; not behind a shard that still publishes: nothing is missing there."""
        await self._board.look()
        alone = [each for each in begun if not self._board.elsewhere(each.symbol)]
        return await published_before(self._nats, alone)

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
        mine, own = self.roster.own(kept), self.roster.own(self.roster.changes)
        if not self._read and not kept:
            log.info("no changed symbols in Redis; collecting those of the settings", exchange=name)
        if not self._read:
            own = mine | own  # what was changed here before Redis answered is newer
        elif mine != own:
            log.warning("changed symbols written anew", exchange=name, found=len(mine))
        self._read = True
        if mine != own:
            await self._memory.keep(own, mine.keys() - own.keys())
        # Of other shards' symbols Redis knows; if it lost them, those will write them anew.
        theirs = kept or self.roster.changes
        known = {symbol: each for symbol, each in theirs.items() if not self.roster.owns(symbol)}
        known |= own
        changed, self.roster.changes = known != self.roster.changes, known
        return not changed


def _named(streams: set[Stream]) -> list[str]:
    return sorted(f"{each.channel} {each.symbol}" for each in streams)
