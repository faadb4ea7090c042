"""WebSocket frames from a server, cut out of a byte stream. Pure: no socket, no clock.

RFC 6455, sections 5 and 7. The reader is fed whatever one socket read brought and gives back every
message that is complete; how the stream was cut makes no difference. It replaces the receive path
of websocket-client, which makes two to three small reads per frame.

Not checked: that text is UTF-8 (the JSON decoder says so) and that lengths use their shortest form.
No extension is negotiated, so a reserved bit (RSV1: a compressed frame) is a protocol error.
"""

from dataclasses import dataclass
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

NORMAL, PROTOCOL_ERROR, NO_CODE, ABNORMAL, TOO_BIG = 1000, 1002, 1005, 1006, 1009

_FIN = 0x80
_RESERVED_BITS = 0x70
_WHOLE_MESSAGE = frozenset({_FIN | TEXT, _FIN | BINARY})
_SMALLEST_LIMIT = 125
_CODES_OF_THE_RFC = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})


class Control(NamedTuple):
    """A ping or pong: opcode and payload of at most 125 bytes."""

    opcode: int
    payload: bytes


@dataclass(frozen=True)
class Ending:
    """Why no more messages follow.

    Args:
        code: the peer's close code, 1005 where it gave none; 1002 or 1009 if we refuse to go on.
        reason: the peer's words, or what was wrong with the stream.
        refused: True: we end it because of an error in the stream; False: the peer closed.
    """

    code: int
    reason: str
    refused: bool


class FrameReader:
    """Collects bytes of one connection and cuts them into messages.

    Args:
        max_message_bytes: longest message accepted, fragments together; at least 125. A longer one
            ends the stream with 1009 as soon as its length is known.

    Attributes:
        controls: pings and pongs seen and not yet taken by the owner, oldest first.
        ending: set once the stream ended; messages before the end were handed over, bytes after it
            are ignored (RFC 6455, 5.5.1 and 7.1.7).
    """

    def __init__(self, max_message_bytes: int) -> None:
        if max_message_bytes < _SMALLEST_LIMIT:
            raise ValueError(
                f"max_message_bytes is {max_message_bytes}, the least is {_SMALLEST_LIMIT}"
            )
        self._limit = max_message_bytes
        self._parts: list[bytes] = []
        self._held = 0
        self._needed = 2
        self._fragments: bytearray | None = None
        self.controls: list[Control] = []
        self.ending: Ending | None = None

    @property
    def held_bytes(self) -> int:
        """Bytes of messages that are not complete yet."""
        return self._held + len(self._fragments or b"")

    def feed(self, data: bytes) -> list[bytes]:
        """Payloads of the messages that `data` completes, in order."""
        if self._parts:
            # A 16 MiB message arrives in hundreds of reads: join once, not on every read.
            self._parts.append(data)
            self._held += len(data)
            if self._held < self._needed:
                return []
            data = b"".join(self._parts)
            self._parts.clear()
        messages: list[bytes] = []
        if self.ending:
            return messages
        add = messages.append
        at, end, needed = 0, len(data), 2
        while end - at >= 2:
            first, length = data[at], data[at + 1]
            body = at + 2
            if length > 125:
                if length == 126:
                    body = at + 4
                    if body > end:
                        needed = 4
                        break
                    length = data[at + 2] << 8 | data[at + 3]
                elif length == 127:
                    body = at + 10
                    if body > end:
                        needed = 10
                        break
                    length = int.from_bytes(data[at + 2 : body], "big")
                else:
                    self._refuse(PROTOCOL_ERROR, "masked frame from the server")
                    break
                if length > self._limit:
                    self._refuse(TOO_BIG, f"message of {length} bytes, the limit is {self._limit}")
                    break
            stop = body + length
            if first in _WHOLE_MESSAGE and self._fragments is None:
                if stop > end:
                    needed = stop - at
                    break
                add(data[body:stop])
            else:
                if not self._acceptable(first, length):
                    break
                if stop > end:
                    needed = stop - at
                    break
                self._take(first, data[body:stop], messages)
                if self.ending:
                    break
            at = stop
        if self.ending:
            self._held, self._fragments = 0, None
        else:
            self._hold(data[at:] if at else data, needed)
        return messages

    def _hold(self, rest: bytes, needed: int) -> None:
        self._held, self._needed = len(rest), needed
        if rest:
            self._parts.append(rest)

    def _acceptable(self, first: int, length: int) -> bool:
        """Judge a header that is not a plain whole message, before its payload is there."""
        opcode, final = first & 0x0F, first & _FIN
        if first & _RESERVED_BITS:
            what = "compressed frame (RSV1)" if first & 0x40 else "reserved bit set"
            self._refuse(PROTOCOL_ERROR, f"{what}, but no extension was agreed on")
        elif opcode in (PING, PONG, CLOSE):
            if not final:
                self._refuse(PROTOCOL_ERROR, f"fragmented control frame, opcode {opcode}")
            elif length > 125:
                self._refuse(PROTOCOL_ERROR, f"control frame of {length} bytes, the limit is 125")
        elif opcode == CONTINUATION:
            if self._fragments is None:
                self._refuse(PROTOCOL_ERROR, "continuation without a message to continue")
            elif len(self._fragments) + length > self._limit:
                together = len(self._fragments) + length
                self._refuse(
                    TOO_BIG, f"fragments of {together} bytes together, the limit is {self._limit}"
                )
        elif opcode in (TEXT, BINARY):
            if self._fragments is not None:
                self._refuse(PROTOCOL_ERROR, "new message inside a fragmented one")
        else:
            self._refuse(PROTOCOL_ERROR, f"unknown opcode {opcode}")
        return self.ending is None

    def _take(self, first: int, payload: bytes, messages: list[bytes]) -> None:
        """Act on a complete frame that `_acceptable` let through."""
        opcode = first & 0x0F
        if opcode in (PING, PONG):
            self.controls.append(Control(opcode, payload))
        elif opcode == CLOSE:
            self._closed(payload)
        elif opcode != CONTINUATION:
            self._fragments = bytearray(payload)
        elif self._fragments is not None:
            self._fragments += payload
            if first & _FIN:
                messages.append(bytes(self._fragments))
                self._fragments = None

    def _closed(self, payload: bytes) -> None:
        if not payload:
            self.ending = Ending(NO_CODE, "", refused=False)
            return
        code = int.from_bytes(payload[:2], "big")
        if len(payload) == 1:
            self._refuse(PROTOCOL_ERROR, "close frame of 1 byte, a code has 2")
        elif code in _CODES_OF_THE_RFC or 3000 <= code < 5000:
            self.ending = Ending(code, payload[2:].decode("utf-8", "replace"), refused=False)
        else:
            self._refuse(PROTOCOL_ERROR, f"close code {code} must not be sent")

    def _refuse(self, code: int, reason: str) -> None:
        self.ending = Ending(code, reason, refused=True)
