"""Our connection against aiohttp's WebSocket server, which we did not write."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from aiohttp import WSMsgType, web

from tests.transport.servers import CA_FILE, WAIT_S, server_tls
from workers.transport.network import Network
from workers.transport.websocket import Disconnected, WebSocketConnection


async def talk(request: web.Request) -> web.WebSocketResponse:
    """Echo; `ping` sends a ping and reports the pong; `close` ends with 4000."""
    session = web.WebSocketResponse(autoping=False, compress=True, max_msg_size=0)
    await session.prepare(request)
    await session.send_str("hello")
    async for message in session:
        if message.type is WSMsgType.PONG:
            await session.send_bytes(b"pong " + message.data)
        elif message.type is WSMsgType.PING:
            await session.pong(message.data)
        elif message.data == "ping":
            await session.ping(b"payload")
        elif message.data == "close":
            await session.close(code=4000, message=b"as asked")
        else:
            await session.send_str(message.data)
    return session


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def url(request) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    application = web.Application()
    application.router.add_get("/ws", talk)
    runner = web.AppRunner(application, shutdown_timeout=1)

    async def start() -> int:
        await runner.setup()
        context = server_tls() if request.param else None
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        return int(runner.addresses[0][1])

    port = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield f"{'wss' if request.param else 'ws'}://127.0.0.1:{port}/ws"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(WAIT_S)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(WAIT_S)
    loop.close()


@pytest.fixture
def connection(url: str) -> Iterator[WebSocketConnection]:
    connection = WebSocketConnection(
        url, connect_timeout_s=WAIT_S, network=Network(ca_file=CA_FILE)
    )
    connection.connect()
    assert connection.receive(WAIT_S) == [b"hello"]
    yield connection
    connection.close()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 1_000_000])
def test_messages_of_every_length_come_back_as_they_were(connection, size):
    message = ("0123456789" * (size // 10 + 1))[:size]
    connection.send(message)
    assert connection.receive(WAIT_S) == [message.encode()]


def test_our_pong_carries_the_payload_of_the_ping(connection):
    connection.send("ping")
    assert connection.receive(WAIT_S) == [b"pong payload"]


def test_our_ping_is_answered(connection):
    connection.ping(b"probe")
    connection.send("after")
    assert connection.receive(WAIT_S) == [b"after"]
    assert connection.last_pong == b"probe"


def test_the_close_code_and_reason_arrive(connection):
    connection.send("close")
    with pytest.raises(Disconnected) as caught:
        connection.receive(WAIT_S)
    assert (caught.value.code, caught.value.reason) == (4000, "as asked")


def test_our_goodbye_is_answered(connection):
    connection.close()
    assert connection.close_code == 1000
    assert connection._frames.ending.code == 1000
