"""A spool that is too small for the outage: what is given up is counted and told, trades last.

Conservation is what is looked at: of the messages that the exchange sent since the beginning, each
one is a row or is told as lost, by type; snapshots, made by the collector itself, go first.
"""

import random
from collections.abc import Callable

from cli.status_source import services
from tests.chaos.faults import Fault, nap, stopped
from tests.chaos.stack import ChaosStack
from tests.waiting import wait_until

SPOOL_MB = 8
SETTINGS = {"NATS__SPOOL_MAX_MB": str(SPOOL_MB)}
SHORT_S, LONG_S = 20.0, 90.0
"""At 500 trades/s and 20 books: snapshots overflow in the first, trades too in the second."""

STREAMS = {"trade": "@trade", "orderbook-delta": "@depth"}
"""Types of which one message of the exchange is one event, and how their streams are called."""
_ROWS = {
    "trade": "SELECT count() FROM trades WHERE NOT aggregate AND source = 'live'",
    "orderbook-delta": "SELECT count() FROM orderbook_deltas",
}
Balance = dict[str, int]


class Overflow:
    """One outage of NATS that is longer than the spool is large.

    Args:
        seconds: of the outage.
        trades_too: whether trades, too, must be given up; else none may.
    """

    def __init__(self, seconds: float, *, trades_too: bool) -> None:
        self._seconds, self._trades_too = seconds, trades_too
        self._before: Balance = {}
        self._lost: Balance = {}

    def fault(self) -> Fault:
        """As the campaign takes it."""
        name = f"spool of {SPOOL_MB} MB, nats away {self._seconds:g} s"
        takes_s = self._seconds + 40 + 120 * self._trades_too
        return Fault(name, self.strike, takes_s, self.became)

    def strike(self, stack: ChaosStack, rng: random.Random) -> str:
        """Stop NATS for long enough."""
        self._before = _still(stack, lambda: _unaccounted(stack))
        lost = told_lost(stack)
        with stopped(stack, "nats"):
            nap(self._seconds)
        self._lost = {each: -count for each, count in lost.items()}
        return f"{self._seconds:g} s"

    def became(self, stack: ChaosStack) -> tuple[str, list[str]]:
        """What was given up, and whether all of it was told."""
        if not self._before:
            return "was judged", []
        now = _still(stack, lambda: _unaccounted(stack))
        lost = told_lost(stack)
        wrong = [
            f"{each}: {now[each] - before} more messages than before are neither rows nor told"
            for each, before in self._before.items()
            if now[each] != before
        ]
        dropped = _dropped(stack)
        if sum(lost.values()) != dropped:
            wrong.append(f"{dropped} events were dropped, gaps tell of {sum(lost.values())}")
        meanwhile = {each: many + self._lost.get(each, 0) for each, many in lost.items()}
        if not meanwhile.get("orderbook"):
            wrong.append("no snapshot was given up")
        if bool(meanwhile.get("trade")) != self._trades_too:
            wrong.append(f"{meanwhile.get('trade', 0)} trades were given up")
        self._before = {}
        told = ", ".join(f"{many} {each}" for each, many in sorted(meanwhile.items()) if many)
        return f"given up and told: {told or 'nothing'}", wrong


def told_lost(stack: ChaosStack) -> Balance:
    """Messages that gap events say were dropped, by type."""
    rows = stack.rows(
        "SELECT data_type, sum(lost) FROM gaps WHERE cause = 'overflow' GROUP BY data_type"
    )
    return {str(each): int(lost) for each, lost in rows}


def _unaccounted(stack: ChaosStack) -> Balance:
    """Messages the exchange sent that are no row and were not told as lost, by type."""
    lost = told_lost(stack)
    sent = dict.fromkeys(STREAMS, 0)
    for door in stack.doors():
        for stream, many in door.get("/sim/state")["published"].items():
            for each, part in STREAMS.items():
                sent[each] += many * (part in stream)
    return {
        each: many - stack.rows(_ROWS[each])[0][0] - lost.get(each, 0)
        for each, many in sent.items()
    }


def _dropped(stack: ChaosStack) -> int:
    """What the collectors counted themselves."""
    found = {view["name"]: view for view in services(stack.settings).values()}
    return sum(found[name]["status"]["publisher"]["dropped"] for name in stack.collectors())


def _still(stack: ChaosStack, look: Callable[[], Balance]) -> Balance:
    """The balance while the market stands still, once it no longer moves."""
    for door in stack.doors():
        door.post("/sim/pause")
    looks: list[Balance] = []

    def same() -> bool:
        nap(1.0)
        looks.append(look())
        return len(looks) >= 4 and all(each == looks[-1] for each in looks[-4:])

    try:
        wait_until(same, 120, "a balance that stands still")
    finally:
        for door in stack.doors():
            door.post("/sim/resume")
    return looks[-1]
