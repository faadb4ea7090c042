"""Every type of event of every exchange: rows stored, rows a second, age of the newest.

A line for each type, a column for each exchange, in figures as short as the screen asks for.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from workers.store.tables import BY_TYPE

TYPES = tuple(BY_TYPE)
SHORT = {
    "orderbook-delta": "delta",
    "funding-rate": "funding",
    "open-interest": "open int.",
    "long-short-ratio": "long-short",
    "volatility-index": "volatility",
    "book-audit": "audit",
}
"""Names for narrow screens."""
OLD_S = 5.0
"""A rate says more than an age below this."""


class Stored(NamedTuple):
    """What is stored of one type of one exchange.

    Args:
        rows: in the table; None while nobody knows.
        rate: rows a second.
        age_s: since the newest was received; None: it is older than what was looked at.
        expected: it ought to come by now.
    """

    rows: int | None
    rate: float
    age_s: float | None
    expected: bool


Cells = Mapping[tuple[str, str], Stored]
"""By (type, exchange); a pair that an exchange does not offer is not in it."""


class TypeTable:
    """Draws the cells, long if they fit and short otherwise.

    Args:
        exchanges: the columns.
        cells: what is in them.
    """

    def __init__(self, exchanges: Sequence[str], cells: Cells) -> None:
        self._exchanges, self._cells = exchanges, cells
        self.types = [kind for kind in TYPES if any((kind, each) in cells for each in exchanges)]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = self._drawn(short=False)
        fits = Measurement.get(console, options.update(width=10_000), wide).maximum
        yield wide if fits <= options.max_width else self._drawn(short=True)

    def lines(self) -> list[str]:
        """A line for each exchange: `okx_spot: trade 1,234 (31/s), ticker 240 (12 s ago)`."""
        found = []
        for exchange in self._exchanges:
            facts = [
                f"{kind} {_rows(cell)} ({_pace(cell)})"
                for kind in self.types
                if (cell := self._cells.get((kind, exchange))) and (cell.rows or cell.expected)
            ]
            found.append(f"{exchange}: {', '.join(facts)}")
        return found

    def _drawn(self, *, short: bool) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
        table.add_column("\nrows stored" if short else "\nrows, rate, newest", no_wrap=True)
        for exchange in self._exchanges:
            name = exchange.replace("_", "\n", 1) if "_" in exchange else f"\n{exchange}"
            table.add_column(name, justify="right", no_wrap=True)
        for kind in self.types:
            cells = (self._cells.get((kind, each)) for each in self._exchanges)
            name = SHORT.get(kind, kind) if short else kind
            table.add_row(name, *(_text(each, short=short) for each in cells))
        return table


def _text(cell: Stored | None, *, short: bool) -> Text:
    if cell is None:
        return Text("·", style="dim")
    if not cell.rows:
        return Text(_rows(cell), style="yellow" if cell.expected else "dim")
    if short:
        return Text(f"{_short(cell.rows)} {_pace(cell, short=True):>5}")
    rate = f"{short_rate(cell.rate)}/s" if cell.rate else ""
    return Text(f"{_rows(cell)} {rate:>6} {short_age(cell.age_s):>4}")


def _rows(cell: Stored) -> str:
    return "?" if cell.rows is None else f"{cell.rows:,}"


def _pace(cell: Stored, *, short: bool = False) -> str:
    """The rate while it flows, else how long ago the newest came."""
    if cell.rate and (cell.age_s or 0) < OLD_S:
        return f"{short_rate(cell.rate)}/s"
    if not cell.rows:
        return "none" if not short else ""
    return short_age(cell.age_s) if short else f"{short_age(cell.age_s)} ago"


def short_rate(per_s: float) -> str:
    """At most four characters: `0.2`, `420`, `1.2k`, `12k`."""
    if per_s >= 1000:
        return f"{per_s / 1000:.1f}k" if per_s < 9950 else f"{per_s / 1000:.0f}k"
    return f"{per_s:.1f}" if per_s < 10 else f"{per_s:.0f}"


def short_age(seconds: float | None) -> str:
    """`0.4s`, `12s`, `4m`; `>10m` where the newest is older than the look went back."""
    if seconds is None:
        return ">10m"
    if seconds < 10:
        return f"{max(0.0, seconds):.1f}s"
    return f"{seconds:.0f}s" if seconds < 120 else f"{seconds / 60:.0f}m"


def _short(rows: int | None) -> str:
    """At most five characters: `9999`, `12.3k`, `123k`, `1.2M`."""
    if rows is None:
        return "?"
    if rows < 10_000:
        return str(rows)
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rows >= size:
            number = rows / size
            return f"{number:.1f}{unit}" if number < 99.95 else f"{number:.0f}{unit}"
    return str(rows)
