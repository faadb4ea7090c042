"""What every system is given: frames as they come from the wire, and how they are passed on."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

TIMES = "_frames.jsonl"
HEAD = "_head.json"

Kind = Literal["book", "trade"]


@dataclass(frozen=True)
class Instrument:
    """What every system must know of the one symbol of a tape; names as the exchange has them."""

    exchange: str
    """Ours: `binance_spot`, `binance_derivatives`, `okx_spot`."""
    raw_symbol: str
    base: str
    quote: str
    tick_size: str
    lot_size: str


@dataclass(frozen=True)
class Tape:
    """Messages of one symbol.

    Args:
        name: its row in the table.
        kind: what is made of them.
        snapshot: body of the REST snapshot for the exchanges that have books by REST.
        opening: frames before the clock runs, so that the book stands.
        frames: the frames that are timed.
        repeat: how often a run starts anew and plays them: short recordings.
    """

    name: str
    kind: Kind
    instrument: Instrument
    opening: tuple[bytes, ...]
    frames: tuple[bytes, ...]
    snapshot: dict[str, Any] | None = None
    repeat: int = 1

    @property
    def mean_bytes(self) -> float:
        """Bytes of a timed frame."""
        return sum(map(len, self.frames)) / len(self.frames)


def write(tape: Tape, folder: Path) -> None:
    """Leave a tape in a folder for `read`; frames are single lines of JSON."""
    head = asdict(tape) | {"opening": len(tape.opening), "frames": len(tape.frames)}
    (folder / f"{tape.name}{HEAD}").write_text(json.dumps(head))
    lines = (*tape.opening, *tape.frames)
    (folder / f"{tape.name}{TIMES}").write_bytes(b"".join(line + b"\n" for line in lines))


def read(folder: Path) -> list[Tape]:
    """All tapes of a folder, by name."""
    return [_read(path, folder) for path in sorted(folder.glob(f"*{HEAD}"))]


def _read(path: Path, folder: Path) -> Tape:
    head = json.loads(path.read_text())
    lines: Sequence[bytes] = (folder / f"{head['name']}{TIMES}").read_bytes().splitlines()
    opening = head.pop("opening")
    del head["frames"]
    instrument = Instrument(**head.pop("instrument"))
    return Tape(
        **head,
        instrument=instrument,
        opening=tuple(lines[:opening]),
        frames=tuple(lines[opening:]),
    )
