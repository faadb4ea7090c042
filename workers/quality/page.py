"""A report on completeness as one HTML file: nothing is loaded from elsewhere."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

from workers.quality.countable import countable
from workers.quality.gap_rows import KnownGap
from workers.quality.page_style import STYLE
from workers.quality.report import DAY_NS, Cell, Line, Report, share, together
from workers.quality.words import MEANINGS, headline, ids_of, moment, percent, title

MOST_LINES = 300
"""Series in the map; of more, those that lack something come first and the rest are not drawn."""
MOST_GAPS = 500
WIDTH, HEIGHT, FOOT = 960, 130, 18


def page(report: Report) -> str:
    """The whole page."""
    name = f"Completeness {title(report)}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style><main><div class=head><h1>{name}</h1>{_badge(report)}</div>"
        f"<p class=soft>{escape(headline(report)) if report.verified else ''}</p>"
        f"<p class=soft>All times are UTC. Made {moment(report.made_ns, '%Y-%m-%d %H:%M:%S')}.</p>"
        f"{_body(report)}</main></html>\n"
    )


def _body(report: Report) -> str:
    if not report.lines:
        return (
            "<h2>Nothing is counted of this day</h2><p>No rows of it were stored, or the ledger "
            "has not looked yet. It looks once a minute while beat and a general worker run.</p>"
        )
    return _tiles(report) + _chart(report) + _map(report) + _types(report) + _gaps(report)


def _badge(report: Report) -> str:
    if not report.verified:
        return "<span class='badge none'>nothing to verify</span>"
    if report.counts.missing:
        return f"<span class='badge bad'>{report.counts.missing:,} missing</span>"
    return "<span class='badge good'>complete</span>"


def _tiles(report: Report) -> str:
    counts, states = report.counts, report.states
    waiting = states.get("open", 0) + states.get("filling", 0)
    breaks = len(report.gaps) - len(report.fillable_gaps)
    tiles = (
        (percent(share(counts)), "of what was expected is stored", bool(counts.missing)),
        (f"{counts.expected:,}", "rows expected", False),
        (f"{counts.missing:,}", "missing", bool(counts.missing)),
        (f"{counts.backfilled:,}", "fetched again from history", False),
        (f"{waiting:,}", "gaps being filled", bool(waiting)),
        (f"{states.get('filled', 0):,}", "gaps filled", False),
        (f"{states.get('unfillable', 0):,}", "gaps that cannot be", bool(states.get("unfillable"))),
        (f"{breaks:,}", "breaks of order books", False),
    )
    return "<div class=tiles>" + "".join(
        f"<div class='tile{' bad' if bad else ''}'><b>{figure}</b><span>{words}</span></div>"
        for figure, words, bad in tiles
    ) + "</div>"  # fmt: skip


def _chart(report: Report) -> str:
    """Rows of each hour as bars, what is missing on top of them."""
    places = range(len(report.lines[0].cells))
    sums = [together(line.cells[place].counts for line in report.verified) for place in places]
    most = max((each.expected for each in sums), default=0)
    if not most:
        return ""
    step = WIDTH / len(sums)
    parts = []
    for place, each in enumerate(sums):
        stored = HEIGHT * each.stored / most
        # A single missing row among millions must be seen.
        lost = max(3.0, HEIGHT * each.missing / most) if each.missing else 0.0
        x, wide = place * step + 1, step - 2
        words = escape(f"{_clock(report, place)}: {each.stored:,} stored, {each.missing:,} missing")
        top = HEIGHT - stored
        parts.append(
            f"<g><title>{words}</title><rect class=bar x={x:.1f} y={top:.1f} width={wide:.1f} "
            f"height={stored:.1f} rx=2 />"
            + (
                f"<rect class=lost x={x:.1f} y={max(0.0, top - lost):.1f} width={wide:.1f} "
                f"height={lost:.1f} rx=2 />"
                if lost
                else ""
            )
            + "</g>"
        )
        if place % _every(report) == 0:
            label = _clock(report, place)
            parts.append(f"<text x={x:.1f} y={HEIGHT + FOOT - 4}>{label}</text>")
    parts.append(f"<line class=axis x1=0 x2={WIDTH} y1={HEIGHT + 0.5} y2={HEIGHT + 0.5} />")
    of = "minute" if report.cell_s == 60 else "hour"
    return (
        f"<h2>Rows of each {of} <span class=soft>(at most {most:,})</span></h2><div class=card>"
        f'<svg role=img aria-label="rows stored and missing by {of}" width="100%" '
        f'viewBox="0 0 {WIDTH} {HEIGHT + FOOT}">{"".join(parts)}</svg></div>'
    )


def _clock(report: Report, place: int) -> str:
    return moment(report.begin_ns + place * report.cell_s * 1_000_000_000, "%H:%M")


def _every(report: Report) -> int:
    return 10 if report.cell_s == 60 else 3


def _map(report: Report) -> str:
    places = sorted(
        range(len(report.lines)), key=lambda place: not report.lines[place].counts.missing
    )
    lines = [report.lines[place] for place in sorted(places[:MOST_LINES])]
    maps = "".join(
        f"<h3>{escape(exchange)}</h3>{_map_of(report, list(of_exchange))}"
        for exchange, of_exchange in groupby(lines, key=lambda each: each.exchange)
    )
    seen = {cell.level for line in lines for cell in line.cells}
    key = "".join(
        f"<span><i class={level}></i>{words}</span>"
        for level, words in MEANINGS.items()
        if level in seen
    )
    left = len(report.lines) - len(lines)
    more = f"<p class=soft>{left:,} more series, of which the JSON tells.</p>" if left else ""
    return f"<h2>Every series</h2><div class=card>{maps}<div class=key>{key}</div>{more}</div>"


def _map_of(report: Report, lines: Sequence[Line]) -> str:
    places = range(len(lines[0].cells))
    scale = "".join(
        f"<th>{_clock(report, place)[:2] if report.cell_s != 60 else place}"
        if place % _every(report) == 0
        else "<th>"
        for place in places
    )
    rows = "".join(
        f"<tr><td class=name>{escape(line.symbol)}<td class=name>"
        f'<span class=soft title="{escape(line.data_type)}">{escape(line.data_type)}</span>'
        + "".join(
            f'<td><div class="c {c.level}" title="{escape(_tip(c))}"></div>' for c in line.cells
        )
        + f"<td class=share>{percent(share(line.counts)) if line.verified else _rows(line)}"
        for line in lines
    )
    columns = f"<col class=symbol><col class=type>{'<col>' * len(places)}<col class=share>"
    return f"<table class=map>{columns}<tr><th><th>{scale}<th></tr>{rows}</table>"


def _rows(line: Line) -> str:
    return f"<span class=soft>{line.counts.stored:,}</span>"


def _tip(cell: Cell) -> str:
    counts, at = cell.counts, moment(cell.begin_ns, "%H:%M")
    if cell.level == "counted":
        return f"{at}: {counts.stored:,} rows"
    if not counts.expected:
        return f"{at}: {MEANINGS[cell.level]}"
    return (
        f"{at}: {MEANINGS[cell.level]}; {counts.stored:,} of {counts.expected:,} stored, "
        f"{counts.missing:,} missing, {counts.backfilled:,} fetched again"
    )


def _types(report: Report) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}"
        + "".join(
            f"<td class=n>{each:,}"
            for each in (counts.expected, counts.stored, counts.missing, counts.duplicates,
                         counts.backfilled, counts.unused)
        )
        + f"<td class=n>{percent(share(counts))}<td class=why>{escape(countable(name).how)}"
        for name, counts in report.by_type.items()
    )  # fmt: skip
    head = ("type", "expected", "stored", "missing", "repeats", "fetched again", "not used",
            "complete", "verified by")  # fmt: skip
    verified = f"<h2>By type</h2>{_table(head, rows, numbers=range(1, 8))}" if rows else ""
    return verified + _unverified(report.unverified)


def _unverified(lines: Sequence[Line]) -> str:
    if not lines:
        return ""
    by_type: dict[str, list[Line]] = {}
    for line in lines:
        by_type.setdefault(line.data_type, []).append(line)
    rows = "".join(
        f"<tr><td>{escape(name)}<td class=n>{len(of_type):,}"
        f"<td class=n>{sum(each.counts.stored for each in of_type):,}"
        f"<td class=why>{escape(countable(name).how)}"
        for name, of_type in sorted(by_type.items())
    )
    head = ("type", "series", "rows", "why nothing proves that none is missing")
    return f"<h2>Counted, not verifiable</h2>{_table(head, rows, numbers=(1, 2))}"


def _gaps(report: Report) -> str:
    gaps = sorted(report.fillable_gaps, key=lambda each: each.state == "filled")
    breaks = len(report.gaps) - len(report.fillable_gaps)
    words = (
        f"<p class=soft>Breaks of order books: {breaks:,}. Each book went on from a new snapshot; "
        "what changed between is kept by no exchange.</p>"
        if breaks
        else ""
    )
    if not gaps:
        return f"<h2>Gaps</h2><p>None that an exchange could fill.</p>{words}"
    head = ("when", "of what", "ids or times", "missing now", "cause", "state", "why")
    rows = "".join(_gap(each) for each in gaps[:MOST_GAPS])
    left = len(gaps) - MOST_GAPS
    more = f"<p class=soft>{left:,} more, of which the JSON tells.</p>" if left > 0 else ""
    return f"<h2>Gaps</h2>{_table(head, rows, numbers=(3,))}{more}{words}"


def _gap(gap: KnownGap) -> str:
    begun, ended = gap.begun_ns or gap.told_ns, gap.ended_ns or gap.told_ns
    day = "" if begun // DAY_NS == ended // DAY_NS else moment(ended, "%m-%d ")
    return (
        f"<tr><td>{moment(begun)} to {day}{moment(ended)}"
        f"<td>{escape(gap.symbol)} {escape(gap.data_type)}<small>{escape(gap.exchange)}</small>"
        f"<td>{escape(ids_of(gap))}<td class=n>{gap.missing:,}"
        f"<td>{gap.cause}<td><span class='pill {gap.state}'>{gap.state}</span>"
        f"<td class=why>{escape(gap.why)}"
    )


def _table(head: Sequence[str], rows: str, numbers: Iterable[int]) -> str:
    right = set(numbers)
    names = "".join(
        f"<th class=n>{name}" if place in right else f"<th>{name}"
        for place, name in enumerate(head)
    )
    return f"<div class=card><table><tr>{names}</tr>{rows}</table></div>"
