"""Recorded sessions of the real exchange, played at speed; only where the folder is."""

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.captures import FOLDER
from tests.simulator.naive import NaiveBook
from tests.simulator.running import Running

pytestmark = [
    pytest.mark.captures,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"recorded sessions not found at {FOLDER}"),
]


def plain(levels: Any) -> dict[Decimal, Decimal]:
    return {Decimal(price): Decimal(quantity) for price, quantity in levels}


def test_the_real_session_of_2024_08_08_is_played_whole(start: Callable[..., Running]) -> None:
    running = start(
        play=(FOLDER / "streams" / "hftbacktest_spot_btcusdt_20240808.gz",),
        speed=1000.0,
        settle_s=0.3,
    )
    info = running.json("/api/v3/exchangeInfo")["symbols"][0]
    assert (info["baseAsset"], info["quoteAsset"]) == ("BTC", "USDT")
    client = running.client()
    client.subscribe("btcusdt@trade", "btcusdt@depth@100ms", "btcusdt@ticker")
    book = NaiveBook(running.json("/api/v3/depth?symbol=BTCUSDT&limit=5000"))
    for _ in range(9_757 + 3_451):
        client.receive()
    trades = client.heard("btcusdt@trade")
    assert [trade["t"] for trade in trades] == list(range(3735683259, 3735693016))
    bought = sum(Decimal(trade["q"]) for trade in trades if not trade["m"])
    sold = sum(Decimal(trade["q"]) for trade in trades if trade["m"])
    assert (bought, sold) == (Decimal("96.65118000"), Decimal("115.38197000"))
    for event in client.heard("btcusdt@depth@100ms"):
        book.apply(event)
    name = "binance_spot.BTCUSDT.hftbacktest-20240808.full.json.gz"
    session = json.loads(gzip.decompress((FOLDER / "sessions" / name).read_bytes()))
    final = session["expected"]["final"]
    assert book.last_id == final["last_id"]
    assert (len(book.bids), len(book.asks)) == (final["n_bids"], final["n_asks"])
    assert max(map(Decimal, book.bids)) == Decimal(final["best"][0])
    assert min(map(Decimal, book.asks)) == Decimal(final["best"][2])


@pytest.mark.parametrize("file", ["binance_spot.NKNUSDT.cryptofeed.json"])
def test_a_recorded_session_file_ends_in_its_expected_book(
    start: Callable[..., Running], file: str
) -> None:
    path = FOLDER / "sessions" / file
    session = json.loads(path.read_bytes())
    running = start(play=(path,), speed=1000.0, settle_s=0.3)
    symbol = session["symbol"]
    client = running.client(f"/ws/{symbol.lower()}@depth@100ms")
    book = NaiveBook(running.json(f"/api/v3/depth?symbol={symbol}&limit=5000"))
    applied = sum(book.apply(client.receive()) for _ in session["updates"])
    assert applied == session["expected"]["applied"]
    final = session["expected"]["final"]
    assert (book.last_id, len(book.bids), len(book.asks)) == (
        final["last_id"],
        final["n_bids"],
        final["n_asks"],
    )


def test_the_cryptofeed_recording_serves_a_snapshot_per_symbol(
    start: Callable[..., Running],
) -> None:
    streams = FOLDER / "streams"
    running = start(
        play=(streams / "cryptofeed_BINANCE.ws.1.0",),
        http=(streams / "cryptofeed_BINANCE.http.0.0",),
        speed=1000.0,
        settle_s=0.3,
    )
    symbols = running.json("/sim/play")["symbols"]
    assert symbols == {
        "NKNUSDT": "NKN-USDT",
        "BLZETH": "BLZ-ETH",
        "LRCBTC": "LRC-BTC",
        "RUNEEUR": "RUNE-EUR",
    }
    client = running.client()
    client.subscribe(*(f"{name.lower()}@depth@100ms" for name in symbols))
    books = {
        name: NaiveBook(running.json(f"/api/v3/depth?symbol={name}&limit=5000")) for name in symbols
    }
    total = sum(
        count
        for stream, count in running.json("/sim/play")["streams"].items()
        if "@depth" in stream
    )
    applied = 0
    for _ in range(total):
        message = client.receive()
        applied += books[message["data"]["s"]].apply(message["data"])
    assert applied == 172
