"""Trade ids count up by one: a jump is a hole, and a hole has a first and a last id. Pure.

A hole is declared only after a grace, so that a trade that merely comes late does not leave a false
claim behind. A trade seen before is told from one that fills a hole, and from one that carries an
old id because the exchange began to count anew: that one is newer than all before it.
"""

from collections import deque
from dataclasses import dataclass, replace
from typing import Literal

from workers.exchanges.base import UnusedTradeId
from workers.model.events import GapCause, Trade

GRACE_S = 1.0
"""Trades of one connection come in order; one that does not is a moment late, never a second."""
OPEN_HOLES = 1000
"""Beyond it the oldest is declared at once: so many jumps are no reordering."""
MOST_FILLED = 10_000
"""Trades a late aggregate may stand for; what an exchange claims beyond is not looked for."""
DECLARED_HOLES = 1000
"""Remembered for trades later than the grace."""

Arrival = Literal["new", "late", "repeated", "restarted"]
"""new: counts on, with or without a hole before it. late: fills a hole. repeated: was here already.
restarted: a new trade under an id long passed; the exchange counts anew."""


@dataclass(frozen=True)
class Hole:
    """Trades first_id to last_id, inclusive, did not come; `behind` did, at monotonic `since_s`."""

    first_id: int
    last_id: int
    cause: GapCause
    since_s: float
    behind: Trade | UnusedTradeId

    def without(self, trade_id: int) -> "list[Hole]":
        """What is left of it after one of its trades came."""
        parts = []
        if self.first_id < trade_id:
            parts.append(replace(self, last_id=trade_id - 1))
        if trade_id < self.last_id:
            parts.append(replace(self, first_id=trade_id + 1))
        return parts


class TradeContinuity:
    """Follows the ids of one symbol's trades across connections.

    Attributes:
        last_id: the highest id seen since the exchange last counted anew; None before any trade.
    """

    __slots__ = (
        *("_cause", "_declared", "_ended", "_known_from", "_newest_ns", "_open"),
        "last_id",
    )

    def __init__(self) -> None:
        self.last_id: int | None = None
        self._known_from = 0  # of ids below this one we cannot say whether they were here
        self._newest_ns = 0
        self._cause: GapCause = "sequence"  # of the next jump
        self._open: deque[Hole] = deque()
        self._declared: deque[Hole] = deque()
        self._ended: list[Hole] = []  # open when the exchange counted anew: nothing fills them now

    def disconnected(self) -> None:
        """The next jump is owed to the connection, not to the exchange."""
        self._cause = "disconnect"

    def joined_by(self, first: object) -> bool:
        """Whether trades of another connection go on behind these, by the first it brought."""
        if self.last_id is None or not isinstance(first, Trade | UnusedTradeId):
            return True
        return first_id(first) <= self.last_id + 1

    def resume(self, trade: Trade) -> None:
        """Go on behind the last trade that was published before this process began."""
        self.last_id = self._known_from = trade.trade_id
        self._newest_ns = trade.exchange_ns or 0
        self._cause = "restart"

    def take(self, trade: Trade | UnusedTradeId, now_s: float) -> Arrival:
        """Note a trade, or an id nobody traded under, and say what it is."""
        trade_id, last_id = trade.trade_id, self.last_id
        if last_id is not None and trade_id <= last_id:
            return self._passed(trade)
        if last_id is None:
            self._known_from = trade_id
        elif (first := first_id(trade)) > last_id + 1:
            self._open.append(Hole(last_id + 1, first - 1, self._cause, now_s, trade))
        self.last_id = trade_id
        self._newest_ns = max(self._newest_ns, trade.exchange_ns or 0)
        self._cause = "sequence"
        return "new"

    def due(self, now_s: float) -> list[Hole]:
        """Holes whose grace is over by `now_s`; each is told once."""
        due, self._ended = self._ended, []
        while self._open and (
            now_s - self._open[0].since_s >= GRACE_S or len(self._open) > OPEN_HOLES
        ):
            hole = self._open.popleft()
            due.append(hole)
            self._declared.append(hole)
        while len(self._declared) > DECLARED_HOLES:
            self._known_from = self._declared.popleft().last_id + 1
        return due

    def _passed(self, trade: Trade | UnusedTradeId) -> Arrival:
        trade_id, time_ns = trade.trade_id, trade.exchange_ns or 0
        filled = [
            _fill(self._open, each) or _fill(self._declared, each)
            for each in range(max(first_id(trade), trade_id - MOST_FILLED), trade_id + 1)
        ]
        if any(filled):
            return "late"
        if time_ns > self._newest_ns > 0:
            self._ended += self._open
            self._open.clear()
            self._declared.clear()
            self.last_id = self._known_from = trade_id
            self._newest_ns = time_ns
            return "restarted"
        return "late" if trade_id < self._known_from else "repeated"


def first_id(trade: Trade | UnusedTradeId) -> int:
    """The first id a trade counts for: an aggregate named by its last trade counts for several."""
    if isinstance(trade, Trade) and trade.last_trade_id == trade.trade_id:
        return trade.trade_id if trade.first_trade_id is None else trade.first_trade_id
    return trade.trade_id


def _fill(holes: deque[Hole], trade_id: int) -> bool:
    """Take an id out of the hole it lies in, if there is one; the newest are last."""
    for index in range(len(holes) - 1, -1, -1):
        hole = holes[index]
        if hole.last_id < trade_id:
            return False
        if hole.first_id <= trade_id:
            del holes[index]
            for part in reversed(hole.without(trade_id)):
                holes.insert(index, part)
            return True
    return False
