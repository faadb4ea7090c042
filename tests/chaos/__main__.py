"""`python -m tests.chaos --kills 30 --seed 7`: the long form of the suite, `make chaos`."""

import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.chaos.campaign import Campaign
from tests.chaos.faults import Fault
from tests.chaos.ledger import gaps_by_cause
from tests.chaos.options import Options, parse
from tests.chaos.outcome import Outcome
from tests.chaos.overflow import SETTINGS as SMALL_SPOOL
from tests.chaos.progress import Progress
from tests.chaos.report import Report, now
from tests.chaos.report_file import WIDTH, ReportFile
from tests.chaos.stack import ChaosStack
from tests.chaos.table import show

STARTS_S = 40.0
"""A stack up, its first trades stored, and its end."""


class Run:
    """One run over its stacks.

    Args:
        options: of the command line.
        folder: data and logs of all stacks.
        console: is told of everything as it happens.
    """

    def __init__(self, options: Options, folder: Path, console: Console) -> None:
        self._options, self._folder, self._console = options, folder, console
        plan = [(each.name, each.takes_s) for each in (*options.faults, *options.overflows)]
        self.report = Report(" ".join(sys.argv[1:]) or "all defaults", now(), plan)
        self._file = ReportFile(options.report)
        self._progress = Progress(plan)
        self._campaign: Campaign | None = None

    def run(self) -> None:
        """Everything that is planned."""
        options = self._options
        stages = [("all", options.faults, {}), ("small-spool", options.overflows, SMALL_SPOOL)]
        stages = [(name, faults, env) for name, faults, env in stages if faults]
        planned_s = sum(seconds for _, seconds in self.report.planned) + STARTS_S * len(stages)
        self._console.print(
            f"{len(self.report.planned)} faults, seed {options.seed}, about "
            f"{planned_s / 60:.0f} min on two free cores; load {os.getloadavg()[0]:.1f}; "
            f"kept as it goes in {self._file.path}"
        )
        self._file.write(self.report)
        for name, faults, env in stages:
            self._stage(self._folder / name, faults, env)
        self.report.ended = now()
        self._file.write(self.report)

    def _stage(self, folder: Path, faults: Sequence[Fault], env: dict[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        options = self._options
        stack = ChaosStack(
            folder,
            books=options.books,
            trades_per_s=options.trades,
            every=options.every,
            seed=options.seed,
            **env,
        )
        try:
            stack.start()
            self._console.print(
                f"{stack.books} books, {stack.rate} messages/s from the exchange, "
                f"{options.trades} of them trades"
            )
            self._campaign = Campaign(
                stack, options.seed, options.patience_s, self._begins, self._ended
            )
            try:
                self._campaign.settle()
                self._campaign.run(faults)
                self._count(stack, self._campaign)
            finally:
                self._campaign.close()
        finally:
            stack.close()

    def _count(self, stack: ChaosStack, campaign: Campaign) -> None:
        for cause, many in gaps_by_cause(stack).items():
            self.report.gaps[cause] = self.report.gaps.get(cause, 0) + many
        self.report.written_twice += campaign.reckoning.written_twice()

    def _begins(self, fault: Fault) -> None:
        self._console.print(f"{self._progress}: {fault.name} ...", highlight=False, soft_wrap=True)

    def _ended(self, outcome: Outcome) -> None:
        self._console.print(f"  {outcome}", highlight=False, soft_wrap=True)
        report, campaign = self.report, self._campaign
        report.outcomes.append(outcome)
        if campaign is not None and campaign.before:
            if outcome.fault in dict(report.planned):
                self._progress.next()
            report.hold(campaign.before, campaign.after, campaign.watch.slopes())
            report.trades = campaign.reckoning.made
        self._file.write(report)


def main() -> int:
    console = Console(width=WIDTH)
    options = parse()
    if options.shown is not None:
        show(ReportFile(options.shown).read(), console)
        return 0
    logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL)  # it is killed on purpose
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        run = Run(options, options.keep or Path(name), console)
        try:
            run.run()
        except KeyboardInterrupt:
            console.print("interrupted")
            return 130
        finally:
            show(run.report, console)
    return 1 if run.report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
