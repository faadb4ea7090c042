"""Order of the changes in Deribit's book channels. Pure.

Numbers in brackets below are these steps of docs.deribit.com, "book.{instrument_name}.{interval}"
and "Order book management", snapshot of 2026-07/09, [5] as measured on 2026-09-23:
[1] Subscribe; the first message is the whole book (`type` snapshot, no prev_change_id): the book
    ends at its `change_id`.
[2] A change continues the book if its `prev_change_id` is the book's `change_id`.
[3] Any other change means that one was missed: unsubscribe and subscribe; to subscribe alone gives
    no new snapshot.
[4] `new` and `change` set an absolute amount, `delete` comes with 0 and removes.
[5] A book may come from get_order_book instead: changes with change_id up to its change_id are
    dropped, the first one kept must satisfy prev_change_id <= id < change_id.
`change_id` counts for many instruments together, so it never grows by one, and each channel (raw,
100ms, agg2) has a chain of its own. There is no checksum.
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
        """STALE: the book contains it [5]. NEXT: it continues the book [2][5]. GAP: the rest [3].

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
        """Changes between the snapshot and the first one kept are missing [5]."""
        return first.prev_update_id is None or first.prev_update_id > self.last_id
