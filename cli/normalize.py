"""`marketprism normalize EXCHANGE < frames.jsonl`: raw frames to events, in a shell."""

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from cli.options import ExchangeName
from cli.output import fail, plain_errors
from workers.model.names import unknown_name

InstrumentsFile = Annotated[
    Path | None,
    typer.Option(
        "--instruments",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="The exchange's reply that lists its instruments; without, symbols stay raw.",
    ),
]


def normalize_command(exchange: ExchangeName, instruments: InstrumentsFile = None) -> None:
    """Turn raw frames on stdin, one a line, into events on stdout, one JSON object a line.

    Lines that cannot be used go to stderr with their number and what is wrong with them; their
    count by kind follows at the end, and the exit code is 1. Answers and heartbeats are no events.
    Without --instruments, symbols of Binance and contracts of OKX stay as they were sent.
    """
    # Imported here: `marketprism --help` does not need every exchange.
    from workers.exchanges.normalize import Normalizer
    from workers.exchanges.registry import EXCHANGES
    from workers.model.codec import encode
    from workers.model.errors import WireError

    with plain_errors():
        name = exchange.lower().replace("-", "_")
        if name not in EXCHANGES:
            raise unknown_name("exchange", exchange, EXCHANGES)
        listed = EXCHANGES[name].read_instruments(instruments.read_bytes()) if instruments else []
        normalizer = Normalizer(name, listed)
        unusable: Counter[str] = Counter()
        lines = 0
        for number, line in enumerate(sys.stdin.buffer, 1):
            frame = line.strip()
            if not frame:
                continue
            lines += 1
            try:
                events = normalizer.events(frame, time.time_ns())
            except WireError as error:
                unusable[error.kind] += 1
                print(f"line {number}: {error.kind}: {error.detail[:200]}", file=sys.stderr)
                continue
            for event in events:
                sys.stdout.write(f"{encode(event).decode()}\n")
        sys.stdout.flush()
        _say_what_stayed_raw(normalizer.unconverted)
        if unusable:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(unusable.items()))
            fail(f"{unusable.total()} of {lines} lines could not be used: {kinds}")


def _say_what_stayed_raw(unconverted: set[str]) -> None:
    if unconverted:
        names = ", ".join(sorted(unconverted)[:5]) + (", ..." if len(unconverted) > 5 else "")
        print(
            f"marketprism: quantities of {names} are contracts, as their size is unknown; "
            "name a list of instruments with --instruments",
            file=sys.stderr,
        )
