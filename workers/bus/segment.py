"""One file of the spool: records appended one after the other, each with its length and checksum.

A record: `<length u32> <crc32 u32> <body>`, little endian; both are about the body, which is
MessagePack `[order, subject, message_id, type, payload]`. A record cut off at the end of a file
(the process was killed while it wrote) ends the file; a damaged one in the middle ends it, too, as
what follows cannot be found without its length. How many bytes that costs is told.
"""

import os
import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from workers.bus.outgoing import Outgoing

HEADER = struct.Struct("<II")
LONGEST_BYTES = 64 << 20
"""A length above this is damage, not a message."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, str, str, str, bytes]).decode


class Record(NamedTuple):
    """A message and its place in the order over all segments."""

    order: int
    message: Outgoing


def pack(record: Record) -> bytes:
    """The bytes of one record."""
    order, message = record
    body = _encode((order, message.subject, message.message_id, message.type, message.payload))
    return HEADER.pack(len(body), zlib.crc32(body)) + body


class Segment:
    """An append-only file, read once from its beginning, also while it grows.

    Attributes:
        records: in the file.
        done: of them, those that need not be kept any more.
        bytes: size of the file's good part.
        lost_bytes: behind the good part when it was opened.
        unread: records not given by `next` yet, by (type, subject).
        growing: may still be appended to.
        dirty: appended to since the last `sync`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = self.done = self.bytes = self.lost_bytes = 0
        self.last_order = -1
        self.unread: Counter[tuple[str, str]] = Counter()
        self.growing, self.dirty = True, False
        self._read_records = 0
        self._writer: int | None = None
        self._reader: BinaryIO | None = None

    @classmethod
    def found(cls, path: Path) -> "Segment":
        """A file of a process before, checked from end to end; it does not grow any more."""
        segment = cls(path)
        segment.growing = False
        with path.open("rb") as file:
            while (record := _read(file)) is not None:
                segment._count(record)
                segment.bytes = file.tell()
        segment.lost_bytes = path.stat().st_size - segment.bytes
        return segment

    def append(self, records: Sequence[Record]) -> None:
        """Write records: all of them, or none.

        Raises:
            OSError: the disk is full or broken; nothing was added.
        """
        if self._writer is None:
            self._writer = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        data = b"".join(map(pack, records))
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._writer, left) :]
        except OSError:
            os.ftruncate(self._writer, self.bytes)
            raise
        self.bytes += len(data)
        self.dirty = True
        for record in records:
            self._count(record)

    def next(self) -> Record | None:
        """The next record; None when all were given so far."""
        if self._read_records == self.records:
            return None
        if self._reader is None:
            self._reader = self.path.open("rb")
        record = _read(self._reader)
        if record is None:
            raise OSError(
                f"{self.path.name}: record {self._read_records} of {self.records} is gone"
            )
        self._read_records += 1
        self.unread[record.message.type, record.message.subject] -= 1
        if self._read_records == self.records and not self.growing:
            self.end_reading()
        return record

    def end_reading(self) -> None:
        """Close the reader; nothing more is read."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def sync(self) -> None:
        """Have the disk keep what was appended."""
        if self._writer is not None and self.dirty:
            self.dirty = False
            os.fsync(self._writer)

    def close(self) -> None:
        """Sync, and append no more."""
        self.sync()
        self.growing = False
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None

    def remove(self) -> None:
        """Delete the file."""
        self.dirty = False
        self.close()
        self.end_reading()
        self.path.unlink(missing_ok=True)

    def _count(self, record: Record) -> None:
        self.last_order = record.order
        self.records += 1
        self.unread[record.message.type, record.message.subject] += 1


def _read(file: BinaryIO) -> Record | None:
    """The record at the file's position; None at its end and where it is damaged."""
    header = file.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    length, checksum = HEADER.unpack(header)
    if length > LONGEST_BYTES:
        return None
    body = file.read(length)
    if len(body) < length or zlib.crc32(body) != checksum:
        return None
    try:
        order, subject, message_id, kind, payload = _decode(body)
    except msgspec.DecodeError:
        return None
    return Record(order, Outgoing(subject, payload, message_id, kind))
