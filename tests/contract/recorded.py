"""Recorded messages and book sessions, and the ways all exchanges are compared with them.

The folder is described in its INDEX.md; nothing of it is in this repository. Decimals are compared
as numbers, ids and times exactly.
"""

import gzip
import hashlib
from collections.abc import Callable, Container, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.captures import FOLDER
from workers.book.sequence import Snapshot
from workers.book.sync import Action, BookSync, Phase, PublishGap
from workers.exchanges.base import BookReset, Mapped
from workers.model.events import BookDelta, Levels

NEEDS_CAPTURES = [
    pytest.mark.captures,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recorded messages at {FOLDER}"),
]
"""`pytestmark` of every module that reads the folder."""

MapFrame = Callable[[bytes], Sequence[Mapped]]
ReadSnapshot = Callable[[bytes], Snapshot]


class Vector(msgspec.Struct):
    """One line of vectors/dev.jsonl or control.jsonl; `raw` are the bytes as they were sent."""

    id: str
    venue: str
    raw: msgspec.Raw
    expect: Any
    endpoint: str = ""
    kind: str = ""
    ctx: dict[str, Any] | None = None

    @classmethod
    def read(cls, line: bytes) -> "Vector":
        return msgspec.json.decode(line, type=cls)

    @property
    def body(self) -> bytes:
        return bytes(self.raw)


class Update(msgspec.Struct):
    msg: msgspec.Raw


class Resnapshot(msgspec.Struct):
    after: int
    snapshot: msgspec.Raw


class Session(msgspec.Struct):
    """A snapshot, the updates around it, and what a reference book makes of them.

    `snapshot_after` is None where the snapshot is the first message of the stream.
    """

    venue: str
    symbol: str
    snapshot: msgspec.Raw
    updates: list[Update]
    expected: dict[str, Any]
    snapshot_after: int | None = None
    resnapshots: list[Resnapshot] = []


def lines(name: str) -> list[bytes]:
    path = FOLDER / name
    return path.read_bytes().splitlines() if path.is_file() else []


def vectors(name: str, venues: Container[str]) -> list[Vector]:
    return [each for each in map(Vector.read, lines(name)) if each.venue in venues]


def rules(venues: Container[str]) -> list[dict[str, Any]]:
    found = [msgspec.json.decode(line) for line in lines("sync_rules.jsonl")]
    return [each for each in found if each["venue"] in venues]


def session_paths(venues: Container[str]) -> list[Path]:
    paths = sorted((FOLDER / "sessions").glob("*.json*"))
    return [each for each in paths if each.name.removeprefix("mut.").partition(".")[0] in venues]


def session_id(path: Path) -> str:
    return path.name.partition(".json")[0]


def read_session(path: Path) -> Session:
    data = path.read_bytes()
    return msgspec.json.decode(
        gzip.decompress(data) if path.suffix == ".gz" else data, type=Session
    )


def number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def exact(levels: Any) -> list[list[Decimal]]:
    return [[Decimal(price), Decimal(size)] for price, size in levels]


def ns(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else milliseconds * 1_000_000


def canonical(text: str) -> str:
    plain = format(Decimal(text), "f")
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain) or "0"


def digest(bids: Levels, asks: Levels) -> str:
    marked = [*(("b", *level) for level in bids), *(("a", *level) for level in asks)]
    rows = [f"{side}{canonical(price)}:{canonical(size)}" for side, price, size in marked]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def play(
    session: Session, sync: BookSync, map_frame: MapFrame, read_snapshot: ReadSnapshot
) -> Iterator[tuple[int, tuple[Action, ...]]]:
    """Feed a session; yields each update's number and the actions that followed."""
    again = {each.after: each.snapshot for each in session.resnapshots}
    if session.snapshot_after is None:
        feed(sync, map_frame(bytes(session.snapshot)))
    for index, update in enumerate([*session.updates, None]):
        if index == session.snapshot_after:
            sync.snapshot(read_snapshot(bytes(session.snapshot)))
        if index in again:
            sync.snapshot(read_snapshot(bytes(again[index])))
        if update is not None:
            yield index, feed(sync, map_frame(bytes(update.msg)))


def feed(sync: BookSync, items: Sequence[Mapped]) -> tuple[Action, ...]:
    """Hand the book what a frame brought for it."""
    actions: list[Action] = []
    for item in items:
        if isinstance(item, BookReset):
            actions += sync.reset(item.snapshot)
        elif isinstance(item, BookDelta):
            actions += sync.delta(item)
    return tuple(actions)


def assert_same_course(
    session: Session, sync: BookSync, map_frame: MapFrame, read_snapshot: ReadSnapshot
) -> list[tuple[int, PublishGap]]:
    """Play a session and compare every checkpoint and the end; the gaps by update number."""
    expected, final = session.expected, session.expected["final"]
    checkpoints = {each["after_update"]: each for each in expected["checkpoints"]}
    gaps, checked = [], 0
    for index, actions in play(session, sync, map_frame, read_snapshot):
        gaps += [(index, each) for each in actions if isinstance(each, PublishGap)]
        if index in checkpoints and sync.phase is Phase.SYNCED:
            bids, asks = sync.book.levels()
            assert sync.last_id == checkpoints[index]["last_id"]
            assert digest(bids, asks) == checkpoints[index]["sha256"], f"after {index}"
            checked += 1
    assert checked == len(checkpoints)
    assert (sync.phase is Phase.SYNCED) == expected["synced_at_end"]
    # Behind a gap the reference drops what a stream brings; here it waits for the next full book.
    waiting = max(0, sync.buffered - 1) if session.snapshot_after is None else 0
    assert (sync.applied, sync.ignored + waiting) == (expected["applied"], expected["ignored"])
    assert bool(sync.stale_snapshots) == expected["stale_snapshot"]
    assert sync.last_id == final["last_id"]
    assert_levels(sync, final)
    return gaps


def assert_levels(sync: BookSync, book: dict[str, Any]) -> None:
    bids, asks = sync.book.levels()
    assert exact(bids) == exact(book["bids"])
    assert exact(asks) == exact(book["asks"])
