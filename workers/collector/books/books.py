"""The books of one connection: runs each symbol's BookSync machine and publishes what it says."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, cast

import msgspec
import structlog

from config.settings import ErrorSettings, ExchangeSettings
from workers.book.audit import Trail
from workers.book.book import Book
from workers.book.sync import (
    Action,
    BookSync,
    Phase,
    PublishBook,
    PublishDelta,
    PublishGap,
    RequestSnapshot,
)
from workers.collector.books.book_snapshots import BookSnapshots, Post, Renew
from workers.collector.books.chain import Break
from workers.collector.books.live_book import LiveBook, identity
from workers.collector.books.resync import ResyncPolicy
from workers.collector.books.snapshots import SnapshotFetcher
from workers.collector.books.suspicion import Suspicion
from workers.collector.outbox import Outbox
from workers.exchanges.base import BookReset, Exchange
from workers.model.clock import Clock
from workers.model.events import BookDelta, Gap, GapCause, Levels, OrderBook
from workers.model.instrument import Instrument
from workers.quality.inspector import Inspector
from workers.telemetry.metrics import Counters

log = structlog.get_logger(__name__)


class LiveBooks:
    """Owned by one connection's thread; nothing else touches it.

    Args:
        post: hands a snapshot from the fetcher's thread to ours.
        renew: asks for a snapshot where they come on the stream.
        inspector: told of books that crossed.

    Attributes:
        suspicion: whether the books fail too often.
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
        renew: Renew,
        clock: Clock,
        inspector: Inspector,
    ) -> None:
        self._exchange, self._settings = exchange, settings
        self._outbox, self._counters = outbox, counters
        self._clock = clock
        self._snapshots = BookSnapshots(
            exchange, settings, fetcher, counters, clock, post, renew, self._do_all
        )
        self._from_stream = exchange.books_from_stream
        self._errors = errors
        self.suspicion = Suspicion(errors)
        self._inspector = inspector
        self._streaming = False
        self._books: dict[str, LiveBook] = {}
        for each in instruments:
            self.add(each)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._books

    def add(self, instrument: Instrument) -> None:
        """Keep a book of one more symbol, from its next update on."""
        machine = BookSync(instrument.symbol, Book(self._settings.depth), self._exchange.sequencer)
        self._books[instrument.symbol] = LiveBook(instrument, machine, ResyncPolicy(self._errors))

    def configure(self, settings: ExchangeSettings, errors: ErrorSettings) -> None:
        """Publish by other settings, and count failures anew by other limits."""
        self._settings = settings
        if errors != self._errors:
            self._errors, self.suspicion = errors, Suspicion(errors)
            for live in self._books.values():
                live.policy = ResyncPolicy(errors)

    def remove(self, symbol: str) -> None:
        """Keep no book of a symbol any more; a snapshot that was asked for is not waited for."""
        live = self._books.pop(symbol)
        live.epoch += 1

    def symbols(self) -> Iterable[str]:
        """Symbols of the books here, halted ones too."""
        return self._books.keys()

    def delta(self, delta: BookDelta, now_s: float) -> None:
        """Take one update of one symbol."""
        live = self._books[delta.symbol]
        if live.halted is not None:  # it came behind our unsubscribing
            self._counters.add("events_ignored_total", self._exchange.name, "halted book")
            return
        live.exchange_ns, live.received_ns = delta.exchange_ns, delta.received_ns
        live.last_s = now_s
        live.updates += 1
        live.dropped = False
        if live.joined_id is not None:
            if _contained(delta, live.joined_id):
                return
            live.joined_id = None
        for action in live.sync.delta(delta):
            self._do(live, action)

    def reset(self, reset: BookReset, now_s: float) -> None:
        """Take a full book that came on the stream of one symbol."""
        live = self._books[reset.symbol]
        if live.halted is not None:
            self._counters.add("events_ignored_total", self._exchange.name, "halted book")
            return
        live.exchange_ns, live.received_ns = reset.exchange_ns, reset.received_ns
        live.last_s = now_s
        live.updates += 1
        live.dropped = False
        live.epoch += 1
        live.waits_s, live.vain, live.joined_id = None, 0, None
        self._do_all(live, live.sync.reset(reset.snapshot))

    def stands(self, symbol: str) -> int | None:
        """The update id a book ends at; None unless it is synced."""
        sync = self._books[symbol].sync
        return sync.last_id if sync.phase is Phase.SYNCED else None

    def joined_by(self, symbol: str, first: object) -> bool:
        """Whether another session's updates, by the first it brought, go on where a book stands."""
        last_id = self.stands(symbol)
        if last_id is None:
            return False
        if isinstance(first, BookReset):
            return first.snapshot.last_update_id <= last_id
        if isinstance(first, BookDelta) and not self._from_stream:
            return not self._exchange.sequencer(last_id).too_old(first)
        return False

    def handed_over(self, joined: Collection[str]) -> None:
        """Another session goes on; books it does not join have to be built anew."""
        for symbol, live in self._books.items():
            if symbol in joined and live.sync.phase is Phase.SYNCED:
                live.sync.handed_over()
                live.joined_id = live.sync.last_id
            else:
                self._end(live)

    def disconnected(self) -> None:
        """The connection ended: what follows on the next one is not known to continue."""
        self._streaming = False
        for live in self._books.values():
            self._end(live)

    def connected(self) -> None:
        """Streams are being subscribed: snapshots make sense from here on."""
        self._streaming = True
        wanted = [live for live in self._books.values() if not (live.halted or live.dropped)]
        self._snapshots.expect(wanted)

    def resume(self, delta: BookDelta) -> None:
        """Name what is missing behind a delta that was published before this process began."""
        if delta.symbol in self._books:
            self._books[delta.symbol].chain.resume(delta.last_update_id)

    def tick(self, now_s: float, *, subscribed: bool) -> None:
        """Ask for what is overdue.

        Args:
            now_s: monotonic seconds.
            subscribed: the streams are there for a while: symbols too quiet to have sent an update
                get their book too, where it does not come on the stream.
        """
        for live in self._books.values():
            if self._from_stream:
                if self._snapshots.overdue(live, now_s):
                    self._snapshots.request(live, "stale_snapshot")
            elif subscribed and not live.dropped and live.halted is None:
                self._do_all(live, live.sync.subscribed())

    def halt(self, symbol: str, why: str | None) -> None:
        """Keep no book of a symbol that is not traded, its levels may cross; None: keep it."""
        live = self._books[symbol]
        live.halted = why
        if why is not None:
            self._forget(live)

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
        if self._streaming and live.halted is None:
            self._do_all(live, live.sync.resync(cause))
        return {"symbol": symbol, "state_before": before, "state": live.sync.state}

    def trail(self, symbol: str) -> Trail | None:
        """A copy of a symbol's book that notes what changes from here; None unless SYNCED."""
        return self._books[symbol].sync.trail()

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
            live.dropped = True
            self._forget(live)
        return [live.instrument.symbol for live in dropped]

    @property
    def held(self) -> int:
        """Books that have levels."""
        return sum(1 for live in self._books.values() if live.sync.book.bid_count)

    def read(self, symbol: str, depth: int | None) -> dict[str, Any]:
        """A book with its state, `depth` levels a side or all that are kept."""
        live = self._books[symbol]
        bids, asks = live.sync.book.levels(depth)
        return {**live.facts(self._clock.monotonic_s()), "bids": bids, "asks": asks}

    def status(self, now_s: float) -> dict[str, dict[str, Any]]:
        """Facts of all books by symbol."""
        return {symbol: live.facts(now_s) for symbol, live in self._books.items()}

    def _end(self, live: LiveBook) -> None:
        live.epoch += 1
        live.joined_id = None
        live.waits_s = None
        live.chain.disconnected()
        self._do_all(live, live.sync.disconnected())

    def _forget(self, live: LiveBook) -> None:
        live.epoch += 1
        live.dirty, live.waits_s = False, None
        self._do_all(live, live.sync.disconnected())
        live.sync.book.replace(Book(self._settings.depth))

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
                now_s = self._clock.monotonic_s()
                self.suspicion.failed(live.instrument.symbol, cause, now_s)
            case RequestSnapshot(cause):
                self._snapshots.request(live, cause)

    def _publish_gap(self, live: LiveBook, gap: Break) -> None:
        self._counters.add("gaps_total", self._exchange.name, "orderbook-delta", gap.cause)
        event = Gap(
            **identity(live.instrument),
            exchange_ns=live.exchange_ns,
            received_ns=self._clock.now_ns(),
            data_type="orderbook-delta",
            cause=gap.cause,
            first_id=gap.first_id,
            last_id=gap.last_id,
        )
        self._outbox.put(event)
        if gap.cause == "crossed":
            self._inspector.crossed(event)

    def _publish_book(self, live: LiveBook, now_s: float) -> None:
        live.dirty = False
        # From the update it shows, not from now: else waiting adds up, and at an exchange that
        # updates once an interval every snapshot would come nearly an interval late.
        live.due_s = live.last_s + self._settings.publish_interval
        sync, book = live.sync, live.sync.book
        if sync.state != "SYNCED" or sync.last_id is None:
            return
        self._snapshots.widen(live, now_s)
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


def _contained(delta: BookDelta, last_id: int) -> bool:
    """Whether a book that ends at `last_id` has this already; not if the ids begin anew there."""
    return delta.last_update_id <= last_id and delta.prev_update_id != last_id
