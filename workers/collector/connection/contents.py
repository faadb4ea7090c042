"""What one connection carries: streams, books and their upkeep, whichever session brings them.

For the connection's own thread.
"""

from collections.abc import Callable
from typing import Any

import structlog

from config.settings import ExchangeSettings, StabilitySettings
from workers.collector.books.books import LiveBooks
from workers.collector.common import Common
from workers.collector.connection.intake import Intake
from workers.collector.connection.lineup import Change, Lineup
from workers.collector.connection.renewals import Renewals
from workers.collector.connection.session import Session
from workers.collector.connection.upkeep import Upkeep
from workers.collector.connection.watch import channel_of
from workers.collector.outbox import Outbox
from workers.collector.symbols.plan import Share
from workers.model.events import AnyEvent, BookDelta
from workers.quality.inspector import Inspector

log = structlog.get_logger(__name__)

QUIET_BOOK_S = 3.0
"""A book whose stream sent no update this long after subscribing is built all the same."""


class Contents:
    """The streams of one connection with what is known of them.

    Args:
        share: which streams.
        common: the collector's parts.
        outbox: takes what is published.
        post: runs something on the connection's thread, between two frames.

    Attributes:
        books: of those streams that are books.
        intake: takes what frames say.
        lineup: which streams there are.
        inspector: looks at some frames.
    """

    def __init__(
        self,
        share: Share,
        common: Common,
        outbox: Outbox,
        post: Callable[[Callable[[], None]], None],
    ) -> None:
        exchange, self._clock = common.exchange, common.clock
        self._renewals = Renewals()
        self.inspector = Inspector(exchange.name, exchange.market_type)
        self.lineup = Lineup(
            exchange, share.streams, common.instruments, common.counters, self._clock.monotonic_s()
        )
        self.watches = self.lineup.watches
        booked = {each.symbol for each in self.lineup.streams if each.channel == "orderbook"}
        self.books = LiveBooks(
            exchange,
            [each for each in common.instruments if each.symbol in booked],
            common.settings,
            common.stability.errors,
            outbox,
            common.counters,
            common.fetcher,
            post,
            lambda symbol, delay_s: self._renewals.ask(symbol, self._clock.monotonic_s() + delay_s),
            self._clock,
            self.inspector,
        )
        self.intake = Intake(
            exchange.name,
            self.books,
            self.watches,
            self.lineup.collected,
            common.on_change,
            outbox,
            common.counters,
            self._clock,
            self.inspector,
        )
        self._upkeep = Upkeep(exchange.name, self.watches, self.books, common.counters)
        for each in common.instruments:
            if each.symbol in booked and each.status != "trading":
                self.halt(each.symbol, each.raw_status, None)

    def resume(self, event: AnyEvent) -> None:
        """Go on behind an event of ours published by a process before."""
        if any(stream.symbol == event.symbol for stream in self.lineup.streams):
            self.intake.resume(event)

    def change(self, change: Change, session: Session | None) -> None:
        """Take streams in and let streams go; the others notice nothing."""
        new = self.lineup.change(change, session, self._clock.monotonic_s())
        for each in change.drop:
            self.intake.forget(each.channel, each.symbol)
            if each.channel == "orderbook" and each.symbol in self.books:
                self.books.remove(each.symbol)
        booked = {each.symbol for each in new if each.channel == "orderbook"}
        for instrument in change.instruments:
            if instrument.symbol in booked:
                self.books.add(instrument)
                if instrument.status != "trading":
                    self.halt(instrument.symbol, instrument.raw_status, session)
        begun = {(each.channel, each.symbol) for each in new}
        for event in change.before:
            channel = "orderbook" if isinstance(event, BookDelta) else channel_of(event)
            if (channel, event.symbol) in begun:
                self.intake.resume(event)

    def configure(self, settings: ExchangeSettings, stability: StabilitySettings) -> None:
        """Go by other settings."""
        self.books.configure(settings, stability.errors)

    def halt(self, symbol: str, why: str | None, session: Session | None) -> None:
        """Keep no book of a symbol that is not traded, or keep it again (None)."""
        watch = self.watches.get(("orderbook", symbol))
        if watch is None or (watch.off is None) == (why is None):
            return
        watch.off = why
        self.books.halt(symbol, why)
        log.warning("book halted" if why else "book wanted again", symbol=symbol, why=why)
        if session is not None and why is not None:
            session.unsubscribe([watch.stream])
        elif session is not None:
            watch.subscribed(self._clock.monotonic_s())
            session.subscribe([watch.stream])

    def begin(self, session: Session) -> None:
        """A session was connected, with none before it: ask it for everything."""
        now_s = self._clock.monotonic_s()
        self.books.connected()
        for watch in self.watches.values():
            watch.subscribed(now_s)
        self.lineup.begin(session)

    def tick(self, session: Session, now_s: float, *, replacing: bool) -> None:
        """What is due now and then.

        Args:
            session: the one that is published.
            now_s: monotonic.
            replacing: it is being followed by another, which asks for everything anyway.

        Raises:
            SessionEnd: all streams are silent, and asking again does not help.
        """
        subscribed = session.age_s(now_s) > QUIET_BOOK_S and not session.waiting
        self.books.tick(now_s, subscribed=subscribed)
        keys = [("orderbook", each) for each in self._renewals.due(now_s)]
        session.renew([self.watches[key].stream for key in keys if key in self.watches])
        if not replacing:
            self._upkeep.ask_silent(session, now_s)
        self.intake.tick(now_s)
        self._upkeep.note_refused(session, now_s)
        self.lineup.count()

    def disconnected(self) -> None:
        """No session goes on."""
        self._renewals.clear()
        self.intake.disconnected()

    def status(self, now_s: float) -> dict[str, Any]:
        """Plain data for reports: books by symbol, streams by channel and symbol."""
        return {"books": self.books.status(now_s), "streams": self.intake.status(now_s)}
