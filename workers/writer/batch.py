"""What a batch is to the store and to the stream: its token, what is stored, holes. Pure."""

import hashlib
from array import array
from bisect import bisect_right
from collections.abc import Sequence

from workers.bus.subscription import Delivery

KEPT_RANGES = 1000


def token(stream: str, batch: Sequence[Delivery]) -> str:
    """A name for exactly these messages of this stream.

    Sequence numbers begin again when a stream is made anew, so the instants at which JetStream
    took the messages are part of it: two different batches never share a token.
    """
    numbers = array("q")
    for each in batch:
        numbers.append(each.sequence)
        numbers.append(each.stored_ns)
    digest = hashlib.blake2b(numbers.tobytes(), digest_size=16).hexdigest()
    return f"{stream}:{batch[0].sequence}-{batch[-1].sequence}:{len(batch)}:{digest}"


class StoredRanges:
    """Which messages of a stream this process has stored, as ranges of sequence numbers.

    Args:
        kept: ranges remembered; the lowest are forgotten first.
    """

    def __init__(self, kept: int = KEPT_RANGES) -> None:
        self._kept = kept
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def __contains__(self, sequence: int) -> bool:
        index = bisect_right(self._firsts, sequence) - 1
        return index >= 0 and sequence <= self._lasts[index]

    def clear(self) -> None:
        """Forget everything: the stream was made anew and counts from 1."""
        self._firsts.clear()
        self._lasts.clear()

    def add(self, sequences: Sequence[int]) -> None:
        """Remember messages; nearly all of them follow each other."""
        for sequence in sequences:
            if self._lasts and sequence == self._lasts[-1] + 1:
                self._lasts[-1] = sequence
            elif sequence not in self:
                self._insert(sequence)
        while len(self._firsts) > self._kept:
            del self._firsts[0], self._lasts[0]

    def _insert(self, sequence: int) -> None:
        index = bisect_right(self._firsts, sequence)
        if index and self._lasts[index - 1] == sequence - 1:
            self._lasts[index - 1] = sequence
            if index < len(self._firsts) and self._firsts[index] == sequence + 1:
                self._lasts[index - 1] = self._lasts[index]
                del self._firsts[index], self._lasts[index]
        elif index < len(self._firsts) and self._firsts[index] == sequence + 1:
            self._firsts[index] = sequence
        else:
            self._firsts.insert(index, sequence)
            self._lasts.insert(index, sequence)


class Holes:
    """Notices messages of a stream that were never delivered.

    A stream over its limits drops its oldest messages; a writer that was away too long finds a jump
    in the sequence. Only for consumers that take every message of their stream.
    """

    def __init__(self) -> None:
        self._last = 0

    def seen(self, batch: Sequence[Delivery]) -> list[tuple[int, int]]:
        """Jumps before or between first deliveries, as (first, last) missing sequence numbers.

        What is missing may still come (a connection broke); it is lost if the stream begins later.
        """
        holes = []
        for each in batch:
            if each.deliveries > 1:
                continue
            # first deliveries only go back when the stream was made anew
            if 0 < self._last < each.sequence - 1:
                holes.append((self._last + 1, each.sequence - 1))
            self._last = each.sequence
        return holes

    def start_after(self, sequence: int) -> None:
        """Where the consumer stood before this process: what follows is expected next."""
        self._last = max(self._last, sequence)
