"""The connections of one collector: opened together, and rearranged while they read."""

import asyncio
import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from config.settings import ExchangeSettings, StabilitySettings
from config.stability import MemorySettings
from workers.collector.books.books import LiveBooks
from workers.collector.calls import call
from workers.collector.common import Common
from workers.collector.connection.connection import Connection
from workers.collector.connection.lineup import Change
from workers.collector.symbols.plan import Share, plan, rearrange
from workers.exchanges.base import Stream
from workers.model.events import AnyEvent
from workers.model.instrument import Instrument
from workers.model.names import UnknownName, unknown_name

log = structlog.get_logger(__name__)

JOIN_TIMEOUT_S = 3.0


class Lines:
    """For the service's loop.

    Args:
        service: for error texts.
        common: the collector's parts.

    Attributes:
        connections: those at work.
    """

    def __init__(self, service: str, common: Common) -> None:
        self._service, self._common = service, common
        self._numbers = itertools.count()
        self._shares: dict[Connection, Share] = {}
        self._left: list[Connection] = []
        self._known: dict[str, Instrument] = {}
        self._collected: frozenset[str] = frozenset()
        self._booked: dict[str, Connection] = {}  # replaced, never changed: other threads read it

    @property
    def connections(self) -> list[Connection]:
        """Those at work."""
        return list(self._shares)

    @property
    def reports(self) -> list[dict[str, Any]]:
        """What each connection said of itself at its last tick."""
        return [connection.report for connection in self._shares]

    def streams(self) -> dict[str, dict[str, Any]]:
        """Life of every stream, by channel and symbol."""
        found: dict[str, dict[str, Any]] = {}
        for report in self.reports:
            for channel, symbols in report.get("streams", {}).items():
                found.setdefault(channel, {}).update(symbols)
        return found

    @property
    def symbols(self) -> list[str]:
        """Symbols that have a book."""
        return list(self._booked)

    def connection_of(self, symbol: str) -> Connection | None:
        """The connection with a symbol's book; on any thread."""
        return self._booked.get(symbol)

    def booked(self, symbol: str) -> Connection:
        """The connection with a symbol's book.

        Raises:
            UnknownName: there is none; has the nearest.
        """
        found, exchange = self._booked, self._common.exchange.name
        if symbol not in found and symbol in self._collected:
            raise UnknownName(
                f"{exchange} keeps no book of {symbol}: orderbook is not among its channels"
            )
        if symbol not in found:
            raise unknown_name(f"symbol of {exchange}", symbol, found)
        return found[symbol]

    def books(self) -> list[Connection]:
        """Connections that keep books."""
        return list(dict.fromkeys(self._booked.values()))

    def open(
        self,
        instruments: Sequence[Instrument],
        wanted: Sequence[Stream],
        before: Sequence[AnyEvent],
    ) -> None:
        """Open connections for these streams.

        Args:
            instruments: all that are collected.
            wanted: their streams.
            before: what was published last by the process before this one.
        """
        self._known = {each.symbol: each for each in instruments}
        self._collected = frozenset(self._known)
        url = self._common.settings.ws_url
        self._begin(plan(self._common.exchange, url, wanted, self._most), instruments, before)

    async def rearrange(
        self,
        instruments: Sequence[Instrument],
        wanted: Sequence[Stream],
        before: Sequence[AnyEvent] = (),
    ) -> None:
        """Carry these streams and no others; those that stay are not touched.

        Raises:
            TimeoutError: a connection did not take its change in time; asking again does what is
                left.
            ServiceClosed: a connection has ended.
        """
        common = self._common
        carried = list(self._shares.items())
        moves, new = rearrange(
            common.exchange,
            common.settings.ws_url,
            [share for _, share in carried],
            wanted,
            self._most,
        )
        self._known |= {each.symbol: each for each in instruments}
        known = list(self._known.values())
        collected = self._collected = frozenset(each.symbol for each in instruments)
        self._begin(new, known, before)

        async def carry_out(connection: Connection, share: Share, change: Change) -> None:
            gone = set(change.drop)
            streams = [each for each in share.streams if each not in gone]
            if not streams and not change.add:
                del self._shares[connection]
                self._left.append(connection)
                connection.stop()
                return
            await call(self._service, connection, lambda _: connection.change(change))
            self._shares[connection] = Share(share.url, [*streams, *change.add])

        for connection in self._shares:
            if connection not in dict(carried):
                connection.post(partial(connection.change, Change(known, collected)))
        changes = [Change(known, collected, move.add, move.drop, before) for move in moves]
        try:
            await asyncio.gather(
                *(carry_out(*each, change) for each, change in zip(carried, changes, strict=True))
            )
        finally:
            self._note_books()

    async def clean(self, memory: MemorySettings) -> dict[str, Any]:
        """Forget books nobody updates: over `inactive_after`, or beyond `max_book_states`."""
        connections = self.books()
        share = -(-memory.max_book_states // max(1, len(connections)))
        dropped: list[str] = []
        kept = 0

        def clean(books: LiveBooks) -> tuple[list[str], int]:
            now_s = self._common.clock.monotonic_s()
            return books.drop_idle(memory.inactive_after, share, now_s), books.held

        for connection in connections:
            gone, held = await call(self._service, connection, clean)
            dropped, kept = dropped + gone, kept + held
        return {"dropped": dropped, "kept": kept}

    async def configure(self, settings: ExchangeSettings, stability: StabilitySettings) -> None:
        """Go by other settings; heartbeats and the like from the next session on."""
        self._common = replace(self._common, settings=settings, stability=stability)
        for connection in self.connections:
            act = partial(connection.configure, settings, stability)
            await call(self._service, connection, lambda _, act=act: act())  # type: ignore[misc]

    def crashed(self) -> BaseException | None:
        """What ended a connection unexpectedly."""
        self._left = [each for each in self._left if each.is_alive() or each.crashed]
        every = (*self._shares, *self._left)
        return next((each.crashed for each in every if each.crashed is not None), None)

    def stop(self) -> None:
        """End all soon."""
        for connection in self._shares:
            connection.stop()

    def join(self) -> None:
        """Wait for their end, three seconds at most."""
        deadline_s = time.monotonic() + JOIN_TIMEOUT_S
        every: Iterable[Connection] = (*self._shares, *self._left)
        for connection in every:
            connection.join(max(0.0, deadline_s - time.monotonic()))
        stuck = [connection.name for connection in every if connection.is_alive()]
        if stuck:
            log.error(
                "connections did not end in time", exchange=self._common.exchange.name, stuck=stuck
            )

    @property
    def _most(self) -> int:
        common = self._common
        return min(
            common.settings.streams_per_connection, common.exchange.limits.streams_per_connection
        )

    def _begin(
        self, shares: Sequence[Share], known: Sequence[Instrument], before: Sequence[AnyEvent]
    ) -> None:
        common = replace(self._common, instruments=known)
        begun = {Connection(next(self._numbers), each, common): each for each in shares}
        self._shares |= begun
        self._note_books()
        for connection in begun:
            for event in before:
                connection.resume(event)
        for connection in begun:
            connection.start()

    def _note_books(self) -> None:
        self._booked = {
            each.symbol: connection
            for connection, share in self._shares.items()
            for each in share.streams
            if each.channel == "orderbook"
        }
