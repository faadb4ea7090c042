"""The four ways exchanges number a book's updates, each over a market whose truth is known.

Every change of the market has an id of its own here, also where the exchange sends several under
one; so a snapshot may end anywhere, inside a message too.
"""

from typing import Protocol

from tests.book.market import Change, Market, delta
from workers.book.sequence import Sequencer, Snapshot
from workers.exchanges.binance.spot.sequence import SpotSequencer
from workers.exchanges.binance.usdm.sequence import UsdmSequencer
from workers.exchanges.deribit.sequence import DeribitSequencer
from workers.exchanges.okx.sequence import OkxSequencer
from workers.model.events import BookDelta, Levels

DEPTH = 6
"""Levels a side of a REST snapshot."""
FIRST_ID = 10**9


class MakeSequencer(Protocol):
    def __call__(self, last_id: int) -> Sequencer: ...


class Family:
    """The exchange's side of one book. What the subclasses change is how updates are numbered."""

    sequencer: MakeSequencer
    from_stream = False
    """Whole books come on the stream, not from REST."""
    overlaps = False
    """An update may begin inside the one before."""

    def __init__(self) -> None:
        self.market = Market()
        self.ids = [FIRST_ID]
        """The id after each change of the market; the first belongs to the empty book."""
        self.life_began = 0
        """The market's change since which the ids count as they do now."""

    def message(self, changes: list[Change], jump: int) -> BookDelta:
        """The market moves, and what the exchange sends of it."""
        first = self.market.last_id + 1
        for change in changes:
            self.market.change(*change)
            self.ids.append(self.ids[-1] + self.step(jump))
        return self.update(first, self.market.last_id)

    def step(self, jump: int) -> int:
        """From one id to the next."""
        return jump

    def update(self, first: int, last: int) -> BookDelta:
        """The update of these changes, both inclusive."""
        found = self.market.message(first, last)
        found.prev_update_id = self.ids[first - 1]
        found.first_update_id, found.last_update_id = found.prev_update_id + 1, self.ids[last]
        return found

    def begins_anew(self, changes: list[Change]) -> BookDelta | None:
        """The exchange counts anew from far below; the message that says so, None: there is none.

        Ids of different lives never meet.
        """
        raise NotImplementedError

    def follows(self, last_id: int, update: BookDelta) -> bool:
        """Whether a reader whose book ends at `last_id` may apply a published update."""
        before = update.prev_update_id
        assert before is not None
        return before == last_id or before < last_id < update.last_update_id

    def snapshot(self, back: int) -> Snapshot:
        """The book as it was `back` changes ago, as deep as the exchange gives it."""
        at = max(self.life_began, self.market.last_id - back)
        bids, asks = self.market.levels(at)
        if self.from_stream:
            return Snapshot(self.ids[at], bids, asks, bids_complete=True, asks_complete=True)
        complete = len(bids) < DEPTH, len(asks) < DEPTH
        return Snapshot(self.ids[at], bids[:DEPTH], asks[:DEPTH], *complete)

    def book(self, last_id: int) -> tuple[Levels, Levels]:
        """The true book at an id."""
        return self.market.levels(self.ids.index(last_id))

    def _new_life(self) -> int:
        self.life_began = self.market.last_id
        return min(self.ids) - 100_000


class Spot(Family):
    """Contiguous ids; a restart of the count ends every connection."""

    sequencer = SpotSequencer
    overlaps = True

    def step(self, jump: int) -> int:
        return 1

    def update(self, first: int, last: int) -> BookDelta:
        found = super().update(first, last)
        found.prev_update_id = None
        return found

    def follows(self, last_id: int, update: BookDelta) -> bool:
        return update.first_update_id <= last_id + 1

    def begins_anew(self, changes: list[Change]) -> None:
        self.ids[-1] = self._new_life()


class Usdm(Family):
    """Ids of all symbols together, so with holes; updates are chained by the last one sent."""

    sequencer = UsdmSequencer

    def __init__(self) -> None:
        super().__init__()
        self._sent = FIRST_ID

    def update(self, first: int, last: int) -> BookDelta:
        found = super().update(first, last)
        found.first_update_id, found.prev_update_id = self.ids[first], self._sent
        self._sent = self.ids[last]
        return found

    def follows(self, last_id: int, update: BookDelta) -> bool:
        first, last = update.first_update_id, update.last_update_id
        return update.prev_update_id == last_id or first <= last_id <= last

    def begins_anew(self, changes: list[Change]) -> None:
        self.ids[-1] = self._sent = self._new_life()


class Okx(Family):
    """Ids that jump, chained; one below the one before says that the count begins anew."""

    sequencer = OkxSequencer
    from_stream = True

    def begins_anew(self, changes: list[Change]) -> BookDelta:
        first, lowest = self.market.last_id + 1, min(self.ids)
        for change in changes:
            self.market.change(*change)
            self.ids.append(lowest - 100_000 + len(self.ids))
        self.life_began = self.market.last_id
        found = self.update(first, self.market.last_id)
        found.first_update_id = found.last_update_id
        return found

    def keep_alive(self) -> BookDelta:
        return delta(self.ids[-1], self.ids[-1], prev_update_id=self.ids[-1])


class Deribit(Family):
    """Ids of all instruments together, chained; id 0 before an update starts from nothing."""

    sequencer = DeribitSequencer
    from_stream = True

    def begins_anew(self, changes: list[Change]) -> BookDelta:
        for side in ("bid", "ask"):
            for price in list(self.market.books[-1][side]):
                self.market.change(side, price, 0)
                self.ids.append(self.ids[-1] + 3)
        found = self.message(changes, 7)
        found.prev_update_id = 0
        return found


FAMILIES = (Spot, Usdm, Okx, Deribit)
