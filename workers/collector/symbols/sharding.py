"""How symbols move from one shard of an exchange to another without a hole.

Make before break: the shard a symbol belongs to subscribes while the one that held it still reads.
Once the new one has said for `OVERLAP_S` on end that every stream flows and the book is SYNCED, the
old one lets go. What both publish meanwhile carries the same message ids and is stored once; since
they overlap, every trade is seen by one of them at least.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog

from workers.collector.connection.watch import RARE
from workers.collector.symbols.carried import Carried, CarriedBoard
from workers.collector.symbols.roster import Roster
from workers.model.clock import Clock

log = structlog.get_logger(__name__)

OVERLAP_S = 3.0
SETTLED_S = 5.0
"""A stream that was asked for so long ago flows, though the market says nothing through it."""
CONNECTED = frozenset({"connected", "replacing"})

Report = Mapping[str, Any]
"""`Connection.report`."""


def flowing(reports: Iterable[Report]) -> dict[str, bool]:
    """Symbols that are carried; whether all their streams flow and their book is SYNCED. Pure."""
    found: dict[str, bool] = {}
    for report in reports:
        open_ = report["state"] in CONNECTED
        books = report.get("books", {})
        for channel, symbols in report.get("streams", {}).items():
            for symbol, facts in symbols.items():
                if symbol == "*":
                    continue
                good = open_ and _settled(channel, facts, report)
                if channel == "orderbook" and not facts["off"]:
                    good = good and books.get(symbol, {}).get("state") == "SYNCED"
                found[symbol] = found.get(symbol, True) and good
    return found


def cut_off(reports: Iterable[Report]) -> set[str]:
    """Symbols of connections that carry nothing right now: what they missed is not known yet."""
    return {
        symbol
        for report in reports
        if report["state"] not in CONNECTED
        for symbols in report.get("streams", {}).values()
        for symbol in symbols
    }


def _settled(channel: str, facts: Mapping[str, Any], report: Report) -> bool:
    if facts["confirmed"] or facts["refused"] or facts["off"] or channel in RARE:
        return True
    return bool(facts["age_s"] > SETTLED_S and not report["requests_waiting"])


class Sharding:
    """For the service's loop.

    Args:
        exchange: for the log.
        board: where the shards tell one another.
        roster: says what belongs to whom.
        clock: measures the overlap.
    """

    def __init__(self, exchange: str, board: CarriedBoard, roster: Roster, clock: Clock) -> None:
        self._exchange, self._board, self._roster, self._clock = exchange, board, roster, clock
        self._since_s: dict[str, float] = {}

    async def step(self, reports: Sequence[Report]) -> frozenset[str]:
        """Tell what we carry; the symbols that others have taken over from us."""
        await self._board.tell(flowing(reports))
        held = self._roster.held
        if not held:
            self._since_s.clear()
            return frozenset()
        await self._board.look()
        taken = self._taken(held - cut_off(reports), self._board.others)
        if taken:
            log.warning("symbols handed over", exchange=self._exchange, symbols=sorted(taken))
        return taken

    def status(self) -> dict[str, str]:
        """Collector by symbol: of what is held until that one has taken it over."""
        return {each: self._roster.owner(each) for each in sorted(self._roster.held)}

    def _taken(self, held: Iterable[str], others: Mapping[int, Carried]) -> frozenset[str]:
        now_s = self._clock.monotonic_s()
        flows = {each for each in held if self._flows(each, others)}
        self._since_s = {each: self._since_s.get(each, now_s) for each in flows}
        return frozenset(each for each in flows if now_s - self._since_s[each] >= OVERLAP_S)

    def _flows(self, symbol: str, others: Mapping[int, Carried]) -> bool:
        return others.get(self._roster.shard_of(symbol), {}).get(symbol, False)
