"""What the ledger says of one day: each symbol hour by hour, and its gaps."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from config.settings import ClickHouseSettings
from workers.quality.gap_rows import KnownGap, read_gaps
from workers.quality.window_rows import DAY_S, HOUR_S, NS, read_windows

HOURS = 24
MINUTES = 60

Level = Literal["complete", "some", "much", "nothing", "open", "uncounted"]
"""complete: all is there. some, much: under or over 1 % is missing; nothing: all of it. open: no
later trade proves it yet. uncounted: no row, the ledger has not looked or the symbol was not
collected."""


@dataclass(frozen=True)
class Counts:
    """Trades of a window, or of a day."""

    expected: int = 0
    received: int = 0
    stored: int = 0
    duplicates: int = 0
    backfilled: int = 0
    missing: int = 0
    unused: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        sums = {name: mine + getattr(other, name) for name, mine in asdict(self).items()}
        return Counts(**sums)


@dataclass(frozen=True)
class Cell:
    """One hour or minute of a symbol."""

    begin_ns: int
    counts: Counts
    level: Level


@dataclass(frozen=True)
class Line:
    """One symbol's trades of a type."""

    exchange: str
    symbol: str
    data_type: str
    counts: Counts
    cells: Sequence[Cell]
    proof: str


@dataclass(frozen=True)
class Report:
    """A day, or an hour of it.

    Args:
        begin_ns: its beginning.
        end_ns: its end.
        cell_s: length of a cell.
        made_ns: when it was asked for.
        lines: by exchange, symbol and type.
        gaps: those whose time touches it, the oldest first.
    """

    begin_ns: int
    end_ns: int
    cell_s: int
    made_ns: int
    lines: Sequence[Line]
    gaps: Sequence[KnownGap] = field(default_factory=list)

    @property
    def counts(self) -> Counts:
        """All symbols together."""
        total = Counts()
        for line in self.lines:
            total = total.plus(line.counts)
        return total

    def states(self) -> dict[str, int]:
        """How many gaps of trades are in which state."""
        found: dict[str, int] = {}
        for gap in self.trade_gaps:
            found[gap.state] = found.get(gap.state, 0) + 1
        return found

    @property
    def trade_gaps(self) -> list[KnownGap]:
        """Gaps of trades; those of books have no ids to count."""
        return [each for each in self.gaps if each.data_type in ("trade", "aggregate-trade")]

    def shown(self) -> dict[str, Any]:
        """For programs: plain data."""
        return {
            "begin_ns": self.begin_ns,
            "end_ns": self.end_ns,
            "made_ns": self.made_ns,
            "window_s": self.cell_s,
            "total": asdict(self.counts) | {"complete": share(self.counts)},
            "gaps_by_state": self.states(),
            "series": [
                {
                    "exchange": line.exchange,
                    "symbol": line.symbol,
                    "data_type": line.data_type,
                    **asdict(line.counts),
                    "complete": share(line.counts),
                    "proof": line.proof,
                    "windows": [
                        {"begin_ns": each.begin_ns, "level": each.level, **asdict(each.counts)}
                        for each in line.cells
                    ],
                }
                for line in self.lines
            ],
            "gaps": [asdict(each) for each in self.gaps],
        }


def share(counts: Counts) -> float | None:
    """The part of what was expected that is stored; None: nothing was expected."""
    return counts.stored / counts.expected if counts.expected else None


def level_of(counts: Counts, proof: str) -> Level:
    """How complete a window is."""
    if counts.missing:
        if not counts.stored:
            return "nothing"
        return "some" if counts.missing * 100 <= counts.expected else "much"
    return "open" if proof == "open" else "complete"


def report(
    settings: ClickHouseSettings,
    begin_ns: int,
    *,
    exchange: str = "",
    symbol: str = "",
    hourly: bool = True,
) -> Report:
    """What the ledger says of a day, or with `hourly` false of an hour minute by minute.

    Args:
        settings: of ClickHouse.
        begin_ns: of the day or hour.
        exchange: this one alone.
        symbol: this one alone.
        hourly: cells are hours of a day, else minutes of an hour.

    Raises:
        StoreError: ClickHouse refused or is away.
    """
    cell_s, many = (HOUR_S, HOURS) if hourly else (60, MINUTES)
    end_ns = begin_ns + cell_s * many * NS
    found = read_windows(settings, cell_s, begin_ns, end_ns, exchange, symbol)
    lines: dict[tuple[str, str, str], dict[int, Cell]] = {}
    proofs: dict[tuple[str, str, str], str] = {}
    for name, _, traded, data_type, window_ns, *numbers, proof in found.rows:
        key = (name, traded, data_type)
        counts = Counts(*numbers)
        lines.setdefault(key, {})[window_ns] = Cell(window_ns, counts, level_of(counts, proof))
        proofs[key] = proof
    begins = [begin_ns + place * cell_s * NS for place in range(many)]
    return Report(
        begin_ns,
        end_ns,
        cell_s,
        time.time_ns(),
        [_line(key, cells, begins, proofs[key]) for key, cells in lines.items()],
        _gaps(settings, begin_ns, end_ns, exchange, symbol),
    )


def _line(
    key: tuple[str, str, str], cells: dict[int, Cell], begins: Sequence[int], proof: str
) -> Line:
    total = Counts()
    for each in cells.values():
        total = total.plus(each.counts)
    empty = [cells.get(each, Cell(each, Counts(), "uncounted")) for each in begins]
    return Line(*key, total, empty, proof)


def _gaps(
    settings: ClickHouseSettings, begin_ns: int, end_ns: int, exchange: str, symbol: str
) -> list[KnownGap]:
    where = (
        "coalesce(begun_ns, ended_ns, told_ns) < %(end)s AND coalesce(ended_ns, told_ns) >= "
        "%(begin)s AND (%(exchange)s = '' OR exchange = %(exchange)s)"
        " AND (%(symbol)s = '' OR symbol = %(symbol)s)"
    )
    asked: dict[str, object] = {
        "begin": begin_ns, "end": end_ns, "exchange": exchange, "symbol": symbol
    }  # fmt: skip
    return read_gaps(settings, where, asked)


DAY_NS = DAY_S * NS
HOUR_NS = HOUR_S * NS
