"""The words of a report on completeness, the same on a terminal and on a page. Pure."""

from datetime import UTC, datetime

from workers.exchanges.asking import HOUR_NS
from workers.quality.countable import period_ns, times_of
from workers.quality.gap_rows import KnownGap
from workers.quality.report import Level, Report, share
from workers.quality.window_rows import NS

MEANINGS: dict[Level, str] = {
    "complete": "complete",
    "some": "up to 1 % missing",
    "much": "more missing",
    "nothing": "all missing",
    "open": "not proven yet",
    "counted": "counted, not verifiable",
    "quiet": "nothing due",
    "uncounted": "not counted",
}


def moment(ns: int, form: str = "%H:%M:%S") -> str:
    """A time, UTC."""
    return datetime.fromtimestamp(ns // NS, UTC).strftime(form)


def title(report: Report) -> str:
    """The span: `2026-11-22`, `2026-11-22 14:00-14:59`."""
    when = moment(report.begin_ns, "%Y-%m-%d")
    if report.cell_s == 60:
        when += f" {moment(report.begin_ns, '%H:%M')}-{moment(report.end_ns - 1, '%H:%M')}"
    return when


def headline(report: Report) -> str:
    """The report in one line."""
    counts = report.counts
    gaps = ", ".join(f"{many} {state}" for state, many in report.states.items()) or "none"
    return (
        f"{title(report)} UTC: {counts.stored:,} of {counts.expected:,} expected rows stored "
        f"({percent(share(counts))}), {counts.missing:,} missing; gaps: {gaps}"
    )


def percent(part: float | None) -> str:
    """Never rounded up to 100."""
    if part is None:
        return "-"
    text = f"{part * 100:.4f}"
    return "100 %" if part == 1 else f"{'99.9999' if text == '100.0000' else text} %"


def ids_of(gap: KnownGap) -> str:
    """The ids of a gap; of periods their times."""
    ids = gap.ids
    if ids is None:
        return ""
    if period_ns(gap.data_type) is None:
        return f"{ids[0]}-{ids[1]}"
    first, last = times_of(gap.data_type, ids)
    form = "%m-%d %H:%M:%S" if gap.data_type.endswith("s") else "%m-%d %H:%M"
    if gap.data_type == "funding-rate-paid":
        form = "%m-%d %H:00"
        # A payment belongs to the full hour that is nearest, and to the hours before it.
        return f"{moment(first + HOUR_NS // 2, form)} to {moment(last + 1 - HOUR_NS // 2, form)}"
    return f"{moment(first, form)} to {moment(last, form)}"
