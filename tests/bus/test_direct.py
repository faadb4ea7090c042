"""The second way into the NATS client."""

import asyncio

import pytest

from workers.bus.connection import close, connect
from workers.bus.direct import DirectClient, status_of
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
