"""Trade ids count up by one: a jump is a hole, and a hole has a first and a last id. Pure."""

from dataclasses import dataclass

from workers.exchanges.base import UnusedTradeId
from workers.model.events import GapCause, Trade


@dataclass(frozen=True)
class Hole:
    """Trades first_id to last_id, inclusive, did not come; the previous one came at `since_ns`."""

    first_id: int
    last_id: int
    since_ns: int
    cause: GapCause


class TradeContinuity:
    """Follows the ids of one symbol's trades across connections.

    Attributes:
        last_id: the highest id seen; None before the first trade.
        repeated: trades whose id had been passed already.
    """

    __slots__ = ("_reconnected", "_since_ns", "last_id", "repeated")

    def __init__(self) -> None:
        self.last_id: int | None = None
        self.repeated = 0
        self._since_ns = 0
        self._reconnected = False

    def disconnected(self) -> None:
        """The next jump is owed to the connection, not to the exchange."""
        self._reconnected = True

    def take(self, trade: Trade | UnusedTradeId) -> Hole | None:
        """Note a trade, or an id nobody traded under; the hole before it, if there is one."""
        last_id = self.last_id
        if last_id is not None and trade.trade_id <= last_id:
            self.repeated += 1
            return None
        hole = None
        if last_id is not None and trade.trade_id != last_id + 1:
            cause: GapCause = "disconnect" if self._reconnected else "sequence"
            hole = Hole(last_id + 1, trade.trade_id - 1, self._since_ns, cause)
        self.last_id = trade.trade_id
        self._since_ns = trade.received_ns
        self._reconnected = False
        return hole
