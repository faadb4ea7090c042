"""The same messages through MarketPrism and its peers, side by side.

`python -m benchmarks.peers [MESSAGES ROUNDS]`; 500 1 for a short look.

Raw frame -> normalised event -> updated book (or the trade's event), on one core, beside cryptofeed
and ccxt pro and beside the floor, `orjson.loads` alone. Each system runs in a process of its own,
all on one core, one at a time, in turns; a cell is the median of its runs, and ratios compare the
medians of one command. Before anything is timed every system's last book, or its trades, must be
equal to ours; a cell that is not says so. CPU time is measured, not the clock on the wall.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks._machine import table
from benchmarks._peers import environment, tapes
from benchmarks._peers.recorded import FOLDER, recorded
from benchmarks._peers.synthetic import synthetic
from benchmarks._peers.tapes import Tape
from config.settings import ROOT

MESSAGES = 5_000
ROUNDS = 7
OURS, FLOOR, CRYPTOFEED = "by_marketprism", "floor", "by_cryptofeed"
SYSTEMS = {OURS: "MarketPrism", CRYPTOFEED: "cryptofeed", "by_ccxt": "ccxt pro", FLOOR: "floor"}
BOOK_TARGET, TRADE_TARGET, FLOOR_TARGET = 2.5, 3.0, 0.5


class Process:
    """One system, waiting to be asked."""

    def __init__(self, system: str, interpreter: Path, folder: Path, core: int) -> None:
        self.system = system
        self._child = subprocess.Popen(
            [interpreter, "-m", "benchmarks._peers.serve", system, folder],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        os.sched_setaffinity(self._child.pid, {core})
        self.versions: dict[str, str] = self._read()["versions"]

    def ask(self, call: str, tape: Tape) -> Any:
        """The answer to `measure` or `outcome`."""
        assert self._child.stdin is not None
        self._child.stdin.write(f"{call} {tape.name}\n")
        self._child.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.system} ended with {self._child.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """End it."""
        self._child.communicate()


def difference(ours: dict[str, Any], theirs: dict[str, Any]) -> str | None:
    """What differs between two outcomes; of books what we have proven is compared."""
    if "count" in ours:
        same = Decimal(ours["notional"]) == Decimal(theirs["notional"])
        if same and [ours[key] for key in ("count", "last_id")] == [
            theirs[key] for key in ("count", "last_id")
        ]:
            return None
        return f"{theirs} beside {ours}"
    for side in ("bids", "asks"):
        mine = _numbers(ours[side])
        if not mine:
            return f"no {side} here"
        other = _numbers(theirs[side][: len(mine)])
        if mine != other:
            at = next(
                (n for n, pair in enumerate(zip(mine, other, strict=False)) if pair[0] != pair[1]),
                len(other),
            )
            return f"{side} differ at level {at}"
    return None


def _numbers(levels: Sequence[Sequence[str]]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(quantity)) for price, quantity in levels]


def verify(processes: dict[str, Process], tape: Tape) -> dict[str, str]:
    """What each peer's outcome has that ours has not; empty where all agree."""
    ours = processes[OURS].ask("outcome", tape)
    found = {
        name: difference(ours, process.ask("outcome", tape))
        for name, process in processes.items()
        if name not in (OURS, FLOOR)
    }
    return {name: what for name, what in found.items() if what is not None}


def measured(processes: dict[str, Process], tape: Tape, rounds: int) -> dict[str, float]:
    """Median CPU seconds a message of each system; its first run warms it and is not counted."""
    runs: dict[str, list[float]] = {name: [] for name in processes}
    for _ in range(rounds + 1):
        for name, process in processes.items():
            runs[name].append(process.ask("measure", tape))
    return {name: statistics.median(times[1:]) for name, times in runs.items()}


def row(tape: Tape, spent: dict[str, float], wrong: dict[str, str]) -> list[str]:
    """A row of the table."""

    def rate(name: str) -> str:
        text = f"{1 / spent[name]:,.0f}"
        return f"{text} (differs: {wrong[name]})" if name in wrong else text

    target = BOOK_TARGET if tape.kind == "book" else TRADE_TARGET
    gain, share = spent[CRYPTOFEED] / spent[OURS], spent[FLOOR] / spent[OURS]
    return [
        tape.name,
        f"{tape.mean_bytes:,.0f}",
        *(rate(name) for name in SYSTEMS),
        f"{gain:.1f}x (wanted {target}x)",
        f"{share:.2f}",
    ]


def main(messages: int = MESSAGES, rounds: int = ROUNDS) -> None:
    """Measure and print."""
    theirs = environment.python()
    found = [*recorded(messages), *synthetic(messages)]
    if not FOLDER.is_dir():
        print(f"no recordings at {FOLDER}: made messages only")
    core, started_s = max(os.sched_getaffinity(0)), time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for tape in found:
            tapes.write(tape, folder)
        processes = {
            system: Process(
                system, Path(sys.executable) if system == OURS else theirs, folder, core
            )
            for system in SYSTEMS
        }
        try:
            rows = []
            for tape in found:
                wrong = verify(processes, tape)
                rows.append(row(tape, measured(processes, tape, rounds), wrong))
        finally:
            for process in processes.values():
                process.close()
    versions = {
        key: each for process in processes.values() for key, each in process.versions.items()
    }
    title = f"Messages a second, one core, CPU time, medians of {rounds} runs in turns"
    header = ("messages", "bytes", *SYSTEMS.values(), "to cryptofeed", "of the floor")
    table(title, header, rows)
    print("versions: " + ", ".join(f"{key} {each}" for key, each in sorted(versions.items())))
    print(f"load average {os.getloadavg()[0]:.1f}, {time.monotonic() - started_s:.0f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
