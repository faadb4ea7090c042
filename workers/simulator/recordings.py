"""Reads recorded sessions: frames with their original bytes, and the REST replies among them.

Three formats, told apart by their first bytes:
- `<local ns> <json>` a line, combined frames and bare REST depth snapshots (hftbacktest);
- `<receive s>: <json>` a line with `wss://` control lines, REST replies in a file of their own as
  `<url> -> <receive s>: <json>` (cryptofeed);
- one JSON object with `snapshot`, `snapshot_after`, `updates[{recv, msg}]`.
Each may be gzipped.
"""

import gzip
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from workers.simulator.hub import wrap

LINE = re.compile(rb"^(\d+(?:\.\d+)?):? (\{.*\})$")
REPLY = re.compile(rb"^(https?://\S+) -> (\d+(?:\.\d+)?): (.*)$")


class RecordingError(Exception):
    """A file that cannot be played; says which and why."""


class Frame(NamedTuple):
    """One stream message: when, which stream, its raw payload and its combined form."""

    time_ns: int
    stream: str
    payload: bytes
    whole: bytes


class Reply(NamedTuple):
    """One recorded depth snapshot."""

    time_ns: int
    symbol: str
    body: bytes


@dataclass
class Recording:
    """Everything recorded, in order of time.

    Attributes:
        exchange_info: the body of a recorded exchangeInfo, if there was one.
    """

    frames: list[Frame] = field(default_factory=list)
    snapshots: list[Reply] = field(default_factory=list)
    exchange_info: bytes | None = None

    def streams(self) -> dict[str, int]:
        """Frames per stream."""
        counts: dict[str, int] = {}
        for frame in self.frames:
            counts[frame.stream] = counts.get(frame.stream, 0) + 1
        return counts

    def symbols(self) -> list[str]:
        """The exchange's symbols that occur, in order of appearance."""
        names = [reply.symbol for reply in self.snapshots]
        names += [stream.partition("@")[0].upper() for stream in self.streams()]
        return list(dict.fromkeys(names))

    def steps(self) -> dict[str, tuple[int, int, str]]:
        """Per symbol: digits that its prices need, digits that its quantities need, a price."""
        found: dict[str, tuple[int, int, str]] = {}

        def see(symbol: str, price: str, size: str) -> None:
            before = found.get(symbol, (0, 0, price))
            found[symbol] = (
                max(before[0], digits(price)),
                max(before[1], digits(size)),
                before[2],
            )

        for _, symbol, body in self.snapshots:
            book = msgspec.json.decode(body)
            for price, size in (*book["bids"], *book["asks"]):
                see(symbol, price, size)
        for frame in self.frames:
            symbol, _, channel = frame.stream.partition("@")
            if channel in ("trade", "aggTrade"):
                fields = msgspec.json.decode(frame.payload)
                see(symbol.upper(), fields["p"], fields["q"])
            elif channel.startswith("depth"):
                fields = msgspec.json.decode(frame.payload)
                for price, size in (*fields.get("b", ()), *fields.get("a", ())):
                    see(symbol.upper(), price, size)
        return found


class _Wrapped(msgspec.Struct):
    stream: str
    data: msgspec.Raw


_read_wrapped = msgspec.json.Decoder(_Wrapped).decode


def read(files: Sequence[Path], http: Sequence[Path] = ()) -> Recording:
    """All files on one timeline.

    Raises:
        RecordingError: a file is missing, is in no known format, or holds no frame.
    """
    recording = Recording()
    bare: list[tuple[int, bytes]] = []
    for file in files:
        data = _content(file)
        try:
            if data[:1] == b"{":
                _read_session(data, recording)
            else:
                bare += _read_lines(data.splitlines(), recording)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            raise RecordingError(f"{file}: not a recording: {error!r}") from error
    for file in http:
        _read_replies(_content(file).splitlines(), recording)
    if not recording.frames:
        raise RecordingError(f"{', '.join(map(str, files))}: no frame in it")
    recording.frames.sort(key=lambda frame: frame.time_ns)
    for time_ns, body in bare:
        recording.snapshots.append(Reply(time_ns, _owner(body, recording.frames), body))
    recording.snapshots.sort(key=lambda reply: reply.time_ns)
    return recording


def digits(value: str) -> int:
    """Digits behind the point that a decimal needs: `61837.63000000` needs 2."""
    return len(value.rstrip("0").partition(".")[2])


def _content(file: Path) -> bytes:
    try:
        data = file.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except OSError as error:
        raise RecordingError(f"{file}: cannot be read: {error}") from error


def _read_lines(lines: Iterable[bytes], recording: Recording) -> list[tuple[int, bytes]]:
    bare = []
    for line in lines:
        found = LINE.match(line)
        if not found:
            if line and not line.startswith((b"wss://", b"ws://")):
                raise ValueError(f"line {line[:60]!r}")
            continue
        time_ns, body = _nanoseconds(found[1].decode()), found[2]
        if body.startswith((b'{"lastUpdateId"', b'{"timezone"')):
            if body.startswith(b'{"timezone"'):
                recording.exchange_info = body
            else:
                bare.append((time_ns, body))
            continue
        if b'"stream"' not in body[:40]:
            body = _wrapped(body)
            if not body:
                continue
        wrapped = _read_wrapped(body)
        recording.frames.append(Frame(time_ns, wrapped.stream, bytes(wrapped.data), body))
    return bare


def _read_session(data: bytes, recording: Recording) -> None:
    session: dict[str, Any] = msgspec.json.decode(data)
    symbol = session["symbol"]
    times = []
    for update in session["updates"]:
        body = msgspec.json.encode(update["msg"])
        if "stream" not in update["msg"]:
            body = _wrapped(body)
        wrapped = _read_wrapped(body)
        times.append(_nanoseconds(update["recv"]))
        recording.frames.append(Frame(times[-1], wrapped.stream, bytes(wrapped.data), body))
    placed = [{"after": session.get("snapshot_after") or 0, "snapshot": session["snapshot"]}]
    for each in [*placed, *session.get("resnapshots", ())]:
        before = min(each["after"], len(times)) - 1
        time_ns = times[before] if before >= 0 else times[0] - 1
        body = msgspec.json.encode(each["snapshot"])
        recording.snapshots.append(Reply(time_ns, symbol, body))


def _read_replies(lines: Iterable[bytes], recording: Recording) -> None:
    for line in lines:
        found = REPLY.match(line)
        if not found:
            continue
        address = urlsplit(found[1].decode())
        if address.path.endswith("/depth"):
            symbol = parse_qs(address.query)["symbol"][0]
            time_ns = _nanoseconds(found[2].decode())
            recording.snapshots.append(Reply(time_ns, symbol, found[3]))
        elif address.path.endswith("/exchangeInfo"):
            recording.exchange_info = found[3]


def _wrapped(body: bytes) -> bytes:
    """The combined form of a raw payload; empty where its stream cannot be told."""
    fields = msgspec.json.decode(body)
    symbol = str(fields.get("s", "")).lower()
    names = {
        "depthUpdate": "depth@100ms",
        "trade": "trade",
        "aggTrade": "aggTrade",
        "24hrTicker": "ticker",
    }
    channel = names.get(str(fields.get("e")))
    if channel is None and {"u", "b", "B", "a", "A"} <= fields.keys():
        channel = "bookTicker"
    return wrap(f"{symbol}@{channel}", body) if symbol and channel else b""


def _owner(body: bytes, frames: Iterable[Frame]) -> str:
    """The symbol of a bare snapshot: the one whose depth ids are nearest to its own."""
    update_id = msgspec.json.decode(body)["lastUpdateId"]
    nearest: dict[str, int] = {}
    for frame in frames:
        symbol, _, channel = frame.stream.partition("@")
        if channel.startswith("depth") and symbol not in nearest:
            first = msgspec.json.decode(frame.payload).get("U")
            if first is not None:
                nearest[symbol] = abs(first - update_id)
    if not nearest:
        raise RecordingError("a depth snapshot without any depth stream beside it")
    return min(nearest, key=lambda symbol: nearest[symbol]).upper()


def _nanoseconds(text: str) -> int:
    value = Decimal(str(text))
    return int(value) if value > 10**15 else int(value * 10**9)
