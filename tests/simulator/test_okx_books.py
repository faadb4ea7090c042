import zlib
from collections.abc import Iterator

import pytest

from tests.simulator.okx_client import Client, NaiveBook, Running

BOTH = ["BTC-USDT", "BTC-USDT-SWAP"]


@pytest.fixture(scope="module")
def exchange() -> Iterator[Running]:
    with Running() as running:
        yield running


def truth_of(exchange: Running, symbol: str, seq_id: int) -> object:
    return exchange.json("/sim/truth/book", symbol=symbol, update_id=seq_id, depth=400)


@pytest.mark.parametrize("symbol", BOTH)
def test_two_dicts_that_follow_books_hold_the_true_best_400(exchange: Running, symbol: str) -> None:
    client, book = exchange.client(), NaiveBook()
    client.subscribe("books", symbol)
    for index, message in enumerate(client.take("books", 12)):
        book.apply(message)
        assert book.is_true(truth_of(exchange, symbol, book.seq_id)), f"wrong after push {index}"
    assert len(book.bids) == len(book.asks) == 400
    assert book.updates >= 10


def test_a_market_at_rest_equals_its_followers(exchange: Running) -> None:
    client, book = exchange.client(), NaiveBook()
    client.subscribe("books")
    client.take("books", 3)
    summary = exchange.post("/sim/pause")["BTC-USDT"]
    try:
        applied = 0
        while book.seq_id != summary["last_published_update_id"]:
            for message in client.take("books", applied + 1)[applied:]:
                book.apply(message)
                applied += 1
        assert book.is_true(exchange.json("/sim/truth/book", symbol="BTC-USDT", depth=400))
    finally:
        exchange.post("/sim/resume")


def test_all_connections_see_the_same_sequence_numbers(exchange: Running) -> None:
    first, second = exchange.client(), exchange.client()
    first.subscribe("books")
    first.take("books", 4)
    second.subscribe("books")
    seen = {m["data"][0]["seqId"]: m["data"][0]["prevSeqId"] for m in second.take("books", 5)[1:]}
    last = max(seen)
    first.until(lambda m: m.get("action") == "update" and m["data"][0]["seqId"] >= last)
    known = {m["data"][0]["seqId"]: m["data"][0]["prevSeqId"] for m in first.heard("books")}
    assert seen.items() <= known.items()


def test_the_checksum_is_always_zero(exchange: Running) -> None:
    client = exchange.client()
    client.subscribe("books")
    assert {m["data"][0]["checksum"] for m in client.take("books", 5)} == {0}


def test_in_legacy_mode_the_checksum_is_the_crc_of_the_best_25() -> None:
    with Running("legacy_checksum=1") as exchange:
        client, book = exchange.client(), NaiveBook()
        client.subscribe("books")
        for message in client.take("books", 6):
            book.apply(message)
            bids = sorted(book.bids.items(), key=lambda level: -float(level[0]))[:25]
            asks = sorted(book.asks.items(), key=lambda level: float(level[0]))[:25]
            pairs = [f"{p}:{q}" for both in zip(bids, asks, strict=True) for p, q in both]
            crc = zlib.crc32(":".join(pairs).encode())
            expected = crc - 2**32 if crc >= 2**31 else crc
            assert message["data"][0]["checksum"] == expected


def test_a_still_book_is_confirmed_with_an_empty_update() -> None:
    with Running("heartbeat_s=0.3") as exchange:
        client, book = exchange.client(), NaiveBook()
        client.subscribe("books")
        exchange.post("/sim/pause")
        applied = 0
        while book.beats < 2:
            for message in client.take("books", applied + 1)[applied:]:
                book.apply(message)
                applied += 1
        assert book.is_true(exchange.json("/sim/truth/book", symbol="BTC-USDT", depth=400))


def test_after_a_reset_the_numbers_begin_again_and_the_chain_holds() -> None:
    with Running() as exchange:
        client, book = exchange.client(), NaiveBook()
        client.subscribe("books")
        client.take("books", 2)
        exchange.post("/sim/reset_sequence", {"symbol": "BTC-USDT"})
        applied = 0
        while not book.resets or applied < 6:
            for message in client.take("books", applied + 1)[applied:]:
                book.apply(message)
                applied += 1
                assert book.is_true(truth_of(exchange, "BTC-USDT", book.seq_id))
        assert book.resets == 1
        assert book.seq_id < 100_000


def test_unsubscribing_and_subscribing_gives_a_fresh_snapshot_and_subscribing_twice_none(
    exchange: Running,
) -> None:
    client = exchange.client()
    arg = client.subscribe("books")
    client.take("books", 2)
    client.subscribe("books")
    client.send("unsubscribe", arg)
    client.until(lambda m: m.get("event") == "unsubscribe")
    before = [m["action"] for m in client.heard("books")]
    assert before.count("snapshot") == 1
    client.subscribe("books")
    assert client.take("books", len(before) + 1)[-1]["action"] == "snapshot"


@pytest.mark.parametrize("symbol", BOTH)
@pytest.mark.parametrize(("channel", "depth"), [("bbo-tbt", 1), ("books5", 5)])
def test_small_books_are_whole_and_true(
    exchange: Running, symbol: str, channel: str, depth: int
) -> None:
    client = exchange.client()
    client.subscribe(channel, symbol)
    for message in client.take(channel, 4):
        row = message["data"][0]
        assert set(message) == {"arg", "data"}
        assert not {"prevSeqId", "checksum"} & row.keys()
        truth = exchange.json("/sim/truth/book", symbol=symbol, update_id=row["seqId"], depth=depth)
        assert [level[:2] for level in row["bids"]] == truth["bids"]
        assert [level[:2] for level in row["asks"]] == truth["asks"]


def test_a_lost_push_is_seen_as_a_broken_chain(exchange: Running) -> None:
    client, book = exchange.client(), NaiveBook()
    client.subscribe("books")
    for message in client.take("books", 2):
        book.apply(message)
    exchange.fault("gap", symbol="BTC-USDT")
    with pytest.raises(AssertionError, match="gap"):
        follow(client, book, 40)


def follow(client: Client, book: NaiveBook, pushes: int) -> None:
    """Apply pushes from the third on."""
    for applied in range(2, pushes):
        book.apply(client.take("books", applied + 1)[applied])


def test_a_crossed_push_carries_a_bid_above_every_ask(exchange: Running) -> None:
    client = exchange.client()
    client.subscribe("books")
    client.take("books", 2)
    exchange.fault("crossed", symbol="BTC-USDT")

    def crossed(message: dict[str, object]) -> bool:
        rows = message.get("data")
        bids = rows[0].get("bids") if isinstance(rows, list) else None
        return bool(bids) and float(bids[0][0]) > 150_000

    client.until(crossed)


def test_rest_books_bridge_to_the_stream_and_a_stale_cache_goes_back(exchange: Running) -> None:
    client = exchange.client()
    client.subscribe("books")
    found = exchange.data("market/books", instId="BTC-USDT", sz=400)[0]
    assert len(found["bids"]) == 400
    truth = truth_of(exchange, "BTC-USDT", found["seqId"])
    assert [level[:2] for level in found["bids"]] == truth["bids"]  # type: ignore[index]
    ids = [
        (m["data"][0]["prevSeqId"], m["data"][0]["seqId"])
        for m in client.take("books", 8)
        if m["action"] == "update"
    ]
    later = [each for each in ids if each[1] > found["seqId"]]
    assert not later or later[0][0] <= found["seqId"]
    exchange.fault("stale_snapshot", updates=300)
    assert exchange.data("market/books", instId="BTC-USDT")[0]["seqId"] < found["seqId"]
    assert len(exchange.data("market/books", instId="BTC-USDT")[0]["bids"]) == 1
