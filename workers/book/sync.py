"""Keeps one symbol's book in step with the exchange: inputs in, actions out. Pure, no clock.

| phase     | input           | verdict         | what follows                                    |
|-----------|-----------------|-----------------|-------------------------------------------------|
| EMPTY     | delta           |                 | BUFFERING; RequestSnapshot                      |
| EMPTY     | subscribed      |                 | BUFFERING with nothing in it; RequestSnapshot   |
| EMPTY     | snapshot, audit |                 | ignored: it was asked for by a connection gone  |
| BUFFERING | delta           |                 | kept; too many: PublishGap, RequestSnapshot     |
| BUFFERING | snapshot        | too old         | stays; RequestSnapshot. With nothing buffered   |
|           |                 |                 | the BELIEVED_AFTERth in a row counts as new     |
| BUFFERING | snapshot        | overlaps        | SYNCED; PublishDelta each applied, PublishBook  |
| BUFFERING | snapshot        | hole in buffer  | stays, cut there; PublishGap, RequestSnapshot    |
| SYNCED    | delta           | STALE / NEXT    | nothing / applied, PublishDelta                 |
| SYNCED    | delta           | STALE, and none | nothing, but the book is STALE until one        |
|           |                 | came up to the  | continues it: the snapshot may be another       |
|           |                 | snapshot yet    | symbol's                                        |
| SYNCED    | delta           | STALE for long  | BUFFERING; PublishGap, RequestSnapshot          |
| SYNCED    | delta           | GAP             | BUFFERING; PublishGap, RequestSnapshot          |
| SYNCED    | delta           | crosses, absurd | BUFFERING; PublishGap, RequestSnapshot          |
| SYNCED    | snapshot        |                 | ignored: late                                   |
| SYNCED    | audit           | differs         | BUFFERING; PublishGap, RequestSnapshot          |
| SYNCED    | audit           | agrees          | the wider proven ranges; PublishBook if changed |
| SYNCED    | handed over     |                 | SYNCED; the next delta may overlap the book     |
| any       | disconnected    |                 | EMPTY                                           |
| any       | resync          |                 | BUFFERING; RequestSnapshot                      |
| any       | reset           |                 | SYNCED; PublishGap if updates lie between, then |
|           |                 |                 | PublishBook. Crossed, absurd: RequestSnapshot   |

Outside SYNCED the book keeps its last state, frozen; it is readable only together with `state`.
"""

from collections import deque
from collections.abc import Callable
from typing import Literal

from workers.book.actions import (
    Action,
    Actions,
    Phase,
    PublishBook,
    PublishDelta,
    PublishGap,
    RequestSnapshot,
    SnapshotCause,
)
from workers.book.audit import Audit, Trail
from workers.book.book import Book
from workers.book.sequence import Sequencer, Snapshot, Verdict
from workers.model.errors import BookError
from workers.model.events import BookDelta, BookState, GapCause

__all__ = [
    "Action",
    "BookSync",
    "Phase",
    "PublishBook",
    "PublishDelta",
    "PublishGap",
    "RequestSnapshot",
    "SnapshotCause",
]

HISTORY = 50
"""Deltas remembered for an audit snapshot that arrives after them: 5 s of a 100 ms stream."""

BELIEVED_AFTER = 3
"""Snapshots in a row that end before what was seen earlier, and no delta to hold them against: the
exchange counts anew. One taken from an old cache does no harm, the next delta shows the hole."""

OUTDATED_LIMIT = 200
"""Deltas in a row that a synced book contains already, 20 s of a 100 ms stream: whatever they
belong to, this book does not follow it, and would stand still for ever."""


class BookSync:
    """The machine of one symbol; the table above is all it does.

    Args:
        symbol: for error texts.
        book: filled and kept here; others only read it.
        sequencer: the exchange's order rule for a book that ends at the given id.
        buffer_limit: deltas kept while waiting for a snapshot.
        outdated_limit: see OUTDATED_LIMIT.
    """

    def __init__(
        self,
        symbol: str,
        book: Book,
        sequencer: Callable[[int], Sequencer],
        buffer_limit: int = 10_000,
        outdated_limit: int = OUTDATED_LIMIT,
    ) -> None:
        self.symbol, self.book = symbol, book
        self.phase = Phase.EMPTY
        self._new_sequencer, self._buffer_limit = sequencer, buffer_limit
        self._outdated_limit = outdated_limit
        self._sequencer: Sequencer | None = None
        self._buffer: list[BookDelta] = []
        self._history: deque[BookDelta] = deque(maxlen=HISTORY)
        self._audit: Audit | None = None
        self._trail: Trail | None = None
        self._seen_id: int | None = None  # the newest update known of; kept outside SYNCED
        self._refused: BookDelta | None = None  # the update that cost the book, if one did
        self._left_at: int | None = None  # where a synced book ended when its connection went
        self._cause: SnapshotCause = "start"
        self._stale = False
        self._met = True  # the stream came to where the snapshot ends
        self._old_snapshots = self._outdated = 0  # in a row
        self.applied = self.ignored = self.gaps = self.overflows = self.resyncs = 0
        self.stale_snapshots = self.late_snapshots = 0
        self.audits_agreed = self.audits_differed = self.audits_undecided = 0

    @property
    def state(self) -> BookState:
        """What a reader may think of the book."""
        if self.phase is not Phase.SYNCED:
            return "SYNCING"
        return "STALE" if self._stale else "SYNCED"

    @property
    def last_id(self) -> int | None:
        """The last update id in the book; None if it was never built."""
        return None if self._sequencer is None else self._sequencer.last_id

    @property
    def buffered(self) -> int:
        """Deltas waiting for a snapshot."""
        return len(self._buffer)

    def delta(self, delta: BookDelta) -> Actions:
        """An update arrived."""
        if self.phase is Phase.SYNCED:
            actions = self._continue(delta)
            if self._outdated < self._outdated_limit:
                return actions
            return self._lose("sequence", None, None)
        if self.phase is Phase.EMPTY:
            return self._begin(delta)
        self._buffer.append(delta)
        self._seen_id = max(self._seen_id or 0, delta.last_update_id)
        if len(self._buffer) <= self._buffer_limit:
            return ()
        # The newest stays, so that a snapshot older than what was dropped is recognised.
        dropped, self._buffer = self._buffer[:-1], self._buffer[-1:]
        self.overflows += 1
        return (
            self._gap("overflow", dropped[0].first_update_id, dropped[-1].last_update_id),
            RequestSnapshot("overflow"),
        )

    def snapshot(self, snapshot: Snapshot) -> Actions:
        """A snapshot arrived that `RequestSnapshot` asked for."""
        if self.phase is not Phase.BUFFERING:
            self.late_snapshots += 1
            return ()
        sequencer = self._new_sequencer(snapshot.last_update_id)
        if self._older_than_stream(snapshot.last_update_id, sequencer):
            self.stale_snapshots += 1
            self._old_snapshots += 1
            if self._buffer or self._old_snapshots < BELIEVED_AFTER:
                return (RequestSnapshot("stale_snapshot"),)
        loaded = self._load(snapshot)
        if not isinstance(loaded, Book):
            return (RequestSnapshot(loaded),)
        actions = self._missed_while_away(snapshot.last_update_id)
        self.book.replace(loaded)
        self._sequencer, self._left_at = sequencer, None
        self._old_snapshots = 0
        self.phase, self._stale, self._met = Phase.SYNCED, False, False
        waiting, self._buffer = self._buffer, []
        for index, delta in enumerate(waiting):
            if delta is self._refused and delta.last_update_id <= snapshot.last_update_id:
                self.ignored += 1  # whatever it should have said is in the snapshot
                continue
            actions += self._continue(delta)
            if self.phase is not Phase.SYNCED:
                self._buffer += waiting[index + 1 :]
                self._seen_id = max(each.last_update_id for each in waiting)
                return tuple(actions)
        self._outdated = 0
        return (*actions, PublishBook())

    def reset(self, snapshot: Snapshot) -> Actions:
        """The stream itself brought a full book: it replaces whatever is here, asked for or not.

        What the stream brought before it is contained in it or void: nothing that waits is applied,
        and it is never too old.
        """
        loaded = self._load(snapshot)
        if not isinstance(loaded, Book):
            if self.phase is Phase.SYNCED:
                return self._lose(loaded, None, None)
            self.phase = Phase.BUFFERING
            return (RequestSnapshot(loaded),)
        new = snapshot.last_update_id
        if self.phase is Phase.SYNCED:
            actions = self._jump("sequence", self.last_id, new)
        else:
            actions = self._missed_while_away(new)
        self.ignored += len(self._buffer)
        self._leave(Phase.SYNCED)
        self.book.replace(loaded)
        self._sequencer, self._left_at = self._new_sequencer(new), None
        return (*actions, PublishBook())

    def audit(self, snapshot: Snapshot) -> Actions:
        """A snapshot nobody waited for: compare it with the book at the same update id.

        It may be older than the book (recent deltas are remembered) or newer (it waits for the
        deltas to catch up). One that agrees also widens the proven range.
        """
        if self.phase is not Phase.SYNCED:
            self.audits_undecided += 1
            return ()
        self._audit = Audit(snapshot, self.book.limit, self._new_sequencer, self._history)
        return self._decide_audit()

    def trail(self) -> Trail | None:
        """The book as it is now, and from here on what it takes; None while it is not SYNCED.

        One at a time: a new one ends the one before.
        """
        if self.phase is not Phase.SYNCED or self._sequencer is None:
            return None
        self._end_trail("another audit of the book began")
        self._trail = Trail(self.book.copy(), self._sequencer.last_id, tuple(self._history))
        return self._trail

    def handed_over(self) -> None:
        """Another connection goes on, with updates that end, or follow, where the book stands.

        To them the book is what a snapshot is to a stream: the first may overlap it.
        """
        if self.phase is Phase.SYNCED and self.last_id is not None:
            self._sequencer = self._new_sequencer(self.last_id)

    def disconnected(self) -> Actions:
        """The connection is gone; the next delta belongs to another one."""
        if self.phase is Phase.SYNCED:
            self._left_at = self.last_id
        self._leave(Phase.EMPTY)
        self._cause = "disconnect"
        return ()

    def subscribed(self) -> Actions:
        """The stream is there though no delta came yet: a quiet symbol needs its book too."""
        if self.phase is not Phase.EMPTY:
            return ()
        self.phase = Phase.BUFFERING
        return (RequestSnapshot(self._cause),)

    def resync(self, cause: GapCause) -> Actions:
        """Build the book anew, whatever it looks like."""
        self.resyncs += 1
        if self.phase is Phase.SYNCED:
            return self._lose(cause, None, None)
        self.phase = Phase.BUFFERING
        return (RequestSnapshot(cause),)

    def stale(self) -> Actions:
        """Nothing came for too long: the book may be behind. The next delta ends this."""
        self._stale = self.phase is Phase.SYNCED
        return ()

    def _load(self, snapshot: Snapshot) -> Book | Literal["malformed", "crossed"]:
        """The snapshot as a book, or what is wrong with it."""
        if snapshot.contradicted:
            return "malformed"
        loaded = Book(self.book.limit)
        try:
            loaded.load(snapshot)
        except BookError:
            return "malformed"
        return "crossed" if loaded.crossed else loaded

    def _begin(self, delta: BookDelta) -> Actions:
        """The first delta of a connection."""
        self.phase = Phase.BUFFERING
        self._buffer, self._seen_id = [delta], delta.last_update_id
        if (
            self._left_at is not None
            and self._sequencer is not None
            and self._sequencer.judge(delta) is Verdict.GAP
        ):
            self._left_at = None
            gap = self._gap("disconnect", *self._missing_before(delta))
            return (gap, RequestSnapshot(self._cause))
        return (RequestSnapshot(self._cause),)

    def _continue(self, delta: BookDelta) -> Actions:
        """A delta while the book is synced."""
        assert self._sequencer is not None
        verdict = self._sequencer.judge(delta)
        if verdict is Verdict.STALE:
            self.ignored += 1
            if delta.prev_update_id == delta.last_update_id == self._sequencer.last_id:
                self._stale = False  # a keep-alive: the exchange says that nothing changed
                return ()
            self._outdated += 1
            if not self._met:
                # Behind the stream's next message, or, if that never comes, another symbol's.
                self._met = delta.last_update_id == self._sequencer.last_id
                self._stale = not self._met
            return ()
        if verdict is Verdict.GAP:
            return self._lose("sequence", *self._missing_before(delta), delta)
        try:
            self.book.apply(delta.bids, delta.asks)
        except BookError:
            return self._refuse("malformed", delta)
        if self.book.crossed:
            return self._refuse("crossed", delta)
        self._sequencer.accept(delta)
        self._history.append(delta)
        self._stale, self._met, self._outdated = False, True, 0
        self.applied += 1
        if self._trail is not None and not self._trail.take(delta):
            self._trail = None
        if self._audit is None:
            return (PublishDelta(delta),)
        self._audit.follow(delta)
        return (PublishDelta(delta), *self._decide_audit())

    def _refuse(self, cause: GapCause, delta: BookDelta) -> Actions:
        """The delta came in order and cannot be right."""
        self._refused = delta
        return self._lose(cause, delta.first_update_id, delta.last_update_id, delta)

    def _lose(
        self, cause: GapCause, first_id: int | None, last_id: int | None, *kept: BookDelta
    ) -> Actions:
        """The book is not right any more, or not trusted: wait for a snapshot."""
        seen = [each.last_update_id for each in kept]
        if self._sequencer is not None:
            seen.append(self._sequencer.last_id)
        self._leave(Phase.BUFFERING)
        self._buffer, self._seen_id = list(kept), max(seen)
        return (self._gap(cause, first_id, last_id), RequestSnapshot(cause))

    def _leave(self, phase: Phase) -> None:
        self.phase, self._stale, self._audit = phase, False, None
        self._buffer, self._seen_id = [], self.last_id
        self._old_snapshots = self._outdated = 0
        self._history.clear()
        self._end_trail("the book was built anew meanwhile")

    def _older_than_stream(self, last_id: int, sequencer: Sequencer) -> bool:
        """Updates between the snapshot and what we hold are gone."""
        if self._buffer:
            return sequencer.too_old(self._buffer[0])
        return self._seen_id is not None and last_id < self._seen_id

    def _decide_audit(self) -> Actions:
        """Compare as soon as both books end at the same id."""
        assert self._audit is not None
        assert self._sequencer is not None
        audit, outcome = self._audit, self._audit.compare(self.book, self._sequencer.last_id)
        if outcome is None:
            return ()
        self._audit = None
        if not audit.met:
            self.audits_undecided += 1
            return ()
        if outcome.result == "different":
            self.audits_differed += 1
            return self._lose("audit", None, None)
        self.audits_agreed += 1
        return (PublishBook(),) if self.book.widen(audit.reference) else ()

    def _missed_while_away(self, new_id: int) -> list[Action]:
        return self._jump("disconnect", self._left_at, new_id)

    def _jump(self, cause: GapCause, old_id: int | None, new_id: int) -> list[Action]:
        """What to say where a book takes the place of another; ids that ran back cannot tell."""
        if old_id is None or old_id == new_id:
            return []
        return [self._gap(cause, *((old_id + 1, new_id) if old_id < new_id else (None, None)))]

    def _end_trail(self, why: str) -> None:
        if self._trail is not None:
            self._trail.end(why)
            self._trail = None

    def _missing_before(self, delta: BookDelta) -> tuple[int | None, int | None]:
        """Ids between the book and the delta, inclusive; None where they run backwards."""
        assert self._sequencer is not None
        before = delta.prev_update_id
        first, last = self._sequencer.last_id + 1, delta.first_update_id - 1
        last = last if before is None else before
        return (first, last) if first <= last else (None, None)

    def _gap(self, cause: GapCause, first_id: int | None, last_id: int | None) -> PublishGap:
        self.gaps += 1
        return PublishGap(cause, first_id, last_id)
