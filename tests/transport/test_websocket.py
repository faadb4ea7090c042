import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.transport import wire
from tests.transport.servers import CA_FILE, WAIT_S, Peer, RawServer, server_tls, upgrade
from workers.model.errors import TransportError
from workers.transport.network import Network
from workers.transport.websocket import Disconnected, WebSocketConnection

SECURE = [pytest.param(False, id="plain"), pytest.param(True, id="tls")]


@pytest.fixture(params=SECURE)
def server(request) -> Iterator[RawServer]:
    with RawServer(tls=server_tls() if request.param else None) as server:
        yield server


@pytest.fixture
def connection(server: RawServer) -> Iterator[WebSocketConnection]:
    connection = WebSocketConnection(
        server.url, connect_timeout_s=WAIT_S, network=Network(ca_file=CA_FILE)
    )
    connection.connect()
    yield connection
    connection.abort()
    connection.close()


@pytest.fixture
def peer(server: RawServer, connection: WebSocketConnection) -> Peer:
    return server.peer()


def receive_all(connection: WebSocketConnection, count: int) -> list[bytes]:
    messages: list[bytes] = []
    while len(messages) < count:
        batch = connection.receive(WAIT_S)
        assert batch, f"nothing more after {len(messages)} of {count} messages"
        messages += batch
    return messages


def the_end(connection: WebSocketConnection) -> Disconnected:
    with pytest.raises(Disconnected) as caught:
        connection.receive(WAIT_S)
    assert connection.close_code == caught.value.code
    return caught.value


def test_data_in_the_segment_of_the_upgrade_reply_is_not_lost(server):
    with RawServer(
        upgrade(wire.frame(b"first") + wire.frame(b"second")),
        tls=server_tls() if server.url.startswith("wss") else None,
    ) as eager:
        connection = WebSocketConnection(
            eager.url, connect_timeout_s=WAIT_S, network=Network(ca_file=CA_FILE)
        )
        connection.connect()
        assert receive_all(connection, 2) == [b"first", b"second"]
        connection.abort()
        assert the_end(connection).code == 1006


def test_one_read_brings_every_message_of_a_segment(connection, peer):
    peer.send(*[wire.frame(b"%d" % number) for number in range(100)])
    assert connection.receive(WAIT_S) == [b"%d" % number for number in range(100)]


def test_a_read_stamps_both_clocks_and_counts_bytes(connection, peer):
    before_ns, before_s = time.time_ns(), time.monotonic()
    peer.send(wire.frame(b"x" * 200))
    connection.receive(WAIT_S)
    assert before_ns <= connection.received_ns <= time.time_ns()
    assert before_s <= connection.last_received_s <= time.monotonic()
    assert connection.bytes_received == 204


def test_nothing_in_time_gives_an_empty_list(connection, peer):
    assert connection.receive(0) == []
    assert connection.receive(0.02) == []


def test_timeouts_inside_a_frame_and_a_record_lose_nothing(connection, peer):
    sealed = peer.seal(wire.frame(b"a" * 300))
    for begin, end in [(0, 1), (1, 3), (3, 150), (150, len(sealed) - 1)]:
        peer.raw.sendall(sealed[begin:end])
        assert connection.receive(0.02) == []
    peer.raw.sendall(sealed[-1:])
    assert connection.receive(WAIT_S) == [b"a" * 300]


def test_a_message_of_many_reads_and_records_arrives_whole(connection, peer):
    message = bytes(range(256)) * 20_000
    sender = threading.Thread(target=peer.send, args=(*wire.fragments(message, [3_000_000]),))
    sender.start()
    assert receive_all(connection, 1) == [message]
    sender.join(WAIT_S)


def test_many_small_records_are_all_received(connection, peer):
    for number in range(200):
        peer.send(wire.frame(b"%d" % number))
    assert receive_all(connection, 200) == [b"%d" % number for number in range(200)]


def test_a_ping_is_answered_at_once_with_its_payload(connection, peer):
    peer.send(wire.frame(b"1735689600000", wire.PING))
    assert connection.receive(0.2) == []
    assert peer.read_frame() == (wire.PONG, b"1735689600000")
    assert connection.pings_received == 1


def test_a_ping_between_messages_disturbs_neither(connection, peer):
    peer.send(wire.frame(b"one"), wire.frame(b"p", wire.PING), wire.frame(b"two"))
    assert connection.receive(WAIT_S) == [b"one", b"two"]
    assert peer.read_frame() == (wire.PONG, b"p")


def test_a_ping_alone_does_not_end_the_wait_for_a_message(connection, peer):
    def answer_the_pong():
        assert peer.read_frame() == (wire.PONG, b"p")
        peer.send(wire.frame(b"after the pong"))

    peer.send(wire.frame(b"p", wire.PING))
    answering = threading.Thread(target=answer_the_pong, daemon=True)
    answering.start()
    assert connection.receive(WAIT_S) == [b"after the pong"]
    answering.join(WAIT_S)


def test_our_ping_reaches_the_peer_and_its_pong_is_counted(connection, peer):
    connection.ping(b"probe")
    assert peer.read_frame() == (wire.PING, b"probe")
    peer.send(wire.frame(b"probe", wire.PONG), wire.frame(b"x"))
    assert connection.receive(WAIT_S) == [b"x"]
    assert (connection.pongs_received, connection.last_pong) == (1, b"probe")


def test_a_ping_payload_over_125_bytes_is_refused_before_it_is_sent(connection, peer):
    with pytest.raises(ValueError, match="126 bytes, the limit is 125"):
        connection.ping(b"x" * 126)


@pytest.mark.parametrize("data", [b'{"id":1}', '{"id":1}'], ids=["bytes", "str"])
def test_what_is_sent_arrives_as_one_masked_text_frame(connection, peer, data):
    connection.send(data)
    assert peer.read_frame() == (wire.TEXT, b'{"id":1}')


def test_messages_before_a_close_frame_come_first_then_its_code_and_reason(connection, peer):
    peer.send(wire.frame(b"last"), wire.close_frame(4001, "maintenance"))
    assert connection.receive(WAIT_S) == [b"last"]
    end = the_end(connection)
    assert (end.code, end.reason) == (4001, "maintenance")
    assert peer.read_frame() == (wire.CLOSE, (4001).to_bytes(2, "big"))


def test_a_close_frame_without_a_code_is_answered_with_1000(connection, peer):
    peer.send(wire.close_frame(None))
    assert the_end(connection).code == 1005
    assert peer.read_frame() == (wire.CLOSE, (1000).to_bytes(2, "big"))


def test_the_end_stays_the_end(connection, peer):
    peer.send(wire.close_frame(1001))
    first = the_end(connection)
    assert the_end(connection) is first
    with pytest.raises(Disconnected):
        connection.send(b"x")


def test_an_end_without_a_close_frame_is_1006(connection, peer):
    peer.send(wire.frame(b"last"))
    peer.close()
    assert connection.receive(WAIT_S) == [b"last"]
    assert the_end(connection).code == 1006


def test_an_end_inside_a_message_says_how_much_is_lost(connection, peer):
    peer.send(wire.frame(b"x" * 200)[:100])
    peer.close()
    end = the_end(connection)
    assert end.code == 1006
    assert "inside a message, 100 bytes of it lost" in end.reason


def test_a_reset_is_1006(connection, peer):
    peer.reset()
    assert the_end(connection).code == 1006


def test_a_message_over_the_limit_ends_with_1009_and_the_peer_is_told(server):
    connection = WebSocketConnection(
        server.url,
        connect_timeout_s=WAIT_S,
        network=Network(ca_file=CA_FILE),
        max_message_bytes=1000,
    )
    connection.connect()
    peer = server.peer()
    peer.send(wire.frame(b"fits"), wire.frame(b"x" * 1001)[:4])
    assert connection.receive(WAIT_S) == [b"fits"]
    end = the_end(connection)
    assert (end.code, end.reason) == (1009, "message of 1001 bytes, the limit is 1000")
    assert peer.read_frame() == (wire.CLOSE, (1009).to_bytes(2, "big"))


def test_a_compressed_frame_ends_with_1002_and_the_peer_is_told(connection, peer):
    peer.send(wire.frame(b"x", reserved=4)[:2])
    end = the_end(connection)
    assert end.code == 1002
    assert "compressed" in end.reason
    assert peer.read_frame() == (wire.CLOSE, (1002).to_bytes(2, "big"))


def test_abort_wakes_a_receiver_in_another_thread(connection, peer):
    ends: list[Disconnected] = []
    entered = threading.Event()

    def receive_for_ever():
        try:
            connection.receive(WAIT_S)
            entered.set()
            connection.receive(60)
        except Disconnected as end:
            ends.append(end)

    receiver = threading.Thread(target=receive_for_ever, daemon=True)
    receiver.start()
    peer.send(wire.frame(b"now it is in receive"))
    assert entered.wait(WAIT_S)
    began_s = time.monotonic()
    connection.abort()
    receiver.join(WAIT_S)
    assert time.monotonic() - began_s < 5
    assert [(end.code, end.reason) for end in ends] == [(1006, "aborted")]


def test_close_says_goodbye_waits_for_the_answer_and_counts_what_it_discards(connection, peer):
    goodbyes = []

    def answer():
        goodbyes.append(peer.read_frame())
        peer.send(wire.frame(b"late"), wire.close_frame(1000))
        peer.read_end()

    answering = threading.Thread(target=answer, daemon=True)
    answering.start()
    connection.close()
    answering.join(WAIT_S)
    assert goodbyes == [(wire.CLOSE, (1000).to_bytes(2, "big"))]
    assert connection.messages_discarded == 1
    assert connection.close_code == 1000
    connection.close()
    assert the_end(connection).code == 1000


def test_close_after_abort_says_no_goodbye(connection, peer):
    connection.abort()
    connection.close()
    assert connection.close_code == 1006
    assert connection._library.sock is None


def test_close_does_not_wait_for_ever_for_an_answer(connection, peer):
    began_s = time.monotonic()
    connection.close()
    assert time.monotonic() - began_s < 5
    assert connection.close_code == 1000


def test_a_send_the_peer_never_reads_ends_the_connection(server):
    connection = WebSocketConnection(
        server.url, connect_timeout_s=1, network=Network(ca_file=CA_FILE)
    )
    connection.connect()
    with pytest.raises(Disconnected, match="send failed"):
        connection.send(b"x" * 30_000_000)
    assert connection.close_code == 1006


def test_the_socket_sends_at_once_and_notices_a_dead_peer(connection, peer):
    held = connection._socket
    assert held.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert held.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert held.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30


def test_the_request_names_us_and_no_origin(connection, peer):
    assert b"\r\nUser-Agent: marketprism" in peer.request
    assert b"origin:" not in peer.request.lower()
    assert peer.request.startswith(b"GET /ws HTTP/1.1\r\n")


def test_a_connection_connects_once(connection, peer):
    with pytest.raises(Disconnected, match="connected once already"):
        connection.connect()


def test_receiving_and_sending_before_connect_are_errors():
    connection = WebSocketConnection("ws://127.0.0.1:1/ws", connect_timeout_s=1)
    with pytest.raises(Disconnected, match="not connected yet"):
        connection.receive(0)
    with pytest.raises(TransportError, match="not connected yet"):
        connection.send(b"x")
    connection.close()


def test_json_of_an_exchange_survives_the_way(connection, peer):
    update = {"e": "depthUpdate", "s": "BTCUSDT", "b": [["0.0024", "10"]]}
    peer.send(wire.frame(json.dumps(update).encode()))
    (message,) = connection.receive(WAIT_S)
    assert json.loads(message) == update
