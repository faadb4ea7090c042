"""A refused handshake stops every process of the address, for as long as the exchange wants."""

import pytest

from tests.transport.servers import WAIT_S, RawServer, reply
from workers.telemetry.metrics import Counters
from workers.transport.connects import Connects
from workers.transport.link import RedisLink
from workers.transport.rates import open_window
from workers.transport.websocket import Disconnected, WebSocketConnection

WINDOW_S = 300.0


@pytest.fixture
def two(redis_url: str) -> list[Connects]:
    """The attempts of two processes: each with a link to Redis and a memory of its own."""
    return [
        Connects(
            "x",
            open_window("x", 30, WINDOW_S, redis_url=None, link=RedisLink(redis_url)),
            Counters(),
        )
        for _ in range(2)
    ]


def refused(connects: Connects, answer: str) -> None:
    said = f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n".encode()
    with RawServer(reply(said)) as server, pytest.raises(Disconnected):
        connects.connect(WebSocketConnection(server.url, connect_timeout_s=WAIT_S))


@pytest.mark.parametrize(
    ("answer", "pause_s"),
    [
        ("429 Too Many Requests\r\nRetry-After: 40", 40),
        ("429 Too Many Requests", 60),
        ("418 I'm a teapot\r\nRetry-After: 900", 900),
        ("418 I'm a teapot", 120),
        ("503 Service Unavailable\r\nRetry-After: 20", 20),
    ],
)
def test_a_refused_handshake_stops_every_process(two: list[Connects], answer: str, pause_s: float):
    assert [each.take() for each in two] == [0, 0]
    refused(two[0], answer)
    for each in two:
        assert each.take() == pytest.approx(pause_s, abs=5)
        assert each.report()["paused_until"] is not None
        assert each.report()["source"] == "redis"


@pytest.mark.parametrize("answer", ["503 Service Unavailable", "403 Forbidden", "200 OK"])
def test_another_refusal_stops_nobody(two: list[Connects], answer: str):
    refused(two[0], answer)
    assert [each.take() for each in two] == [0, 0]


def test_refusals_are_counted_by_their_status(redis_url: str):
    counters = Counters()
    window = open_window("x", 30, WINDOW_S, redis_url=redis_url)
    connects = Connects("x", window, counters)
    refused(connects, "429 Too Many Requests\r\nRetry-After: 1")
    refused(connects, "503 Service Unavailable")
    assert counters.get("connects_refused_total", "x", "429") == 1
    assert counters.get("connects_refused_total", "x", "503") == 1


def test_without_redis_the_process_itself_stops():
    connects = Connects("x", open_window("x", 3, 2.0, redis_url=None), Counters())
    refused(connects, "429 Too Many Requests")
    assert connects.take() == pytest.approx(2.0, abs=0.5), "its window is shorter than a minute"
    assert connects.report()["source"] == "this process"
