"""Every book change of the recent past, so that the book of any recent update id can be rebuilt."""

from array import array
from collections import deque

CHUNK = 50_000


class TooOld(Exception):
    """The journal no longer reaches back to that update id."""

    def __init__(self, wanted: int, oldest: int) -> None:
        super().__init__(f"update id {wanted} is older than {oldest}, the oldest that is kept")
        self.wanted, self.oldest = wanted, oldest


class Journal:
    """What each update id replaced: the level's key and its quantity before.

    Ids are contiguous, so they need not be stored. Walking back from the present undoes them.

    Args:
        last_id: update id the first entry follows.
        capacity: changes kept at least, if so many were made.
    """

    def __init__(self, last_id: int, capacity: int) -> None:
        self.last_id = last_id
        self._chunks_kept = max(2, -(-capacity // CHUNK) + 1)
        self._chunks: deque[tuple[array[int], array[int]]] = deque([(array("q"), array("q"))])

    def append(self, key: int, before: int) -> None:
        """The next update id changed level `key`, which held `before` lots."""
        keys, quantities = self._chunks[-1]
        if len(keys) >= CHUNK:
            keys, quantities = array("q"), array("q")
            self._chunks.append((keys, quantities))
            if len(self._chunks) > self._chunks_kept:
                self._chunks.popleft()
        keys.append(key)
        quantities.append(before)
        self.last_id += 1

    @property
    def oldest_id(self) -> int:
        """The oldest update id whose book can be rebuilt."""
        return self.last_id - sum(len(keys) for keys, _ in self._chunks)

    def rewind(self, totals: dict[int, int], update_id: int) -> None:
        """Turn the present levels into those right after `update_id`.

        Args:
            totals: lots by level key of the present book; changed in place.
            update_id: at most `last_id`.

        Raises:
            TooOld: the id is older than `oldest_id`; `totals` is unchanged.
        """
        if update_id < self.oldest_id:
            raise TooOld(update_id, self.oldest_id)
        left = self.last_id - update_id
        for keys, quantities in reversed(self._chunks):
            for index in range(len(keys) - 1, -1, -1):
                if left == 0:
                    return
                before = quantities[index]
                if before:
                    totals[keys[index]] = before
                else:
                    totals.pop(keys[index], None)
                left -= 1
