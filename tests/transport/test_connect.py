"""Connections that cannot be made: the reason names the address and the cause."""

import socket
import threading

import pytest

from tests.transport.servers import WAIT_S, Peer, RawServer, reply
from workers.transport.websocket import Disconnected, WebSocketConnection


def cannot_connect(url: str, **options: object) -> Disconnected:
    connection = WebSocketConnection(url, **{"connect_timeout_s": WAIT_S, **options})
    with pytest.raises(Disconnected) as caught:
        connection.connect()
    assert caught.value.code is None
    assert caught.value.reason.startswith(f"{url}: cannot connect: ")
    return caught.value


def test_a_port_nobody_listens_on_cannot_be_connected():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "refused" in cannot_connect(f"ws://127.0.0.1:{port}/ws").reason


def test_a_refused_upgrade_tells_its_http_status():
    refusal = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    with RawServer(reply(refusal)) as server:
        end = cannot_connect(server.url)
    assert end.http_status == 429
    assert end.retry_after_s == 7
    assert "answered 429" in end.reason


def test_redirects_are_not_followed():
    with RawServer() as other:
        target = b"HTTP/1.1 302 Found\r\nLocation: " + other.url.encode() + b"\r\n\r\n"
        with RawServer(reply(target)) as server:
            assert "Redirect" in cannot_connect(server.url).reason
        assert other._peers.empty()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", id="another-protocol"),
        pytest.param(b"HTTP/1.1 101 x\r\nno colon here\r\n\r\n", id="broken-header"),
        pytest.param(b"HTTP/1.1 101 x\r\n\r\n", id="no-upgrade-headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", id="a-web-page"),
        pytest.param(b"\xff\xfe\r\n\r\n", id="not-text"),
    ],
)
def test_an_answer_that_is_no_upgrade_cannot_be_connected(answer):
    with RawServer(reply(answer)) as server:
        cannot_connect(server.url)


def test_a_wrong_accept_key_cannot_be_connected():
    answer = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
    )
    with RawServer(reply(answer)) as server:
        cannot_connect(server.url)


def test_a_reply_that_drips_byte_by_byte_is_given_up():
    done = threading.Event()

    def drip(peer: Peer) -> None:
        while not done.wait(0.05):
            peer.send(b"H")

    with RawServer(drip) as server:
        cannot_connect(server.url, connect_timeout_s=0.2)
        done.set()


@pytest.mark.parametrize("url", ["ws://", "http://127.0.0.1/", "ws://127.0.0.1:port/"])
def test_an_address_that_is_none_cannot_be_connected(url):
    cannot_connect(url)
