"""One connection: the thread that reads frames, keeps books and lets sessions follow each other.

Everything a connection carries (books, watches, ids) is touched by its own thread alone. Commands
come as callables through a mailbox that is emptied between two reads. A session that is to leave
(age, the exchange's notice) is replaced while it still reads: see handover.py for what that takes.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog

from config.settings import ExchangeSettings, StabilitySettings
from workers.collector.books.books import LiveBooks
from workers.collector.common import Common
from workers.collector.connection.attempts import Attempts
from workers.collector.connection.contents import Contents
from workers.collector.connection.lineup import Change
from workers.collector.connection.opening import Opening
from workers.collector.connection.replacing import Replacing
from workers.collector.connection.session import Session, SessionEnd
from workers.collector.dead_letters import DeadLetters
from workers.collector.outbox import Outbox
from workers.collector.symbols.plan import Share
from workers.model.errors import TransportError
from workers.model.events import AnyEvent

log = structlog.get_logger(__name__)

TICK_S = 0.25
LONGEST_WAIT_S = 0.05
"""A read waits at most this long, so that mail and due snapshots do not wait longer."""


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
        contents = self._contents = Contents(share, common, self._outbox, self.post)
        self._session: Session | None = None
        self._replacing = Replacing(
            common,
            index,
            self._new_session,
            contents.lineup.begin,
            contents.books,
            contents.intake,
            contents.watches,
        )
        self._attempts = Attempts(
            exchange.name, index, share.url, common.stability.reconnect, self._clock
        )
        self._next_tick_s = 0.0
        self._retry_s: float | None = None
        self.state = "connecting"
        self.crashed: BaseException | None = None
        self.report: dict[str, Any] = {"index": index, "state": self.state, "books": {}}

    def post(self, letter: Callable[[], None]) -> None:
        """Have something run on this connection's thread, between two frames."""
        self._mailbox.put(letter)

    def resume(self, event: AnyEvent) -> None:
        """Go on behind an event of ours published by a process before; only before `start`."""
        self._contents.resume(event)

    def change(self, change: Change) -> None:
        """Take streams in and let streams go; for a letter. The other streams notice nothing."""
        self._contents.change(change, self._session)
        self._replacing.begin_again()
        self._tell()

    def configure(self, settings: ExchangeSettings, stability: StabilitySettings) -> None:
        """Go by other settings; for a letter. Those of sessions count for the next one."""
        self._common = replace(self._common, settings=settings, stability=stability)
        self._contents.configure(settings, stability)

    def halt(self, symbol: str, why: str | None) -> None:
        """Keep no book of a symbol that is not traded, or keep it again (None); any thread."""
        self.post(lambda: self._contents.halt(symbol, why, self._session))

    def stop(self) -> None:
        """End soon, from any thread; what was read is still handed over."""
        self._stopping.set()
        self._replacing.abort()
        if (session := self._session) is not None:
            session.websocket.abort()

    @property
    def books(self) -> LiveBooks:
        """The books; only for letters running on this thread."""
        return self._contents.books

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
        while not self._stopping.is_set():
            begun_s = self._clock.monotonic_s()
            end = self._life()
            if self._stopping.is_set():
                return
            self._counters.add("reconnects_total", self._exchange.name, end.cause)
            self._wait(self._attempts.lost(end, begun_s))

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
            return self._ended(SessionEnd(cause, str(error)))
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
        connects = self._common.connects
        while not self._stopping.is_set() and (wait_s := connects.take()):
            self._wait(wait_s)
        self.state = "connecting"
        opening = Opening(self._new_session(), connects)
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
            streams=len(self._contents.lineup.streams),
        )
        self._contents.begin(session)

    def _new_session(self) -> Session:
        return Session(
            self._common.dial(self._url),
            self._common,
            self._contents.lineup.mapper,
            self._dead_letters,
            self._contents.inspector,
        )

    def _end(self) -> None:
        """No session goes on."""
        self._replacing.drop()
        session, self._session = self._session, None
        if session is not None:
            session.close()
        self._contents.disconnected()
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
        self.books.publish_due(now_s)
        if now_s >= self._next_tick_s:
            self._next_tick_s = now_s + TICK_S
            self._tick(session, now_s)
        self._outbox.flush()

    def _wait_s(self) -> float:
        due_s = self.books.next_due_s()
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
        suspect = self.books.suspicion.verdict()
        if suspect is not None and session.leaving is None:
            session.leaving, session.notice = suspect, "its books fail again and again"
        session = self._session = self._replacing.tick(session, now_s)
        self.state = "replacing" if self._replacing.under_way else "connected"
        self._contents.tick(session, now_s, replacing=self._replacing.under_way)
        self._tell()

    def _wait(self, seconds: float) -> None:
        """Wait before an attempt, still reading mail; ends early on stop."""
        self.state = "waiting"
        until_s = self._retry_s = self._clock.monotonic_s() + seconds
        while not self._stopping.is_set():
            self._read_mail()
            self._outbox.flush()
            self._tell()
            left_s = until_s - self._clock.monotonic_s()
            if left_s <= 0:
                break
            self._stopping.wait(min(left_s, TICK_S))
        self._retry_s = None

    def _read_mail(self) -> None:
        while not self._mailbox.empty():
            self._mailbox.get()()

    def _tell(self) -> None:
        now_s = self._clock.monotonic_s()
        session, attempts = self._session, self._attempts
        self.report = {
            "index": self.index,
            "state": self.state,
            "url": self._url,
            "age_s": None if session is None else round(session.age_s(now_s), 1),
            "attempts": attempts.count,
            "frames": 0 if session is None else session.frames,
            "requests_waiting": 0 if session is None else session.waiting,
            "retry_in_s": None if self._retry_s is None else round(self._retry_s - now_s, 1),
            "leaving": None if session is None else session.leaving,
            "handovers": self._replacing.handovers,
            "last_error": attempts.last_error or self._replacing.last_error,
            **self._contents.status(now_s),
        }
