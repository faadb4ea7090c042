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
        wall_s: engine time of the first step, seconds since 1970, if it is to equal the wall
            clock's; None starts from the moment `run` is called.

    Attributes:
        skipped_s: seconds that were skipped because the machine could not keep up.
    """

    def __init__(self, wall_s: float | None = None) -> None:
        self.skipped_s = 0
        self.steps_done = 0
        self._steps: list[Callable[[], None]] = []
        self._skips: list[Callable[[int], None]] = []
        self._flushes: list[Callable[[], None]] = []
        self._wall_s = wall_s
        self._burst = asyncio.Event()

    def add(
        self,
        steps: Sequence[Callable[[], None]],
        skip: Callable[[int], None],
        flush: Callable[[], None],
    ) -> None:
        """Some more markets.

        Args:
            steps: what a step is: one function per symbol.
            skip: lets seconds of engine time pass in which nothing happens.
            flush: called once after each burst of steps, to write what they made.
        """
        self._steps += steps
        self._skips.append(skip)
        self._flushes.append(flush)

    async def run(self) -> None:
        """For ever."""
        started = time.monotonic() - self.steps_done * STEP_US / 1e6
        if self._wall_s is not None:
            started = time.monotonic() - (time.time() - self._wall_s)
        while True:
            due = int((time.monotonic() - started) * 1e6 / STEP_US)
            behind_s = (due - self.steps_done) * STEP_US / 1e6
            if behind_s > MOST_BEHIND_S:
                self._jump(behind_s)
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

    def _jump(self, behind_s: float) -> None:
        """Skip an even number of seconds, so that no window or candle push shifts."""
        seconds = int(behind_s) // 2 * 2
        for skip in self._skips:
            skip(seconds)
        self.skipped_s += seconds
        self.steps_done += seconds * 1_000_000 // STEP_US

    def _after(self) -> None:
        for flush in self._flushes:
            flush()

    def _advance(self) -> None:
        for step in self._steps:
            step()
        self.steps_done += 1
