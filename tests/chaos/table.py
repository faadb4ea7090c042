"""The table a campaign ends with."""

from collections.abc import Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.chaos.campaign import Campaign, Outcome


def show(campaign: Campaign, console: Console) -> None:
    """What every kind of fault did, and what the programs hold."""
    console.print(_faults(campaign.outcomes))
    console.print(_levels(campaign))
    gaps = campaign.reckoning.gaps_by_cause()
    causes = ", ".join(f"{count} {cause}" for cause, count in sorted(gaps.items()))
    console.print(f"{sum(gaps.values())} gaps of trades named by the ledger ({causes})")
    twice = campaign.reckoning.written_twice()
    console.print(
        f"{campaign.reckoning.made} trades made and compared; {twice} rows came again and "
        "lie beside the first until ClickHouse merges them (readers count them once)"
    )


def _faults(outcomes: Sequence[Outcome]) -> Table:
    table = Table(title="chaos")
    for name in ("fault", "count", "lost", "duplicated", "named, not filled"):
        table.add_column(name, justify="left" if name == "fault" else "right")
    for name in ("healed, median", "max", "whole, median", "max", "otherwise wrong"):
        table.add_column(name, justify="right")
    kinds: dict[str, list[Outcome]] = {}
    for each in outcomes:
        kinds.setdefault(each.fault, []).append(each)
    for kind, found in kinds.items():
        table.add_row(
            kind,
            str(len(found)),
            str(sum(each.missing.lost_count for each in found)),
            str(sum(each.duplicated for each in found)),
            str(sum(each.missing.named_count for each in found)),
            *_times([each.heal_s for each in found]),
            *_times([each.whole_s for each in found]),
            str(sum(len(each.wrong) for each in found)),
        )
    return table


def _times(found: Sequence[float | None]) -> tuple[str, str]:
    known = [each for each in found if each is not None]
    if not known:
        return "never", "never"
    worst = "never" if len(known) < len(found) else f"{max(known):.1f} s"
    return f"{median(known):.1f} s", worst


def _levels(campaign: Campaign) -> Table:
    table = Table(title="memory and open files")
    for name in ("program", "MB before", "MB after", "handles before", "handles after"):
        table.add_column(name, justify="left" if name == "program" else "right")
    for name, was in campaign.before.items():
        now = campaign.after.get(name)
        table.add_row(
            name,
            f"{was.memory_mb:.0f}",
            "-" if now is None else f"{now.memory_mb:.0f}",
            str(was.handles),
            "-" if now is None else str(now.handles),
        )
    return table
