"""`python -m tests.chaos --kills 30 --seed 7`: the long form of the suite, `make chaos`."""

import argparse
import logging
import os
import random
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.chaos.campaign import Campaign
from tests.chaos.faults import Fault
from tests.chaos.plan import kills, others
from tests.chaos.stack import BOOKS, TRADES_PER_S, ChaosStack
from tests.chaos.table import show


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m tests.chaos", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = made.add_argument
    add("--kills", type=int, default=200, help="kill -9, spread evenly over the programs")
    add("--seed", type=int, default=7, help="of the order, the moments and the market")
    add("--seconds", type=float, default=60.0, help="how long a server or the exchange is away")
    add("--only", default="", help="faults whose name contains one of these words, with commas")
    add("--kills-only", action="store_true", help="no other faults")
    add("--every", action="store_true", help="all five exchanges, two symbols each")
    add("--books", type=int, default=BOOKS, help="symbols without --every, at most 20")
    add("--trades", type=int, default=TRADES_PER_S, help="trades a second, all symbols together")
    add("--patience", type=float, default=300.0, help="seconds a fault may take to be healed")
    add("--keep", type=Path, default=None, help="folder for data and logs, kept")
    return made


def plan(given: argparse.Namespace) -> list[Fault]:
    """What will be done, in order."""
    rng = random.Random(given.seed)
    found = kills(given.kills, rng)
    if not given.kills_only:
        found += others(given.seconds)
        rng.shuffle(found)
    words = [each.strip() for each in given.only.split(",") if each.strip()]
    return [each for each in found if not words or any(word in each.name for word in words)]


def main() -> int:
    given = parser().parse_args()
    logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL)  # it is killed on purpose
    console = Console(width=160)
    faults = plan(given)
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        folder = given.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        stack = ChaosStack(
            folder,
            books=given.books,
            trades_per_s=given.trades,
            every=given.every,
            seed=given.seed,
        )
        try:
            console.print(
                f"{len(faults)} faults, seed {given.seed}; {stack.books} books, "
                f"{stack.rate} messages/s from the exchange, {given.trades} of them trades; "
                f"load {os.getloadavg()[0]:.1f}"
            )
            stack.start()
            campaign = Campaign(stack, given.seed, given.patience, console.print)
            try:
                campaign.settle()
                outcomes = campaign.run(faults)
                show(campaign, console)
            finally:
                campaign.close()
        finally:
            stack.close()
    return 1 if any(each.failed for each in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
