"""The completeness of a day as text: a table, a heat-map, the gaps."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.views import clock_time, span
from workers.quality.gap_rows import KnownGap
from workers.quality.report import HOUR_NS, Level, Line, Report, share
from workers.quality.words import MEANINGS, headline, ids_of, percent, title

MOST_GAPS = 20
MOST_LINES = 100
"""Of more series only those are shown that are not complete."""

CELLS: dict[Level, tuple[str, str]] = {
    "complete": ("█", "green"),
    "some": ("▓", "yellow"),
    "much": ("▒", "red"),
    "nothing": ("░", "bold red"),
    "open": ("◦", "cyan"),
    "counted": ("▪", "blue"),
    "quiet": (" ", ""),
    "uncounted": ("·", "dim"),
}
"""A character and a colour for each level; either alone is enough."""
STATE_STYLES = {"open": "yellow", "filling": "cyan", "filled": "green", "unfillable": "red"}


def show(report: Report, console: Console, *, unverified: bool = False) -> None:
    """Print a report; `unverified`: series that are only counted get lines too."""
    if not report.lines:
        console.print(nothing(report))
        return
    lines = list(report.lines) if unverified else report.verified
    if report.verified:
        console.print(headline(report))
    if lines:
        shown = _chosen(lines)
        console.print(_table(report, shown))
        if len(lines) > len(shown):
            console.print(f"and {len(lines) - len(shown)} more series; --json has all")
    if not unverified:
        _show_unverified(report.unverified, console)
    if report.gaps:
        _show_gaps(report, console)


def nothing(report: Report) -> str:
    """A report without a line, and what to do."""
    return (
        f"nothing is counted of {title(report)} UTC: no rows of it were stored, or the ledger has "
        "not looked yet. It looks once a minute while beat and a general worker run; at once: "
        "marketprism run quality.update_ledger --exchange binance_spot"
    )


def _chosen(lines: Sequence[Line]) -> Sequence[Line]:
    if len(lines) <= MOST_LINES:
        return lines
    lacking = [each for each in lines if each.counts.missing]
    return (lacking or lines)[:MOST_LINES]


def _table(report: Report, lines: Sequence[Line]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in ("exchange", "symbol", "type"):
        table.add_column(name, no_wrap=True)
    for name in ("expected", "missing", "repeats", "fetched", "complete"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(_scale(report), no_wrap=True)
    for line in lines:
        counts = line.counts
        style = "red" if counts.missing else ""
        known = line.verified
        table.add_row(
            line.exchange,
            line.symbol,
            line.data_type,
            f"{counts.expected:,}" if known else Text(f"{counts.stored:,}", style="dim"),
            Text(f"{counts.missing:,}" if known else "?", style=style),
            f"{counts.duplicates:,}",
            f"{counts.backfilled:,}",
            Text(percent(share(counts)) if known else "-", style=style),
            _cells(line),
        )
    seen = {cell.level for line in lines for cell in line.cells} - {"quiet"}
    table.caption = "  ".join(
        f"{CELLS[each][0]} {MEANINGS[each]}" for each in CELLS if each in seen
    )
    table.caption_justify = "left"
    return table


def _scale(report: Report) -> str:
    """Hours or minutes above the cells, every sixth or tenth."""
    if report.cell_s == 60:
        return "".join(f"{place:<10}" for place in range(0, 60, 10))
    hour = (report.end_ns - report.begin_ns) // HOUR_NS
    return "".join(f"{place:<6}" for place in range(0, hour, 6))


def _cells(line: Line) -> Text:
    text = Text()
    for cell in line.cells:
        mark, style = CELLS[cell.level]
        text.append(mark, style)
    return text


def _show_unverified(lines: Sequence[Line], console: Console) -> None:
    """Types of which rows are counted and nothing is proven, in a line."""
    if not lines:
        return
    rows: dict[str, int] = {}
    for line in lines:
        rows[line.data_type] = rows.get(line.data_type, 0) + line.counts.stored
    told = ", ".join(f"{name} {many:,}" for name, many in sorted(rows.items()))
    console.print(f"counted, not verifiable (rows; --type shows them by hour): {told}")


def _show_gaps(report: Report, console: Console) -> None:
    gaps = report.fillable_gaps
    others = len(report.gaps) - len(gaps)
    waiting = [each for each in gaps if each.state != "filled"]
    shown = [*waiting, *(each for each in gaps if each.state == "filled")][:MOST_GAPS]
    if shown:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for name in ("from", "for", "exchange", "symbol", "type", "ids or times", "missing"):
            table.add_column(name, no_wrap=True)
        for name in ("cause", "state"):
            table.add_column(name, no_wrap=True)
        table.add_column("why", overflow="fold")
        for gap in shown:
            table.add_row(*_gap(gap))
        console.print(table)
    if len(gaps) > len(shown):
        console.print(f"and {len(gaps) - len(shown)} more gaps; --json has all")
    if others:
        console.print(
            f"breaks of order books: {others:,}; each book went on from a new snapshot, what "
            "changed between is not kept by any exchange"
        )


def _gap(gap: KnownGap) -> list[Text | str]:
    begun_ns = gap.begun_ns or gap.ended_ns or gap.told_ns
    length_ns = 0 if gap.begun_ns is None or gap.ended_ns is None else gap.ended_ns - gap.begun_ns
    return [
        clock_time(begun_ns)[:8],
        span(length_ns) if length_ns else "",
        gap.exchange,
        gap.symbol,
        gap.data_type,
        ids_of(gap),
        f"{gap.missing:,}",
        gap.cause,
        Text(gap.state, style=STATE_STYLES[gap.state]),
        gap.why,
    ]
