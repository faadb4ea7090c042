"""Faults one after another; after each one everything is counted until it is right again."""

import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.chaos.books import BookEars
from tests.chaos.faults import Fault, nap
from tests.chaos.levels import Level, grown, levels
from tests.chaos.stack import ChaosStack
from tests.chaos.truth import Missing, Reckoning

LOOK_S = 0.5
CALM_S = 2.0
"""A fault comes at a random moment of so many seconds after the last one is healed."""


@dataclass
class Outcome:
    """What one fault has done.

    Attributes:
        fault: its name.
        what: whom it met.
        heal_s: until every program ran, every book was SYNCED and published, a scheduled task had
            been run and new trades of every symbol were stored; None: not in time.
        whole_s: until also every trade made meanwhile was stored; None: not in time.
        missing: what was not stored in the end.
        duplicated: trades a reader would count twice.
        wrong: everything else that is not as it should be, in words.
        load: the machine's load average.
    """

    fault: str
    what: str = ""
    heal_s: float | None = None
    whole_s: float | None = None
    missing: Missing = field(default_factory=Missing)
    duplicated: int = 0
    wrong: list[str] = field(default_factory=list)
    load: float = 0.0

    @property
    def failed(self) -> bool:
        late = self.heal_s is None or self.whole_s is None
        return bool(late or self.missing or self.duplicated or self.wrong)

    def __str__(self) -> str:
        times = " ".join(
            f"{name} {'never' if value is None else f'{value:.1f} s'}"
            for name, value in (("healed", self.heal_s), ("whole", self.whole_s))
        )
        parts = [f"{self.fault}: {self.what}; {times}; load {self.load:.1f}"]
        if self.missing:
            parts.append(str(self.missing))
        if self.duplicated:
            parts.append(f"duplicated {self.duplicated}")
        return "; ".join(parts + self.wrong)


class Campaign:
    """One stack under fire.

    Args:
        stack: started.
        seed: of the moments and of who is met.
        patience_s: how long a fault may take to be healed, and trades to be fetched again.
        say: is told of each outcome.
    """

    def __init__(
        self,
        stack: ChaosStack,
        seed: int,
        patience_s: float = 180.0,
        say: Callable[[str], object] = print,
    ) -> None:
        self.stack, self._patience_s, self._say = stack, patience_s, say
        self._rng = random.Random(seed)
        self.ears = BookEars(stack)
        self.reckoning = Reckoning(stack)
        self.outcomes: list[Outcome] = []
        self.before: dict[str, Level] = {}
        self.after: dict[str, Level] = {}

    def close(self) -> None:
        self.ears.close()

    def settle(self) -> None:
        """Until everything works for the first time; that is the level everything is held to.

        Raises:
            AssertionError: it does not come to work.
        """
        start = Outcome("start")
        self._heal(start, time.monotonic(), time.time_ns())
        assert not start.failed, str(start)
        self._say(str(start))
        self.before = levels(self.stack)

    def run(self, faults: Sequence[Fault]) -> list[Outcome]:
        """All of them, and a last look at all there is."""
        for number, fault in enumerate(faults, start=1):
            nap(self._rng.uniform(0, CALM_S))
            outcome = self._strike(fault)
            self.outcomes.append(outcome)
            self._say(f"{number}/{len(faults)} {outcome}")
        self.outcomes.append(self._last_look())
        self._say(str(self.outcomes[-1]))
        return self.outcomes

    def _strike(self, fault: Fault) -> Outcome:
        outcome = Outcome(fault.name)
        begun_s = time.monotonic()
        outcome.what = fault.strike(self.stack, self._rng)
        gone_s, gone_ns = time.monotonic(), time.time_ns()
        if fault.name.startswith("kill"):
            gone_s = begun_s
        self._heal(outcome, gone_s, gone_ns)
        self.after = levels(self.stack)
        outcome.load = os.getloadavg()[0]
        return outcome

    def _heal(self, outcome: Outcome, gone_s: float, gone_ns: int) -> None:
        heard_s = time.monotonic()
        ends = self.stack.newest_made()
        until_s = time.monotonic() + self._patience_s
        ill: list[str] = []
        while time.monotonic() < until_s:
            ill = self._ill(heard_s, gone_ns)
            if not ill and self.reckoning.stored_up_to(ends):
                outcome.heal_s = time.monotonic() - gone_s
                break
            nap(LOOK_S)
        else:
            outcome.wrong += [f"not healed: {each}" for each in ill or ["no new trades stored"]]
        self._whole(outcome, gone_s)
        outcome.wrong += self.ears.unequal(heard_s)
        outcome.duplicated = self.reckoning.duplicated()

    def _whole(self, outcome: Outcome, gone_s: float) -> None:
        """What came until now, fetched again where it was missed."""
        ends = self.stack.newest_made()
        until_s = time.monotonic() + self._patience_s
        while outcome.whole_s is None:
            outcome.missing = self.reckoning.missing(ends)
            if not outcome.missing:
                outcome.whole_s = time.monotonic() - gone_s
                break
            if time.monotonic() > until_s:
                break
            nap(LOOK_S)
        self.reckoning.prove(ends)

    def _ill(self, heard_s: float, gone_ns: int) -> list[str]:
        """Whom trouble is still to be seen of."""
        ill = [
            f"{name} is {state.state}"
            for name, state in self.stack.programs().items()
            if state.state != "RUNNING"
        ]
        unsynced = self.ears.unsynced(heard_s)
        if unsynced:
            ill.append(f"{len(unsynced)} books, {unsynced[0].exchange} {unsynced[0].symbol}")
        if not ill and not self._task_ran(gone_ns):
            ill.append("no scheduled task ran")
        return ill

    def _task_ran(self, since_ns: int) -> bool:
        """Beat sent it, Redis carried it, the worker ran it, ClickHouse has its result."""
        return bool(
            self.stack.rows(
                "SELECT 1 FROM task_results WHERE name = 'quality.fill_gaps' "
                f"AND state = 'SUCCESS' AND started_ns > {since_ns} LIMIT 1"
            )
        )

    def _last_look(self) -> Outcome:
        """Every trade since the first one, once more, and what the programs hold."""
        outcome = Outcome("everything at the end", "every row again, the ledger, memory, handles")
        begun_s = time.monotonic()
        ends = self.stack.newest_made()
        until_s = begun_s + self._patience_s
        while missing := self.reckoning.missing(ends, again=True):
            if time.monotonic() > until_s:
                break
            nap(LOOK_S)
        outcome.missing = missing
        outcome.heal_s = outcome.whole_s = time.monotonic() - begun_s
        outcome.duplicated = self.reckoning.duplicated()
        while (disagrees := self.reckoning.ledger_disagrees()) and time.monotonic() < until_s:
            nap(LOOK_S)
        outcome.wrong += disagrees
        self.after = levels(self.stack)
        outcome.wrong += grown(self.before, self.after)
        outcome.load = os.getloadavg()[0]
        return outcome
