"""Replaces a connection's session by another while it still reads: opens, overlaps, takes over."""

from collections.abc import Callable, Mapping

import structlog

from workers.collector.books.books import LiveBooks
from workers.collector.common import Common
from workers.collector.connection.handover import OVERLAP_S, TAIL_S, Handover
from workers.collector.connection.intake import Intake, Item
from workers.collector.connection.opening import Closing, Opening
from workers.collector.connection.session import Session, SessionEnd
from workers.collector.connection.watch import StreamWatch
from workers.model.errors import TransportError
from workers.transport.reconnect import Backoff

log = structlog.get_logger(__name__)

READ_WAIT_S = 0.005
"""One of two sessions is waited for this long before the other is looked at."""
DRY_READS = 64
"""Reads that empty the old session's socket before it ends; each takes what the kernel has."""
VAIN_S = (5.0, 60.0)
"""Between attempts to open a session that takes over: the first pause and the longest."""
CALM_S = (60.0, 3600.0)
"""A session that replaced another and is told to leave, too, stays this long, each time twice as
long: notices that come without end must not make sessions without end."""


class Replacing:
    """What one connection does to let a session follow another. For its thread alone.

    Args:
        make: a session that is not connected yet.
        begin: has a connected session ask for all streams.

    Attributes:
        handovers: sessions replaced so far.
        last_error: why the latest attempt failed.
    """

    def __init__(
        self,
        common: Common,
        index: int,
        make: Callable[[], Session],
        begin: Callable[[Session], None],
        books: LiveBooks,
        intake: Intake,
        watches: Mapping[tuple[str, str], StreamWatch],
    ) -> None:
        self._common, self._clock, self._index = common, common.clock, index
        self._make, self._begin = make, begin
        self._books, self._intake, self._watches = books, intake, watches
        self._opening: Opening | None = None
        self._successor: Session | None = None
        self._handover: Handover | None = None
        self._tail_until_s = self._not_before_s = float("-inf")
        self._calm_s = CALM_S[0]
        self._vain = Backoff(*VAIN_S)
        self.handovers = 0
        self.last_error: str | None = None

    @property
    def under_way(self) -> bool:
        """A second session is being opened, or is read already."""
        return self._opening is not None or self._successor is not None

    @property
    def overlapping(self) -> bool:
        """Two sessions are to be read."""
        return self._handover is not None and self._successor is not None

    def take(self, item: Item, now_s: float) -> None:
        """An item of the session that is published; for `Session.read`."""
        handover = self._handover
        if handover is None:
            self._intake.take(item, now_s)
        elif self._successor is not None:
            handover.published(item)
            self._intake.take(item, now_s)
        elif handover.fresh(item):
            self._intake.take(item, now_s)

    def read_both(self, session: Session) -> Session:
        """Read both sessions once; the one that goes on.

        Raises:
            SessionEnd: the old one ended and the new one cannot follow.
            TransportError: the same.
        """
        handover, successor = self._handover, self._successor
        assert handover is not None
        assert successor is not None
        try:
            session.read(READ_WAIT_S, self.take)
        except (SessionEnd, TransportError) as error:
            log.warning("session ended before its successor was ready", error=str(error))
            return self.take_over(session)
        try:
            successor.read(0.0, handover.hold)
        except (SessionEnd, TransportError) as error:
            self._give_up(error)
        return session

    def tick(self, session: Session, now_s: float) -> Session:
        """Go on with the replacement, begin one if the session is to leave; who goes on."""
        if self._handover is not None and self._successor is None and now_s > self._tail_until_s:
            self._handover = None
        try:
            if self._opening is not None:
                self._opened(self._opening, session)
            elif self._successor is not None:
                self._successor.tick(now_s)
                if self._ready(session, now_s):
                    return self.take_over(session)
            elif session.leaving is not None and now_s >= self._not_before_s:
                self._open(session, now_s)
        except (SessionEnd, TransportError) as error:
            self._give_up(error)
        return session

    def take_over(self, session: Session) -> Session:
        """Let the successor go on, with holes where it does not continue `session`."""
        handover, successor = self._handover, self._successor
        assert handover is not None
        assert successor is not None
        self._read_dry(session)
        joined = self._joined(handover, successor.settled_s)
        self._books.handed_over(joined)
        self._intake.handed_over()
        Closing(session)
        self._successor = None  # from here on `take` drops what was said before
        now_s = self._clock.monotonic_s()
        for item in handover.release(joined):
            self._intake.take(item, now_s)
        cause = session.leaving or "disconnect"
        self._common.counters.add("handovers_total", self._common.exchange.name, cause)
        self.handovers += 1
        self._vain.reset()
        self._tail_until_s = now_s + TAIL_S
        calm = session.age_s(now_s) > 2 * self._calm_s
        self._calm_s = CALM_S[0] if calm else min(CALM_S[1], 2 * self._calm_s)
        self._not_before_s = now_s + self._calm_s
        log.info(
            "session replaced",
            exchange=self._common.exchange.name,
            index=self._index,
            cause=cause,
            books_joined=len(joined),
        )
        return successor

    def begin_again(self) -> None:
        """What is wanted has changed: a successor that asked for something else is of no use."""
        if self._successor is not None:
            self.drop()

    def drop(self) -> None:
        """The connection is lost, and with it what was to follow."""
        if self._opening is not None:
            self._opening.give_up()
        if self._successor is not None:
            Closing(self._successor)
        self._opening = self._successor = self._handover = None

    def abort(self) -> None:
        """End what is open, at once; from any thread."""
        if (successor := self._successor) is not None:
            successor.websocket.abort()

    def _open(self, session: Session, now_s: float) -> None:
        wait_s = self._common.connects.take()
        if wait_s > 0:
            self._not_before_s = now_s + wait_s
            return
        self._handover = None
        log.info(
            "replacing a session",
            exchange=self._common.exchange.name,
            index=self._index,
            cause=session.leaving,
            why=session.notice,
        )
        self._opening = Opening(self._make(), self._common.connects)

    def _opened(self, opening: Opening, session: Session) -> None:
        if opening.is_alive():
            return
        self._opening = None
        successor = opening.result()
        last = [each.last for each in self._watches.values() if each.last is not None]
        self._successor, self._handover = successor, Handover(self._clock.monotonic_s(), last)
        self._begin(successor)

    def _ready(self, session: Session, now_s: float) -> bool:
        """Whether the successor may take over: it continues everything, or time is up."""
        handover, successor = self._handover, self._successor
        assert handover is not None
        assert successor is not None
        settled_s = successor.settled_s
        if settled_s is None:
            unheard = list(self._watches.values())
        else:
            unheard = handover.unheard(self._watches.values(), settled_s)
            if (
                now_s - settled_s > OVERLAP_S
                and not unheard
                and self._intake.trades_join(handover.first_of)
                and len(self._joined(handover, settled_s)) == self._standing()
            ):
                return True
        if not handover.over(now_s):
            return False
        if handover.silent:
            raise SessionEnd("mute", "the new session said nothing while the old one spoke")
        log.warning(
            "a session takes over with holes",
            exchange=self._common.exchange.name,
            index=self._index,
            unheard=[f"{each.stream.channel} {each.stream.symbol}" for each in unheard[:10]],
        )
        return True

    def _standing(self) -> int:
        return sum(1 for each in self._books.symbols() if self._books.stands(each) is not None)

    def _joined(self, handover: Handover, settled_s: float | None) -> dict[str, int]:
        """Books the new session goes on with, and where they stand."""
        joined: dict[str, int] = {}
        for symbol in self._books.symbols():
            last_id = self._books.stands(symbol)
            if last_id is None:
                continue
            first = handover.first_of(("orderbook", symbol))
            quiet = (
                first is None
                and not self._common.exchange.books_from_stream
                and settled_s is not None
                and self._watches["orderbook", symbol].last_s <= settled_s
            )
            if quiet or self._books.joined_by(symbol, first):
                joined[symbol] = last_id
        return joined

    def _read_dry(self, session: Session) -> None:
        try:
            for _ in range(DRY_READS):
                if not session.read(0.0, self.take):
                    return
        except (SessionEnd, TransportError) as error:
            log.debug("the old session has ended", error=str(error))

    def _give_up(self, error: Exception) -> None:
        """The new session is of no use; the old one goes on."""
        wait_s = self._vain.next_s()
        self.last_error = str(error)
        self._common.counters.add("handovers_failed_total", self._common.exchange.name)
        log.warning(
            "no new session; the old one goes on",
            exchange=self._common.exchange.name,
            index=self._index,
            error=str(error),
            again_in_s=round(wait_s, 1),
        )
        self.drop()
        self._not_before_s = self._clock.monotonic_s() + wait_s
