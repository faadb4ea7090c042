"""Order of updates in the Binance spot depth stream.

Pure. Numbers in brackets are steps of "How to manage a local order book correctly",
github.com/binance/binance-spot-api-docs, web-socket-streams.md, as corrected on 2025-11-12:
[3] a snapshot older than the first buffered event is fetched again; [4] events the snapshot
contains are dropped; [6] an event may start at or before the end of the book, never after
it + 1. Any first event continues a symbol that never had an order. The USD-M futures chain their
events by `pu` instead.
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
        """Updates between the snapshot and the first buffered event are missing [3].

        An event that starts right behind the snapshot fits; the text before 2025-11-12 refused it.
        """
        return first.first_update_id > self.last_id + 1 and self.last_id != NO_BOOK_YET
