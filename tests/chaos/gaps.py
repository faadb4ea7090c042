"""Gaps made on purpose: spans of trades that never reach the wire, at known ids.

Each must be in the ledger with exactly its first and last id, no other may be there, and each must
come to be filled from the exchange's history. `marketprism completeness` is asked, as a person
would ask.
"""

import json
import random
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from tests.chaos.faults import Fault, nap
from tests.chaos.ledger import wait_counted
from tests.chaos.stack import ChaosStack, Traded
from tests.waiting import wait_until

EXCHANGE = "binance_spot"
"""Its trades are one message each, so that a number of messages is a span of ids."""
LONGEST = 40
"""Trades; at 25 a second this is shorter than any limit for a silent stream."""


class Span(NamedTuple):
    """Ids of one symbol, both inclusive."""

    symbol: str
    first_id: int
    last_id: int


class Told(msgspec.Struct, frozen=True):
    """What became of the injected gaps.

    Attributes:
        injected: spans left out on the wire.
        reported: of them, those the ledger has with exactly these ids.
        filled: of those, the filled ones.
        invented: gaps of the ledger that nobody made, in words.
        forgotten: injected spans that the ledger does not have, in words.
    """

    injected: int
    reported: int
    filled: int
    invented: list[str]
    forgotten: list[str]

    @property
    def right(self) -> bool:
        """Every one reported and filled, none invented."""
        return self.injected == self.reported == self.filled and not self.invented

    def __str__(self) -> str:
        return (
            f"{self.injected} injected, {self.reported} reported with exact ids, "
            f"{len(self.invented)} invented, {self.filled} filled"
        )


def compare(injected: Collection[Span], ledger: Sequence[tuple[Span, str]]) -> Told:
    """Pure: spans made, and gaps of the ledger with their state."""
    states = dict(ledger)
    reported = [each for each in injected if each in states]
    return Told(
        len(injected),
        len(reported),
        sum(states[each] == "filled" for each in reported),
        [str(each) for each, _ in ledger if each not in set(injected)],
        [str(each) for each in injected if each not in states],
    )


class Injection:
    """Gaps to be injected, and what is known of them afterwards.

    Args:
        many: how many.
    """

    def __init__(self, many: int) -> None:
        self.many = many
        self.spans: list[Span] = []
        self._begins: dict[Traded, int] = {}
        self._ends: dict[Traded, int] = {}
        self._days: set[str] = set()

    def fault(self, *, at_once: bool = True) -> Fault:
        """As the campaign takes it; the ledger is looked at once its minutes are counted."""
        return Fault(
            f"{self.many} gaps on the wire",
            self.strike,
            takes_s=120 + self.many / 4,
            verify=self.became,
            at_once=at_once,
        )

    def strike(self, stack: ChaosStack, rng: random.Random) -> str:
        """Leave them out, some symbols at a time, each at a known id."""
        traded = [each for each in stack.traded if each.exchange == EXCHANGE]
        self._begins = _newest(stack, traded)
        self._days = {_today()}
        while len(self.spans) < self.many:
            most = min(len(traded), self.many - len(self.spans))
            met = rng.sample(traded, rng.randint(max(1, most // 2), most))
            self._leave_out(stack, {each: rng.randint(1, LONGEST) for each in met})
            nap(rng.uniform(0.5, 2.0))
        self._ends = _newest(stack, traded)
        self._days.add(_today())
        trades = sum(last - first + 1 for _, first, last in self.spans)
        return f"{len(self.spans)} spans, {trades} trades"

    def told(self, stack: ChaosStack) -> Told:
        """What the command says of them now."""
        found: dict[Span, str] = {}
        for day in sorted(self._days):
            for gap in completeness(stack, "--day", day)["gaps"]:
                if gap["data_type"] == "trade" and gap["first_id"] is not None:
                    span = Span(gap["symbol"], gap["first_id"], gap["last_id"])
                    found |= {span: gap["state"]} if self._concerns(span) else {}
        return compare(self.spans, list(found.items()))

    def became(self, stack: ChaosStack) -> tuple[str, list[str]]:
        """What became of them once all of their minutes are counted, and what is wrong with it."""
        newest_ns = max(_times(stack, self._ends))
        wait_counted(stack, newest_ns)
        told = self.told(stack)
        wrong = [f"invented: {each}" for each in told.invented]
        wrong += [f"not reported: {each}" for each in told.forgotten]
        if told.filled < told.reported:
            wrong.append(f"{told.reported - told.filled} gaps are not filled")
        return str(told), wrong

    def _concerns(self, span: Span) -> bool:
        """Whether it lies in the ids that went by while gaps were injected."""
        return any(
            span.last_id > begin and span.first_id <= self._ends[each]
            for each, begin in self._begins.items()
            if each.symbol == span.symbol
        )

    def _leave_out(self, stack: ChaosStack, met: dict[Traded, int]) -> None:
        """The market stands still while ids are read, so the next trades are those left out."""
        door = stack.door(EXCHANGE)
        summary = door.post("/sim/pause")
        for each, many in met.items():
            first = summary[each.raw_symbol]["last_trade_id"] + 1
            door.fault("drop", symbol=each.raw_symbol, stream="@trade", count=many)
            self.spans.append(Span(each.symbol, first, first + many - 1))
        door.post("/sim/resume")
        wait_until(lambda: all(not one["left"] for one in door.faults()), 60, "trades left out")
        door.clear_faults()


def completeness(stack: ChaosStack, *options: str) -> dict[str, Any]:
    """What `marketprism completeness --json` prints."""
    answer = stack.command("completeness", "--json", "--exchange", EXCHANGE, *options)
    assert answer.returncode in (0, 2), answer.stderr
    return dict(json.loads(answer.stdout))


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _newest(stack: ChaosStack, traded: Sequence[Traded]) -> dict[Traded, int]:
    newest = stack.newest_made()
    return {each: newest[each] for each in traded}


def _times(stack: ChaosStack, ends: dict[Traded, int]) -> list[int]:
    """When these trades were made, in nanoseconds."""
    rows = [
        stack.door(each.exchange).trades(each.raw_symbol, end, end)[0]["time"]
        for each, end in ends.items()
    ]
    return [int(each) * 10**6 for each in rows]
