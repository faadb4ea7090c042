"""Compares a live book with one the exchange gave apart from the stream. Pure, no clock.

The two seldom end at the same update id, so whichever is behind is brought forward by the deltas
the live book took: those the reference contains are skipped, one that begins before its end and
ends after it is applied, as quantities are absolute. Only levels both prove complete are compared.
What cannot be brought to one id is `unmatched`: it says nothing about the book, good or bad.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from workers.book.book import Book
from workers.book.sequence import Sequencer, Snapshot, Verdict
from workers.model.errors import BookError
from workers.model.events import AuditResult, BookDelta

TRAIL_LIMIT = 5000
"""Deltas a trail may hold: 500 s of a 100 ms stream."""


class Outcome(NamedTuple):
    """What an audit found; the fields are those of the event `BookAudit`."""

    result: AuditResult
    last_update_id: int | None
    levels_compared: int = 0
    levels_different: int = 0
    detail: str | None = None


def unmatched(why: str, last_update_id: int | None = None) -> Outcome:
    """Nothing could be compared."""
    return Outcome("unmatched", last_update_id, detail=why)


class Audit:
    """A reference book that follows the live one until both end at one id.

    Args:
        snapshot: the reference.
        limit: levels a side, as in the live book.
        sequencer: the exchange's order rule for a book that ends at the given id.
        known: deltas the live book took before, oldest first.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        limit: int,
        sequencer: Callable[[int], Sequencer],
        known: Iterable[BookDelta] = (),
    ) -> None:
        self.reference = Book(limit)
        self._sequencer = sequencer(snapshot.last_update_id)
        self.met = False
        """Both ended at one id."""
        self._continued = False
        self._problem: str | None = None
        try:
            self.reference.load(snapshot)
        except BookError as error:
            self._problem = f"the reference is unusable: {error}"
        if self.reference.crossed:
            self._problem = "the reference is crossed"
        if snapshot.contradicted:
            self._problem = "the reference contradicts its own checksum"
        for delta in known:
            # Those before the reference do not meet it, and need not.
            self._take(delta, meets=self._continued)

    def follow(self, delta: BookDelta) -> None:
        """The live book took one more delta."""
        self._take(delta, meets=True)

    def compare(self, book: Book, last_id: int) -> Outcome | None:
        """What the live book, which ends at `last_id`, is; None: it has yet to catch up."""
        if self._problem is not None:
            return unmatched(self._problem, last_id)
        mine = self._sequencer.last_id
        if mine > last_id:
            return None
        if mine < last_id:
            return unmatched(f"the reference ends at {mine}, the deltas do not reach back", last_id)
        self.met = True
        bids, asks = book.compare(self.reference)
        if not (bids.proven and asks.proven):
            side = "asks" if bids.proven else "bids"
            if not bids.different + asks.different:
                return unmatched(f"no range of the {side} is proven by both", last_id)
        compared, different = bids.compared + asks.compared, bids.different + asks.different
        if not different:
            return Outcome("equal", last_id, compared)
        detail = f"bids: {bids.first}" if bids.first is not None else f"asks: {asks.first}"
        return Outcome("different", last_id, compared, different, detail)

    def _take(self, delta: BookDelta, *, meets: bool) -> None:
        if self._problem is not None:
            return
        verdict = self._sequencer.judge(delta)
        if verdict is Verdict.GAP and meets:
            ids = f"{delta.first_update_id} to {delta.last_update_id}"
            self._problem = (
                f"the reference ends at {self._sequencer.last_id}, between the live updates; "
                f"the next one covers {ids}"
            )
        if verdict is not Verdict.NEXT:
            return
        try:
            self.reference.apply(delta.bids, delta.asks)
        except BookError as error:
            self._problem = f"the reference is unusable: {error}"
            return
        self._sequencer.accept(delta)
        self._continued = True


class Trail:
    """A live book as it was at one moment, and every delta it took since.

    The book's thread appends; another may read what is there, and owns `book` and `last_id`.

    Args:
        book: a copy of the live book.
        last_id: where it ended.
        known: the deltas it took shortly before.
    """

    __slots__ = ("_limit", "book", "ended", "known", "last_id", "later")

    def __init__(
        self, book: Book, last_id: int, known: tuple[BookDelta, ...], limit: int = TRAIL_LIMIT
    ) -> None:
        self.book, self.last_id, self.known = book, last_id, known
        self.later: list[BookDelta] = []
        self.ended: str | None = None
        """Why no more deltas come; None while they do."""
        self._limit = limit

    def take(self, delta: BookDelta) -> bool:
        """The live book took one more delta; False: nobody needs more."""
        if len(self.later) >= self._limit:
            self.end(f"{self._limit} updates came and the reference was not there yet")
        if self.ended is not None:
            return False
        self.later.append(delta)
        return True

    def end(self, why: str) -> None:
        """The live book goes on without this trail."""
        if self.ended is None:
            self.ended = why


class TrailAudit:
    """One audit away from the live book's thread: a trail against a reference.

    Args:
        trail: taken before the reference was asked for; not to be used by another audit.
        snapshot: the reference.
        sequencer: the exchange's order rule for a book that ends at the given id.
    """

    def __init__(
        self, trail: Trail, snapshot: Snapshot, sequencer: Callable[[int], Sequencer]
    ) -> None:
        self._trail, self._taken = trail, 0
        self._audit = Audit(snapshot, trail.book.limit, sequencer, trail.known)

    def advance(self) -> Outcome | None:
        """The outcome, once the trail reaches the reference; None: more deltas are needed."""
        trail = self._trail
        ended = trail.ended  # read first: no delta comes after it
        outcome = self._audit.compare(trail.book, trail.last_id)
        while outcome is None and self._taken < len(trail.later):
            delta = trail.later[self._taken]
            self._taken += 1
            trail.book.apply(delta.bids, delta.asks)
            trail.last_id = delta.last_update_id
            self._audit.follow(delta)
            outcome = self._audit.compare(trail.book, trail.last_id)
        if outcome is None and ended is not None:
            return unmatched(ended, trail.last_id)
        return outcome
