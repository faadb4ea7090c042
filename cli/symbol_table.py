"""The table of symbols: fewer columns or rows where there is little place.

A figure that is cut says nothing, so whole columns give way, the least telling first.
"""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

Cells = Mapping[str, str]
"""One symbol: column to text, in order."""

STATES = {"SYNCED": "bold green", "SYNCING": "bold yellow", "STALE": "bold red", "": ""}
_LEFT = ("exchange", "symbol", "book")


class SymbolTable:
    """Draws symbols as wide and as high as there is place.

    Args:
        rows: one for each symbol, all with the same columns; at least one. Those worth a look
            come first.
        spare: columns to leave out where the table is too wide, in this order; `exchange` goes
            only while all rows have the same.
        lines: how many there are; None: as many as it takes.
    """

    def __init__(
        self, rows: Sequence[Cells], spare: Sequence[str], lines: int | None = None
    ) -> None:
        self._rows, self._spare, self._lines = rows, spare, lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        count = len(self._rows)
        if self._lines is not None and self._lines < count + 1:
            count = max(1, self._lines - 2)
        yield self._drawn(self._narrowed(console, options), count)
        if count < len(self._rows):
            yield Text(f"{len(self._rows) - count} more: marketprism status", style="yellow")

    def _fits(self, console: Console, options: ConsoleOptions, columns: Iterable[str]) -> bool:
        table = self._drawn(columns, len(self._rows))
        return console.measure(table, options=options.update(width=10_000)).maximum <= (
            options.max_width
        )

    def _narrowed(self, console: Console, options: ConsoleOptions) -> list[str]:
        """The columns that are left once the table fits, or once none can be spared."""
        left = list(self._rows[0])
        alike = len({row.get("exchange") for row in self._rows}) == 1
        for each in self._spare:
            if self._fits(console, options, left):
                break
            if each in left and (each != "exchange" or alike):
                left.remove(each)
        return left

    def _drawn(self, columns: Iterable[str], count: int) -> Table:
        """A table of these columns and the first rows."""
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
        names = list(columns)
        for name in names:
            justify = "left" if name in _LEFT else "right"
            table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
        for row in self._rows[:count]:
            table.add_row(*(_styled(name, row[name]) for name in names))
        return table


def _styled(column: str, text: str) -> Text:
    if column == "book":
        return Text(text, style=STATES.get(text, "bold red"))
    return Text(text, style="dim" if column == "exchange" else "")
