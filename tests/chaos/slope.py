"""How fast the memory of a program grows: looked at every few seconds, judged where that is fair.

A slope is taken from the longest stretch in which a program lived and nothing was done to the
system, or the same one thing (a server away for half an hour), without the first minutes of the
stretch: buffers fill, a backlog is worked off. Python takes memory in pieces of 1 MB, and a step of
2 MB in the middle shows as a slope of 3 MB over the stretch: so much is no leak. Over a stretch of
`hours` a program may grow by STEPS_MB and by LIMIT_MB_H * hours.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from tests.chaos.levels import Level
from workers.local.supervision import SupervisorAway

LOOK_S = 5.0
WARM_UP_S = 300.0
LIMIT_MB_H = 1.0
STEPS_MB = 3.0
ENOUGH_S = 1200.0
"""Of a stretch after its warm-up: below, only a leak of more than 10 MB/h could be told."""
CACHES = ("nats", "clickhouse")
"""They keep what was stored last in memory, up to limits of their own: shown, not judged."""


class Sample(NamedTuple):
    """One program at one moment, in monotonic seconds."""

    at_s: float
    pid: int
    own_mb: float


class Slope(msgspec.Struct, frozen=True):
    """Growth over the longest quiet stretch of a program.

    Attributes:
        mb_h: megabytes an hour; None: no stretch outlasted its warm-up.
        stretch_s: what it was taken from, without the warm-up.
        lifetimes: processes seen under this name.
    """

    mb_h: float | None
    stretch_s: float
    lifetimes: int

    @property
    def judged(self) -> bool:
        """Whether the stretch is long enough to say anything."""
        return self.mb_h is not None and self.stretch_s >= ENOUGH_S

    @property
    def leaks(self) -> bool:
        """Whether it grew by more than it may."""
        if self.mb_h is None or not self.judged:
            return False
        hours = self.stretch_s / 3600
        return self.mb_h * hours > LIMIT_MB_H * hours + STEPS_MB


class Watch:
    """Looks at every program in a thread of its own, from its making to `close`.

    Args:
        look: the levels of all programs now.
    """

    def __init__(self, look: Callable[[], Mapping[str, Level]]) -> None:
        self._look = look
        self._samples: dict[str, list[Sample]] = {}
        self._marks: list[float] = []
        self.missed = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def mark(self) -> None:
        """From now on something else is done to the system."""
        self._marks.append(time.monotonic())

    def close(self) -> None:
        self._ended.set()
        self._thread.join(10)

    def slopes(self) -> dict[str, Slope]:
        """Of every program seen until now."""
        marks = list(self._marks)
        return {
            name: slope(list(samples), marks, WARM_UP_S)
            for name, samples in list(self._samples.items())
        }

    def _run(self) -> None:
        while not self._ended.wait(LOOK_S):
            now_s = time.monotonic()
            try:
                found = self._look()
            except SupervisorAway:
                self.missed += 1
                continue
            for name, level in found.items():
                sample = Sample(now_s, level.pid, level.own_mb)
                self._samples.setdefault(name, []).append(sample)


def slope(samples: Sequence[Sample], marks: Sequence[float], warm_up_s: float) -> Slope:
    """Least squares over the longest stretch between marks and changes of the process."""
    stretches: list[list[Sample]] = []
    before: Sample | None = None
    for each in samples:
        torn = before is None or before.pid != each.pid
        torn = torn or any(before.at_s < mark <= each.at_s for mark in marks if before)
        if torn:
            stretches.append([])
        stretches[-1].append(each)
        before = each
    warm = [
        [each for each in stretch if each.at_s >= stretch[0].at_s + warm_up_s]
        for stretch in stretches
    ]
    longest = max(warm, key=length_of, default=[])
    lifetimes = len({each.pid for each in samples})
    if len(longest) < 3:
        return Slope(None, 0.0, lifetimes)
    return Slope(_least_squares(longest) * 3600, length_of(longest), lifetimes)


def length_of(stretch: Sequence[Sample]) -> float:
    """Seconds from its first to its last sample."""
    return stretch[-1].at_s - stretch[0].at_s if stretch else 0.0


def too_steep(slopes: Mapping[str, Slope]) -> list[str]:
    """Programs that leak, in words."""
    return [
        f"{name} grew by {each.mb_h:.1f} MB/h over {each.stretch_s / 60:.0f} min"
        for name, each in slopes.items()
        if each.leaks and name not in CACHES
    ]


def _least_squares(samples: Sequence[Sample]) -> float:
    """Megabytes a second."""
    middle_s = sum(each.at_s for each in samples) / len(samples)
    middle_mb = sum(each.own_mb for each in samples) / len(samples)
    spread = sum((each.at_s - middle_s) ** 2 for each in samples)
    return sum((s.at_s - middle_s) * (s.own_mb - middle_mb) for s in samples) / spread
