"""Every fault can be seen by a client, meets only what it should, and ends."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.simulator.naive import NaiveBook
from tests.simulator.running import Client, Running
from tests.waiting import wait_until
from workers.simulator.binance.connection import ConnectionOptions

DEPTH = "btcusdt@depth@100ms"
OTHER = "ethusdt@depth@100ms"


@pytest.fixture
def calm(shared: Running) -> Iterator[Running]:
    """The module's simulator, without the faults of the test before or after."""
    yield shared
    shared.delete("/sim/faults")
    shared.hang_up()
    wait_until(lambda: not shared.state()["connections"], what="all clients are gone")


def listening(running: Running, *streams: str) -> Client:
    client = running.client()
    client.subscribe(*streams)
    for stream in streams:
        client.take(stream, 1)
    return client


def steps(events: list[Any]) -> list[int]:
    """How far each event's first id lies behind the one before; 1 is right."""
    return [later["U"] - event["u"] for event, later in itertools.pairwise(events)]


@pytest.mark.parametrize("kind", ["gap", "drop"])
def test_lost_events_leave_a_gap_in_one_symbol_only(calm: Running, kind: str) -> None:
    client = listening(calm, DEPTH, OTHER)
    calm.fault(kind, symbol="BTC-USDT", stream="@depth", count=2)
    client.take(DEPTH, 4)
    client.take(OTHER, 4)
    assert [step for step in steps(client.heard(DEPTH)) if step > 1]
    assert set(steps(client.heard(OTHER))) == {1}
    (report,) = calm.json("/sim/faults")
    assert (report["hits"], report["left"], report["done"]) == (2, 0, True)


def test_a_duplicate_comes_twice_in_a_row(calm: Running) -> None:
    client = listening(calm, DEPTH)
    calm.fault("duplicate", stream=DEPTH)
    client.take(DEPTH, 4)
    events = client.heard(DEPTH)
    assert sum(one == two for one, two in itertools.pairwise(events)) == 1


def test_reordered_events_are_swapped_and_none_is_lost(calm: Running) -> None:
    client = listening(calm, DEPTH)
    calm.fault("reorder", stream=DEPTH)
    client.take(DEPTH, 5)
    events = client.heard(DEPTH)
    assert [event["U"] for event in events] != sorted(event["U"] for event in events)
    events.sort(key=lambda event: event["U"])
    assert set(steps(events)) == {1}


def test_a_stalled_stream_is_silent_while_the_others_speak(calm: Running) -> None:
    client = listening(calm, "btcusdt@trade", DEPTH)
    number = calm.fault("stall", stream="btcusdt@trade")
    begun = len(client.heard("btcusdt@trade"))
    client.take(DEPTH, 1)
    quiet_from = len(client.heard("btcusdt@trade"))
    client.take(DEPTH, 6)
    assert len(client.heard("btcusdt@trade")) == quiet_from
    assert begun <= quiet_from
    assert calm.delete(f"/sim/faults/{number}").json() == {"cleared": 1}
    last = client.heard("btcusdt@trade")[-1]["t"]
    assert client.take("btcusdt@trade", 1)[0]["t"] > last + 1


def test_a_timed_stall_ends_by_itself(calm: Running) -> None:
    client = listening(calm, DEPTH)
    calm.fault("stall", symbol="BTCUSDT", duration_s=0.5)
    begin = time.monotonic()
    client.take(DEPTH, 2)
    assert time.monotonic() - begin > 0.4
    assert max(steps(client.heard(DEPTH))) > 1


@pytest.mark.parametrize(
    ("kind", "fields", "spoiled"),
    [
        pytest.param("unknown_event", {}, {"e": "martianLanding"}, id="unknown-event"),
        pytest.param("extra_field", {}, {"zz": "extra"}, id="extra-field"),
        pytest.param("absurd_number", {}, {"p": "NaN"}, id="nan"),
        pytest.param(
            "absurd_number", {"field": "q", "value": "1e400"}, {"q": "1e400"}, id="too-large"
        ),
    ],
)
def test_a_spoiled_trade_differs_in_one_field(
    calm: Running, kind: str, fields: dict[str, Any], spoiled: dict[str, Any]
) -> None:
    client = listening(calm, "btcusdt@trade")
    calm.fault(kind, stream="btcusdt@trade", **fields)
    client.take("btcusdt@trade", 6)
    (field, value) = next(iter(spoiled.items()))
    hit = [trade for trade in client.heard("btcusdt@trade") if trade.get(field) == value]
    assert len(hit) == 1
    truth = calm.json(f"/sim/truth/trades?symbol=BTCUSDT&from_id={hit[0]['t']}&to_id={hit[0]['t']}")
    assert len(truth["trades"]) == 1


def test_a_missing_field_and_an_absurd_level_in_depth(calm: Running) -> None:
    client = listening(calm, DEPTH)
    calm.fault("missing_field", stream=DEPTH)
    client.take(DEPTH, 2)
    calm.fault("absurd_number", stream=DEPTH, value="-1")
    client.take(DEPTH, 3)
    events = client.heard(DEPTH)
    assert sum("u" not in event for event in events) == 1
    absurd = [e for e in events if "-1" in [price for price, _ in e["b"] + e["a"]]]
    assert len(absurd) == 1


def test_broken_json_is_half_a_message(calm: Running) -> None:
    client = listening(calm, DEPTH)
    calm.fault("broken_json", stream=DEPTH)
    half = client.until(lambda message: isinstance(message, str))
    assert half.startswith('{"stream":"btcusdt@depth@100ms"')
    client.take(DEPTH, 1)


def test_a_crossed_event_crosses_a_naive_book_and_the_truth_stays_sound(calm: Running) -> None:
    client = listening(calm, DEPTH)
    book = NaiveBook(calm.json("/api/v3/depth?symbol=BTCUSDT&limit=5000"))
    calm.fault("crossed", stream=DEPTH)
    client.take(DEPTH, 3)
    for event in client.heard(DEPTH):
        book.apply(event)
    assert max(map(float, book.bids)) > min(map(float, book.asks))
    truth = calm.json("/sim/truth/book?symbol=BTCUSDT")
    assert float(truth["bids"][0][0]) < float(truth["asks"][0][0])


def test_1006_is_an_end_without_a_close_frame(calm: Running) -> None:
    client = listening(calm, DEPTH)
    other = listening(calm, OTHER)
    calm.fault("1006", symbol="BTC-USDT")
    assert client.closed() == 1006
    other.take(OTHER, 2)


def test_close_carries_its_code(calm: Running) -> None:
    client = listening(calm, DEPTH)
    calm.fault("close", stream=DEPTH, code=1011)
    assert client.closed() == 1011


@pytest.mark.parametrize(("path", "combined"), [("/stream", True), ("/ws", False)])
def test_server_shutdown_is_announced_before_the_end(
    start: Callable[..., Running], path: str, combined: bool
) -> None:
    running = start()
    client = running.client(path)
    client.subscribe(DEPTH)
    running.fault("server_shutdown", lead_ms=300)
    if combined:
        notice = client.until(lambda m: m.get("stream") == "!serverShutdown")["data"]
    else:
        notice = client.until(lambda m: m.get("e") == "serverShutdown")
    assert notice.keys() == {"e", "E"}
    client.until(lambda m: True)
    assert client.closed() == 1001


def test_a_slow_line_delivers_everything_later(calm: Running) -> None:
    client = listening(calm, DEPTH)
    calm.fault("slow", stream=DEPTH, delay_ms=700)

    def lag_s() -> float:
        return time.time() - client.take(DEPTH, 1)[0]["E"] / 1000

    wait_until(lambda: lag_s() > 0.6, 10, "events come late")
    calm.delete("/sim/faults")
    wait_until(lambda: lag_s() < 0.4, 10, "events come in time again")
    assert set(steps(client.heard(DEPTH))) == {1}


def test_a_late_stream_lags_behind_the_others_of_its_connection(calm: Running) -> None:
    client = listening(calm, DEPTH, "btcusdt@trade")
    calm.fault("late", stream="btcusdt@trade", delay_ms=800)
    client.take(DEPTH, 9)

    def lag_s() -> float:
        trade = client.take("btcusdt@trade", 1)[0]
        return float(client.heard(DEPTH)[-1]["E"] - trade["E"]) / 1000

    wait_until(lambda: lag_s() > 0.5, 10, "trades lag behind depth")
    calm.delete("/sim/faults")
    ids = [trade["t"] for trade in client.heard("btcusdt@trade")]
    assert ids == list(range(ids[0], ids[0] + len(ids)))


@pytest.mark.parametrize("side", ["bids", "asks"])
def test_a_side_is_emptied_truly_and_fills_again(start: Callable[..., Running], side: str) -> None:
    running = start(symbols=("BTC-USDT",), levels=100)
    client = listening(running, DEPTH)
    book = NaiveBook(running.json("/api/v3/depth?symbol=BTCUSDT&limit=5000"))
    number = running.fault("one_sided", symbol="BTC-USDT", side=side)
    client.take(DEPTH, 4)
    snapshot = running.json("/api/v3/depth?symbol=BTCUSDT&limit=5000")
    assert snapshot[side] == []
    running.delete(f"/sim/faults/{number}")
    client.take(DEPTH, 10)
    running.post("/sim/pause")
    rest = running.json("/sim/truth/summary")["BTCUSDT"]
    while client.heard(DEPTH)[-1]["u"] < rest["last_update_id"]:
        client.receive()
    for event in client.heard(DEPTH):
        book.apply(event)
    truth = running.json("/sim/truth/book?symbol=BTCUSDT")
    assert book.same_as(truth)
    assert truth[side]
    assert float(truth["bids"][0][0]) < float(truth["asks"][0][0])


def test_muted_pings(start: Callable[..., Running]) -> None:
    running = start(connections=ConnectionOptions(ping_s=0.1, pong_s=5.0))
    client = running.client()
    assert client.socket.recv_frame().data

    def sent() -> int:
        return int(running.state()["connections"][0]["pings_sent"])

    running.fault("mute_pings")
    muted = sent()
    other = running.client()
    while len(other.messages) < 5:
        other.socket.recv_frame()
        other.messages.append(None)
    assert sent() <= muted + 1


@pytest.mark.parametrize(("kind", "status"), [("429", 429), ("418", 418)])
def test_a_limited_reply_tells_when_to_come_back(calm: Running, kind: str, status: int) -> None:
    calm.fault(kind, retry_after_s=3, count=1)
    reply = calm.get("/api/v3/ping")
    assert (reply.status_code, reply.headers["Retry-After"]) == (status, "3")
    assert reply.json()["code"] == -1003
    assert calm.get("/api/v3/ping").status_code == 200


def test_a_rest_fault_meets_its_path_and_symbol_only(calm: Running) -> None:
    calm.fault("http", path="/api/v3/depth", symbol="BTC-USDT", status=503, body="busy", count=1)
    assert calm.get("/api/v3/depth?symbol=ETHUSDT").status_code == 200
    assert calm.get("/api/v3/ping").status_code == 200
    reply = calm.get("/api/v3/depth?symbol=BTCUSDT")
    assert (reply.status_code, reply.text) == (503, "busy")
    assert calm.get("/api/v3/depth?symbol=BTCUSDT").status_code == 200


def test_a_slow_and_a_broken_reply(calm: Running) -> None:
    calm.fault("slow", path="/api/v3/time", delay_ms=300, count=1)
    calm.fault("broken_json", path="/api/v3/time")
    begin = time.monotonic()
    reply = calm.get("/api/v3/time")
    assert time.monotonic() - begin > 0.28
    with pytest.raises(ValueError, match="line 1 column"):
        reply.json()


def test_a_stale_snapshot_is_older_than_the_stream_and_still_true(calm: Running) -> None:
    client = listening(calm, DEPTH)
    first = client.heard(DEPTH)[0]
    calm.fault("stale_snapshot", symbol="BTC-USDT", updates=3000)
    stale = calm.json("/api/v3/depth?symbol=BTCUSDT&limit=5000")
    assert stale["lastUpdateId"] < first["U"]
    path = f"/sim/truth/book?symbol=BTCUSDT&update_id={stale['lastUpdateId']}"
    assert stale["bids"] == calm.json(path)["bids"]
    assert calm.json("/api/v3/depth?symbol=BTCUSDT")["lastUpdateId"] >= first["U"]


def test_an_adjacent_snapshot_ends_right_before_an_event(calm: Running) -> None:
    client = listening(calm, DEPTH)
    calm.fault("adjacent_snapshot")
    snapshot = calm.json("/api/v3/depth?symbol=BTCUSDT&limit=5000")
    client.take(DEPTH, 3)
    firsts = [event["U"] for event in client.heard(DEPTH)]
    assert snapshot["lastUpdateId"] + 1 in firsts
    assert firsts[0] <= snapshot["lastUpdateId"]


def test_a_halted_symbol_is_silent_has_status_break_and_comes_back(calm: Running) -> None:
    client = listening(calm, DEPTH, OTHER)
    calm.fault("halt", symbol="BTC-USDT", duration_s=1.0)
    info = calm.json("/api/v3/exchangeInfo?symbol=BTCUSDT")
    assert info["symbols"][0]["status"] == "BREAK"
    client.take(OTHER, 2)
    before = len(client.heard(DEPTH))
    client.take(OTHER, 4)
    assert len(client.heard(DEPTH)) == before
    assert calm.json("/api/v3/depth?symbol=BTCUSDT&limit=5")["bids"]
    client.take(DEPTH, 1)
    assert set(steps(client.heard(DEPTH))) == {1}
    assert calm.json("/api/v3/exchangeInfo?symbol=BTCUSDT")["symbols"][0]["status"] == "TRADING"


def test_faults_wait_let_pass_and_draw_lots_as_ordered(calm: Running) -> None:
    client = listening(calm, "btcusdt@trade")
    calm.fault("duplicate", stream="btcusdt@trade", after=3, count=2)
    client.take("btcusdt@trade", 12)
    (report,) = calm.json("/sim/faults")
    assert report["hits"] == 2
    assert report["seen"] >= 5
    calm.delete("/sim/faults")
    calm.fault("drop", stream="btcusdt@trade", probability=0.5, duration_s=60)
    client.take("btcusdt@trade", 30)
    (report,) = calm.json("/sim/faults")
    assert 0.2 < report["hits"] / report["seen"] < 0.8
    calm.delete("/sim/faults")
    calm.fault("drop", stream="btcusdt@trade", in_s=60, count=1)
    client.take("btcusdt@trade", 5)
    assert calm.json("/sim/faults")[0]["hits"] == 0


def test_a_fault_can_be_aimed_at_one_connection(calm: Running) -> None:
    hit, spared = listening(calm, DEPTH), listening(calm, DEPTH)
    first, _ = (each["number"] for each in calm.state()["connections"])
    calm.fault("gap", connection=first)
    hit.take(DEPTH, 4)
    spared.take(DEPTH, 4)
    assert max(steps(hit.heard(DEPTH))) > 1
    assert set(steps(spared.heard(DEPTH))) == {1}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "earthquake"}, "Invalid enum value 'earthquake'"),
        ({"kind": "drop", "symbl": "BTCUSDT"}, "unknown field `symbl`"),
        ({"symbol": "BTCUSDT"}, "missing required field `kind`"),
    ],
)
def test_a_wrong_order_is_refused_with_the_reason(
    calm: Running, body: dict[str, Any], words: str
) -> None:
    reply = calm.post("/sim/faults", body)
    assert reply.status_code == 400
    assert words in reply.json()["error"]


def test_a_list_of_faults_is_a_script(calm: Running) -> None:
    script = [{"kind": "drop", "count": 1}, {"kind": "stall", "duration_s": 0.1}]
    reply = calm.post("/sim/faults", script)
    assert len(reply.json()["ids"]) == 2
    assert [each["fault"]["kind"] for each in calm.json("/sim/faults")] == ["drop", "stall"]
    assert calm.delete("/sim/faults").json() == {"cleared": 2}
    assert calm.delete("/sim/faults/99").status_code == 404
