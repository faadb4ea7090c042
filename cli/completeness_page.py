"""The completeness of a day as one HTML file: nothing is loaded from elsewhere."""

from html import escape

from cli.completeness_view import MEANINGS, headline, percent
from cli.views import clock_time, day
from workers.quality.gap_rows import KnownGap
from workers.quality.report import Cell, Level, Report, share

CELL, GAP, LABEL, TOP = 22, 2, 330, 22
COLOURS: dict[Level, str] = {
    "complete": "#2e9e5b",
    "some": "#e3b341",
    "much": "#e5734a",
    "nothing": "#c22f3d",
    "open": "#58a6c9",
    "uncounted": "#8884",
}
STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #8883; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
text { font: 12px system-ui, sans-serif; fill: currentColor; }
.scroll { overflow-x: auto; }
.key span { margin-right: 1.2rem; white-space: nowrap; }
.key i { display: inline-block; width: .8em; height: .8em; margin-right: .4em; }
"""


def page(report: Report) -> str:
    """The whole page."""
    title = f"Completeness of {day(report.begin_ns)}"
    made = f"{day(report.made_ns)} {clock_time(report.made_ns)[:8]} UTC"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style><h1>{title}</h1><p>{escape(headline(report))}</p>"
        f"<p>Made {made}. Trades are counted by the exchange's own ids.</p>"
        f"{_chart(report)}{_table(report)}{_gaps(report)}</html>\n"
    )


def _chart(report: Report) -> str:
    if not report.lines:
        return "<p>Nothing is counted of this day.</p>"
    cells = len(report.lines[0].cells)
    width = LABEL + cells * (CELL + GAP)
    height = TOP + len(report.lines) * (CELL + GAP)
    step = 10 if report.cell_s == 60 else 6
    parts = [
        f'<text x="{LABEL + place * (CELL + GAP)}" y="14">{place:02d}</text>'
        for place in range(0, cells, step)
    ]
    for row, line in enumerate(report.lines):
        y = TOP + row * (CELL + GAP)
        name = escape(f"{line.exchange} {line.symbol} {line.data_type}")
        parts.append(f'<text x="0" y="{y + 15}">{name}</text>')
        for place, cell in enumerate(line.cells):
            x = LABEL + place * (CELL + GAP)
            parts.append(
                f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" rx="3" '
                f'fill="{COLOURS[cell.level]}"><title>{escape(_tip(cell))}</title></rect>'
            )
    key = "".join(
        f'<span><i style="background:{COLOURS[each]}"></i>{MEANINGS[each]}</span>'
        for each in COLOURS
    )
    return (
        f'<div class=scroll><svg role=img aria-label="completeness by hour" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}">{"".join(parts)}</svg></div>'
        f"<p class=key>{key}</p>"
    )


def _tip(cell: Cell) -> str:
    counts = cell.counts
    return (
        f"{clock_time(cell.begin_ns)[:5]}: {MEANINGS[cell.level]}; {counts.stored:,} of "
        f"{counts.expected:,} stored, {counts.missing:,} missing, {counts.backfilled:,} backfilled"
    )


def _table(report: Report) -> str:
    names = ("exchange", "symbol", "type", "expected", "stored", "missing", "repeats",
             "backfilled", "unused ids", "complete")  # fmt: skip
    rows = []
    for line in report.lines:
        counts = line.counts
        numbers = (counts.expected, counts.stored, counts.missing, counts.duplicates,
                   counts.backfilled, counts.unused)  # fmt: skip
        words = "".join(
            f"<td>{escape(each)}" for each in (line.exchange, line.symbol, line.data_type)
        )
        figures = "".join(f"<td class=n>{each:,}" for each in numbers)
        rows.append(f"<tr>{words}{figures}<td class=n>{percent(share(counts))}")
    return f"<div class=scroll><table>{_head(names)}{''.join(rows)}</table></div>"


def _gaps(report: Report) -> str:
    if not report.trade_gaps:
        return "<h2>Gaps</h2><p>None.</p>"
    names = ("from (UTC)", "until", "exchange", "symbol", "type", "ids", "missing now", "cause",
             "state", "why")  # fmt: skip
    rows = "".join(_gap(each) for each in report.trade_gaps)
    return f"<h2>Gaps</h2><div class=scroll><table>{_head(names)}{rows}</table></div>"


def _gap(gap: KnownGap) -> str:
    ids = gap.ids
    begun, ended = gap.begun_ns or gap.told_ns, gap.ended_ns or gap.told_ns
    words = (clock_time(begun)[:12], clock_time(ended)[:12], gap.exchange, gap.symbol,
             gap.data_type, f"{ids[0]}-{ids[1]}" if ids else "", f"{gap.missing:,}", gap.cause,
             gap.state, gap.why)  # fmt: skip
    return "<tr>" + "".join(f"<td>{escape(each)}" for each in words)


def _head(names: tuple[str, ...]) -> str:
    return "<tr>" + "".join(f"<th>{each}" for each in names)
