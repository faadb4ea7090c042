"""Order of updates in the OKX channel `books`. Pure.

Numbers in brackets below are these steps of "WS / Order book channel", OKX API v5 guide, snapshot
of 2026-07-28, and, for [7], of its change log of February 2026:
[1] Subscribe; the first message is a snapshot with prevSeqId -1: the book ends at its seqId.
[2] An update continues the book if its prevSeqId is the book's id; seqId grows by any amount.
[3] After 60 s without change an empty update comes whose seqId equals its prevSeqId: all is well.
[4] After maintenance a seqId may be below its prevSeqId: apply it, the count began anew.
[5] Any other prevSeqId is a gap: unsubscribe and subscribe, drop updates until the next snapshot.
[6] A snapshot at any time replaces the book.
[7] A book may come from REST instead: updates with seqId up to its seqId are dropped, the first one
    kept must satisfy prevSeqId <= id < seqId; if its prevSeqId is larger, fetch again. Not every
    seqId of REST is in the channel.
Quantities are absolute, 0 deletes. The checksum is 0 since 2026-06-23; see checksum.py.
Official example: (-1,10) snapshot, (10,15), (15,15) no change, (15,3) reset, (3,5).
"""

from collections import deque

from workers.book.sequence import Verdict
from workers.model.events import BookDelta

REPEATS_KNOWN = 100
"""Ids of updates that are recognised when they come again: 10 s of the channel."""


class OkxSequencer:
    """Says whether an update continues a book.

    Args:
        last_id: `seqId` of the snapshot the book was built from.
    """

    __slots__ = ("_fresh", "_taken", "last_id")

    def __init__(self, last_id: int) -> None:
        self.last_id = last_id
        self._fresh = True
        self._taken = deque([last_id], REPEATS_KNOWN)

    def judge(self, delta: BookDelta) -> Verdict:
        """STALE: contained, or no change [3]. NEXT: continues it [2][4][7]. GAP: the rest [5].

        Behind a chained book only a repeat of what it took is contained in it; anything else is of
        another count, whose beginning [4] was lost.
        """
        before, last = delta.prev_update_id, delta.last_update_id
        if before is None:
            return Verdict.GAP  # its checksum failed: it continues nothing
        if before == self.last_id:
            unchanged = last == before and not delta.bids and not delta.asks
            return Verdict.STALE if unchanged else Verdict.NEXT
        if before <= last <= self.last_id and (self._fresh or last in self._taken):
            return Verdict.STALE
        if self._fresh and before < self.last_id < last:
            return Verdict.NEXT
        return Verdict.GAP

    def accept(self, delta: BookDelta) -> None:
        """The update was applied."""
        self.last_id, self._fresh = delta.last_update_id, False
        self._taken.append(delta.last_update_id)

    def too_old(self, first: BookDelta) -> bool:
        """A snapshot from REST that ends before the first buffered update begins [7]."""
        return first.prev_update_id is not None and self.last_id < first.prev_update_id
