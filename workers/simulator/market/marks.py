"""change_id: one counter that all instruments share, so that each of them sees jumps."""

import random
from array import array
from bisect import bisect_left, bisect_right

MOST_MARKS = 1_000_000


class ChangeCounter:
    """The exchange's counter of book changes.

    Args:
        seed: of what nobody here sees.
        first: where it begins.
        unseen: fewest and most of them before each change here.
    """

    def __init__(self, seed: int, first: int, unseen: tuple[int, int] = (0, 19)) -> None:
        self._random = random.Random(seed)
        self._value = first
        self._unseen = unseen

    def advance(self, changes: int) -> int:
        """Its value after that many changes here, and some that nobody here sees."""
        self._value += changes + self._random.randint(*self._unseen)
        return self._value


class Marks:
    """Which update id of one engine's book each change_id stands for.

    Attributes:
        change_id, update_id, time_ms: the latest.
    """

    def __init__(self, counter: ChangeCounter, update_id: int, time_ms: int) -> None:
        self._counter = counter
        self.change_id, self.update_id, self.time_ms = counter.advance(1), update_id, time_ms
        self._changes, self._updates = array("q", [self.change_id]), array("q", [update_id])

    def note(self, update_id: int, time_ms: int) -> None:
        """The book has come to this update id."""
        self.change_id = self._counter.advance(update_id - self.update_id)
        self.update_id, self.time_ms = update_id, time_ms
        self._changes.append(self.change_id)
        self._updates.append(update_id)
        if len(self._changes) > MOST_MARKS:
            del self._changes[: MOST_MARKS // 10], self._updates[: MOST_MARKS // 10]

    @property
    def oldest(self) -> int:
        """The oldest change_id that is known."""
        return self._changes[0]

    def update_of(self, change_id: int) -> int | None:
        """The update id of a change_id, None for one that this book never had."""
        at = bisect_left(self._changes, change_id)
        if at < len(self._changes) and self._changes[at] == change_id:
            return self._updates[at]
        return None

    def first_after(self, update_id: int) -> int:
        """Id of the first change that a book at this update id has not."""
        at = bisect_right(self._updates, update_id)
        before = self._updates[at - 1] if at else update_id
        return self._changes[at] - (self._updates[at] - before) + 1

    def change_before(self, update_id: int) -> int:
        """The latest change_id whose book is not newer than an update id."""
        return self._changes[max(0, bisect_right(self._updates, update_id) - 1)]
