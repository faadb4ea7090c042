"""Lets the markets' time follow the wall clock, in whole steps.

A machine that cannot keep up for seconds gets a jump in engine time, and the jump is counted.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from workers.simulator.market.engine import STEP_US

MOST_BEHIND_S = 5.0


class Pacer:
    """Runs steps at the pace of real time.

    Args:
        steps: what a step is: one function per symbol.
        after: called once after each burst of steps, to write what they made.

    Attributes:
        jumps: seconds that were skipped because the machine could not keep up.
    """

    def __init__(self, steps: Sequence[Callable[[], None]], after: Callable[[], None]) -> None:
        self.jumps_s = 0.0
        self.steps_done = 0
        self._steps, self._after = steps, after
        self._burst = asyncio.Event()

    async def run(self) -> None:
        """For ever."""
        started = time.monotonic() - self.steps_done * STEP_US / 1e6
        while True:
            due = int((time.monotonic() - started) * 1e6 / STEP_US)
            behind_s = (due - self.steps_done) * STEP_US / 1e6
            if behind_s > MOST_BEHIND_S:
                self.jumps_s += behind_s
                started += behind_s
                continue
            for _ in range(min(due - self.steps_done, 40)):
                self._advance()
            self._after()
            self._burst.set()
            self._burst = asyncio.Event()
            until = started + (self.steps_done + 1) * STEP_US / 1e6
            await asyncio.sleep(max(0.0, until - time.monotonic()))

    async def burst(self) -> None:
        """Wait until the next steps are done."""
        await self._burst.wait()

    def step(self) -> None:
        """One step at once, without waiting for its time."""
        self._advance()
        self._after()

    def _advance(self) -> None:
        for step in self._steps:
            step()
        self.steps_done += 1
