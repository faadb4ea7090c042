"""The depth stream, the snapshots and the truth tell one story."""

import itertools
from collections.abc import Callable

import pytest

from tests.simulator.naive import NaiveBook
from tests.simulator.running import Running

DEPTH = "btcusdt@depth@100ms"


def test_a_naive_book_equals_the_truth_after_every_event(shared: Running) -> None:
    client = shared.client()
    client.subscribe(DEPTH)
    client.take(DEPTH, 1)
    book = NaiveBook(shared.json("/api/v3/depth?symbol=BTCUSDT&limit=5000"))
    client.take(DEPTH, 15)
    applied = 0
    for event in client.heard(DEPTH):
        if book.apply(event):
            applied += 1
            truth = shared.json(f"/sim/truth/book?symbol=BTCUSDT&update_id={book.last_id}")
            assert book.same_as(truth)
    assert applied >= 10


@pytest.mark.parametrize(("stream", "count"), [(DEPTH, 12), ("btcusdt@depth", 3)])
def test_depth_events_join_without_a_gap(shared: Running, stream: str, count: int) -> None:
    client = shared.client()
    client.subscribe(stream)
    events = client.take(stream, count)
    assert all(later["U"] == event["u"] + 1 for event, later in itertools.pairwise(events))
    assert all(event["U"] <= event["u"] for event in events)
    assert all(event["b"] or event["a"] for event in events)
    assert {event["e"] for event in events} == {"depthUpdate"}


def test_a_market_at_rest_has_been_published_to_its_last_change(
    start: Callable[..., Running],
) -> None:
    running = start(symbols=("ETH-USDT",))
    client = running.client()
    client.subscribe("ethusdt@depth@100ms", "ethusdt@trade")
    client.take("ethusdt@depth@100ms", 3)
    rest = running.post("/sim/pause").json()["ETHUSDT"]
    while client.heard("ethusdt@depth@100ms")[-1]["u"] != rest["last_update_id"]:
        client.receive()
    assert client.heard("ethusdt@trade")[-1]["t"] == rest["last_trade_id"]
    assert running.json("/sim/truth/summary")["ETHUSDT"]["last_update_id"] == rest["last_update_id"]
    assert running.post("/sim/resume").json() == {"paused": False}
    assert client.take("ethusdt@depth@100ms", 1)[0]["U"] == rest["last_update_id"] + 1


def test_book_ticker_shows_the_true_best_prices_of_its_update_id(shared: Running) -> None:
    client = shared.client()
    client.subscribe("btcusdt@bookTicker")
    for quote in client.take("btcusdt@bookTicker", 25):
        truth = shared.json(f"/sim/truth/book?symbol=BTCUSDT&update_id={quote['u']}&depth=1")
        assert truth["bids"] == [[quote["b"], quote["B"]]]
        assert truth["asks"] == [[quote["a"], quote["A"]]]
        assert float(quote["b"]) < float(quote["a"])


@pytest.mark.parametrize("suffix", ["", "@100ms"])
@pytest.mark.parametrize("count", [5, 10, 20])
def test_partial_depth_is_the_top_of_the_true_book(
    shared: Running, count: int, suffix: str
) -> None:
    stream = f"ethusdt@depth{count}{suffix}"
    client = shared.client()
    client.subscribe(stream)
    for top in client.take(stream, 2):
        update_id = top["lastUpdateId"]
        truth = shared.json(f"/sim/truth/book?symbol=ETHUSDT&update_id={update_id}&depth={count}")
        assert (top["bids"], top["asks"]) == (truth["bids"], truth["asks"])
        assert len(top["bids"]) == count


def test_a_snapshot_of_5000_levels_is_cut_from_a_deeper_book(start: Callable[..., Running]) -> None:
    running = start(symbols=("BTC-USDT",), levels=6500)
    snapshot = running.json("/api/v3/depth?symbol=BTCUSDT&limit=6000")
    truth = running.json(f"/sim/truth/book?symbol=BTCUSDT&update_id={snapshot['lastUpdateId']}")
    assert len(snapshot["bids"]) == len(snapshot["asks"]) == 5000
    assert snapshot["bids"] == truth["bids"][:5000]
    assert snapshot["asks"] == truth["asks"][:5000]
    assert len(truth["bids"]) > 6000
    assert len(truth["asks"]) > 6000


def test_the_truth_says_why_it_cannot_tell(start: Callable[..., Running]) -> None:
    running = start(symbols=("BTC-USDT",), journal=1, rate=20_000.0)
    running.client().subscribe(DEPTH)

    def oldest() -> int:
        summary = running.json("/sim/truth/summary")["BTCUSDT"]
        return int(summary["oldest_update_id"])

    first = oldest()
    client = running.client()
    client.subscribe(DEPTH)
    while oldest() == first:
        client.take(DEPTH, 1)
    old = running.get(f"/sim/truth/book?symbol=BTCUSDT&update_id={first}")
    assert old.status_code == 410
    assert f"update id {first} is older than" in old.json()["error"]
    future = running.get("/sim/truth/book?symbol=BTCUSDT&update_id=999999999999999")
    assert future.status_code == 404
    assert "is not made yet" in future.json()["error"]
    assert running.get("/sim/truth/book?symbol=XYZ").status_code == 404
    assert running.get("/sim/truth/book?symbol=BTCUSDT&update_id=x").status_code == 400
