"""A true limit order book: queues of orders per price, one update id per level change.

A level's key is its price in ticks, negative for asks; so on both sides the greater key is the
better price, and one sorted list per side has its best last.
"""

from bisect import bisect_left, insort

from workers.simulator.market.journal import Journal


class OrderBook:
    """Resting orders of one instrument.

    Attributes:
        bids, asks: level keys, ascending, best last.
        totals: lots by level key.
        update_id: id of the latest level change.
        changed: level keys changed since each window was last taken, by window name.

    Args:
        first_id: the update id to start after.
        journal_size: changes kept for `totals_at`.
    """

    def __init__(self, first_id: int, journal_size: int) -> None:
        self.bids: list[int] = []
        self.asks: list[int] = []
        self.totals: dict[int, int] = {}
        self.update_id = first_id
        self.fast: set[int] = set()
        self.slow: set[int] = set()
        self._orders: dict[int, list[int]] = {}
        self._journal = Journal(first_id, journal_size)

    def seed(self, key: int, lots: int) -> None:
        """Put an order in before the first update id; the level must be new."""
        insort(self.bids if key > 0 else self.asks, key)
        self.totals[key] = lots
        self._orders[key] = [lots]

    def add(self, key: int, lots: int) -> None:
        """A new order at the end of its level's queue. The caller keeps it from crossing."""
        orders = self._orders.get(key)
        if orders is None:
            insort(self.bids if key > 0 else self.asks, key)
            self._orders[key] = [lots]
            self._set(key, 0, lots)
        else:
            before = self.totals[key]
            orders.append(lots)
            self._set(key, before, before + lots)

    def cancel(self, key: int) -> None:
        """Take the level's youngest order out."""
        orders = self._orders[key]
        before = self.totals[key]
        left = before - orders.pop()
        if not orders:
            self._forget(key)
        self._set(key, before, left)

    def take(self, key: int, lots: int) -> list[int]:
        """Fill up to `lots` from a level, oldest order first.

        Returns:
            Lots of each fill; their sum is `lots`, or the whole level.
        """
        orders = self._orders[key]
        before = self.totals[key]
        if before <= lots:
            self._forget(key)
            self._set(key, before, 0)
            return orders
        fills = []
        left = lots
        while left >= orders[0]:
            fills.append(orders.pop(0))
            left -= fills[-1]
            if not left:
                break
        else:
            orders[0] -= left
            fills.append(left)
        self._set(key, before, before - lots)
        return fills

    def orders_at(self, key: int) -> int:
        """Orders waiting at a level."""
        return len(self._orders.get(key, ()))

    def totals_at(self, update_id: int) -> dict[int, int]:
        """Lots by level key right after `update_id`.

        Raises:
            TooOld: the journal does not reach back so far.
            ValueError: the id lies in the future.
        """
        if update_id > self.update_id:
            raise ValueError(f"update id {update_id} is not made yet; the last is {self.update_id}")
        totals = dict(self.totals)
        self._journal.rewind(totals, update_id)
        return totals

    @property
    def oldest_id(self) -> int:
        """The oldest update id that `totals_at` can answer."""
        return self._journal.oldest_id

    def _forget(self, key: int) -> None:
        side = self.bids if key > 0 else self.asks
        if side[-1] == key:
            side.pop()
        else:
            del side[bisect_left(side, key)]
        del self._orders[key]

    def _set(self, key: int, before: int, after: int) -> None:
        if after:
            self.totals[key] = after
        else:
            del self.totals[key]
        self.update_id += 1
        self._journal.append(key, before)
        self.fast.add(key)
        self.slow.add(key)
