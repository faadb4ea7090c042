"""The channel `books`: the best 400 levels a side and what changed since the last push.

Source: OKX API v5 guide, "WS / Order book channel", and for the checksum "Checksum", in force
until 2026-06-23.
"""

import zlib
from collections.abc import Sequence

from workers.simulator.market.orderbook import OrderBook
from workers.simulator.okx.listing import Listing

DEPTH = 400
CHECKED = 25

Level = tuple[int, int]
"""Lots and number of orders."""


class Window:
    """What every subscriber of one book has been told.

    Attributes:
        levels: lots and orders by level key; keys as in OrderBook.

    Args:
        listing: the instrument.
        book: its true book.
    """

    def __init__(self, listing: Listing, book: OrderBook) -> None:
        self._listing, self._book = listing, book
        self.levels = self._present()

    def advance(self) -> list[int]:
        """Take the book's state over; the keys that changed, best first on each side."""
        before, self.levels = self.levels, self._present()
        now = self.levels
        changed = [key for key, level in now.items() if before.get(key) != level]
        changed += [key for key in before if key not in now]
        return sorted(changed, reverse=True)

    def sides(self, keys: Sequence[int]) -> str:
        """`"asks":[...],"bids":[...]` of these levels; a key not in the window has size 0."""
        asks = ",".join(self.row(key) for key in keys if key < 0)
        bids = ",".join(self.row(key) for key in keys if key > 0)
        return f'"asks":[{asks}],"bids":[{bids}]'

    def row(self, key: int) -> str:
        """`["8476.98","415","0","13"]`: price, size, always 0, orders."""
        lots, orders = self.levels.get(key, (0, 0))
        price, size = self._listing.price(abs(key)), self._listing.size(lots)
        return f'["{price}","{size}","0","{orders}"]'

    def best_first(self) -> list[int]:
        """All keys, each side's best first."""
        return sorted(self.levels, reverse=True)

    def checksum(self) -> int:
        """CRC32 of the best 25 levels a side, alternating, as a signed number."""
        keys = self.best_first()
        bids = [key for key in keys if key > 0][:CHECKED]
        asks = [key for key in keys if key < 0][:CHECKED]
        texts = [
            f"{self._listing.price(abs(key))}:{self._listing.size(self.levels[key][0])}"
            for place in range(CHECKED)
            for side in (bids, asks)
            for key in side[place : place + 1]
        ]
        return signed_crc(":".join(texts))

    def _present(self) -> dict[int, Level]:
        book = self._book
        keys = book.bids[: -DEPTH - 1 : -1] + book.asks[: -DEPTH - 1 : -1]
        totals, orders_at = book.totals, book.orders_at
        return {key: (totals[key], orders_at(key)) for key in keys}


def signed_crc(text: str) -> int:
    """CRC-32 as a signed 32-bit number."""
    value = zlib.crc32(text.encode())
    return value - (1 << 32) if value >= 1 << 31 else value
