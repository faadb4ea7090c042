"""A socket and the NATS protocol written by hand: the least a client can do.

It trusts the server, sends nothing again and keeps nothing: a ceiling to measure against.
"""

import json
import socket
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

READ_BYTES = 1 << 18
BURST = 128
_ACKED = b'"seq":'
"""In each acknowledgement once, and nowhere else in what JetStream answers to a publish."""


class RawPublisher:
    """One connection; `with RawPublisher(url) as raw`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 4222), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.recv(READ_BYTES)  # INFO
        options = {"verbose": False, "headers": True, "no_responders": True, "lang": "raw"}
        self._socket.sendall(f"CONNECT {json.dumps(options)}\r\nSUB raw.* 1\r\n".encode())
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def publish(self, messages: Sequence[tuple[str, bytes, str]], window: int) -> None:
        """Send (subject, payload, message id), at most `window` unacknowledged; wait for all.

        Raises:
            RuntimeError: JetStream refused one.
        """
        flying = 0
        for first in range(0, len(messages), BURST):
            burst = messages[first : first + BURST]
            while flying + len(burst) > window:
                flying -= self._acknowledged()
            self._socket.sendall(b"".join(_commands(burst, first)))
            flying += len(burst)
        while flying:
            flying -= self._acknowledged()

    def _acknowledged(self) -> int:
        """Wait for bytes; how many acknowledgements were in them."""
        read = self._socket.recv(READ_BYTES)
        if b'"error"' in read or not read:
            raise RuntimeError(f"not acknowledged: {read[:300]!r}")
        if b"PING\r\n" in read:
            self._socket.sendall(b"PONG\r\n")
        read = self._rest + read
        self._rest = read[-len(_ACKED) + 1 :]
        return read.count(_ACKED)


def _commands(burst: Sequence[tuple[str, bytes, str]], first: int) -> Iterator[bytes]:
    for number, (subject, payload, message_id) in enumerate(burst, first):
        header = b"NATS/1.0\r\nNats-Msg-Id: %b\r\n\r\n" % message_id.encode()
        sizes = len(header), len(header) + len(payload)
        yield b"HPUB %b raw.%d %d %d\r\n%b%b\r\n" % (
            subject.encode(),
            number,
            *sizes,
            header,
            payload,
        )
