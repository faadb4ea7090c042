"""Dead letters as people and `retry` see them: what each one says, and which are meant. Pure.

Two kinds share a stream: frames a mapper could not use (collector/dead_letters.py) and rows
ClickHouse refused (writer/dead_letters.py).
"""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from config.queues import DEAD_LETTERS
from workers.bus.kept import Kept
from workers.model.errors import MarketPrismError
from workers.model.names import unknown_name

STREAM = "DEAD_LETTERS"
ROOT = f"{DEAD_LETTERS}."

Kind = Literal["frame", "row", "unknown"]


class NotRetryable(MarketPrismError):
    """This letter cannot go its way again; the message says why."""


@dataclass(frozen=True)
class Letter:
    """One dead letter.

    Args:
        sequence: its number in the stream, by which people name it.
        subject: `dead-letter.okx_spot.broken_json`, `dead-letter.writer.trades`.
        stored_ns: when it was kept.
        kind: a frame of an exchange, a row for a table, or nothing this version wrote.
        reason: why it is here.
        content: the frame or row.
        truncated: only the beginning of it was kept.
        facts: everything else the letter says.
    """

    sequence: int
    subject: str
    stored_ns: int
    kind: Kind
    reason: str
    content: bytes
    truncated: bool
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """`okx_spot`, or `writer`."""
        return self.subject.removeprefix(ROOT).partition(".")[0]


def read_letter(kept: Kept) -> Letter:
    """What a kept message says; never fails, as people must be able to see everything."""
    try:
        told = json.loads(kept.data)
    except ValueError:
        told = None
    if isinstance(told, dict) and isinstance(told.get("frame"), str):
        frame, reason = told.pop("frame"), f"{told.get('kind')}: {told.get('detail')}"
        # Letters from before the field keep 1,024 bytes at most.
        cut = bool(told.pop("truncated", len(frame.encode()) >= 1024))
        return _letter(kept, "frame", reason, frame.encode(), cut, told)
    if isinstance(told, dict) and isinstance(told.get("subject"), str):
        reason, cut = str(told.pop("reason", "")), bool(told.pop("truncated", False))
        encoded = told.pop("payload_base64", None)
        row = str(told.pop("payload", "")).encode()
        if encoded is not None:
            row = base64.b64decode(encoded[: len(encoded) // 4 * 4])
        return _letter(kept, "row", reason, row, cut, told)
    return _letter(kept, "unknown", "not written by this version", kept.data, False, {})


def _letter(
    kept: Kept, kind: Kind, reason: str, content: bytes, truncated: bool, facts: dict[str, Any]
) -> Letter:
    place = kept.sequence, kept.subject, kept.stored_ns
    return Letter(*place, kind, reason, content, truncated, facts)


@dataclass(frozen=True)
class Choice:
    """Which letters are meant: numbers, and subjects that are kept."""

    sequences: Sequence[int]
    subjects: Sequence[str]


def choose(which: Iterable[str], kept: Iterable[str]) -> Choice:
    """What a person means.

    Args:
        which: numbers, or subjects with or without `dead-letter.`; `writer` means all below it.
        kept: the subjects there are.

    Raises:
        UnknownName: a subject of which nothing is kept; names the nearest.
    """
    known = [each.removeprefix(ROOT) for each in kept]
    sequences: list[int] = []
    subjects: dict[str, None] = {}
    for each in which:
        if each.isascii() and each.isdigit():
            sequences.append(int(each))
            continue
        name = each.removeprefix(ROOT).removesuffix(".>")
        found = [subject for subject in known if subject == name or subject.startswith(f"{name}.")]
        if not found:
            raise unknown_name("group of dead letters", each, known)
        subjects.update(dict.fromkeys(f"{ROOT}{subject}" for subject in found))
    return Choice(list(dict.fromkeys(sequences)), list(subjects))
