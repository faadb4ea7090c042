"""What a run has found until now."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from tests.chaos.levels import Level
from tests.chaos.outcome import Outcome
from tests.chaos.slope import Slope


class Held(msgspec.Struct):
    """What one program holds: before all faults, now, and how its memory grows."""

    before: Level
    after: Level | None
    slope: Slope | None


class Report(msgspec.Struct):
    """One run.

    Attributes:
        command: how it was started.
        begun: UTC, ISO 8601.
        planned: faults to come, in seconds they are thought to take.
        outcomes: of what was done, in order; `start` is no fault.
        programs: by name.
        gaps: of trades that the ledger named, by cause.
        trades: made and compared by value.
        written_twice: rows that lie beside an equal one until ClickHouse merges them.
        ended: UTC; None: it still runs, or was interrupted.
    """

    command: str
    begun: str
    planned: list[tuple[str, float]]
    outcomes: list[Outcome] = msgspec.field(default_factory=list)
    programs: dict[str, Held] = msgspec.field(default_factory=dict)
    gaps: dict[str, int] = msgspec.field(default_factory=dict)
    trades: int = 0
    written_twice: int = 0
    ended: str | None = None

    def hold(
        self,
        before: Mapping[str, Level],
        after: Mapping[str, Level],
        slopes: Mapping[str, Slope],
    ) -> None:
        """Take over what the programs hold now."""
        self.programs = {
            name: Held(was, after.get(name), slopes.get(name)) for name, was in before.items()
        }

    @property
    def failed(self) -> list[Outcome]:
        """Outcomes with anything wrong in them."""
        return [each for each in self.outcomes if each.failed]


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
