"""The command line of the long form, and the faults it asks for."""

import argparse
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from config.settings import ROOT
from tests.chaos.faults import Fault, away, calm
from tests.chaos.gaps import Injection
from tests.chaos.overflow import LONG_S, SHORT_S, Overflow
from tests.chaos.plan import kills, others
from tests.chaos.stack import BOOKS, TRADES_PER_S


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Args:
        seed: of the order, the moments and the market.
        books: symbols of the one exchange.
        trades: a second, all symbols together.
        every: all five exchanges instead.
        patience_s: how long a fault may take to be healed.
        keep: folder for data and logs; None: removed at the end.
        report: file of what was found.
        shown: a file to show instead of a run.
        faults: what is done, in order.
        overflows: what is done to a second stack, whose spool is small.
    """

    seed: int
    books: int
    trades: int
    every: bool
    patience_s: float
    keep: Path | None
    report: Path
    shown: Path | None
    faults: list[Fault]
    overflows: list[Fault]


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line; None: the process's own."""
    given = _parser().parse_args(arguments)
    if given.report is None:
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        given.report = ROOT / ".marketprism" / "chaos" / f"{stamp}.json"
    return Options(
        given.seed,
        given.books,
        given.trades,
        given.every,
        given.patience,
        given.keep,
        given.report,
        given.show,
        *_plan(given),
    )


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m tests.chaos", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = made.add_argument
    add("--kills", type=int, default=200, help="kill -9, spread evenly over the programs")
    add("--singles", type=int, default=42, help="of them healed from one by one, the rest in rows")
    add("--seed", type=int, default=7, help="of the order, the moments and the market")
    add("--seconds", type=float, default=60.0, help="how long a server or the exchange is away")
    add("--nats-minutes", type=float, default=10.0, help="one long outage of NATS; 0: none")
    add("--clickhouse-minutes", type=float, default=30.0, help="one of ClickHouse; 0: none")
    add("--gaps", type=int, default=100, help="spans of trades left out on the wire; 0: none")
    add("--calm-minutes", type=float, default=0.0, help="without a fault at the end, for memory")
    add("--only", default="", help="faults whose name contains one of these words, with commas")
    add("--kills-only", action="store_true", help="no other faults")
    add("--every", action="store_true", help="all five exchanges, two symbols each")
    add("--books", type=int, default=BOOKS, help="symbols without --every, at most 20")
    add("--trades", type=int, default=TRADES_PER_S, help="trades a second, all symbols together")
    add("--patience", type=float, default=300.0, help="seconds a fault may take to be healed")
    add("--keep", type=Path, default=None, help="folder for data and logs, kept")
    add("--report", type=Path, default=None, help="file of what is found, written as it goes")
    add("--show", type=Path, default=None, help="print the tables of such a file, do nothing else")
    return made


def _plan(given: argparse.Namespace) -> tuple[list[Fault], list[Fault]]:
    """What will be done, in order; and to the stack with a small spool.

    Gaps come first, so that the ledger has all the time there is to invent some; long outages come
    last, so that everything else lives long enough for its memory to be judged.
    """
    rng = random.Random(given.seed)
    found = kills(given.kills, given.singles, rng)
    overflows: list[Fault] = []
    if not given.kills_only:
        found += others(given.seconds)
        rng.shuffle(found)
        long = {"nats": given.nats_minutes, "clickhouse": given.clickhouse_minutes}
        found = [
            *([Injection(given.gaps).fault()] if given.gaps else []),
            *found,
            *(away(server, minutes * 60) for server, minutes in long.items() if minutes),
            *([calm(given.calm_minutes * 60)] if given.calm_minutes else []),
        ]
        overflows = [
            Overflow(SHORT_S, trades_too=False).fault(),
            Overflow(LONG_S, trades_too=True).fault(),
        ]
    words = [each.strip() for each in given.only.split(",") if each.strip()]

    def asked(each: Fault) -> bool:
        return not words or any(word in each.name for word in words)

    return [each for each in found if asked(each)], [each for each in overflows if asked(each)]
