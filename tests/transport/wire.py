"""WebSocket frames written and read by hand (RFC 6455, 5.2), as a server does. Tests only.

Shares no code with workers/transport, so that a common misreading cannot agree with itself.
"""

import base64
import hashlib
import struct
from collections.abc import Callable

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(payload: bytes, opcode: int = TEXT, *, final: bool = True, reserved: int = 0) -> bytes:
    """An unmasked frame; `reserved`: bits RSV1 to RSV3 as 4, 2, 1."""
    first = (0x80 if final else 0) | reserved << 4 | opcode
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", first, size) + payload
    if size < 0x10000:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


def close_frame(code: int | None, reason: str = "") -> bytes:
    return frame(b"" if code is None else struct.pack("!H", code) + reason.encode(), CLOSE)


def fragments(payload: bytes, sizes: list[int], opcode: int = TEXT) -> list[bytes]:
    """One message in frames of these sizes and a last one with the rest."""
    frames, at = [], 0
    for number, size in enumerate(sizes):
        part = payload[at : at + size]
        frames.append(frame(part, opcode if number == 0 else CONTINUATION, final=False))
        at += size
    frames.append(frame(payload[at:], CONTINUATION if sizes else opcode))
    return frames


def read_frame(read: Callable[[int], bytes]) -> tuple[int, bytes]:
    """Opcode and unmasked payload of one client frame; fails unless it is whole and masked."""
    first, second = read(2)
    assert first & 0xF0 == 0x80, f"first byte {first:#x}: fragmented or reserved bits set"
    assert second & 0x80, "a client must mask its frames"
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack("!H", read(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", read(8))
    mask = read(4)
    payload = read(size)
    return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def upgrade_reply(request: bytes) -> bytes:
    """The 101 reply to an upgrade request (RFC 6455, 4.2.2)."""
    headers = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:] if b": " in line)
    key = {name.lower(): value for name, value in headers.items()}[b"sec-websocket-key"]
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )
