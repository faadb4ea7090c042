"""A recording is played as it was: bytes, order, snapshots. The simulator makes its own."""

import gzip
import json
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.naive import NaiveBook
from tests.simulator.running import Client, Running
from tests.waiting import wait_until
from workers.simulator.options import Options
from workers.simulator.recorder import dump
from workers.simulator.recordings import RecordingError, read

SECONDS = 4.0
START_MS = 1_767_225_600_000


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of two made-up markets."""
    file = tmp_path_factory.mktemp("recording") / "market.gz"
    options = Options(
        seed=11, start_ms=START_MS, levels=300, rate=300.0, symbols=("BTC-USDT", "ETH-USDT")
    )
    dump(options, file, SECONDS)
    return file


def lines(file: Path) -> list[tuple[int, str]]:
    """Time in nanoseconds and text of each line."""
    found = []
    for line in gzip.decompress(file.read_bytes()).decode().splitlines():
        stamp, text = line.split(" ", 1)
        found.append((int(stamp), text))
    return found


def frames(file: Path) -> list[str]:
    return [text for _, text in lines(file) if text.startswith('{"stream"')]


def finished(running: Running) -> Any:
    def status() -> Any:
        play = running.json("/sim/play")
        return play if play["state"] == "finished" else None

    return wait_until(status, 30, "the playback is finished")


def texts(client: Client, count: int) -> list[str]:
    return [client.socket.recv() for _ in range(count)]


def test_all_streams_come_with_their_original_bytes(
    start: Callable[..., Running], recording: Path
) -> None:
    expected = frames(recording)
    running = start(play=(recording,), speed=100.0, settle_s=30.0)
    client = running.client()
    client.subscribe(*sorted({json.loads(text)["stream"] for text in expected}))
    assert texts(client, len(expected)) == expected
    status = finished(running)
    assert (status["position"], status["unheard"]) == (len(expected), 0)
    assert status["symbols"] == {"BTCUSDT": "BTC-USDT", "ETHUSDT": "ETH-USDT"}


def test_some_streams_start_after_a_pause_and_nothing_before_it_is_lost(
    start: Callable[..., Running], recording: Path
) -> None:
    wanted = {"btcusdt@trade", "ethusdt@depth@100ms"}
    whole = [json.loads(text) for text in frames(recording)]
    expected = [each for each in whole if each["stream"] in wanted]
    running = start(play=(recording,), speed=100.0, settle_s=0.5)
    assert running.json("/sim/play")["state"] == "waiting"
    client = running.client()
    client.subscribe("btcusdt@trade")
    client.subscribe("ethusdt@depth@100ms", "dogeusdt@trade")
    assert [json.loads(text) for text in texts(client, len(expected))] == expected
    assert finished(running)["unheard"] == len(whole) - len(expected)


def test_a_raw_connection_gets_the_bare_payloads(
    start: Callable[..., Running], recording: Path
) -> None:
    prefix = '{"stream":"btcusdt@trade","data":'
    expected = [
        text.removeprefix(prefix)[:-1] for text in frames(recording) if text.startswith(prefix)
    ]
    running = start(play=(recording,), speed=100.0, settle_s=0.2)
    client = running.client("/ws/btcusdt@trade")
    assert texts(client, len(expected)) == expected


def test_the_recorded_session_gives_the_recorded_book(
    start: Callable[..., Running], recording: Path
) -> None:
    """A client that asks for its snapshot before the start, as a quick client does."""
    events = [json.loads(text)["data"] for text in frames(recording) if "@depth" in text[:40]]
    mine = [event for event in events if event["s"] == "BTCUSDT"]
    running = start(play=(recording,), speed=100.0, settle_s=0.5)
    client = running.client()
    client.subscribe("btcusdt@depth@100ms")
    reply = running.get("/api/v3/depth?symbol=BTCUSDT&limit=5000")
    assert running.json("/sim/play")["state"] == "waiting"
    assert reply.text in {text for _, text in lines(recording)}
    book = NaiveBook(reply.json())
    assert book.last_id >= mine[0]["U"]
    for event in client.take("btcusdt@depth@100ms", len(mine)):
        book.apply(event)
    assert book.last_id == mine[-1]["u"]
    assert book.idle_deletes > 0, "levels that came and went in one window are deleted unseen"


def test_spacing_is_kept_at_the_asked_speed(start: Callable[..., Running], recording: Path) -> None:
    running = start(play=(recording,), speed=2.0, settle_s=0.2)
    client = running.client()
    client.subscribe("btcusdt@depth@100ms")
    client.take("btcusdt@depth@100ms", 1)
    begin = time.monotonic()
    status = finished(running)
    assert time.monotonic() - begin > SECONDS / 2 * 0.7
    played_s = (status["ended_ns"] - status["started_ns"]) / 1e9
    assert played_s == pytest.approx(SECONDS / 2, rel=0.15)
    assert running.state()["connections"], "connections stay open after the end"


def depth_event(number: int) -> dict[str, Any]:
    levels = [[f"{number}.0", "1.0"]]
    ids = {"U": number, "u": number}
    return {"e": "depthUpdate", "E": 1, "s": "XYZUSDT", **ids, "b": levels, "a": []}


def test_the_newest_passed_snapshot_is_served(
    start: Callable[..., Running], tmp_path: Path
) -> None:
    updates = [{"recv": str(1000 + n), "msg": depth_event(n)} for n in range(1, 11)]
    snapshots = [{"lastUpdateId": last, "bids": [["1.0", "1.0"]], "asks": []} for last in (1, 6)]
    session = {
        "symbol": "XYZUSDT",
        "snapshot": snapshots[0],
        "snapshot_after": 1,
        "resnapshots": [{"after": 6, "snapshot": snapshots[1]}],
        "updates": updates,
    }
    file = tmp_path / "session.json"
    file.write_text(json.dumps(session))
    running = start(play=(file,), speed=100.0, settle_s=0.2)
    path = "/api/v3/depth?symbol=XYZUSDT&limit=5000"
    assert running.json(path)["lastUpdateId"] == 1
    client = running.client("/ws/xyzusdt@depth@100ms")
    assert [client.receive()["U"] for _ in range(10)] == list(range(1, 11))
    finished(running)
    assert running.json(path)["lastUpdateId"] == 6
    info = running.json("/api/v3/exchangeInfo")["symbols"][0]
    assert (info["baseAsset"], info["quoteAsset"]) == ("XYZ", "USDT")


def test_a_cryptofeed_recording_with_its_replies_beside_it(
    start: Callable[..., Running], recording: Path, tmp_path: Path
) -> None:
    websocket_lines = ["wss://stream.binance.com:9443/stream?streams=a/b -> 1.0: x"]
    http_lines = []
    for stamp, text in lines(recording):
        seconds = f"{stamp / 1e9:.6f}"
        if text.startswith('{"stream"'):
            websocket_lines.append(f"{seconds}: {text}")
        else:
            symbol = "BTCUSDT" if not http_lines else "ETHUSDT"
            url = f"https://api.binance.com/api/v3/depth?symbol={symbol}&limit=1000"
            http_lines.append(f"{url} -> {seconds}: {text}")
    frames_file, replies_file = tmp_path / "ws.0", tmp_path / "http.0"
    frames_file.write_text("\n".join(websocket_lines))
    replies_file.write_text("\n".join(http_lines) + "\n\n")
    running = start(play=(frames_file,), http=(replies_file,), speed=100.0, settle_s=0.3)
    expected = [text for text in frames(recording) if text.startswith('{"stream":"ethusdt@trade"')]
    client = running.client("/stream?streams=ethusdt@trade")
    assert texts(client, len(expected)) == expected
    body = running.get("/api/v3/depth?symbol=ETHUSDT&limit=5000").text
    assert body == http_lines[1].split(": ", 1)[1]


@pytest.mark.parametrize(("channel", "every_ms"), [("depth@100ms", 100), ("ticker", 1000)])
def test_windows_are_as_long_as_documented(recording: Path, channel: str, every_ms: int) -> None:
    prefix = f'{{"stream":"ethusdt@{channel}"'
    times = [json.loads(text)["data"]["E"] for text in frames(recording) if text.startswith(prefix)]
    assert len(times) >= SECONDS * 1000 / every_ms - 1
    assert {later - time for time, later in pairwise(times)} == {every_ms}


def test_bare_snapshots_find_their_symbol_by_their_ids(recording: Path) -> None:
    found = read([recording])
    for reply in found.snapshots:
        update_id = json.loads(reply.body)["lastUpdateId"]
        own = [
            json.loads(frame.payload)
            for frame in found.frames
            if frame.stream == f"{reply.symbol.lower()}@depth@100ms"
        ]
        assert own[0]["U"] <= update_id <= own[-1]["u"]
    assert {reply.symbol for reply in found.snapshots} == {"BTCUSDT", "ETHUSDT"}


def test_what_is_not_recorded_is_refused_not_invented(
    start: Callable[..., Running], recording: Path
) -> None:
    running = start(play=(recording,))
    assert running.get("/api/v3/depth?symbol=NOSUCH").json()["code"] == -1121
    assert running.get("/api/v3/ticker/24hr?symbol=BTCUSDT").json()["code"] == -1000
    assert running.get("/api/v3/ping").json() == {}
    assert running.post("/sim/pause").status_code == 409
    assert running.post("/sim/rate", {"rate": 5}).status_code == 409


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no frame in it"),
        ("hello\n", "not a recording"),
        ('{"symbol": "BTCUSDT"}', "not a recording"),
    ],
)
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "file"
    file.write_text(content)
    with pytest.raises(RecordingError, match=words):
        read([file])


def test_a_symbol_with_an_unknown_quote_needs_a_name(tmp_path: Path) -> None:
    file = tmp_path / "odd"
    file.write_text('1 {"stream":"abcxyz@trade","data":{"e":"trade","p":"1.0","q":"2.50"}}\n')
    with pytest.raises(RecordingError, match="--instrument ABCXYZ=BASE-QUOTE"):
        Running(play=(file,))
    running = Running(play=(file,), names=("ABCXYZ=ABC-XYZ",))
    try:
        assert running.json("/sim/play")["symbols"] == {"ABCXYZ": "ABC-XYZ"}
    finally:
        running.stop()
