from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.deribit_client import Client, NaiveBook, deribit, result, true_sides

INVERSE, LINEAR = "BTC-PERPETUAL", "BTC_USDC-PERPETUAL"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with deribit(tmp_path_factory.mktemp("deribit")) as running:
        yield running


def option(exchange: Any) -> str:
    rows = result(exchange, "get_instruments", kind="option")
    return str(rows[0]["instrument_name"])


def test_a_naive_book_equals_the_truth_at_every_change(exchange: Any) -> None:
    names = [INVERSE, LINEAR, option(exchange)]
    channels = {f"book.{name}.100ms": name for name in names}
    with Client(exchange) as client:
        client.subscribe(*channels)
        client.until(lambda: len(client.notes) > 60, "book changes")
        summary = exchange.post("/sim/pause")
        wanted = {name: summary[name]["last_published_update_id"] for name in names}
        client.until(
            lambda: all(
                client.data(f"book.{name}.100ms")[-1]["change_id"] == wanted[name] for name in names
            ),
            "the last changes",
        )
        exchange.post("/sim/resume")
    books = {channel: NaiveBook() for channel in channels}
    for note in client.notes:
        book = books[note["channel"]]
        book.apply(note["data"])
        name = channels[note["channel"]]
        assert book.sides() == true_sides(exchange, name, book.change_id)
        assert book.breaks == 0
    assert all(len(book.bids) > 5 for book in books.values())


def test_change_ids_are_shared_and_jump(exchange: Any) -> None:
    with Client(exchange) as client:
        client.subscribe(f"book.{INVERSE}.100ms", f"book.{LINEAR}.100ms")
        client.until(lambda: len(client.notes) > 20, "book changes")
    changes = [each["data"] for each in client.notes if each["data"]["type"] == "change"]
    assert any(each["change_id"] - each["prev_change_id"] > 1 for each in changes)
    ids = [each["change_id"] for each in changes]
    assert len(set(ids)) == len(ids)
    assert min(ids) > 2**32


def test_a_second_subscribe_brings_no_snapshot_but_a_fresh_one_does(exchange: Any) -> None:
    channel = f"book.{INVERSE}.100ms"
    with Client(exchange) as client:
        client.subscribe(channel)
        client.until(lambda: client.data(channel), "the snapshot")
        assert client.subscribe(channel)["result"] == [channel]
        client.until(lambda: len(client.data(channel)) > 5, "changes")
        assert [each["type"] for each in client.data(channel)].count("snapshot") == 1
        assert client.call("public/unsubscribe", channels=[channel])["result"] == [channel]
        assert client.call("public/unsubscribe", channels=[channel])["result"] == []
        client.notes.clear()
        client.subscribe(channel)
        client.until(lambda: client.data(channel), "another snapshot")
        assert client.data(channel)[0]["type"] == "snapshot"


def test_snapshots_list_the_best_first_on_both_sides(exchange: Any) -> None:
    channel = f"book.{LINEAR}.agg2"
    with Client(exchange) as client:
        client.subscribe(channel)
        client.until(lambda: client.data(channel), "the snapshot")
    shown = client.data(channel)[0]
    bids, asks = [row[1] for row in shown["bids"]], [row[1] for row in shown["asks"]]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    assert {row[0] for row in (*shown["bids"], *shown["asks"])} == {"new"}


def test_a_gap_on_request_breaks_the_chain_once(exchange: Any) -> None:
    channel = f"book.{INVERSE}.100ms"
    with Client(exchange) as client:
        client.subscribe(channel)
        client.until(lambda: len(client.data(channel)) > 2, "changes")
        exchange.fault("gap", symbol=INVERSE)
        client.until(lambda: exchange.faults()[-1]["done"], "the gap")
        seen = len(client.data(channel))
        client.until(lambda: len(client.data(channel)) > seen + 3, "changes after it")
    book, breaks = 0, 0
    for each in client.data(channel):
        breaks += each["type"] == "change" and each["prev_change_id"] != book
        book = each["change_id"]
    assert breaks == 1


def test_a_crossed_book_on_request_stays_in_the_chain(exchange: Any) -> None:
    channel = f"book.{INVERSE}.100ms"
    with Client(exchange) as client:
        client.subscribe(channel)
        client.until(lambda: client.data(channel), "the snapshot")
        exchange.fault("crossed", symbol=INVERSE)
        book, asked = NaiveBook(), 0
        crossed = False
        while not crossed and asked < 200:
            client.receive()
            asked += 1
            crossed = any(row[1] > 150_000 for each in client.data(channel) for row in each["bids"])
    assert crossed
    for each in client.data(channel):
        book.apply(each)
    assert book.breaks == 0
    assert max(book.bids) > min(book.asks)


def test_the_rest_book_equals_the_truth_at_its_change_id(exchange: Any) -> None:
    shown = result(exchange, "get_order_book", instrument_name=INVERSE, depth=10000)
    bids, asks = true_sides(exchange, INVERSE, shown["change_id"])
    assert {Decimal(str(price)): Decimal(str(size)) for price, size in shown["bids"]} == bids
    assert {Decimal(str(price)): Decimal(str(size)) for price, size in shown["asks"]} == asks


def test_numbers_have_exponents_where_they_are_round(exchange: Any) -> None:
    channel = f"book.{INVERSE}.100ms"
    with Client(exchange) as client:
        client.subscribe(channel)
        client.until(lambda: client.data(channel), "the snapshot")
    text = next(each for each in client.texts if '"snapshot"' in each)
    assert "e3]" in text
    assert Decimal("1.0e3") <= max(row[2] for row in client.data(channel)[0]["bids"])
