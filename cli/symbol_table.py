"""The table of symbols: two where one does not fit, fewer columns or rows if need be.

A figure that is cut says nothing, so whole columns give way, the least telling first.
"""

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

Cells = Mapping[str, str]
"""One symbol: column to text, in order."""

STATES = {"SYNCED": "bold green", "SYNCING": "bold yellow", "STALE": "bold red"}
_LEFT = ("exchange", "symbol", "book")
_NAMES = ("exchange", "symbol")
_FRAME_LINES = 4
"""A table's lines besides its rows: blank, header, rule, blank."""


class SymbolTable:
    """Draws symbols as wide and as high as there is place.

    Args:
        rows: one for each symbol, all with the same columns; at least one.
        second: columns that move to a second table where one is too wide.
        spare: columns to leave out where a table still is, in this order; `exchange` goes only
            while all rows have the same.
        lines: how many there are; None: as many as it takes.
    """

    def __init__(
        self,
        rows: Sequence[Cells],
        second: Sequence[str],
        spare: Sequence[str],
        lines: int | None = None,
    ) -> None:
        self._rows, self._second, self._spare, self._lines = rows, second, spare, lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = list(self._rows[0])
        parts = [columns]
        if not self._fits(console, options, columns):
            first = [each for each in columns if each not in self._second]
            rest = [each for each in columns if each in (*_NAMES, *self._second)]
            parts = [self._narrowed(console, options, part) for part in (first, rest)]
        count = len(self._rows)
        if self._lines is not None:
            if self._lines < len(parts) * (count + _FRAME_LINES):
                parts = parts[:1]
            if self._lines < count + _FRAME_LINES:
                count = max(1, self._lines - _FRAME_LINES - 1)
        for part in parts:
            yield self._drawn(part, count)
        if count < len(self._rows):
            yield Text(f" {len(self._rows) - count} more: marketprism status", style="yellow")

    def _fits(self, console: Console, options: ConsoleOptions, columns: Iterable[str]) -> bool:
        table = self._drawn(columns, len(self._rows))
        return console.measure(table, options=options.update(width=10_000)).maximum <= (
            options.max_width
        )

    def _narrowed(
        self, console: Console, options: ConsoleOptions, columns: Sequence[str]
    ) -> list[str]:
        """The columns that are left once the table fits, or once none can be spared."""
        left = list(columns)
        alike = len({row.get("exchange") for row in self._rows}) == 1
        for each in self._spare:
            if self._fits(console, options, left):
                break
            if each in left and (each != "exchange" or alike):
                left.remove(each)
        return left

    def _drawn(self, columns: Iterable[str], count: int) -> Table:
        """A table of these columns and the first rows."""
        table = Table(
            box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, header_style="bold"
        )
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
