"""What could not be published yet, on disk: bounded, in order, and still there after a kill -9.

Every rank of the overflow policy (outgoing.SHED_ORDER) has files of its own, so that a full spool
can give up the oldest snapshots and keep trades: the file that goes is the oldest of the first
rank that has one. Reading merges the ranks by the order in which the messages came.

What is at risk: a killed process loses nothing that was appended; a machine that loses power loses
at most what was appended since the last `sync`.
"""

import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import structlog

from workers.bus.outgoing import SHED_ORDER, Outgoing, rank_of
from workers.bus.segment import Record, Segment
from workers.telemetry.metrics import Counters

log = structlog.get_logger(__name__)

SUFFIX = ".spool"
SEGMENT_BYTES = 16 << 20


class Spooled(NamedTuple):
    """A message read from the spool; `Spool.done` is told of its segment when it may go."""

    order: int
    message: Outgoing
    segment: Segment


class _Lane:
    """The segments of one rank, oldest first, and the next message in them."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self._head: Spooled | None = None

    def head(self) -> Spooled | None:
        """The next message, without taking it."""
        for segment in self.segments:
            if self._head is not None:
                break
            record = segment.next()
            if record is not None:
                self._head = Spooled(record.order, record.message, segment)
        return self._head

    def take(self) -> None:
        """Take the head away."""
        self._head = None

    def drop_oldest(self) -> tuple[Segment, Counter[tuple[str, str]]]:
        """Take the oldest segment out, with what goes with it, by (type, subject)."""
        segment = self.segments.pop(0)
        lost = +segment.unread
        if self._head is not None and self._head.segment is segment:
            lost[self._head.message.type, self._head.message.subject] += 1
            self._head = None
        return segment, lost


class Spool:
    """A folder of segments; may be used from several threads.

    Args:
        folder: of this spool alone; made if it is not there. What is in it is read first.
        max_bytes: of all files together.
        counters: gets spool_messages_total, spool_damaged_total and events_dropped_total.
        segment_bytes: a file of this size is closed and the next one begun.
        find: look at the folder at once; else when `find` is called or something is appended. A
            process that stands by must not touch the folder of the one at work.

    Attributes:
        last_error: why the disk took nothing the last time; None once it took something.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        counters: Counters,
        segment_bytes: int = SEGMENT_BYTES,
        *,
        find: bool = True,
    ) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self._counters = counters
        self._segment_bytes = min(segment_bytes, max(1, max_bytes // 8))
        self._lock = threading.Lock()
        self._lanes = [_Lane() for _ in SHED_ORDER]
        self._lost: Counter[tuple[str, str]] = Counter()
        self._next_order = 0
        self.last_error: str | None = None
        self._found = False
        if find:
            self.find()

    def __len__(self) -> int:
        """Messages that are not done."""
        return sum(each.records - each.done for each in self._segments())

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(each.bytes for each in self._segments())

    def append(self, batch: Sequence[Outgoing]) -> list[Outgoing]:
        """Add messages behind all others; what the disk did not take is given back."""
        self.find()
        by_rank: dict[int, list[Record]] = {}
        left: list[Outgoing] = []
        with self._lock:
            for message in batch:
                by_rank.setdefault(rank_of(message.type), []).append(
                    Record(self._next_order, message)
                )
                self._next_order += 1
            for rank, records in by_rank.items():
                try:
                    self._writable(rank).append(records)
                except OSError as error:
                    if self.last_error is None:
                        log.error("spool_write_failed", folder=str(self.folder), error=str(error))
                    self.last_error = str(error)
                    left += [record.message for record in records]
                else:
                    self.last_error = None
                    self._counters.add("spool_messages_total", "written", by=len(records))
            while self.bytes > self.max_bytes:
                self._shed()
        return left

    def sync(self) -> None:
        """Have the disk keep everything appended; other threads may append meanwhile."""
        for segment in list(self._segments()):
            segment.sync()

    def take(self, limit: int) -> list[Spooled]:
        """The next messages in order, at most `limit`; each is given once."""
        taken: list[Spooled] = []
        with self._lock:
            while len(taken) < limit:
                heads = [
                    (head, lane) for lane in self._lanes if (head := self._head(lane)) is not None
                ]
                if not heads:
                    break
                head, lane = min(heads, key=lambda each: each[0].order)
                lane.take()
                taken.append(head)
        return taken

    def _head(self, lane: _Lane) -> Spooled | None:
        """The lane's next message; a file the disk cannot give back is dropped and counted."""
        while True:
            try:
                return lane.head()
            except OSError as error:
                log.error("spool_read_failed", error=str(error))
                self._counters.add("spool_damaged_total")
                self._drop_oldest(lane, "spool_damaged")

    def done(self, segment: Segment) -> None:
        """A message of this segment was published or given up; a file that is all done goes."""
        with self._lock:
            segment.done += 1
            self._counters.add("spool_messages_total", "done")
            if segment.done < segment.records:
                return
            for lane in self._lanes:
                if segment in lane.segments:
                    lane.segments.remove(segment)
                    segment.remove()

    def losses(self) -> dict[tuple[str, str], int]:
        """Messages shed since the last call, by (type, subject)."""
        with self._lock:
            lost, self._lost = self._lost, Counter()
        return dict(lost)

    def close(self) -> None:
        """Sync and close; what is not done stays for the next process."""
        with self._lock:
            for segment in self._segments():
                segment.close()
                segment.end_reading()

    def _segments(self) -> list[Segment]:
        return [segment for lane in self._lanes for segment in lane.segments]

    def find(self) -> None:
        """Take over what a process before left; once."""
        if self._found:
            return
        self._found = True
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            segment = Segment.found(path)
            if segment.lost_bytes:
                self._counters.add("spool_damaged_total")
                log.error(
                    "spool_damaged",
                    file=path.name,
                    messages_kept=segment.records,
                    bytes_lost=segment.lost_bytes,
                )
            if segment.records:
                self._lanes[int(path.name.partition("-")[0])].segments.append(segment)
                self._next_order = max(self._next_order, segment.last_order + 1)
            else:
                segment.remove()
        if len(self):
            log.info("spool_found", folder=str(self.folder), messages=len(self))

    def _writable(self, rank: int) -> Segment:
        segments = self._lanes[rank].segments
        last = segments[-1] if segments else None
        if last is not None and last.growing and last.bytes < self._segment_bytes:
            return last
        if last is not None and last.growing:
            last.close()
        new = Segment(self.folder / f"{rank}-{self._next_order:020d}{SUFFIX}")
        segments.append(new)
        return new

    def _shed(self) -> None:
        lane = next(lane for lane in self._lanes if lane.segments)
        lost = self._drop_oldest(lane, "spool_full")
        log.error("spool_full", max_bytes=self.max_bytes, lost=lost)

    def _drop_oldest(self, lane: _Lane, reason: str) -> int:
        segment, lost = lane.drop_oldest()
        segment.remove()
        self._lost.update(lost)
        for (kind, _), count in lost.items():
            self._counters.add("events_dropped_total", kind, reason, by=count)
        return lost.total()
