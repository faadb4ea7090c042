"""Order of the changes in Deribit's book channels.

Pure. Numbers in brackets are steps of docs.deribit.com, "book.{instrument_name}.{interval}", and of
"Order book management", read 2026-11-22: [1] the first message after subscribing is the whole book
at `change_id`; [2] a change continues it if its `prev_change_id` is the book's `change_id`; [3] any
other change means that one was missed: subscribe anew. `change_id` counts for many instruments
together, so it never grows by one, and each channel has a chain of its own. There is no checksum.
"""

from workers.book.sequence import Verdict
from workers.model.events import BookDelta


class DeribitSequencer:
    """Says whether a change continues a book.

    Until the first change is applied the book may come from REST, whose `change_id` lies anywhere
    in the channel's chain: changes it contains are skipped, and one that began before it and ends
    after it is applied, as amounts are absolute. From then on only [2] holds; a repeated change
    breaks it as much as a missing one, because an id that went back proves nothing.

    Args:
        last_id: `change_id` of the book.
    """

    __slots__ = ("_chained", "last_id")

    def __init__(self, last_id: int) -> None:
        self.last_id = last_id
        self._chained = False

    def judge(self, delta: BookDelta) -> Verdict:
        """STALE: the snapshot contains it. NEXT: it continues the book [2]. GAP: it does not [3].

        A change with `prev_change_id` 0 starts a fresh book; no book but an empty one of id 0 is
        continued by it.
        """
        before = delta.prev_update_id
        if before == self.last_id:
            return Verdict.NEXT
        if self._chained or not before:
            return Verdict.GAP
        if delta.last_update_id <= self.last_id:
            return Verdict.STALE
        return Verdict.NEXT if before < self.last_id else Verdict.GAP

    def accept(self, delta: BookDelta) -> None:
        """The change was applied."""
        self.last_id, self._chained = delta.last_update_id, True

    def too_old(self, first: BookDelta) -> bool:
        """Changes between the snapshot and the first one kept are missing."""
        return first.prev_update_id is None or first.prev_update_id > self.last_id
