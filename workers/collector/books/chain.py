"""Whether the published updates of a book follow each other, and what to say where not. Pure.

While a book waits for its snapshot, updates come that the snapshot then contains: they never become
part of the book and are not published. Who reads the deltas alone has to be told of them, beside
what the exchange's own ids showed to be missing.
"""

from typing import NamedTuple

from workers.model.events import BookDelta, GapCause


class Break(NamedTuple):
    """Update ids first_id to last_id, inclusive, were not published; None: ids cannot tell."""

    cause: GapCause
    first_id: int | None
    last_id: int | None


class DeltaChain:
    """The published deltas of one symbol."""

    __slots__ = ("_cause", "_disconnected", "_told_id")

    def __init__(self) -> None:
        self._told_id: int | None = None  # published or said to be missing up to here
        self._cause: GapCause = "sequence"
        self._disconnected = False

    def disconnected(self) -> None:
        """The next delta comes through another connection."""
        self._cause, self._disconnected = "disconnect", True

    def resume(self, last_id: int) -> None:
        """Go on behind the last update that was published before this process began."""
        self._told_id, self._cause, self._disconnected = last_id, "restart", True

    def gap(self, cause: GapCause, first_id: int | None, last_id: int | None) -> Break:
        """A hole that is about to be published: as it is to be, from where the chain ended."""
        self._cause = cause
        told_id = self._told_id
        if told_id is None or first_id is None or last_id is None:
            return Break(cause, first_id, last_id)
        self._told_id = max(told_id, last_id)
        return Break(cause, min(first_id, told_id + 1), last_id)

    def follow(self, delta: BookDelta) -> Break | None:
        """Note a delta that is about to be published; what has to be said before it."""
        told_id, disconnected = self._told_id, self._disconnected
        self._disconnected = False
        self._told_id = delta.last_update_id
        if told_id is None:
            return None
        before = delta.prev_update_id
        # Where updates name the one before, ids between the two mean nothing.
        first_id = delta.first_update_id if before is None else before + 1
        if first_id > told_id + 1:
            return Break(self._cause, told_id + 1, first_id - 1)
        if delta.last_update_id <= told_id:
            if before == told_id:
                return None  # the exchange goes on with smaller numbers
            if disconnected:
                return Break(self._cause, None, None)  # the exchange counts anew
            self._told_id = told_id  # it was said to be missing, and here it is
        return None
