"""Control messages and what a connection may not do."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import websocket

from tests.simulator.running import Running
from tests.waiting import wait_until
from workers.simulator.binance.connection import ConnectionOptions
from workers.simulator.binance.control import answer
from workers.simulator.binance.limits import LimitOptions


class Session:
    """What control messages act on, without a connection."""

    def __init__(self) -> None:
        self.combined = False
        self.streams: list[str] = []

    def subscribe(self, streams: list[str]) -> None:
        self.streams += streams

    def unsubscribe(self, streams: list[str]) -> None:
        self.streams = [each for each in self.streams if each not in streams]

    def subscriptions(self) -> list[str]:
        return self.streams


def reply(text: str, session: Session | None = None) -> Any:
    return json.loads(answer(text, session or Session()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}',
            {"result": None, "id": 1},
            id="subscribe",
        ),
        pytest.param(
            '{"method":"SUBSCRIBE","params":["nosuch@nothing"],"id":"abc"}',
            {"result": None, "id": "abc"},
            id="unknown-stream-is-acknowledged",
        ),
        pytest.param(
            '{"method":"SUBSCRIBE","params":["a@b"],"id":"187d3cb2-942d-484c-8271-4e2141bbadb1"}',
            {"result": None, "id": "187d3cb2-942d-484c-8271-4e2141bbadb1"},
            id="a-uuid-with-dashes",
        ),
        pytest.param(
            '{"method":"UNSUBSCRIBE","params":["never@subscribed"],"id":null}',
            {"result": None, "id": None},
            id="unsubscribe-and-null-id",
        ),
        pytest.param(
            '{"method":"GET_PROPERTY","params":["combined"],"id":2}',
            {"result": False, "id": 2},
            id="get-property",
        ),
        pytest.param(
            '{"method":"GET_PROPERTY","params":["speed"],"id":3}',
            {"code": 0, "msg": "Unknown property", "id": 3},
            id="unknown-property",
        ),
        pytest.param(
            '{"method":"SET_PROPERTY","params":["combined","yes"],"id":4}',
            {"code": 1, "msg": "Invalid value type: expected Boolean", "id": 4},
            id="not-a-boolean",
        ),
        pytest.param(
            '{"method":"GET_PROPERTY","params":[7],"id":5}',
            {"code": 2, "msg": "Invalid request: property name must be a string", "id": 5},
            id="property-name",
        ),
        pytest.param(
            '{"method":"SET_PROPERTY","params":["combined",true,1],"id":6}',
            {"code": 2, "msg": "Invalid request: too many parameters", "id": 6},
            id="too-many-parameters",
        ),
    ],
)
def test_a_control_message_gets_exactly_this_reply(text: str, expected: Any) -> None:
    assert reply(text) == expected


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ('{"params":[],"id":1}', 2, "missing field `method`"),
        ('{"method":"SUBSCRIBE","params":["a@b"]}', 2, "missing field `id`"),
        ('{"method":"LISTEN","params":[],"id":1}', 2, "unknown variant `LISTEN`"),
        ('{"method":"SUBSCRIBE","params":["a@b"],"id":1.5}', 2, "request ID must be"),
        ('{"method":"SUBSCRIBE","params":["a@b"],"id":"' + "x" * 37 + '"}', 2, "request ID"),
        ('{"method":"SUBSCRIBE",', 3, "Invalid JSON"),
    ],
)
def test_a_wrong_control_message_is_told_why(text: str, code: int, words: str) -> None:
    said = reply(text)
    assert said["code"] == code
    assert words in said["msg"]


def test_errors_can_be_wrapped_as_live_servers_do(start: Callable[..., Running]) -> None:
    client = start(connections=ConnectionOptions(nested_errors=True)).client("/ws")
    client.socket.send('{"method":"GET_PROPERTY","params":["speed"],"id":3}')
    assert client.receive() == {"error": {"code": 0, "msg": "Unknown property"}, "id": 3}
    client.socket.send('{"method":')
    said = client.receive()
    assert said["error"]["code"] == 3
    assert said.keys() == {"error"}


def test_list_subscriptions_tells_what_was_asked_for(shared: Running) -> None:
    client = shared.client("/ws")
    client.subscribe("btcusdt@trade", "nosuch@trade")
    assert client.ask("LIST_SUBSCRIPTIONS")["result"] == ["btcusdt@trade", "nosuch@trade"]
    assert client.ask("UNSUBSCRIBE", ["btcusdt@trade"])["result"] is None
    assert client.ask("LIST_SUBSCRIPTIONS")["result"] == ["nosuch@trade"]


def test_streams_in_the_path_are_raw_and_in_the_query_combined(shared: Running) -> None:
    raw = shared.client("/ws/btcusdt@trade/ethusdt@trade")
    assert {raw.receive()["s"] for _ in range(40)} == {"BTCUSDT", "ETHUSDT"}
    combined = shared.client("/stream?streams=btcusdt@trade/ethusdt%40trade")
    seen = {combined.receive()["stream"] for _ in range(40)}
    assert seen == {"btcusdt@trade", "ethusdt@trade"}


@pytest.mark.parametrize(
    ("path", "streams"),
    [
        ("/ws/", []),
        ("/stream/?streams=", []),
        ("/stream?streams=a%40trade%2Fb%40depth%40100ms", ["a@trade", "b@depth@100ms"]),
        (
            "/stream?streams=a@kline_1d@+08:00/b@kline_1d@%2B08:00",
            ["a@kline_1d@+08:00", "b@kline_1d@+08:00"],
        ),
        ("/ws/%E6%B5%8B%E8%AF%95usdt@trade", ["测试usdt@trade"]),
        ("/stream?streams=BTCUSDT@trade", ["BTCUSDT@trade"]),
    ],
)
def test_a_path_is_read_like_this(shared: Running, path: str, streams: list[str]) -> None:
    client = shared.client(path)
    assert client.ask("LIST_SUBSCRIPTIONS")["result"] == streams


def test_the_second_may_be_spelled_out(shared: Running) -> None:
    streams = [f"btcusdt@depth{each}" for each in ("", "@1000ms", "5", "5@1000ms")]
    client = shared.client()
    client.subscribe(*streams)
    short, long, top, long_top = (
        client.heard(each)[0] if client.heard(each) else client.take(each, 1)[0] for each in streams
    )
    assert short == long
    assert top == long_top


def test_combined_can_be_turned_on_a_living_connection(shared: Running) -> None:
    client = shared.client("/ws/btcusdt@trade")
    assert client.receive()["e"] == "trade"
    assert client.ask("SET_PROPERTY", ["combined", True]) == {"result": None, "id": 1}
    assert client.receive()["stream"] == "btcusdt@trade"
    assert client.ask("GET_PROPERTY", ["combined"]) == {"result": True, "id": 1}


@pytest.mark.parametrize(
    ("path", "digits"), [("/stream", 13), ("/stream?timeUnit=MICROSECOND", 16)]
)
def test_the_time_unit_holds_for_every_time(shared: Running, path: str, digits: int) -> None:
    client = shared.client(path)
    client.subscribe("btcusdt@trade", "btcusdt@depth@100ms", "btcusdt@ticker")
    (trade,) = client.take("btcusdt@trade", 1)
    (depth,) = client.take("btcusdt@depth@100ms", 1)
    (ticker,) = client.take("btcusdt@ticker", 1)
    times = [trade["E"], trade["T"], depth["E"], ticker["E"], ticker["O"], ticker["C"]]
    assert {len(str(time)) for time in times} == {digits}


def test_an_unknown_stream_stays_silent(shared: Running) -> None:
    client = shared.client()
    client.subscribe("nosuchcoin@trade", "btcusdt@nosuch", "btcusdt@depth@100ms")
    client.take("btcusdt@depth@100ms", 5)
    assert {message.get("stream") for message in client.messages[1:]} == {"btcusdt@depth@100ms"}


def test_six_messages_in_a_second_end_the_connection(start: Callable[..., Running]) -> None:
    running = start()
    client = running.client()
    for number in range(4):
        client.socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
    client.socket.pong("")
    client.socket.ping("sixth")
    assert client.closed() == 1008
    wait_until(lambda: running.state()["ended"], what="the end is counted")
    assert running.state()["ended"] == {"Too many requests": 1}


def test_five_messages_in_a_second_are_allowed(shared: Running) -> None:
    client = shared.client()
    for number in range(5):
        assert client.ask("LIST_SUBSCRIPTIONS", request_id=number)["id"] == number


def test_a_ping_from_the_client_is_answered_with_its_payload(shared: Running) -> None:
    client = shared.client()
    client.socket.ping("are you there")
    code, data = client.socket.recv_data(control_frame=True)
    assert (code, data) == (websocket.ABNF.OPCODE_PONG, b"are you there")


def test_1024_streams_are_allowed_and_one_more_is_not(shared: Running) -> None:
    client = shared.client()
    client.subscribe(*(f"coin{number}@trade" for number in range(1024)))
    client.socket.send(json.dumps({"method": "SUBSCRIBE", "params": ["more@trade"], "id": 2}))
    assert client.closed() == 1008


def test_too_many_connects_are_turned_away(start: Callable[..., Running]) -> None:
    running = start(limits=LimitOptions(connects=2))
    running.client()
    running.client()
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        running.client()
    assert refused.value.status_code == 429


def test_pings_come_with_a_payload_and_a_matching_pong_keeps_the_line(
    start: Callable[..., Running],
) -> None:
    running = start(connections=ConnectionOptions(ping_s=0.25, pong_s=0.3))
    client = running.client()
    payloads = []
    while len(payloads) < 4:
        frame = client.socket.recv_frame()
        assert frame.opcode == websocket.ABNF.OPCODE_PING
        payloads.append(frame.data)
        client.socket.pong(frame.data)
    assert all(payloads)
    assert len(set(payloads)) == 4
    assert running.state()["connections"]


@pytest.mark.parametrize("wrong", [None, b"", b"something else"])
def test_without_the_right_pong_the_line_is_cut(
    start: Callable[..., Running], wrong: bytes | None
) -> None:
    running = start(connections=ConnectionOptions(ping_s=0.3, pong_s=0.5))
    client = running.client()
    opcodes = []
    while websocket.ABNF.OPCODE_CLOSE not in opcodes and len(opcodes) < 6:
        opcodes.append(client.socket.recv_frame().opcode)
        if wrong is not None and opcodes[-1] == websocket.ABNF.OPCODE_PING:
            client.socket.pong(wrong)
    assert opcodes[-1] == websocket.ABNF.OPCODE_CLOSE
    client.close()
    wait_until(lambda: running.state()["ended"], what="the end is counted")
    assert running.state()["ended"] == {"Pong timeout": 1}


def test_a_connection_ends_at_its_greatest_age(start: Callable[..., Running]) -> None:
    running = start(connections=ConnectionOptions(max_age_s=0.5))
    client = running.client("/stream?streams=btcusdt@trade")
    assert client.closed() == 1001


def test_a_client_that_does_not_read_is_cut(start: Callable[..., Running]) -> None:
    running = start(rate=20_000.0, connections=ConnectionOptions(backlog_bytes=100_000))
    client = running.client("/stream?streams=btcusdt@trade/ethusdt@trade/btcusdt@depth20@100ms")
    wait_until(lambda: running.state()["ended"], 30, "the slow client is cut")
    assert running.state()["ended"] == {"slow consumer": 1}
    assert client.closed() == 1006
