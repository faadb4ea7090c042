"""Order of updates in the Binance spot depth stream. Pure.

Numbers in brackets below are these steps of "How to manage a local order book correctly",
github.com/binance/binance-spot-api-docs, web-socket-streams.md, snapshot of 2026-07-21, as
corrected on 2025-11-12:
[1] Open the stream `<symbol>@depth`, buffer its events, note `U` of the first.
[2] Get a snapshot from REST, /api/v3/depth.
[3] If its `lastUpdateId` is below that `U`, fetch it again [2].
[4] Drop buffered events whose `u` is at most `lastUpdateId`; the first one left then holds it:
    U <= lastUpdateId + 1 <= u. An event that starts right behind the snapshot fits, which the text
    before 2025-11-12 refused.
[5] The book is the snapshot and ends at `lastUpdateId`.
[6] Apply all others: an event with `u` below the book's id is dropped; one with `U` above id + 1
    means that events were missed: begin again at [1], of which only [2] is needed.
[7] Quantities are absolute, 0 removes, also a level that is not there; the book then ends at `u`.
Any first event continues a symbol that never had an order. The USD-M futures chain their events by
`pu` instead.
"""

from workers.book.sequence import Verdict
from workers.exchanges.binance.rest import NO_BOOK_YET
from workers.model.events import BookDelta


class SpotSequencer:
    """Says whether a depth update continues a book.

    Args:
        last_id: `lastUpdateId` of the snapshot the book was built from.
    """

    __slots__ = ("last_id",)

    def __init__(self, last_id: int) -> None:
        self.last_id = last_id

    def judge(self, delta: BookDelta) -> Verdict:
        """STALE: the book contains it [4]. NEXT: it continues the book. GAP: ids are missing [6].

        An event that starts inside the book and ends after it is applied: quantities are absolute.
        """
        if delta.last_update_id <= self.last_id:
            return Verdict.STALE
        if delta.first_update_id > self.last_id + 1 and self.last_id != NO_BOOK_YET:
            return Verdict.GAP
        return Verdict.NEXT

    def accept(self, delta: BookDelta) -> None:
        """The update was applied."""
        self.last_id = delta.last_update_id

    def too_old(self, first: BookDelta) -> bool:
        """Updates between the snapshot and the first buffered event are missing [3]."""
        return first.first_update_id > self.last_id + 1 and self.last_id != NO_BOOK_YET
