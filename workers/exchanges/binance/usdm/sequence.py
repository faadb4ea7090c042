"""Order of updates in the Binance USD-M depth stream.

Pure. Numbers in brackets are steps of "How to manage a local order book correctly", USD-M futures,
read 2026-11-22: [3] events that end before the snapshot are dropped; [4] the first one applied
holds the snapshot's last id, or by its `pu` follows it directly; [5] every further one names the
end of the one before in `pu`. Ids are shared by all symbols, so holes between events mean nothing.
"""

from workers.book.sequence import Verdict
from workers.model.events import BookDelta


class UsdmSequencer:
    """Says whether a depth update continues a book.

    One chain belongs to one connection and one stream speed; a new one needs a new sequencer.

    Args:
        last_id: `lastUpdateId` of the snapshot the book was built from.
    """

    __slots__ = ("_chained", "last_id")

    def __init__(self, last_id: int) -> None:
        self.last_id = last_id
        self._chained = False

    def judge(self, delta: BookDelta) -> Verdict:
        """STALE: the book contains it [3]. NEXT: it continues the book [4, 5]. GAP: it does not.

        A repeat within the chain is STALE, not GAP: it ends where the book has been already.
        """
        if delta.prev_update_id == self.last_id:
            return Verdict.NEXT
        if self._chained:
            return Verdict.STALE if delta.last_update_id <= self.last_id else Verdict.GAP
        if delta.last_update_id < self.last_id:
            return Verdict.STALE
        return Verdict.NEXT if delta.first_update_id <= self.last_id else Verdict.GAP

    def accept(self, delta: BookDelta) -> None:
        """The update was applied; from now on the chain decides."""
        self.last_id = delta.last_update_id
        self._chained = True

    def too_old(self, first: BookDelta) -> bool:
        """Updates between the snapshot and the first buffered event may be missing [4]."""
        return first.first_update_id > self.last_id and first.prev_update_id != self.last_id
