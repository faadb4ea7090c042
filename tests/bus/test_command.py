"""The bytes of a publish."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.errors import BadSubjectError, MaxPayloadError

from workers.bus.command import publish_command
from workers.bus.outgoing import Outgoing

PLENTY = 1 << 20


class _Wire(Client):
    """nats-py's client, writing into a list."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    async def _send_command(self, cmd: bytes, priority: bool = False) -> None:
        self.written.append(bytes(cmd))


@given(st.binary(max_size=50), st.text(max_size=20).map(lambda text: f"t{text}:1"))
def test_it_is_what_nats_py_writes(payload: bytes, message_id: str) -> None:
    wire = _Wire()
    headers = {"Nats-Msg-Id": message_id}
    asyncio.run(wire._send_publish("trade-data.a.b", "inbox.7", payload, len(payload), headers))
    message = Outgoing("trade-data.a.b", payload, message_id, "trade")
    assert [publish_command(message, b"inbox.7", PLENTY)] == wire.written


@pytest.mark.parametrize("subject", ["", "a b", "a\r\nPUB b 0\r\n", "a\tb"])
def test_a_subject_cannot_carry_a_command(subject: str) -> None:
    with pytest.raises(BadSubjectError):
        publish_command(Outgoing(subject, b"", "1", "trade"), b"r", PLENTY)


def test_an_id_cannot_carry_a_header_or_a_command() -> None:
    command = publish_command(Outgoing("a", b"", "1\r\n\r\nPUB b 0\r\n", "trade"), b"r", PLENTY)
    assert command == b"HPUB a r 41 41\r\nNATS/1.0\r\nNats-Msg-Id: 1    PUB b 0  \r\n\r\n\r\n"


def test_headers_count_for_what_the_server_takes() -> None:
    message = Outgoing("a", b"12345", "1", "trade")
    size = len(b"NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n") + 5
    assert publish_command(message, b"r", size).endswith(b"12345\r\n")
    with pytest.raises(MaxPayloadError):
        publish_command(message, b"r", size - 1)
