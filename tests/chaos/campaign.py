"""Faults one after another; after each one everything is counted until it is right again."""

import os
import random
import time
from collections.abc import Callable, Sequence

import requests

from tests.chaos.books import BookEars
from tests.chaos.faults import Fault, nap
from tests.chaos.ledger import disagrees, wait_counted
from tests.chaos.levels import Level, grown, levels
from tests.chaos.outcome import Outcome
from tests.chaos.slope import Watch, too_steep
from tests.chaos.stack import ChaosStack, Traded
from tests.chaos.truth import Reckoning
from workers.model.errors import MarketPrismError

LOOK_S = 0.5
CALM_S = 2.0
"""A fault comes at a random moment of so many seconds after the last one is healed."""
BROKEN = (AssertionError, LookupError, MarketPrismError, OSError, requests.RequestException)
"""What ends the look at one fault and not the whole run."""


class Campaign:
    """One stack under fire.

    Args:
        stack: started.
        seed: of the moments and of who is met.
        patience_s: how long a fault may take to be healed, and trades to be fetched again.
        begins: is told of each fault before it strikes.
        ended: is told of each outcome.
    """

    def __init__(
        self,
        stack: ChaosStack,
        seed: int,
        patience_s: float = 180.0,
        begins: Callable[[Fault], object] = lambda _: None,
        ended: Callable[[Outcome], object] = lambda _: None,
    ) -> None:
        self.stack, self._patience_s = stack, patience_s
        self._begins, self._ended = begins, ended
        self._rng = random.Random(seed)
        self.ears = BookEars(stack)
        self.reckoning = Reckoning(stack)
        self.watch = Watch(lambda: levels(stack))
        self.outcomes: list[Outcome] = []
        self.before: dict[str, Level] = {}
        self.after: dict[str, Level] = {}

    def close(self) -> None:
        self.watch.close()
        self.ears.close()

    def settle(self) -> None:
        """Until everything works for the first time; that is the level everything is held to.

        Raises:
            AssertionError: it does not come to work.
        """
        start = Outcome("start")
        begun_s = time.monotonic()
        self._heal(start, begun_s, time.time_ns())
        self._agree(start, begun_s)
        self._ended(start)
        assert not start.failed, str(start)
        self.before = self.after = levels(self.stack)

    def run(self, faults: Sequence[Fault]) -> list[Outcome]:
        """All of them, and a last look at all there is."""
        for fault in faults:
            nap(self._rng.uniform(0, CALM_S))
            self._begins(fault)
            self._note(self._strike(fault))
        self._note(self._last_look(faults))
        return self.outcomes

    def _note(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self._ended(outcome)

    def _strike(self, fault: Fault) -> Outcome:
        outcome = Outcome(fault.name)
        begun_s = time.monotonic()
        killed, ends = len(self.stack.killed), len(self.stack.ends())
        self.watch.mark()
        try:
            outcome.what = fault.strike(self.stack, self._rng)
        except BROKEN as error:
            outcome.wrong.append(f"not done as it should be: {error}")
        gone_s, gone_ns = time.monotonic(), time.time_ns()
        outcome.killed = self.stack.killed[killed:]
        if outcome.killed:
            gone_s = begun_s
        try:
            self._heal(outcome, gone_s, gone_ns)
            if fault.counted:
                wait_counted(self.stack, gone_ns)
            self._agree(outcome, gone_s)
            if fault.at_once:
                self._verify(fault, outcome)
            self.after = levels(self.stack)
        except BROKEN as error:
            outcome.wrong.append(f"could not be judged: {error}")
        outcome.wrong += _unasked(self.stack.ends()[ends:], outcome.killed)
        outcome.load = os.getloadavg()[0]
        outcome.took_s = time.monotonic() - begun_s
        return outcome

    def _verify(self, fault: Fault, outcome: Outcome) -> None:
        if fault.verify is not None:
            words, wrong = fault.verify(self.stack)
            outcome.what = f"{outcome.what}; {words}"
            outcome.wrong += wrong

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
        """What came until now, fetched again where it was missed; then every value compared."""
        ends = self.stack.newest_made()
        if self._patiently(ends):
            outcome.whole_s = time.monotonic() - gone_s
        self._tell(outcome, ends)

    def _patiently(self, ends: dict[Traded, int], *, again: bool = False) -> bool:
        """Whether all trades came to be stored in time."""
        until_s = time.monotonic() + self._patience_s
        while not self.reckoning.whole(ends, again=again):
            if time.monotonic() > until_s:
                return False
            nap(LOOK_S)
        return True

    def _tell(self, outcome: Outcome, ends: dict[Traded, int], *, again: bool = False) -> None:
        look = self.reckoning
        missing = look.missing(ends, again=True) if again else look.prove(ends)
        outcome.lost, outcome.named = missing.lost_count, missing.named_count
        if missing.lost or missing.named:
            outcome.missing = str(missing)
        outcome.wrong += missing.unequal

    def _agree(self, outcome: Outcome, gone_s: float) -> None:
        """Until the ledger says, too, that nothing is missing."""
        until_s = time.monotonic() + self._patience_s
        while wrong := disagrees(self.stack):
            if time.monotonic() > until_s:
                outcome.wrong += wrong
                return
            nap(LOOK_S)
        outcome.ledger_s = time.monotonic() - gone_s

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

    def _last_look(self, faults: Sequence[Fault]) -> Outcome:
        """Every trade since the first one, once more, and what the programs hold."""
        outcome = Outcome("everything at the end", "every row again, the ledger, memory, handles")
        begun_s = time.monotonic()
        self.watch.mark()
        try:
            self._look_back(outcome, faults, begun_s)
        except BROKEN as error:
            outcome.wrong.append(f"could not be judged: {error}")
        outcome.load = os.getloadavg()[0]
        outcome.took_s = time.monotonic() - begun_s
        return outcome

    def _look_back(self, outcome: Outcome, faults: Sequence[Fault], begun_s: float) -> None:
        ends, end_ns = self.stack.newest_made(), time.time_ns()
        if self._patiently(ends, again=True):
            outcome.heal_s = outcome.whole_s = time.monotonic() - begun_s
        self._tell(outcome, ends, again=True)
        outcome.duplicated = self.reckoning.duplicated()
        wait_counted(self.stack, end_ns)
        self._agree(outcome, begun_s)
        for fault in faults:
            self._verify(fault, outcome)
        self.after = levels(self.stack)
        outcome.wrong += grown(self.before, self.after) + too_steep(self.watch.slopes())


def _unasked(ends: Sequence[tuple[str, str]], killed: Sequence[str]) -> list[str]:
    """Ends that were no kill of ours, in words: healing would hide a crash."""
    left = list(killed)
    found = []
    for name, how in ends:
        if name in left:
            left.remove(name)
        else:
            found.append(f"{name} ended although nobody killed it: {how}")
    return found
