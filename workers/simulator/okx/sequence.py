"""Sequence numbers of one instrument: the book's update ids, until a maintenance resets them."""

from workers.simulator.market.orderbook import OrderBook


class SeqIds:
    """From update ids to `seqId` and back.

    After a reset the numbers begin again below all that were used, as after OKX's maintenance.

    Args:
        book: the true book.
    """

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._epochs: list[tuple[int, int]] = [(book.oldest_id, 0)]
        self._resetting = False

    def now(self) -> int:
        """The number of the book as it is."""
        return self._book.update_id - self._epochs[-1][1]

    def take(self) -> int:
        """The number for a push of all changes so far; the first after `reset` is a low one."""
        if self._resetting:
            self._resetting = False
            self._epochs.append((self._book.update_id, self._book.update_id - 3))
        return self.now()

    def reset(self) -> None:
        """Begin again at the next push."""
        self._resetting = True

    def update_id(self, seq_id: int) -> int:
        """The update id that a number stands for, the latest if there are two."""
        for begin, offset in reversed(self._epochs):
            wanted = seq_id + offset
            if begin <= wanted <= self._book.update_id:
                return wanted
        return seq_id + self._epochs[-1][1]
