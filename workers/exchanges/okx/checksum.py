"""Checksums of OKX books that carry one, and numbers for those recorded before OKX sent any. Pure.

Since 2026-06-23 every `checksum` is 0 and means nothing: such books never come here, their order is
seqId and prevSeqId alone. One that is not 0 is verified, live as in recordings: a wrong update
continues nothing, a wrong book is refused, and both are asked for anew.
Source: OKX API v5 guide, "Checksum", and the notice of 2026-05-21.
"""

import zlib
from collections import Counter
from itertools import zip_longest
from typing import NamedTuple

from workers.book.book import Book
from workers.book.sequence import Snapshot
from workers.exchanges.okx.messages import OkxBook, WireLevel
from workers.model.events import Levels

LEVELS = 25
"""Levels a side that go into the checksum."""

LIMIT = 400


def checksum(bids: Levels, asks: Levels) -> int:
    """CRC-32, signed, of `bid:size:ask:size:...` over the best 25 levels a side.

    Levels best first, after the update, in the exchange's own spelling, derivatives in contracts.
    Where one side is shorter, the other goes on alone.
    """
    pairs = zip_longest(bids[:LEVELS], asks[:LEVELS], fillvalue=())
    text = ":".join(part for bid, ask in pairs for part in (*bid, *ask))
    unsigned = zlib.crc32(text.encode())
    return unsigned - 2**32 if unsigned >= 2**31 else unsigned


class Followed(NamedTuple):
    """What is known of a book or an update: the id before it, its own, and its checksum.

    Args:
        before: None where there is no id, or where the update fails and so continues nothing.
        failed: the checksum is not that of the book.
    """

    before: int | None
    last: int
    failed: bool = False


class RecordedBooks:
    """Follows books as they were sent, to verify checksums and number what has no ids.

    `results` counts books by `matched`, `failed` and `unknown` (no whole book to compare with).
    """

    def __init__(self) -> None:
        self.results: Counter[str] = Counter()
        self._books: dict[str, Book] = {}
        self._counts: Counter[str] = Counter()

    def follow(self, inst_id: str, row: OkxBook, *, whole: bool) -> Followed:
        """Verify one book or update; rows without ids are counted by us.

        Raises:
            BookError: a level is absurd.
        """
        self._counts[inst_id] += 1
        count = self._counts[inst_id]
        before, last = row.prevSeqId, row.seqId
        if last is None:
            before, last = count - 1, count
        if row.checksum and not self._verified(inst_id, row, whole=whole):
            return Followed(None, last, failed=True)
        return Followed(before, last)

    def _verified(self, inst_id: str, row: OkxBook, *, whole: bool) -> bool:
        """False only for a checksum that was compared and differs."""
        bids, asks = _levels(row.bids), _levels(row.asks)
        if whole:
            book = Book(LIMIT)
            book.load(Snapshot(0, bids, asks, bids_complete=True, asks_complete=True))
        else:
            known = self._books.get(inst_id)
            if known is None:
                self.results["unknown"] += 1
                return True
            book = known
            book.apply(bids, asks)
        if checksum(*book.levels(LEVELS)) == row.checksum:
            self._books[inst_id] = book
            self.results["matched"] += 1
            return True
        self._books.pop(inst_id, None)
        self.results["failed"] += 1
        return False


def _levels(levels: list[WireLevel]) -> Levels:
    return [(price, quantity) for price, quantity, _, _ in levels]
