"""One vocabulary of faults, the same in every dialect."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
import websocket

from tests.simulator.faces import FACES, Face, Listener
from tests.simulator.running import Running
from tests.waiting import wait_until


@pytest.fixture(scope="module", params=FACES)
def started(request: pytest.FixtureRequest) -> Iterator[tuple[Running, Face]]:
    face = FACES[request.param]
    running = Running(dialect=face.dialect, switches=face.switches, rate=300.0)
    yield running, face
    running.stop()


@pytest.fixture
def running(started: tuple[Running, Face]) -> Iterator[Running]:
    yield started[0]
    started[0].delete("/sim/faults")


@pytest.fixture
def face(started: tuple[Running, Face]) -> Face:
    return started[1]


def last_id(running: Running, name: str) -> int:
    return int(running.json("/sim/truth/summary")[name]["last_published_update_id"])


def heard_from_now(running: Running, client: Listener) -> list[str | None]:
    """Whose messages come after what the other book tells next, until it has told five times."""
    face = client.face
    now = last_id(running, face.other)
    client.until(lambda m: face.name(m) == face.other and identity(face, m) > now)
    heard: list[str | None] = []
    client.until(lambda m: heard.append(face.name(m)) or heard.count(face.other) == 5)
    return heard


def identity(face: Face, message: Any) -> int:
    """The id that a book's message ends with."""
    if face.dialect == "okx":
        return int(message["data"][0]["seqId"])
    if face.dialect == "deribit":
        return int(message["params"]["data"]["change_id"])
    return int(message["data"]["u"])


@pytest.mark.parametrize("named", ["first", "ours"])
def test_a_muted_symbol_is_silent_beside_one_that_speaks(
    running: Running, face: Face, named: str
) -> None:
    with Listener(running, face, face.first, face.other) as client:
        client.books(face.first)
        running.fault("stall", symbol=getattr(face, named))
        assert face.first not in heard_from_now(running, client)
        running.delete("/sim/faults")
        client.books(face.first)


@pytest.mark.parametrize(("kind", "code"), [("1006", 1006), ("close", 4321)])
def test_only_connections_that_match_are_cut(
    running: Running, face: Face, kind: str, code: int
) -> None:
    with (
        Listener(running, face, face.first) as one,
        Listener(running, face, face.other) as another,
    ):
        one.books(face.first)
        another.books(face.other)
        running.fault(kind, symbol=face.first, code=4321)
        assert one.closed() == code
        another.books(face.other, 2)


def test_a_frozen_line_is_open_and_dead_until_it_thaws(running: Running, face: Face) -> None:
    with Listener(running, face, face.first) as client:
        client.books(face.first)
        running.fault("freeze")
        frozen_at = last_id(running, face.first)
        wait_until(lambda: last_id(running, face.first) > frozen_at + 200, 20, "the market goes on")
        client.socket.ping("still there?")
        client.socket.settimeout(1.0)
        with pytest.raises(websocket.WebSocketTimeoutException):
            client.closed()
        client.socket.settimeout(20)
        running.delete("/sim/faults")
        client.books(face.first)


def test_new_connections_are_refused_while_old_ones_live(running: Running, face: Face) -> None:
    with Listener(running, face, face.first) as client:
        client.books(face.first)
        running.fault("refuse")
        wait_until(lambda: running.json("/sim/faults")[0]["hits"], 20, "the doors are closed")
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            Listener(running, face, face.first)
        assert refused.value.status_code == 503
        client.books(face.first)
    running.delete("/sim/faults")
    with Listener(running, face, face.first) as client:
        client.books(face.first)


@pytest.mark.parametrize("status", [418, 429])
def test_who_comes_too_often_is_told_when_to_come_back(
    running: Running, face: Face, status: int
) -> None:
    running.fault("refuse", status=status, retry_after_s=7)
    wait_until(lambda: running.json("/sim/faults")[0]["hits"], 20, "the doors are closed")
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        Listener(running, face, face.first)
    assert (refused.value.status_code, refused.value.resp_headers["retry-after"]) == (status, "7")
    running.delete("/sim/faults")


def test_age_ends_a_connection(running: Running, face: Face) -> None:
    with Listener(running, face, face.first) as client:
        client.books(face.first)
        running.fault("age_cut", age_s=0.1)
        assert client.closed() == 1001


def test_a_shutdown_is_announced_before_the_end(running: Running, face: Face) -> None:
    with Listener(running, face, face.first) as client:
        if face.dialect == "deribit":
            channels = {"channels": ["platform_state"]}
            request = {"jsonrpc": "2.0", "id": 2, "method": "public/subscribe", "params": channels}
            client.socket.send(json.dumps(request))
            client.until(lambda m: m.get("id") == 2)
        else:
            client.books(face.first)
        running.fault("server_shutdown", lead_ms=500)
        words = {"okx": '"64008"', "deribit": '"maintenance": true'}
        word = words.get(face.dialect, '"serverShutdown"')
        client.until(lambda m: word in json.dumps(m))
        assert client.closed() == 1001


def levels(face: Face, message: Any) -> list[tuple[Decimal, Decimal]]:
    """Price and quantity of all levels of a message."""
    rows = [row for side in face.sides(message) for row in side]
    skip = 1 if face.dialect == "deribit" else 0
    return [(Decimal(str(row[skip])), Decimal(str(row[skip + 1]))) for row in rows]


def test_a_delta_may_delete_what_nobody_has(running: Running, face: Face) -> None:
    with Listener(running, face, face.first) as client:
        client.books(face.first)
        running.fault("zero", symbol=face.first, count=5)
        message = client.until(
            lambda m: face.name(m) == face.first and _outlier(levels(face, m)) is not None
        )
        assert _outlier(levels(face, message)) == 0


def _outlier(found: list[tuple[Decimal, Decimal]]) -> Decimal | None:
    """Quantity of a price that is far from the median, None if there is none."""
    prices = sorted(price for price, _ in found)
    if not prices:
        return None
    middle = prices[len(prices) // 2]
    far = [
        quantity
        for price, quantity in found
        if not middle * Decimal("0.7") < price < middle * Decimal("1.5")
    ]
    return far[0] if far else None


def test_a_wrong_quantity_comes_under_right_ids(running: Running, face: Face) -> None:
    with Listener(running, face, face.first) as client:
        client.books(face.first)
        running.fault("corrupt", symbol=face.first)
        wait_until(lambda: running.json("/sim/faults")[0]["hits"], 20, "a delta was corrupted")
        met = [client.books(face.first)[0] for _ in range(12)]

    def true_quantity(message: Any) -> bool:
        at = identity(face, message)
        truth = running.json(f"/sim/truth/book?symbol={face.first}&update_id={at}")
        book = {Decimal(price): Decimal(size) for side in SIDES for price, size in truth[side]}
        return all(book.get(price, Decimal(0)) == size for price, size in levels(face, message))

    assert [true_quantity(message) for message in met].count(False) == 1


SIDES = ("bids", "asks")


@pytest.mark.parametrize("kind", ["broken_json", "crossed"])
def test_a_spoiled_delta_arrives(running: Running, face: Face, kind: str) -> None:
    with Listener(running, face, face.first) as client:
        client.books(face.first)
        running.fault(kind, symbol=face.first)

        def spoiled(message: Any) -> bool:
            if kind == "broken_json":
                return bool(client.broken)
            return face.name(message) == face.first and _outlier(levels(face, message)) is not None

        client.until(spoiled)


def test_a_delisted_symbol_takes_nobody_with_it(running: Running, face: Face) -> None:
    with Listener(running, face, face.first, face.other) as client:
        client.books(face.first)
        running.fault("delist", symbol=face.ours)
        wait_until(lambda: running.state()["gone"] == [face.first], 20, "it is gone")
        reply = running.get(face.url(face.first))
        assert face.unknown in reply.text
        assert running.get(face.url(face.other)).status_code == 200
        assert face.first not in heard_from_now(running, client)
        client.socket.send(json.dumps(face.subscribe(face.first)))
        client.books(face.other, 5)
        running.delete("/sim/faults")
        assert running.get(face.url(face.first)).status_code == 200
    with Listener(running, face, face.first) as client:
        client.books(face.first)


@pytest.mark.parametrize("started", ["binance_spot"], indirect=True)
def test_streams_that_go_on_without_a_market_end_with_the_listing(running: Running) -> None:
    client = running.client()
    client.subscribe("btcusdt@ticker", "ethusdt@ticker")
    client.take("btcusdt@ticker", 1)
    running.fault("delist", symbol="BTC-USDT")
    wait_until(lambda: running.state()["gone"], 20, "it is gone")
    client.subscribe("btcusdt@ticker")
    heard = len(client.heard("btcusdt@ticker"))
    client.take("ethusdt@ticker", 2)
    assert len(client.heard("btcusdt@ticker")) == heard


def test_a_side_is_truly_empty(running: Running, face: Face) -> None:
    running.fault("one_sided", symbol=face.first, side="asks")
    wait_until(
        lambda: running.json("/sim/truth/summary")[face.first]["asks"] == 0, 20, "no asks are left"
    )
    running.delete("/sim/faults")
    wait_until(
        lambda: running.json("/sim/truth/summary")[face.first]["asks"] > 0, 20, "asks come again"
    )


def test_replies_may_be_a_page_or_nothing(running: Running, face: Face) -> None:
    running.fault("maintenance", path=face.rest, count=1)
    page = running.get(face.url(face.first))
    assert (page.status_code, page.headers["Content-Type"].split(";")[0]) == (503, "text/html")
    running.fault("empty", path=face.rest)
    nothing = running.get(face.url(face.first))
    assert (nothing.status_code, nothing.content) == (200, b"")
    running.fault("other_symbol", path=face.rest)
    reply = running.get(face.url(face.first)).text
    assert f'"{face.first}"' not in reply
    assert f'"{face.first}"' in running.get(face.url(face.first)).text


def test_a_reply_that_hangs_comes_when_the_fault_is_over(running: Running, face: Face) -> None:
    running.fault("hang", path=face.rest)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(running.address + face.url(face.first), timeout=0.3)
    running.delete("/sim/faults")
    running.fault("hang", path=face.rest, duration_s=1)
    assert running.get(face.url(face.first)).status_code == 200
    assert running.json("/sim/faults")[0]["done"]


def test_too_many_requests_are_refused_as_the_exchange_does(running: Running, face: Face) -> None:
    running.fault("429", path=face.rest, count=1, retry_after_s=7)
    reply = running.get(face.url(face.first))
    said = {
        "okx": (429, "50011"),
        "deribit": (400, "10028"),
    }.get(face.dialect, (429, "-1003"))
    assert (reply.status_code, said[1] in reply.text) == (said[0], True)
    if face.dialect.startswith("binance"):
        assert reply.headers["Retry-After"] == "7"


def test_a_kind_a_dialect_has_not_is_done_without_a_hit(running: Running, face: Face) -> None:
    running.fault("reset_sequence", symbol=face.first)
    running.fault("halt", symbol="NO-SUCH")
    shown = wait_until(
        lambda: [each for each in running.json("/sim/faults") if each["done"]][1:], 20, "both done"
    )
    assert len(shown) == 1
    hits = [each["hits"] for each in running.json("/sim/faults")]
    assert hits == [1 if face.dialect == "okx" else 0, 0]
