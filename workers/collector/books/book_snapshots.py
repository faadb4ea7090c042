"""How a book gets the snapshot it waits for, from REST or on its stream, and how it is widened.

Many books at once, at the start or after an outage, are built from few levels first, as deep ones
cost the budget five times as much; they are widened afterwards, with what the budget has to spare.
"""

from collections.abc import Callable, Iterable, Sequence

from config.settings import ExchangeSettings
from workers.book.sequence import Snapshot
from workers.book.sync import Action
from workers.collector.books.live_book import LiveBook
from workers.collector.books.snapshot_queue import WIDEN_CAUSE, SnapshotJob
from workers.collector.books.snapshots import SnapshotFetcher
from workers.exchanges.base import Exchange
from workers.model.clock import Clock
from workers.telemetry.metrics import Counters

WIDEN_EVERY_S = 30.0
"""A book whose proven range is too thin asks for a snapshot this long after the last one."""
SNAPSHOT_WAIT_S = 10.0
"""A snapshot that should come on the stream is asked for again after this, then twice as long."""
SNAPSHOT_WAIT_LIMIT_S = 300.0

Post = Callable[[Callable[[], None]], None]
"""Runs something on the connection's own thread, between two frames."""
Renew = Callable[[str, float], None]
"""Has a symbol's book stream subscribed anew in so many seconds."""
Act = Callable[[LiveBook, Sequence[Action]], None]
"""Carries out what a book's machine answered."""


class BookSnapshots:
    """Asks for the snapshots of one connection's books.

    Args:
        post: hands a snapshot from the fetcher's thread to the connection's.
        renew: asks for a snapshot where they come on the stream.
        act: takes what a book makes of its snapshot.
    """

    def __init__(
        self,
        exchange: Exchange,
        settings: ExchangeSettings,
        fetcher: SnapshotFetcher,
        counters: Counters,
        clock: Clock,
        post: Post,
        renew: Renew,
        act: Act,
    ) -> None:
        self._exchange, self._settings, self._fetcher = exchange, settings, fetcher
        self._counters, self._clock = counters, clock
        self._post, self._renew, self._act = post, renew, act
        self.from_stream = exchange.books_from_stream

    def expect(self, books: Iterable[LiveBook]) -> None:
        """These are all going to ask for a snapshot soon."""
        if not self.from_stream:
            self._fetcher.expect(each.instrument.symbol for each in books)

    def request(self, live: LiveBook, cause: str) -> None:
        """Have a book built from a fresh snapshot; what was asked for before is void."""
        live.dirty = False
        live.epoch += 1
        live.widen_s = 0.0
        now_s = self._clock.monotonic_s()
        delay_s = live.policy.delay_s(cause, now_s)
        if not self.from_stream:
            self._fetch(live, cause, delay_s, live.sync.snapshot)
            return
        live.waits_s, live.vain = now_s + delay_s, live.vain + 1
        self._counters.add("snapshots_requested_total", self._exchange.name, cause)
        self._renew(live.instrument.symbol, delay_s)

    def overdue(self, live: LiveBook, now_s: float) -> bool:
        """Whether the stream should have brought the snapshot that was asked for."""
        return live.waits_s is not None and now_s > live.waits_s + _patience_s(live.vain)

    def widen(self, live: LiveBook, now_s: float) -> None:
        """Ask for more levels if few are proven, the book staying SYNCED meanwhile."""
        if self.from_stream or now_s < live.widen_s:
            return
        if live.shallow or live.sync.book.thin(self._settings.publish_depth):
            live.widen_s = float("inf")  # until this one came, or another took its place
            self._fetch(live, WIDEN_CAUSE, 0.0, live.sync.audit)

    def _fetch(
        self,
        live: LiveBook,
        cause: str,
        delay_s: float,
        take: Callable[[Snapshot], Sequence[Action]],
    ) -> None:
        epoch = live.epoch

        def taken(snapshot: Snapshot) -> None:
            # With a newer request under way this answer belongs to a buffer that is gone.
            if live.epoch != epoch:
                return
            live.widen_s = self._clock.monotonic_s() + WIDEN_EVERY_S
            live.shallow = self._shallow(snapshot)
            if live.shallow:
                live.widen_s = 0.0
            self._act(live, take(snapshot))

        job = SnapshotJob(
            symbol=live.instrument.symbol,
            raw_symbol=live.instrument.raw_symbol,
            depth=self._settings.depth,
            cause=cause,
            wanted=lambda: live.epoch == epoch,
            deliver=lambda snapshot: self._post(lambda: taken(snapshot)),
        )
        self._fetcher.request(job, delay_s)

    def _shallow(self, snapshot: Snapshot) -> bool:
        """The exchange has more levels, and we want them."""
        wanted = self._settings.depth
        bids_short = not snapshot.bids_complete and len(snapshot.bids) < wanted
        asks_short = not snapshot.asks_complete and len(snapshot.asks) < wanted
        return bids_short or asks_short


def _patience_s(vain: int) -> float:
    """How long a snapshot of the stream is waited for after so many were asked for."""
    return float(min(SNAPSHOT_WAIT_LIMIT_S, SNAPSHOT_WAIT_S * 2.0 ** max(0, min(vain, 10) - 1)))
