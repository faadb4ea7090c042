"""Order of updates in the OKX channel `books`. Pure.

Numbers in brackets are steps of section "Order book channel", OKX API v5 guide, 2026-07-28:
[1] a snapshot has prevSeqId -1, the book ends at its seqId; [2] an update continues the book if its
prevSeqId is the book's id, seqId jumps by any amount; [3] after 60 s without change an empty update
comes whose seqId equals its prevSeqId; [4] after maintenance a seqId may be below its prevSeqId:
the count began anew; [5] any other prevSeqId is a gap: unsubscribe and subscribe.
Official example: (-1,10) snapshot, (10,15), (15,15) no change, (15,3) reset, (3,5).
"""

from workers.book.sequence import Verdict
from workers.model.events import BookDelta


class OkxSequencer:
    """Says whether an update continues a book.

    Args:
        last_id: `seqId` of the snapshot the book was built from.
    """

    __slots__ = ("_fresh", "last_id")

    def __init__(self, last_id: int) -> None:
        self.last_id = last_id
        self._fresh = True

    def judge(self, delta: BookDelta) -> Verdict:
        """STALE: contained, or no change [3]. NEXT: continues the book [2][4]. GAP: the rest [5].

        Not every seqId of REST is in the channel: the first update after a snapshot may start
        before its end (prevSeqId <= id < seqId); quantities are absolute.
        """
        before, last = delta.prev_update_id, delta.last_update_id
        if before is None:
            return Verdict.GAP  # its checksum failed: it continues nothing
        if before == self.last_id:
            unchanged = last == before and not delta.bids and not delta.asks
            return Verdict.STALE if unchanged else Verdict.NEXT
        if before <= last <= self.last_id:
            return Verdict.STALE
        if self._fresh and before < self.last_id < last:
            return Verdict.NEXT
        return Verdict.GAP

    def accept(self, delta: BookDelta) -> None:
        """The update was applied."""
        self.last_id, self._fresh = delta.last_update_id, False

    def too_old(self, first: BookDelta) -> bool:
        """A snapshot from REST that ends before the first buffered update begins."""
        return first.prev_update_id is not None and self.last_id < first.prev_update_id
