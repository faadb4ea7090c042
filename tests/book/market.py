"""A market that is known completely: every update id is one change, so truth exists at every id."""

from dataclasses import dataclass, field
from decimal import Decimal

from workers.book.sequence import Snapshot
from workers.model.events import BookDelta, Levels

Change = tuple[str, int, int]
"""Side, price, quantity; quantity 0 removes."""


def delta(first: int, last: int, bids: Levels = (), asks: Levels = (), **more) -> BookDelta:
    return BookDelta(
        exchange="binance_spot",
        market_type="spot",
        symbol="BTC-USDT",
        raw_symbol="BTCUSDT",
        exchange_ns=None,
        received_ns=0,
        first_update_id=first,
        last_update_id=last,
        bids=list(bids),
        asks=list(asks),
        **more,
    )


def snapshot(
    last_id: int, bids: Levels = (), asks: Levels = (), *, complete: bool = True
) -> Snapshot:
    return Snapshot(last_id, list(bids), list(asks), complete, complete)


@dataclass
class Market:
    """The exchange's side: its books at every id, and the messages it would send."""

    changes: list[Change] = field(default_factory=list)
    books: list[dict[str, dict[int, int]]] = field(default_factory=lambda: [{"bid": {}, "ask": {}}])

    @property
    def last_id(self) -> int:
        return len(self.changes)

    def change(self, side: str, price: int, quantity: int) -> None:
        """One more id. A price that would cross removes instead: a market never stands crossed."""
        book = {name: dict(levels) for name, levels in self.books[-1].items()}
        crosses = (
            price >= min(book["ask"], default=10**9)
            if side == "bid"
            else price <= max(book["bid"], default=-1)
        )
        if crosses:
            quantity = 0
        book[side].pop(price, None)
        if quantity:
            book[side][price] = quantity
        self.changes.append((side, price, quantity))
        self.books.append(book)

    def message(self, first: int, last: int) -> BookDelta:
        """The update that covers these ids, both inclusive."""
        newest = {(side, price): size for side, price, size in self.changes[first - 1 : last]}
        sides = {"bid": [], "ask": []}
        for (side, price), size in newest.items():
            sides[side].append((f"{price}.00", f"{size}.0000"))
        return delta(first, last, sides["bid"], sides["ask"])

    def levels(self, at: int) -> tuple[Levels, Levels]:
        """The whole true book after an id, best first."""
        book = self.books[at]
        bids = sorted(book["bid"].items(), reverse=True)
        return (
            [(f"{price}.00", f"{size}.0000") for price, size in bids],
            [(f"{price}.00", f"{size}.0000") for price, size in sorted(book["ask"].items())],
        )


def exact(levels: Levels) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(size)) for price, size in levels]
