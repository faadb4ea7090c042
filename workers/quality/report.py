"""What the ledger says of one day: each series hour by hour, and its gaps."""

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from config.settings import ClickHouseSettings
from workers.model.names import unknown_name
from workers.quality.countable import COUNTABLES, countable, fillable
from workers.quality.gap_rows import KnownGap, read_gaps
from workers.quality.window_rows import DAY_S, HOUR_S, NS, read_windows

HOURS, MINUTES = 24, 60
DAY_NS, HOUR_NS = DAY_S * NS, HOUR_S * NS

Level = Literal[
    "complete", "some", "much", "nothing", "open", "counted", "quiet", "uncounted"
]  # fmt: skip
"""complete: all is there. some, much: under or over 1 % is missing; nothing: all of it. open: no
later row proves it yet. counted: rows came, nothing proves that all did. quiet: nothing was due, or
nothing came. uncounted: the ledger has not looked, or it was not collected."""


@dataclass(frozen=True)
class Counts:
    """Rows of a window, or of a day."""

    expected: int = 0
    received: int = 0
    stored: int = 0
    duplicates: int = 0
    backfilled: int = 0
    missing: int = 0
    unused: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(
            *(mine + its for mine, its in zip(_values(self), _values(other), strict=True))
        )


def _values(counts: Counts) -> tuple[int, ...]:
    return (
        counts.expected, counts.received, counts.stored, counts.duplicates, counts.backfilled,
        counts.missing, counts.unused,
    )  # fmt: skip


def together(many: Iterable[Counts]) -> Counts:
    """All of them."""
    total = Counts()
    for each in many:
        total = total.plus(each)
    return total


@dataclass(frozen=True)
class Cell:
    """One hour or minute of a series."""

    begin_ns: int
    counts: Counts
    level: Level


@dataclass(frozen=True)
class Line:
    """One series: a symbol's trades, its candles of a minute, ..."""

    exchange: str
    symbol: str
    data_type: str
    counts: Counts
    cells: Sequence[Cell]
    proof: str

    @property
    def verified(self) -> bool:
        """Whether anything proves what is missing."""
        return self.proof != "unverifiable"


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
    def verified(self) -> list[Line]:
        """Series of which it can be said what is missing."""
        return [each for each in self.lines if each.verified]

    @property
    def unverified(self) -> list[Line]:
        """Series whose rows are only counted."""
        return [each for each in self.lines if not each.verified]

    @property
    def counts(self) -> Counts:
        """All verified series together."""
        return together(each.counts for each in self.verified)

    @property
    def by_type(self) -> dict[str, Counts]:
        """Verified series by their type of data."""
        found: dict[str, Counts] = {}
        for each in self.verified:
            found[each.data_type] = found.get(each.data_type, Counts()).plus(each.counts)
        return dict(sorted(found.items()))

    @property
    def fillable_gaps(self) -> list[KnownGap]:
        """Gaps of what an exchange may give again; breaks of books are not among them."""
        return [each for each in self.gaps if fillable(each.data_type)]

    @property
    def states(self) -> dict[str, int]:
        """How many of those gaps are in which state."""
        found: dict[str, int] = {}
        for gap in self.fillable_gaps:
            found[gap.state] = found.get(gap.state, 0) + 1
        return dict(sorted(found.items()))

    @property
    def settled(self) -> bool:
        """Nothing of it is missing, and no gap is waited for."""
        return not self.counts.missing and not {"open", "filling"} & set(self.states)

    def shown(self) -> dict[str, Any]:
        """For programs: plain data, as docs/completeness.md describes it."""
        return {
            "begin_ns": self.begin_ns,
            "end_ns": self.end_ns,
            "made_ns": self.made_ns,
            "window_s": self.cell_s,
            "total": _shown(self.counts),
            "by_type": {name: _shown(counts) for name, counts in self.by_type.items()},
            "gaps_by_state": self.states,
            "series": [
                {
                    "exchange": line.exchange,
                    "symbol": line.symbol,
                    "data_type": line.data_type,
                    **(_shown(line.counts) if line.verified else asdict(line.counts)),
                    "proof": line.proof,
                    "how": countable(line.data_type).how,
                    "windows": [
                        {"begin_ns": each.begin_ns, "level": each.level, **asdict(each.counts)}
                        for each in line.cells
                    ],
                }
                for line in self.lines
            ],
            "gaps": [asdict(each) for each in self.gaps],
        }


def _shown(counts: Counts) -> dict[str, Any]:
    return asdict(counts) | {"complete": share(counts)}


def share(counts: Counts) -> float | None:
    """The part of what was expected that is stored; None: nothing was expected."""
    return counts.stored / counts.expected if counts.expected else None


def level_of(counts: Counts, proof: str) -> Level:
    """How complete a window is."""
    if proof == "unverifiable":
        return "counted"
    if counts.missing:
        if not counts.stored:
            return "nothing"
        return "some" if counts.missing * 100 <= counts.expected else "much"
    return "open" if proof == "open" else "complete"


def names_of(data_type: str) -> str:
    """The pattern of the series that a type of event, or one series, means.

    Raises:
        UnknownName: there is neither; has the nearest.
    """
    of_type = [each.names for each in COUNTABLES if each.event_type == data_type]
    if of_type:
        return f"^({'|'.join(of_type)})$"
    if any(re.fullmatch(each.names, data_type) for each in COUNTABLES):
        return f"^{re.escape(data_type)}$"
    known = {each.event_type for each in COUNTABLES} | {"aggregate-trade", "kline-1m"}
    raise unknown_name("type of data", data_type, sorted(known))


def report(
    settings: ClickHouseSettings,
    begin_ns: int,
    *,
    exchange: str = "",
    symbol: str = "",
    data_type: str = "",
    hourly: bool = True,
) -> Report:
    """What the ledger says of a day, or with `hourly` false of an hour minute by minute.

    Args:
        settings: of ClickHouse.
        begin_ns: of the day or hour.
        exchange: this one alone.
        symbol: this one alone.
        data_type: this type of event or this series alone.
        hourly: cells are hours of a day, else minutes of an hour.

    Raises:
        StoreError: ClickHouse refused or is away.
        UnknownName: there is no such type.
    """
    names = names_of(data_type) if data_type else ""
    cell_s, many = (HOUR_S, HOURS) if hourly else (60, MINUTES)
    end_ns = begin_ns + cell_s * many * NS
    found = read_windows(settings, cell_s, begin_ns, end_ns, exchange, symbol, names)
    lines: dict[tuple[str, str, str], dict[int, Cell]] = {}
    proofs: dict[tuple[str, str, str], str] = {}
    for name, _, traded, series, window_ns, *numbers, proof in found.rows:
        key = (name, traded, series)
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
        _gaps(settings, begin_ns, end_ns, exchange, symbol, names),
    )


def _line(
    key: tuple[str, str, str], cells: dict[int, Cell], begins: Sequence[int], proof: str
) -> Line:
    last = max(cells)
    return Line(
        *key,
        together(each.counts for each in cells.values()),
        [
            cells.get(at, Cell(at, Counts(), "quiet" if min(cells) < at < last else "uncounted"))
            for at in begins
        ],
        proof,
    )


def _gaps(
    settings: ClickHouseSettings,
    begin_ns: int,
    end_ns: int,
    exchange: str,
    symbol: str,
    names: str,
) -> list[KnownGap]:
    """What the exchange itself does not have is no gap."""
    where = (
        "coalesce(begun_ns, ended_ns, told_ns) < %(end)s AND coalesce(ended_ns, told_ns) >= "
        "%(begin)s AND (%(exchange)s = '' OR exchange = %(exchange)s)"
        " AND (%(symbol)s = '' OR symbol = %(symbol)s)"
        " AND (%(names)s = '' OR match(data_type, %(names)s))"
    )
    asked: dict[str, object] = {
        "begin": begin_ns, "end": end_ns, "exchange": exchange, "symbol": symbol, "names": names,
    }  # fmt: skip
    return [each for each in read_gaps(settings, where, asked) if not each.absent]
