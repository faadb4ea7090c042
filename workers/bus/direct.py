"""A NATS client that hands messages of chosen subscriptions over as soon as they are parsed.

nats-py runs two regular expressions over each message and makes an object with parsed headers, a
queue entry and a task's turn of it. The writer needs bytes: what JetStream says about a message is
in its reply subject, and in the status line of a message without one.
"""

from collections.abc import Callable
from typing import Any

from nats.aio.client import Client
from nats.errors import ConnectionClosedError
from nats.protocol.parser import AWAITING_MSG_PAYLOAD, Parser

Receive = Callable[[bytes, bytes, bytes, bytes | None], None]
"""Takes a message: subject, reply subject, payload, header block as it came or None."""

_CRLF = b"\r\n"
_MSG = {4: False, 5: True}
"""Words of `MSG subject sid [reply] size`, and whether the reply is among them."""
_HMSG = {5: False, 6: True}
"""Words of `HMSG subject sid [reply] header-size size`."""


class DirectParser(Parser):
    """nats-py's parser behind one that knows whole messages of direct subscriptions only.

    Everything else, and a message that a read cut in two, is left to nats-py's own.
    Source: docs.nats.io, "Client Protocol".
    """

    def __init__(self, client: "DirectClient") -> None:
        super().__init__(client)
        self.receivers: dict[bytes, Receive] = {}

    async def parse(self, data: bytes = b"") -> None:
        """Take what was read from the socket.

        Raises:
            nats.errors.ProtocolError: it is not what a NATS server sends.
        """
        if self.buf and self.state != AWAITING_MSG_PAYLOAD:
            data = bytes(self.buf) + data
            self.buf.clear()
        at, end = 0, len(data)
        while at < end:
            if self.state == AWAITING_MSG_PAYLOAD:
                until = at + self.needed + len(_CRLF) - len(self.buf)
            else:
                at = self._take_direct(data, at)
                until = data.find(_CRLF, at) + len(_CRLF)
                if until < len(_CRLF):
                    until = end
            await super().parse(data[at:until])
            at = until

    def _take_direct(self, data: bytes, at: int) -> int:
        """Hand over whole direct messages from `at` on; returns where the first other thing is."""
        find, receivers, end = data.find, self.receivers, len(data)
        while True:
            line_end = find(_CRLF, at)
            if line_end < 0:
                return at
            words = data[at:line_end].split()
            count = len(words)
            if count in _MSG and words[0] == b"MSG":
                has_reply, headers_size = _MSG[count], 0
            elif count in _HMSG and words[0] == b"HMSG":
                has_reply, headers_size = _HMSG[count], int(words[-2])
            else:
                return at
            receive = receivers.get(words[2])
            if receive is None:
                return at
            begin = line_end + 2
            until = begin + int(words[-1])
            if until + 2 > end:
                return at
            middle = begin + headers_size
            receive(
                words[1],
                words[3] if has_reply else b"",
                data[middle:until],
                data[begin:middle] if headers_size else None,
            )
            at = until + 2


class DirectClient(Client):
    """nats-py's client with a second way in. Seen in nats-py 2.16, aio/client.py."""

    def __init__(self) -> None:
        super().__init__()
        self._ps = self._parser = DirectParser(self)

    async def subscribe_direct(self, subject: str, receive: Receive) -> None:
        """Subscribe; `receive` is called for each message and must not wait.

        Raises:
            nats.errors.Error: the connection is closed.
        """
        subscription = await self.subscribe(subject)
        self._parser.receivers[b"%d" % subscription._id] = receive

    async def send(self, commands: bytes) -> None:
        """Write commands of the NATS protocol as they are; waits while the server does not read.

        nats-py spends 5 us on each publish; commands joined to one buffer save that.

        Raises:
            nats.errors.ConnectionClosedError: the connection was lost.
        """
        if not self.is_connected:
            raise ConnectionClosedError
        await self._send_command(commands)
        if self._flush_queue is not None and self._flush_queue.empty():
            await self._flush_pending()

    async def _process_msg(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: Any
    ) -> None:
        receive = self._parser.receivers.get(b"%d" % sid)
        if receive is None:
            await super()._process_msg(sid, subject, reply, data, headers)
        else:
            receive(subject, reply, data, headers)


def status_of(headers: bytes | None) -> str:
    """`404 No Messages` of a block that begins with it; empty without a status."""
    line = (headers or b"").partition(b"\r\n")[0]
    return line.decode("utf-8", "replace").removeprefix("NATS/1.0").strip()
