"""How far a run is, and how long it is thought to go on."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime


class Progress:
    """One run.

    Args:
        planned: names and seconds each fault is thought to take.
    """

    def __init__(self, planned: Sequence[tuple[str, float]]) -> None:
        self._planned = [seconds for _, seconds in planned]
        self._begun_s = time.monotonic()
        self.done = 0

    def next(self) -> None:
        """One more fault is behind us."""
        self.done += 1

    @property
    def left_s(self) -> float:
        """By what the faults behind us took, compared with what was thought of them."""
        behind, ahead = sum(self._planned[: self.done]), sum(self._planned[self.done :])
        gone_s = time.monotonic() - self._begun_s
        return ahead * (gone_s / behind if self.done else 1.0)

    def __str__(self) -> str:
        gone_s = time.monotonic() - self._begun_s
        until = datetime.fromtimestamp(time.time() + self.left_s, UTC).strftime("%H:%M")
        return (
            f"{self.done}/{len(self._planned)}, {gone_s / 60:.0f} min gone, "
            f"about {self.left_s / 60:.0f} left, until {until} UTC"
        )
