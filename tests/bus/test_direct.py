"""The second way into the NATS client."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.errors import ProtocolError
from nats.protocol.parser import Parser

from workers.bus.connection import close, connect
from workers.bus.direct import DirectClient, DirectParser, status_of
from workers.local.nats import NatsServer


def test_a_direct_subscription_gets_bytes_and_the_others_go_on_as_usual(
    nats_server: NatsServer,
) -> None:
    async def run() -> tuple[list[tuple[bytes, bytes, bytes, bool]], bytes, int]:
        client = await connect([nats_server.url], "test", DirectClient)
        assert isinstance(client, DirectClient)
        taken: list[tuple[bytes, bytes, bytes, bool]] = []
        try:
            await client.subscribe_direct(
                "direct.*",
                lambda subject, reply, data, headers: taken.append(
                    (subject, reply, data, headers is not None)
                ),
            )
            usual = await client.subscribe("usual")
            await client.publish("direct.a", b"1", reply="answer")
            await client.publish("direct.b", b"2", headers={"Name": "value"})
            await client.publish("usual", b"3")
            message = await usual.next_msg(5)
            return taken, message.data, client.stats["in_msgs"]
        finally:
            await close(client)

    taken, data, messages = asyncio.run(run())
    assert taken == [(b"direct.a", b"answer", b"1", False), (b"direct.b", b"", b"2", True)]
    assert data == b"3"
    assert messages == 1, "direct messages are not nats-py's to count"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"NATS/1.0 404 No Messages\r\n\r\n", "404 No Messages"),
        (b"NATS/1.0 409 Batch Completed\r\nNats-Pending-Bytes: 7\r\n\r\n", "409 Batch Completed"),
        (b"NATS/1.0 100\r\n\r\n", "100"),
        (b"NATS/1.0\r\nNats-Msg-Id: 5\r\n\r\n", ""),
        (None, ""),
    ],
)
def test_a_status_is_read_from_its_line(headers: bytes | None, status: str) -> None:
    assert status_of(headers) == status


class _Listener:
    """Stands where the client stands: notes what a parser tells it, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    async def _process_msg(self, *message: Any) -> None:
        self.heard.append(message)

    async def _process_ping(self) -> None:
        self.heard.append(("ping",))

    async def _process_pong(self) -> None:
        self.heard.append(("pong",))

    async def _process_err(self, text: str) -> None:
        self.heard.append(("error", text))

    async def _process_info(self, info: dict[str, Any]) -> None:
        self.heard.append(("info", info))


DIRECT = 7


def _message(sid: int, reply: bytes, headers: bytes, data: bytes) -> bytes:
    words = [b"trade-data.a.b", b"%d" % sid, *([reply] if reply else [])]
    if headers:
        sizes = [b"%d" % len(headers), b"%d" % (len(headers) + len(data))]
        return b" ".join([b"HMSG", *words, *sizes]) + b"\r\n" + headers + data + b"\r\n"
    return b" ".join([b"MSG", *words, b"%d" % len(data)]) + b"\r\n" + data + b"\r\n"


_payloads = st.binary(max_size=20) | st.sampled_from([b"\r\n", b"PING\r\n", b"MSG a 7 1\r\nx\r\n"])
_headers = st.sampled_from([b"", b"NATS/1.0 404 No Messages\r\n\r\n", b"NATS/1.0\r\na: b\r\n\r\n"])
_replies = st.sampled_from([b"", b"$JS.ACK.TRADES.writer.1.2.3.4.5"])
_messages = st.builds(_message, st.sampled_from([DIRECT, 70, 8]), _replies, _headers, _payloads)
_lines = st.sampled_from(
    [b"PING\r\n", b"PONG\r\n", b"+OK\r\n", b"-ERR 'x'\r\n", b'INFO {"a":1}\r\n']
)


@given(st.lists(_messages | _lines, max_size=12), st.integers(1, 120))
def test_however_it_is_cut_a_stream_of_bytes_says_what_it_says_to_nats_py(
    items: list[bytes], size: int
) -> None:
    said = b"".join(items)
    reads = [said[at : at + size] for at in range(0, len(said), size)]
    usual, direct = _Listener(), _Listener()
    parsers = Parser(usual), DirectParser(direct)  # type: ignore[arg-type]
    at_once = []

    def receive(subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        at_once.append(1)
        direct.heard.append((DIRECT, subject, reply, data, headers))

    parsers[1].receivers[b"%d" % DIRECT] = receive

    async def run() -> None:
        for parser in parsers:
            for read in reads:
                await parser.parse(read)

    asyncio.run(run())
    assert direct.heard == usual.heard
    if len(reads) == 1:
        assert len(at_once) == sum(f" {DIRECT} ".encode() in item[:22] for item in items)


def test_what_no_nats_server_sends_is_an_error() -> None:
    parser = DirectParser(_Listener())  # type: ignore[arg-type]
    with pytest.raises(ProtocolError):
        asyncio.run(parser.parse(b"HELLO\r\n"))
