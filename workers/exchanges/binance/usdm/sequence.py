"""Order of updates in the Binance USD-M depth stream. Pure.

Numbers in brackets below are these steps of "How to manage a local order book correctly", USD-M
futures, developers.binance.com, read 2026-11-22:
[1] Open the stream `<symbol>@depth` and buffer its events.
[2] Get a snapshot from REST, /fapi/v1/depth.
[3] Drop events whose `u` is below its `lastUpdateId` (not those that end at it, unlike spot).
[4] The first event applied holds it, U <= lastUpdateId <= u; seen live: or follows it directly by
    its `pu`. One that does neither shows that the snapshot is too old: fetch it again [2].
[5] Each further event's `pu` is the `u` before; if not, begin again at [2].
[6] Quantities are absolute, 0 removes, also a level that is not there.
Ids are shared by all symbols, so holes between events mean nothing. A chain belongs to one
connection and one stream speed.
"""

from workers.book.sequence import Verdict
from workers.model.events import BookDelta


class UsdmSequencer:
    """Says whether a depth update continues a book.

    A new connection needs a new sequencer.

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
