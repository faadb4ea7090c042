"""The tables a run ends with, made from its report."""

from collections import Counter
from collections.abc import Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.chaos.outcome import Outcome
from tests.chaos.report import Held, Report
from tests.chaos.slope import CACHES, ENOUGH_S, LIMIT_MB_H, STEPS_MB, WARM_UP_S, Slope


def show(report: Report, console: Console) -> None:
    """What every kind of fault did, and what the programs hold."""
    console.print(f"{report.command}, begun {report.begun}", highlight=False)
    if report.ended is None:
        left = len(report.planned) - sum(each.fault != "start" for each in report.outcomes)
        console.print(f"not at its end: {left} of {len(report.planned)} faults have no outcome")
    console.print(_faults(report.outcomes))
    killed = Counter(name for each in report.outcomes for name in each.killed)
    if killed:
        each = ", ".join(f"{count} {name}" for name, count in sorted(killed.items()))
        console.print(f"{killed.total()} kill -9: {each}")
    gaps = ", ".join(f"{count} {cause}" for cause, count in sorted(report.gaps.items()))
    console.print(f"{sum(report.gaps.values())} gaps of trades named by the ledger ({gaps})")
    console.print(
        f"{report.trades} trades made and compared by value; {report.written_twice} rows came "
        "again and lie beside the first until ClickHouse merges them (readers count them once)"
    )
    if report.programs:
        console.print(_programs(report.programs))
    for outcome in report.failed:
        console.print(f"FAILED {outcome}", highlight=False, soft_wrap=True)


def _faults(outcomes: Sequence[Outcome]) -> Table:
    table = Table(title="chaos", caption="seconds, median and worst of the count")
    for name in ("fault", "count", "kills", "lost", "duplicated", "named, not filled"):
        table.add_column(name, justify="left" if name == "fault" else "right")
    for name in ("healed", "whole again", "ledger agrees", "otherwise wrong"):
        table.add_column(name, justify="right")
    kinds: dict[str, list[Outcome]] = {}
    for each in outcomes:
        kinds.setdefault(each.fault, []).append(each)
    for kind, found in kinds.items():
        table.add_row(
            kind,
            str(len(found)),
            str(sum(len(each.killed) for each in found) or ""),
            str(sum(each.lost for each in found)),
            str(sum(each.duplicated for each in found)),
            str(sum(each.named for each in found)),
            _times([each.heal_s for each in found]),
            _times([each.whole_s for each in found]),
            _times([each.ledger_s for each in found]),
            str(sum(len(each.wrong) for each in found)),
        )
    return table


def _times(found: Sequence[float | None]) -> str:
    known = [each for each in found if each is not None]
    if not known:
        return "never"
    worst = "never" if len(known) < len(found) else f"{max(known):.1f}"
    return f"{median(known):.1f}" if len(found) == 1 else f"{median(known):.1f} / {worst}"


def _programs(programs: dict[str, Held]) -> Table:
    table = Table(
        title="memory and open files",
        caption=(
            f"slope: least squares of the memory that is its own, over the longest stretch without "
            f"a change of fault or process, the first {WARM_UP_S / 60:.0f} min left out; judged "
            f"from {ENOUGH_S / 60:.0f} min on (more than {LIMIT_MB_H:g} MB/h and {STEPS_MB:g} MB "
            f"for steps is wrong), {' and '.join(CACHES)} not judged"
        ),
    )
    names = ("program", "MB before", "after", "handles before", "after", "lifetimes", "MB/h")
    for name in (*names, "over", "verdict"):
        table.add_column(name, justify="left" if name in ("program", "verdict") else "right")
    for name, held in programs.items():
        was, now = held.before, held.after
        table.add_row(
            name,
            f"{was.memory_mb:.0f}",
            "-" if now is None else f"{now.memory_mb:.0f}",
            str(was.handles),
            "-" if now is None else str(now.handles),
            *_slope(name, held.slope),
        )
    return table


def _slope(name: str, slope: Slope | None) -> tuple[str, str, str, str]:
    if slope is None:
        return "-", "-", "-", "not watched"
    lives = str(slope.lifetimes)
    if slope.mb_h is None:
        return lives, "-", "-", "too short to say"
    over = f"{slope.stretch_s / 60:.0f} min"
    if name in CACHES:
        verdict = "a cache: not judged"
    elif not slope.judged:
        verdict = "too short to say"
    else:
        verdict = "GROWS" if slope.leaks else "steady"
    return lives, f"{slope.mb_h:+.1f}", over, verdict
