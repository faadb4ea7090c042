"""REST prices and windows, compared with the tape and the true book of a market at rest."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.running import Running

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def resting() -> Iterator[Running]:
    running = Running()
    running.post("/sim/pause")
    yield running
    running.stop()


def tape(running: Running) -> list[dict[str, Any]]:
    """All trades of the market, paged by id."""
    first: int = running.json("/sim/truth/summary")["BTCUSDT"]["first_trade_id"]
    found: list[dict[str, Any]] = []
    path = "/api/v3/historicalTrades?symbol=BTCUSDT&limit=1000&fromId="
    while page := running.json(f"{path}{first + len(found)}"):
        found += page
    return found


def test_the_price_is_the_last_trade(resting: Running) -> None:
    last = tape(resting)[-1]
    one = resting.json("/api/v3/ticker/price?symbol=BTCUSDT")
    assert one == {"symbol": "BTCUSDT", "price": last["price"]}
    both = resting.json("/api/v3/ticker/price")
    assert [row["symbol"] for row in both] == ["BTCUSDT", "ETHUSDT"]
    assert both[0] == one


def test_the_book_ticker_is_the_top_of_the_book(resting: Running) -> None:
    book = resting.json("/sim/truth/book?symbol=ETHUSDT&depth=1")
    (row,) = resting.json('/api/v3/ticker/bookTicker?symbols=["ETHUSDT"]')
    assert row["symbol"] == "ETHUSDT"
    assert [row["bidPrice"], row["bidQty"]] == book["bids"][0]
    assert [row["askPrice"], row["askQty"]] == book["asks"][0]


def test_windows_that_hold_all_trades_add_up_to_the_tape(resting: Running) -> None:
    trades = tape(resting)
    volume = sum(Decimal(each["qty"]) for each in trades)
    average = sum(Decimal(each["quoteQty"]) for each in trades) / volume
    for row in (
        resting.json("/api/v3/ticker?symbol=BTCUSDT&windowSize=1h"),
        resting.json('/api/v3/ticker?symbols=["BTCUSDT"]')[0],
    ):
        assert (row["firstId"], row["lastId"]) == (trades[0]["id"], trades[-1]["id"])
        assert (row["count"], Decimal(row["volume"])) == (len(trades), volume)
        assert row["lastPrice"] == trades[-1]["price"]
        assert Decimal(row["priceChange"]) == Decimal(row["lastPrice"]) - Decimal(row["openPrice"])
        assert row["openTime"] % 60_000 == 0
        assert abs(Decimal(row["weightedAvgPrice"]) - average) < Decimal("0.01")
    mean = resting.json("/api/v3/avgPrice?symbol=BTCUSDT")
    assert (mean["mins"], mean["closeTime"]) == (5, trades[-1]["time"])
    assert abs(Decimal(mean["price"]) - average) < Decimal("0.01")


def test_the_short_form_drops_the_changes(resting: Running) -> None:
    full = resting.json("/api/v3/ticker?symbol=BTCUSDT")
    mini = resting.json("/api/v3/ticker?symbol=BTCUSDT&type=MINI")
    gone = {"priceChange", "priceChangePercent", "weightedAvgPrice"}
    assert mini.keys() == full.keys() - gone


@pytest.mark.parametrize(("zone", "east_h"), [("0", 0), ("8", 8), ("-1:00", -1)])
def test_a_day_begins_at_midnight_of_the_time_zone(
    resting: Running, zone: str, east_h: int
) -> None:
    row = resting.json(f"/api/v3/ticker/tradingDay?symbol=BTCUSDT&timeZone={zone}")
    assert (row["openTime"] + east_h * HOUR_MS) % DAY_MS == 0
    assert row["closeTime"] == row["openTime"] + DAY_MS - 1
    path = f"/api/v3/klines?symbol=BTCUSDT&interval=1d&timeZone={zone}"
    candle = resting.json(path)[-1]
    assert (candle[0], candle[6]) == (row["openTime"], row["closeTime"])
    assert (candle[5], candle[8]) == (row["volume"], row["count"])
    assert resting.json(path.replace("klines", "uiKlines"))[-1] == candle


def test_nobody_makes_block_trades(resting: Running) -> None:
    assert resting.json("/api/v3/historicalBlockTrades?symbol=BTCUSDT&fromId=0") == []
