"""Audits the live books: compares each with one the exchange gave apart from the stream.

A live book is copied and its further deltas are noted, on its own thread between two frames; all
else happens beside it. A book that differs is said to be wrong, and built anew. One audit of a
collector runs at a time; the books audited longest ago come first, and those a round has no time
for are the first of the next.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Literal

import structlog

from workers.book.audit import Outcome, Trail, TrailAudit, unmatched
from workers.book.sequence import Snapshot
from workers.collector.books.books import LiveBooks
from workers.collector.books.live_book import identity
from workers.collector.books.references import Books, from_rest, from_stream
from workers.collector.common import Common
from workers.collector.outbox import Outbox
from workers.model.events import BookAudit
from workers.model.instrument import Instrument

log = structlog.get_logger(__name__)

ROUND_S = 40.0
"""No audit begins later than this in a round."""
REFERENCE_S = 10.0
"""The exchange has this long to give a book."""
CATCH_UP_S = 5.0
"""A live book has this long to reach the reference, which may be newer."""
LOOK_S = 0.05
AT_ONCE = {"rest": 4, "subscription": 20}
"""Books audited together: REST calls wait for each other, one connection serves many books."""
LISTED = 50
"""Books a report names one by one; of more, only those that are not equal."""

Reach = Callable[[str, Callable[[LiveBooks], Any]], Awaitable[Any]]
"""Runs something with the books of a symbol's connection, on its thread."""


class BookAuditor:
    """The audits of one collector; for its event loop.

    Args:
        common: the collector's parts.
        reach: how to reach a live book.
    """

    def __init__(self, common: Common, reach: Reach) -> None:
        self._common, self._reach = common, reach
        self._instruments = {each.symbol: each for each in common.instruments}
        self._method: Literal["rest", "subscription"] = (
            "subscription" if common.exchange.books_from_stream else "rest"
        )
        self._outbox = Outbox(common.publisher)
        self._one = asyncio.Lock()
        self._audited_s: dict[str, float] = {}

    def know(self, instruments: Sequence[Instrument]) -> None:
        """These are collected, too, from now on."""
        self._instruments |= {each.symbol: each for each in instruments}

    async def audit(self, symbols: Sequence[str]) -> dict[str, Any]:
        """Audit books until all are done or the round is over.

        Returns:
            method; equal, different, unmatched, unready (not SYNCED, nothing was compared), left
            (no time for them): numbers of books; books: outcomes by symbol.
        """
        async with self._one:
            return await self._round(symbols)

    async def _round(self, symbols: Sequence[str]) -> dict[str, Any]:
        clock, size = self._common.clock, AT_ONCE[self._method]
        ends_s = clock.monotonic_s() + ROUND_S
        waiting = sorted(dict.fromkeys(symbols), key=lambda each: self._audited_s.get(each, 0.0))
        outcomes: dict[str, Outcome] = {}
        unready: list[str] = []
        while waiting and clock.monotonic_s() < ends_s:
            batch, waiting = waiting[:size], waiting[size:]
            trails = await self._trails(batch)
            unready += [each for each in batch if each not in trails]
            try:
                outcomes |= await self._compare(trails)
            finally:
                for trail in trails.values():
                    trail.end("the audit is over")
            self._audited_s.update(dict.fromkeys(batch, clock.monotonic_s()))
        found = Counter(each.result for each in outcomes.values())
        named = len(outcomes) <= LISTED
        return {
            "exchange": self._common.exchange.name,
            "method": self._method,
            **{name: found[name] for name in ("equal", "different", "unmatched")},
            "unready": len(unready),
            "left": len(waiting),
            "books": {
                symbol: each._asdict()
                for symbol, each in outcomes.items()
                if named or each.result != "equal"
            },
        }

    async def _trails(self, symbols: Sequence[str]) -> dict[str, Trail]:
        """The books that are SYNCED, as they are before the exchange is asked."""
        trails: dict[str, Trail] = {}
        for symbol in symbols:
            try:
                trail = await self._reach(symbol, partial(LiveBooks.trail, symbol=symbol))
            except TimeoutError as error:
                log.warning("book not reached", symbol=symbol, error=str(error))
                continue
            if trail is not None:
                trails[symbol] = trail
        return trails

    async def _compare(self, trails: dict[str, Trail]) -> dict[str, Outcome]:
        if self._method == "rest":
            compared = [self._by_rest(symbol, trail) for symbol, trail in trails.items()]
            return dict(await asyncio.gather(*compared))
        wanted = [self._instruments[each] for each in trails]
        books: Books = {}
        if wanted:
            books = await asyncio.to_thread(from_stream, self._common, wanted, REFERENCE_S)
        compared = [
            self._decide(self._instruments[symbol], trail, books.get(symbol))
            for symbol, trail in trails.items()
        ]
        return dict(await asyncio.gather(*compared))

    async def _by_rest(self, symbol: str, trail: Trail) -> tuple[str, Outcome]:
        instrument = self._instruments[symbol]
        books = await from_rest(self._common, instrument, REFERENCE_S)
        return await self._decide(instrument, trail, books.get(symbol))

    async def _decide(
        self, instrument: Instrument, trail: Trail, reference: Snapshot | None
    ) -> tuple[str, Outcome]:
        """Compare, publish what was found, and have a wrong book built anew."""
        if reference is None:
            outcome = unmatched(f"the exchange gave no book in {REFERENCE_S:g} s", trail.last_id)
        else:
            outcome = await self._match(trail, reference)
        self._publish(instrument, outcome)
        if outcome.result == "different" and trail.ended is None:
            symbol = instrument.symbol
            await self._reach(symbol, lambda books: books.resync(symbol, "audit"))
        return instrument.symbol, outcome

    async def _match(self, trail: Trail, reference: Snapshot) -> Outcome:
        clock, sequencer = self._common.clock, self._common.exchange.sequencer
        until_s = clock.monotonic_s() + CATCH_UP_S
        # In a thread: to load and compare thousands of levels takes milliseconds.
        audit = await asyncio.to_thread(TrailAudit, trail, reference, sequencer)
        while (outcome := await asyncio.to_thread(audit.advance)) is None:
            if clock.monotonic_s() > until_s:
                return unmatched(
                    f"the reference ends at {reference.last_update_id}, which the live book did "
                    f"not reach in {CATCH_UP_S:g} s",
                    trail.last_id,
                )
            await asyncio.sleep(LOOK_S)
        return outcome

    def _publish(self, instrument: Instrument, outcome: Outcome) -> None:
        name = self._common.exchange.name
        self._common.counters.add("book_audits_total", name, outcome.result)
        if outcome.result != "equal":
            log.warning("book audit", exchange=name, symbol=instrument.symbol, **outcome._asdict())
        self._outbox.put(
            BookAudit(
                **identity(instrument),
                exchange_ns=None,
                received_ns=self._common.clock.now_ns(),
                method=self._method,
                **outcome._asdict(),
            )
        )
        self._outbox.flush()
