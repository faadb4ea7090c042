"""One generator of fault scripts for every family, and the network that plays them.

The network stands between an exchange, whose truth is known, and a `BookSync`, with a reader behind
it who knows only what was published. Between any two steps it checks what must never break.
"""

import msgspec
from hypothesis import strategies as st

from tests.book.families import Family, Okx
from tests.book.market import exact
from workers.book.audit import TrailAudit
from workers.book.book import Book
from workers.book.sequence import Snapshot
from workers.book.sync import (
    BookSync,
    Phase,
    PublishBook,
    PublishDelta,
    PublishGap,
    RequestSnapshot,
)
from workers.model.events import BookDelta, Levels

LIMIT, BUFFER, OUTDATED = 8, 5, 4

changes = st.lists(
    st.tuples(
        st.sampled_from(("bid", "ask")), st.integers(1, 16), st.sampled_from((0, 0, 1, 2, 3))
    ),
    min_size=1,
    max_size=4,
)
"""Quantity 0 removes, also levels that are not there."""
messages = st.tuples(changes, st.integers(1, 9))
"""Changes of one message, and how far the ids jump with each."""
backs = st.sampled_from((0, 0, 0, 1, 2, 5, 9))
"""How old a snapshot is when it arrives, in changes."""
places = st.integers(0, 6)

FAULTS = {
    "deliver": messages,
    "deliver again": messages,
    "deliver on": messages,
    "drop": messages,
    "delay": messages,
    "arrive": places,
    "duplicate": places,
    "overlap": st.integers(1, 6),
    "book": backs,
    "fresh book": st.just(0),
    "other source": backs,
    "audit": backs,
    "audit ahead": messages,
    "trail": backs,
    "flood": st.just(BUFFER + 2),
    "disconnect": messages,
    "hand over": places,
    "subscribed": st.just(0),
    "resync": st.just(0),
    "stale": st.just(0),
    "count anew": changes,
    "lose count": changes,
    "crossed": messages,
    "absurd": messages,
    "keep alive": st.just(0),
}
steps = st.one_of(*(st.tuples(st.just(name), detail) for name, detail in FAULTS.items()))
short_scripts = st.lists(steps, max_size=20)
scripts = st.one_of(short_scripts, st.lists(steps, min_size=25, max_size=80))
"""Short ones fail in few steps, long ones reach far: lists without a least length stay near 5."""


class Reader:
    """Somebody downstream who knows only what was published."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self.last_id: int | None = None
        self.sides: tuple[dict[str, str], dict[str, str]] = ({}, {})

    def take(self, actions, sync: BookSync) -> None:
        for action in actions:
            if isinstance(action, PublishGap):
                self.last_id = None
            elif isinstance(action, PublishBook):
                assert sync.phase is Phase.SYNCED
                bids, asks = sync.book.levels()
                self.last_id, self.sides = sync.last_id, (dict(bids), dict(asks))
            elif isinstance(action, PublishDelta) and self.last_id is not None:
                delta = action.delta
                assert self._family.follows(self.last_id, delta), "a hole nobody was told of"
                for side, levels in zip(self.sides, (delta.bids, delta.asks), strict=True):
                    for price, quantity in levels:
                        side.pop(price, None)
                        if float(quantity):
                            side[price] = quantity
                self.last_id = delta.last_update_id


class Network:
    """Carries an exchange's messages to the machine, badly."""

    def __init__(self, family: type[Family]) -> None:
        self.exchange = family()
        self.reader = Reader(self.exchange)
        self.sync = BookSync("X", Book(LIMIT), family.sequencer, BUFFER, OUTDATED)
        self.asked = False
        """A snapshot is wanted and none has answered it."""
        self.sent: list[BookDelta] = []
        self.delayed: list[BookDelta] = []
        self.audits: list[TrailAudit] = []
        self.outcomes: list[str] = []

    def play(self, script) -> "Network":
        for fault, detail in script:
            self.do(fault, detail)
            self.check()
        return self

    def do(self, fault: str, detail) -> None:
        sync, exchange = self.sync, self.exchange
        match fault:
            case "deliver" | "deliver again" | "deliver on":
                self._take(sync.delta(self._next(*detail)))
            case "drop":
                self._next(*detail)
            case "delay":
                self.delayed.append(self._next(*detail))
            case "arrive" if self.delayed:
                self._take(sync.delta(self.delayed.pop(detail % len(self.delayed))))
            case "duplicate" if self.sent:
                self._take(sync.delta(self.sent[-1 - detail % len(self.sent)]))
            case "overlap" if exchange.overlaps:
                self._overlap(detail)
            case "book" | "fresh book":
                self.serve(exchange.snapshot(detail))
            case "other source":
                self._take(sync.snapshot(exchange.snapshot(detail)))
            case "audit":
                self._take(sync.audit(exchange.snapshot(detail)))
            case "audit ahead":
                message = self._next(*detail)
                self._take(sync.audit(exchange.snapshot(0)))
                self._take(sync.delta(message))
            case "trail":
                trail = sync.trail()
                if trail is not None:
                    audit = TrailAudit(trail, exchange.snapshot(detail), exchange.sequencer)
                    self.audits.append(audit)
            case "flood":
                for _ in range(detail):
                    self._take(sync.delta(self._next([("ask", 16, 1)], 3)))
            case "disconnect":
                self._disconnect()
                self._next(*detail)
            case "hand over" if sync.phase is Phase.SYNCED and self.sent:
                self._hand_over(self.sent[-1 - detail :])
            case "subscribed":
                self._take(sync.subscribed())
            case "resync":
                self._take(sync.resync("command"))
            case "stale":
                self._take(sync.stale())
            case "count anew":
                self._count_anew(detail, lost=False)
            case "lose count":
                self._count_anew(detail, lost=True)
            case "crossed":
                self._take(sync.delta(self._spoiled(detail, [("20", "1")], [("19", "1")])))
            case "absurd":
                self._take(sync.delta(self._spoiled(detail, [("1e3", "1")], [])))
            case "keep alive" if isinstance(exchange, Okx):
                self._take(sync.delta(exchange.keep_alive()))

    def serve(self, snapshot: Snapshot) -> None:
        """A whole book, from where this exchange gives it."""
        give = self.sync.reset if self.exchange.from_stream else self.sync.snapshot
        self._take(give(snapshot))

    def heal(self) -> None:
        """No more faults: what was asked for is answered, fresh, as often as it is asked."""
        self._take(self.sync.subscribed())
        for _ in range(5):
            if self.asked:
                self.serve(self.exchange.snapshot(0))
                self.check()

    def check(self) -> None:
        """What must hold at any moment."""
        self._look_at_audits()
        sync = self.sync
        assert sync.buffered <= BUFFER
        if sync.phase is not Phase.SYNCED:
            assert sync.state == "SYNCING"
            assert sync.phase is Phase.EMPTY or self.asked, "waits for what nobody was asked for"
            return
        assert sync.state in ("SYNCED", "STALE")
        assert sync.last_id is not None
        assert sync.last_id == self.reader.last_id
        assert not sync.book.crossed
        self.assert_true(sync.book, sync.last_id)
        for proven, known in zip(sync.book.levels(10**6), self.reader.sides, strict=True):
            assert dict(proven).items() <= known.items()

    def assert_true(self, book: Book, last_id: int) -> None:
        """Proven levels are the best of the true book, and no level of it is untrue."""
        verified = book.verified_bids, book.verified_asks
        true, kept, proven = self.exchange.book(last_id), book.levels(), book.levels(10**6)
        published = [msgspec.json.decode(each, type=Levels) for each in book.top(10**6)]
        assert published == [*proven], "what is published is what is proven"
        for side in (0, 1):
            assert exact(proven[side]) == exact(true[side][: verified[side]]), f"at {last_id}"
            assert len(proven[side]) == verified[side]
            assert set(kept[side]) <= set(true[side]), f"at {last_id}"

    def _next(self, changes, jump: int) -> BookDelta:
        message = self.exchange.message(changes, jump)
        self.sent.append(message)
        return message

    def _overlap(self, back: int) -> None:
        market = self.exchange.market
        if market.last_id - back <= self.exchange.life_began:
            return
        self.exchange.message([("bid", 1, 1)], 1)
        self._take(self.sync.delta(self.exchange.update(market.last_id - back, market.last_id)))

    def _spoiled(self, detail, bids: Levels, asks: Levels) -> BookDelta:
        """The right ids around wrong levels; what the market really did is lost with them."""
        message = self._next(*detail)
        message.bids, message.asks = bids, asks
        return message

    def _hand_over(self, again: list[BookDelta]) -> None:
        """Another connection goes on where the book stands, and began some messages before."""
        assert self.sync.last_id is not None
        if self.exchange.sequencer(self.sync.last_id).too_old(again[0]):
            return
        self.delayed.clear()
        self.sync.handed_over()
        for message in again:
            self._take(self.sync.delta(message))

    def _count_anew(self, changes, *, lost: bool) -> None:
        message = self.exchange.begins_anew(changes)
        if message is None:
            self._disconnect()
            self.sent.clear()
        elif not lost:
            self._take(self.sync.delta(message))

    def _disconnect(self) -> None:
        self.asked = False
        self._take(self.sync.disconnected())
        self.delayed.clear()

    def _take(self, actions) -> None:
        self.reader.take(actions, self.sync)
        for action in actions:
            self.asked = isinstance(action, RequestSnapshot) or (
                self.asked and not isinstance(action, PublishBook)
            )

    def _look_at_audits(self) -> None:
        waiting = []
        for audit in self.audits:
            outcome = audit.advance()
            if outcome is None:
                waiting.append(audit)
            else:
                self.outcomes.append(outcome.result)
        self.audits = waiting
