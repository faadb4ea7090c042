"""The books of one connection: runs each symbol's BookSync machine and publishes what it says."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import msgspec
import structlog

from config.settings import ErrorSettings, ExchangeSettings
from workers.book.book import Book
from workers.book.sequence import Snapshot
from workers.book.sync import (
    Action,
    BookSync,
    PublishBook,
    PublishDelta,
    PublishGap,
    RequestSnapshot,
)
from workers.collector.chain import Break, DeltaChain
from workers.collector.outbox import Outbox
from workers.collector.resync import ResyncPolicy
from workers.collector.snapshots import SnapshotFetcher, SnapshotJob
from workers.exchanges.base import Exchange
from workers.model.clock import Clock
from workers.model.events import BookDelta, Gap, GapCause, Levels, OrderBook
from workers.model.instrument import Instrument
from workers.telemetry.metrics import Counters

log = structlog.get_logger(__name__)

DEEPEN_EVERY_S = 30.0
"""A book whose proven range is too thin asks for a snapshot at most this often."""

Post = Callable[[Callable[[], None]], None]
"""Runs something on the connection's own thread, between two frames."""


class LiveBook:
    """One symbol's book with what the connection needs beside it."""

    __slots__ = (
        "chain",
        "deepen_s",
        "dirty",
        "dropped",
        "due_s",
        "epoch",
        "exchange_ns",
        "instrument",
        "last_s",
        "policy",
        "received_ns",
        "sync",
        "updates",
    )

    def __init__(self, instrument: Instrument, sync: BookSync, policy: ResyncPolicy) -> None:
        self.instrument, self.sync, self.policy = instrument, sync, policy
        self.chain = DeltaChain()
        self.dirty = False
        self.dropped = False
        self.due_s = 0.0
        self.deepen_s = 0.0
        self.epoch = 0
        self.exchange_ns: int | None = None
        self.received_ns = 0
        self.last_s = 0.0
        self.updates = 0


class LiveBooks:
    """Owned by one connection's thread; nothing else touches it.

    Args:
        post: hands a snapshot from the fetcher's thread to ours.
    """

    def __init__(
        self,
        exchange: Exchange,
        instruments: Sequence[Instrument],
        settings: ExchangeSettings,
        errors: ErrorSettings,
        outbox: Outbox,
        counters: Counters,
        fetcher: SnapshotFetcher,
        post: Post,
        clock: Clock,
    ) -> None:
        self._exchange, self._settings = exchange, settings
        self._outbox, self._counters = outbox, counters
        self._fetcher, self._post, self._clock = fetcher, post, clock
        self._streaming = False
        self._books = {
            each.symbol: LiveBook(
                each,
                BookSync(each.symbol, Book(settings.depth), exchange.sequencer),
                ResyncPolicy(errors),
            )
            for each in instruments
        }

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._books

    def delta(self, delta: BookDelta, now_s: float) -> None:
        """Take one update of one symbol."""
        live = self._books[delta.symbol]
        live.exchange_ns, live.received_ns = delta.exchange_ns, delta.received_ns
        live.last_s = now_s
        live.updates += 1
        live.dropped = False
        for action in live.sync.delta(delta):
            self._do(live, action)

    def disconnected(self) -> None:
        """The connection ended: what follows on the next one is not known to continue."""
        self._streaming = False
        for live in self._books.values():
            live.epoch += 1
            live.chain.disconnected()
            self._do_all(live, live.sync.disconnected())

    def connected(self) -> None:
        """Streams are being subscribed: snapshots make sense from here on."""
        self._streaming = True

    def resume(self, delta: BookDelta) -> None:
        """Name what is missing behind a delta that was published before this process began."""
        if delta.symbol in self._books:
            self._books[delta.symbol].chain.resume(delta.last_update_id)

    def subscribed(self) -> None:
        """The streams are there: symbols too quiet to have sent an update get their book too."""
        for live in self._books.values():
            if not live.dropped:
                self._do_all(live, live.sync.subscribed())

    def silent(self, symbol: str) -> None:
        """The symbol's stream says nothing for longer than its pace allows."""
        self._books[symbol].sync.stale()

    def resync(self, symbol: str, cause: GapCause) -> dict[str, Any]:
        """Build a symbol's book again from a fresh snapshot; the state it was in before.

        Without a connection nothing is asked for: the next one begins with a fresh snapshot, and
        until then a book could not be kept right.
        """
        live = self._books[symbol]
        before = live.sync.state
        live.dropped = False
        if self._streaming:
            self._do_all(live, live.sync.resync(cause))
        return {"symbol": symbol, "state_before": before, "state": live.sync.state}

    def publish_due(self, now_s: float) -> None:
        """Publish the snapshots whose interval has passed."""
        for live in self._books.values():
            if live.dirty and now_s >= live.due_s:
                self._publish_book(live, now_s)

    def next_due_s(self) -> float | None:
        """When the next snapshot may be published; None while no book changed."""
        return min((live.due_s for live in self._books.values() if live.dirty), default=None)

    def drop_idle(self, idle_s: float, keep: int, now_s: float) -> list[str]:
        """Forget the levels of books silent for `idle_s`, and the longest silent beyond `keep`.

        A dropped book is built again with the next update of its symbol.
        """
        held = [live for live in self._books.values() if live.sync.book.bid_count]
        held.sort(key=lambda live: live.last_s)
        surplus = max(0, len(held) - keep)
        dropped = [
            live
            for place, live in enumerate(held)
            if place < surplus or now_s - live.last_s > idle_s
        ]
        for live in dropped:
            live.epoch += 1
            live.dirty, live.dropped = False, True
            self._do_all(live, live.sync.disconnected())
            live.sync.book.replace(Book(self._settings.depth))
        return [live.instrument.symbol for live in dropped]

    @property
    def held(self) -> int:
        """Books that have levels."""
        return sum(1 for live in self._books.values() if live.sync.book.bid_count)

    def read(self, symbol: str, depth: int | None) -> dict[str, Any]:
        """A book with its state, `depth` levels a side or all that are kept."""
        live = self._books[symbol]
        bids, asks = live.sync.book.levels(depth)
        return {**self._facts(live, self._clock.monotonic_s()), "bids": bids, "asks": asks}

    def status(self, now_s: float) -> dict[str, dict[str, Any]]:
        """Facts of all books by symbol."""
        return {symbol: self._facts(live, now_s) for symbol, live in self._books.items()}

    def _facts(self, live: LiveBook, now_s: float) -> dict[str, Any]:
        sync, book = live.sync, live.sync.book
        return {
            "symbol": live.instrument.symbol,
            "state": sync.state,
            "phase": sync.phase.name,
            "last_update_id": sync.last_id,
            "bid_count": book.bid_count,
            "ask_count": book.ask_count,
            "verified_depth": book.verified_depth,
            "best_bid": book.best_bid,
            "best_ask": book.best_ask,
            "updates": live.updates,
            "applied": sync.applied,
            "ignored": sync.ignored,
            "gaps": sync.gaps,
            "resyncs": sync.resyncs,
            "age_s": round(now_s - live.last_s, 3) if live.updates else None,
        }

    def _do_all(self, live: LiveBook, actions: Sequence[Action]) -> None:
        for action in actions:
            self._do(live, action)

    def _do(self, live: LiveBook, action: Action) -> None:
        match action:
            case PublishDelta(delta):
                untold = live.chain.follow(delta)
                if untold is not None:
                    self._publish_gap(live, untold)
                self._outbox.put(delta)
                live.dirty = True
            case PublishBook():
                live.dirty = True
                live.due_s = 0.0
                log.info(
                    "book synced",
                    exchange=self._exchange.name,
                    symbol=live.instrument.symbol,
                    last_update_id=live.sync.last_id,
                    levels=(live.sync.book.bid_count, live.sync.book.ask_count),
                )
            case PublishGap(cause, first_id, last_id):
                log.warning(
                    "book gap; resyncing",
                    exchange=self._exchange.name,
                    symbol=live.instrument.symbol,
                    cause=cause,
                    first_id=first_id,
                    last_id=last_id,
                )
                self._publish_gap(live, live.chain.gap(cause, first_id, last_id))
            case RequestSnapshot(cause):
                self._request(live, cause)

    def _request(self, live: LiveBook, cause: str) -> None:
        live.dirty = False
        live.epoch += 1
        self._fetch(live, cause, live.sync.snapshot)

    def _deepen(self, live: LiveBook, now_s: float) -> None:
        """Widen a proven range that shrank below what is published, the book staying SYNCED."""
        if now_s < live.deepen_s or not live.sync.book.thin(self._settings.publish_depth):
            return
        live.deepen_s = now_s + DEEPEN_EVERY_S
        self._fetch(live, "depth", live.sync.audit)

    def _fetch(
        self, live: LiveBook, cause: str, take: Callable[[Snapshot], Sequence[Action]]
    ) -> None:
        epoch = live.epoch

        def taken(snapshot: Snapshot) -> None:
            # With a newer request under way this answer belongs to a buffer that is gone.
            if live.epoch == epoch:
                self._do_all(live, take(snapshot))

        job = SnapshotJob(
            symbol=live.instrument.symbol,
            raw_symbol=live.instrument.raw_symbol,
            depth=self._settings.depth,
            cause=cause,
            wanted=lambda: live.epoch == epoch,
            deliver=lambda snapshot: self._post(lambda: taken(snapshot)),
        )
        self._fetcher.request(job, live.policy.delay_s(cause, self._clock.monotonic_s()))

    def _publish_gap(self, live: LiveBook, gap: Break) -> None:
        self._counters.add("gaps_total", self._exchange.name, "orderbook-delta", gap.cause)
        self._outbox.put(
            Gap(
                **identity(live.instrument),
                exchange_ns=live.exchange_ns,
                received_ns=self._clock.now_ns(),
                data_type="orderbook-delta",
                cause=gap.cause,
                first_id=gap.first_id,
                last_id=gap.last_id,
            )
        )

    def _publish_book(self, live: LiveBook, now_s: float) -> None:
        live.dirty = False
        # From the update it shows, not from now: else waiting adds up, and at an exchange that
        # updates once an interval every snapshot would come nearly an interval late.
        live.due_s = live.last_s + self._settings.publish_interval
        sync, book = live.sync, live.sync.book
        if sync.state != "SYNCED" or sync.last_id is None:
            return
        self._deepen(live, now_s)
        bids, asks = book.top(self._settings.publish_depth)
        self._outbox.put(
            OrderBook(
                **identity(live.instrument),
                exchange_ns=live.exchange_ns,
                received_ns=live.received_ns,
                last_update_id=sync.last_id,
                # Levels are kept as JSON already; Raw passes them through the encoder untouched.
                bids=cast(Levels, msgspec.Raw(bids)),
                asks=cast(Levels, msgspec.Raw(asks)),
                depth=max(book.bid_count, book.ask_count),
                state=sync.state,
                verified_depth=book.verified_depth,
            )
        )


def identity(instrument: Instrument) -> Mapping[str, Any]:
    """The fields that say whose event it is."""
    return {
        "exchange": instrument.exchange,
        "market_type": instrument.market_type,
        "symbol": instrument.symbol,
        "raw_symbol": instrument.raw_symbol,
    }
