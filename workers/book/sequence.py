"""Verdicts on the order of book updates, and the snapshot a book starts from. Pure."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from workers.model.events import BookDelta, Levels


class Verdict(Enum):
    """What an update is to a book."""

    STALE = "stale"
    """The book already contains it."""
    NEXT = "next"
    """It continues the book."""
    GAP = "gap"
    """At least one update between the book and it is missing."""


class Sequencer(Protocol):
    """One exchange's order rule, for one book."""

    last_id: int
    """The last update id the book contains."""

    def judge(self, delta: BookDelta) -> Verdict:
        """Judge one update; does not change `last_id`."""
        ...

    def accept(self, delta: BookDelta) -> None:
        """Take note that the update was applied."""
        ...

    def too_old(self, first: BookDelta) -> bool:
        """Whether a snapshot ending at `last_id` is older than the buffer that `first` begins."""
        ...


@dataclass(frozen=True)
class Snapshot:
    """A book as the exchange gave it.

    Args:
        last_update_id: the update id it ends at.
        bids: best first.
        asks: best first.
        bids_complete: there are no bids beyond the last one here.
        asks_complete: the same for asks.
        contradicted: the exchange's own checksum says that it is not its book.
    """

    last_update_id: int
    bids: Levels
    asks: Levels
    bids_complete: bool
    asks_complete: bool
    contradicted: bool = False
