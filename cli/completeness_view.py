"""The completeness of a day as text: a table, a heat-map, the gaps."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.views import clock_time, day, span
from workers.quality.gap_rows import KnownGap
from workers.quality.report import HOUR_NS, Level, Line, Report, share

MOST_GAPS = 20

CELLS: dict[Level, tuple[str, str]] = {
    "complete": ("█", "green"),
    "some": ("▓", "yellow"),
    "much": ("▒", "red"),
    "nothing": ("░", "bold red"),
    "open": ("◦", "cyan"),
    "uncounted": ("·", "dim"),
}
"""A character and a colour for each level; either alone is enough."""
MEANINGS: dict[Level, str] = {
    "complete": "complete",
    "some": "up to 1 % missing",
    "much": "more missing",
    "nothing": "all missing",
    "open": "not proven yet",
    "uncounted": "not counted",
}
STATE_STYLES = {"open": "yellow", "filling": "cyan", "filled": "green", "unfillable": "red"}


def show(report: Report, console: Console) -> None:
    """Print a report."""
    if not report.lines:
        console.print(_nothing(report))
    else:
        console.print(headline(report))
        console.print(_table(report))
    if report.gaps:
        _show_gaps(report, console)


def headline(report: Report) -> str:
    """The day in one line."""
    counts, states = report.counts, report.states()
    when = day(report.begin_ns)
    if report.cell_s == 60:
        when += f" {clock_time(report.begin_ns)[:5]}-{clock_time(report.end_ns - 1)[:5]}"
    gaps = ", ".join(f"{many} {state}" for state, many in sorted(states.items())) or "none"
    return (
        f"{when} UTC: {counts.stored:,} of {counts.expected:,} trades stored "
        f"({percent(share(counts))}), {counts.missing:,} missing; gaps: {gaps}"
    )


def percent(part: float | None) -> str:
    """Never rounded up to 100."""
    if part is None:
        return "-"
    text = f"{part * 100:.4f}"
    return "100 %" if part == 1 else f"{'99.9999' if text == '100.0000' else text} %"


def _nothing(report: Report) -> str:
    return (
        f"nothing is counted of {day(report.begin_ns)} UTC: no trades of it were stored, or the "
        "ledger has not looked yet. It looks once a minute while beat and a general worker run; "
        "at once: marketprism run quality.update_ledger --exchange binance_spot"
    )


def _table(report: Report) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in ("exchange", "symbol", "type"):
        table.add_column(name, no_wrap=True)
    for name in ("expected", "missing", "repeats", "backfilled", "complete"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(_scale(report), no_wrap=True)
    for line in report.lines:
        counts = line.counts
        style = "red" if counts.missing else ""
        table.add_row(
            line.exchange,
            line.symbol,
            line.data_type,
            f"{counts.expected:,}",
            Text(f"{counts.missing:,}", style=style),
            f"{counts.duplicates:,}",
            f"{counts.backfilled:,}",
            Text(percent(share(counts)), style=style),
            _cells(line),
        )
    seen = {cell.level for line in report.lines for cell in line.cells}
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


def _show_gaps(report: Report, console: Console) -> None:
    trades = report.trade_gaps
    others = len(report.gaps) - len(trades)
    waiting = [each for each in trades if each.state != "filled"]
    shown = [*waiting, *(each for each in trades if each.state == "filled")][:MOST_GAPS]
    if shown:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for name in ("from", "for", "exchange", "symbol", "ids", "trades", "cause", "state"):
            table.add_column(name, no_wrap=True)
        table.add_column("why", overflow="fold")
        for gap in shown:
            table.add_row(*_gap(gap))
        console.print(table)
    if len(trades) > len(shown):
        console.print(f"and {len(trades) - len(shown)} more gaps; --json has all")
    if others:
        console.print(
            f"{others} breaks of order books; each book went on from a new snapshot, what changed "
            "between is not kept by any exchange"
        )


def _gap(gap: KnownGap) -> list[Text | str]:
    begun_ns = gap.begun_ns or gap.ended_ns or gap.told_ns
    length_ns = 0 if gap.begun_ns is None or gap.ended_ns is None else gap.ended_ns - gap.begun_ns
    ids = gap.ids
    return [
        clock_time(begun_ns)[:8],
        span(length_ns) if length_ns else "",
        gap.exchange,
        gap.symbol,
        "" if ids is None else f"{ids[0]}-{ids[1]}",
        "" if ids is None else f"{ids[1] - ids[0] + 1:,}",
        gap.cause,
        Text(gap.state, style=STATE_STYLES[gap.state]),
        gap.why,
    ]
