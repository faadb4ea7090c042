"""One system in one process: `python -m benchmarks._peers.serve SYSTEM FOLDER`.

Reads `measure TAPE` and `outcome TAPE` from standard input, writes one line of JSON for each. While
the parent asks another system this one waits in a read, so that one process runs at a time.
"""

import gc
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from benchmarks._peers import tapes


class System(Protocol):
    """What by_*.py and floor.py are: modules with these names."""

    VERSIONS: dict[str, str]

    def measure(self, tape: tapes.Tape) -> float:
        """CPU seconds for a message, from a fresh start, without the opening."""
        ...

    def outcome(self, tape: tapes.Tape) -> dict[str, Any] | None:
        """What stands at the end, for comparing; None: this system makes nothing.

        A book: {"bids": [[price, quantity], ...], "asks": ...}, best first, decimals as text.
        Trades: {"count": n, "notional": sum of price * quantity, "last_id": id}.
        """
        ...


def main() -> None:
    """Answer until the input ends."""
    name, folder = sys.argv[1:3]
    system: System = importlib.import_module(f"benchmarks._peers.{name}")  # type: ignore[assignment]
    known = {tape.name: tape for tape in tapes.read(Path(folder))}
    calls: dict[str, Callable[[tapes.Tape], Any]] = {
        "measure": system.measure,
        "outcome": system.outcome,
    }
    answer({"versions": system.VERSIONS, "python": sys.version.split()[0]})
    for line in sys.stdin:
        call, _, tape = line.strip().partition(" ")
        gc.collect()
        answer(calls[call](known[tape]))


def answer(value: Any) -> None:
    """One line to the parent."""
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
