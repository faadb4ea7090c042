"""What a book's machine is at, and what it asks for. Plain values."""

from enum import Enum
from typing import Literal

import msgspec

from workers.model.events import BookDelta, GapCause

SnapshotCause = Literal["start", "stale_snapshot"] | GapCause


class Phase(Enum):
    """Where the machine stands."""

    EMPTY = "empty"
    BUFFERING = "buffering"
    SYNCED = "synced"


class RequestSnapshot(msgspec.Struct, frozen=True):
    """Fetch a snapshot and hand it to `snapshot`. One outstanding request is enough."""

    cause: SnapshotCause


class PublishDelta(msgspec.Struct, frozen=True):
    """The delta is now part of the book."""

    delta: BookDelta


class PublishBook(msgspec.Struct, frozen=True):
    """The book was built, or more of it is proven; publish a snapshot of it as it is now."""


class PublishGap(msgspec.Struct, frozen=True):
    """The book left its course. Ids are what is missing, inclusive; None: they cannot tell."""

    cause: GapCause
    first_id: int | None
    last_id: int | None


Action = RequestSnapshot | PublishDelta | PublishBook | PublishGap
Actions = tuple[Action, ...]
