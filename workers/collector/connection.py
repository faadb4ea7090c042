"""One connection: the thread that reads frames, keeps books and lets sessions follow each other.

Everything a connection owns (books, watches, ids) is touched by its own thread alone. Commands come
as callables through a mailbox that is emptied between two reads. A session that is to leave (age,
the exchange's notice) is replaced while it still reads: see handover.py for what that takes.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog

from config.settings import ExchangeSettings, StabilitySettings
from workers.collector.books import LiveBooks
from workers.collector.common import Common
from workers.collector.dead_letters import DeadLetters
from workers.collector.intake import Intake
from workers.collector.lineup import Change, Lineup
from workers.collector.opening import Opening
from workers.collector.outbox import Outbox
from workers.collector.plan import Share
from workers.collector.renewals import Renewals
from workers.collector.replacing import Replacing
from workers.collector.session import Session, SessionEnd
from workers.collector.upkeep import Upkeep
from workers.collector.watch import channel_of
from workers.model.errors import TransportError
from workers.model.events import AnyEvent, BookDelta
from workers.quality.inspector import Inspector
from workers.transport.reconnect import Backoff
from workers.transport.websocket import Disconnected

log = structlog.get_logger(__name__)

TICK_S = 0.25
LONGEST_WAIT_S = 0.05
"""A read waits at most this long, so that mail and due snapshots do not wait longer."""
QUIET_BOOK_S = 3.0
"""A book whose stream sent no update this long after subscribing is built all the same."""
STEADY_AFTER_S = 60.0
"""A connection that held this long starts again from the first delay when it is lost."""
AT_ONCE_EVERY_S = 60.0
"""A session that was told to leave and ended too soon is followed at once, at most this often."""


class Connection(threading.Thread):
    """Keeps some streams of one exchange flowing until `stop`.

    Attributes:
        state: connecting, connected, replacing (two sessions for a while), waiting (before the next
            attempt) or stopped.
        crashed: what ended the thread unexpectedly; the service ends with it.
        report: status as of the last tick, plain data for other threads.
    """

    def __init__(self, index: int, share: Share, common: Common) -> None:
        exchange, self._common, self._clock = common.exchange, common, common.clock
        super().__init__(name=f"{exchange.name}.{index}", daemon=True)
        self.index, self._url = index, share.url
        self._exchange, self._counters = exchange, common.counters
        self._outbox = Outbox(common.publisher)
        self._mailbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._dead_letters = DeadLetters(exchange.name, self._outbox, common.counters)
        self._renewals = Renewals()
        inspector = self._inspector = Inspector(exchange.name, exchange.market_type)
        lineup = self._lineup = Lineup(
            exchange,
            share.streams,
            common.instruments,
            common.counters,
            self._clock.monotonic_s(),
        )
        booked = {each.symbol for each in lineup.streams if each.channel == "orderbook"}
        self._books = LiveBooks(
            exchange,
            [each for each in common.instruments if each.symbol in booked],
            common.settings,
            common.stability.errors,
            self._outbox,
            common.counters,
            common.fetcher,
            self.post,
            lambda symbol, delay_s: self._renewals.ask(symbol, self._clock.monotonic_s() + delay_s),
            self._clock,
            inspector,
        )
        self._watches = watches = lineup.watches
        self._intake = Intake(
            exchange.name,
            self._books,
            watches,
            lineup.collected,
            common.on_change,
            self._outbox,
            common.counters,
            self._clock,
            inspector,
        )
        self._upkeep = Upkeep(exchange.name, watches, self._books, common.counters)
        self._session: Session | None = None
        self._replacing = Replacing(
            common, index, self._new_session, lineup.begin, self._books, self._intake, watches
        )
        self._next_tick_s = 0.0
        self._at_once_s = float("-inf")
        self._retry_s: float | None = None
        self.state = "connecting"
        self.attempts = 0
        self.last_error: str | None = None
        self.crashed: BaseException | None = None
        self.report: dict[str, Any] = {"index": index, "state": self.state, "books": {}}
        for each in common.instruments:
            if each.symbol in booked and each.status != "trading":
                self._halt(each.symbol, each.raw_status)

    def post(self, letter: Callable[[], None]) -> None:
        """Have something run on this connection's thread, between two frames."""
        self._mailbox.put(letter)

    def resume(self, event: AnyEvent) -> None:
        """Go on behind an event of ours published by a process before; only before `start`."""
        if any(stream.symbol == event.symbol for stream in self._lineup.streams):
            self._intake.resume(event)

    def change(self, change: Change) -> None:
        """Take streams in and let streams go; for a letter. The other streams notice nothing."""
        new = self._lineup.change(change, self._session, self._clock.monotonic_s())
        for each in change.drop:
            self._intake.forget(each.channel, each.symbol)
            if each.channel == "orderbook" and each.symbol in self._books:
                self._books.remove(each.symbol)
        booked = {each.symbol for each in new if each.channel == "orderbook"}
        for instrument in change.instruments:
            if instrument.symbol in booked:
                self._books.add(instrument)
                if instrument.status != "trading":
                    self._halt(instrument.symbol, instrument.raw_status)
        begun = {(each.channel, each.symbol) for each in new}
        for event in change.before:
            channel = "orderbook" if isinstance(event, BookDelta) else channel_of(event)
            if (channel, event.symbol) in begun:
                self._intake.resume(event)
        self._replacing.begin_again()
        self._tell()

    def configure(self, settings: ExchangeSettings, stability: StabilitySettings) -> None:
        """Go by other settings; for a letter. Those of sessions count for the next one."""
        self._common = replace(self._common, settings=settings, stability=stability)
        self._books.configure(settings, stability.errors)

    def halt(self, symbol: str, why: str | None) -> None:
        """Keep no book of a symbol that is not traded, or keep it again (None); any thread."""
        self.post(lambda: self._halt(symbol, why))

    def stop(self) -> None:
        """End soon, from any thread; what was read is still handed over."""
        self._stopping.set()
        self._replacing.abort()
        if (session := self._session) is not None:
            session.websocket.abort()

    @property
    def books(self) -> LiveBooks:
        """The books; only for letters running on this thread."""
        return self._books

    def run(self) -> None:
        """Connect, read, and connect again, until stopped."""
        try:
            self._live()
        except Exception as error:  # any bug must end the process, not one symbol in silence
            log.exception("connection crashed", exchange=self._exchange.name, index=self.index)
            self.crashed = error
        finally:
            self.state = "stopped"
            self._outbox.flush()
            self._tell()

    def _live(self) -> None:
        rule = self._common.stability.reconnect
        backoff = Backoff(rule.first_delay, rule.max_delay)
        while not self._stopping.is_set():
            begun_s = self._clock.monotonic_s()
            end = self._life()
            if self._stopping.is_set():
                return
            now_s = self._clock.monotonic_s()
            self._counters.add("reconnects_total", self._exchange.name, end.cause)
            self.last_error = end.detail
            if now_s - begun_s > STEADY_AFTER_S and end.cause != "connect":
                backoff.reset()
                self.attempts = 0
            self.attempts += 1
            at_once = end.announced and now_s - self._at_once_s > AT_ONCE_EVERY_S
            if at_once:
                self._at_once_s = now_s
            delay_s = 0.0 if at_once else max(backoff.next_s(), end.retry_after_s)
            log.warning(
                "connection lost; connecting again",
                exchange=self._exchange.name,
                index=self.index,
                cause=end.cause,
                error=end.detail,
                in_s=round(delay_s, 2),
                attempt=self.attempts,
            )
            if rule.max_attempts is not None and self.attempts > rule.max_attempts:
                raise TransportError(
                    f"{self._exchange.name}: {self.attempts} attempts to connect to {self._url} "
                    f"failed, stability.reconnect.max_attempts is {rule.max_attempts}"
                )
            self.state = "waiting"
            self._retry_s = now_s + delay_s
            self._idle(delay_s)
            self._retry_s = None

    def _life(self) -> SessionEnd:
        """Sessions that follow each other without a break; how the last of them ended."""
        self.state = "connecting"
        self._tell()
        try:
            return self._sessions()
        except SessionEnd as error:
            return self._ended(error)
        except TransportError as error:
            cause = "connect" if self._session is None else "disconnect"
            asked_s = error.retry_after_s if isinstance(error, Disconnected) else None
            return self._ended(SessionEnd(cause, str(error), asked_s or 0.0))
        finally:
            self._end()

    def _sessions(self) -> SessionEnd:
        session = self._open()
        if session is not None:
            self._begin(session)
            while not self._stopping.is_set():
                self._turn()
        return SessionEnd("stop", "")

    def _ended(self, end: SessionEnd) -> SessionEnd:
        end.announced = self._session is not None and self._session.leaving is not None
        return end

    def _open(self) -> Session | None:
        """A connected session; None if it is time to stop."""
        while (wait_s := self._common.connects.take()) and not self._stopping.is_set():
            self._idle(wait_s)
        opening = Opening(self._new_session())
        while opening.is_alive() and not self._stopping.is_set():
            self._read_mail()
            self._outbox.flush()
            opening.join(LONGEST_WAIT_S)
        if self._stopping.is_set():
            opening.give_up()
            return None
        return opening.result()

    def _begin(self, session: Session) -> None:
        self._session = session
        self.state = "connected"
        log.info(
            "connected",
            exchange=self._exchange.name,
            index=self.index,
            url=self._url,
            streams=len(self._lineup.streams),
        )
        now_s = self._clock.monotonic_s()
        self._books.connected()
        for watch in self._watches.values():
            watch.subscribed(now_s)
        self._lineup.begin(session)

    def _new_session(self) -> Session:
        common = self._common
        return Session(
            common.dial(self._url),
            self._exchange,
            self._lineup.mapper,
            common.stability,
            self._dead_letters,
            self._counters,
            self._clock,
            self._inspector,
        )

    def _end(self) -> None:
        """No session goes on."""
        self._replacing.drop()
        session, self._session = self._session, None
        if session is not None:
            session.close()
        self._renewals.clear()
        self._intake.disconnected()
        self._outbox.flush()
        self._tell()

    def _turn(self) -> None:
        """Read once, and do what is due."""
        session, replacing = self._session, self._replacing
        assert session is not None
        if replacing.overlapping:
            session = self._session = replacing.read_both(session)
        else:
            session.read(self._wait_s(), replacing.take)
        now_s = self._clock.monotonic_s()
        self._read_mail()
        self._books.publish_due(now_s)
        if now_s >= self._next_tick_s:
            self._next_tick_s = now_s + TICK_S
            self._tick(session, now_s)
        self._outbox.flush()

    def _wait_s(self) -> float:
        due_s = self._books.next_due_s()
        if due_s is None:
            return LONGEST_WAIT_S
        return min(LONGEST_WAIT_S, max(0.001, due_s - self._clock.monotonic_s()))

    def _tick(self, session: Session, now_s: float) -> None:
        try:
            session.tick(now_s)
        except SessionEnd:
            if not self._replacing.overlapping:
                raise
            session = self._replacing.take_over(session)
        suspect = self._books.suspicion.verdict()
        if suspect is not None and session.leaving is None:
            session.leaving, session.notice = suspect, "its books fail again and again"
        session = self._session = self._replacing.tick(session, now_s)
        self.state = "replacing" if self._replacing.under_way else "connected"
        subscribed = session.age_s(now_s) > QUIET_BOOK_S and not session.waiting
        self._books.tick(now_s, subscribed=subscribed)
        renewed = self._renewals.due(now_s)
        keys = [("orderbook", each) for each in renewed]
        session.renew([self._watches[key].stream for key in keys if key in self._watches])
        if not self._replacing.under_way:
            self._upkeep.ask_silent(session, now_s)
        self._intake.tick(now_s)
        self._upkeep.note_refused(session, now_s)
        self._lineup.count()
        self._tell()

    def _halt(self, symbol: str, why: str | None) -> None:
        watch = self._watches.get(("orderbook", symbol))
        if watch is None or (watch.off is None) == (why is None):
            return
        watch.off = why
        self._books.halt(symbol, why)
        log.warning("book halted" if why else "book wanted again", symbol=symbol, why=why)
        session = self._session
        if session is not None and why is not None:
            session.unsubscribe([watch.stream])
        elif session is not None:
            watch.subscribed(self._clock.monotonic_s())
            session.subscribe([watch.stream])

    def _idle(self, seconds: float) -> None:
        """Wait without a connection, still reading mail; ends early on stop."""
        until_s = self._clock.monotonic_s() + seconds
        while not self._stopping.is_set():
            self._read_mail()
            self._outbox.flush()
            self._tell()
            left_s = until_s - self._clock.monotonic_s()
            if left_s <= 0:
                return
            self._stopping.wait(min(left_s, TICK_S))

    def _read_mail(self) -> None:
        while not self._mailbox.empty():
            self._mailbox.get()()

    def _tell(self) -> None:
        now_s = self._clock.monotonic_s()
        session = self._session
        self.report = {
            "index": self.index,
            "state": self.state,
            "url": self._url,
            "age_s": None if session is None else round(session.age_s(now_s), 1),
            "attempts": self.attempts,
            "frames": 0 if session is None else session.frames,
            "requests_waiting": 0 if session is None else session.waiting,
            "retry_in_s": None if self._retry_s is None else round(self._retry_s - now_s, 1),
            "leaving": None if session is None else session.leaving,
            "handovers": self._replacing.handovers,
            "last_error": self.last_error or self._replacing.last_error,
            "books": self._books.status(now_s),
            "streams": self._intake.status(now_s),
        }
