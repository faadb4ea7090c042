"""Trades, aggregates, candles and tickers agree with the tape."""

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.simulator.running import Running

TRADE = "btcusdt@trade"


def true_trades(running: Running, symbol: str, first: int, last: int) -> Any:
    path = f"/sim/truth/trades?symbol={symbol}&from_id={first}&to_id={last}"
    return running.json(path)["trades"]


def test_streamed_trades_are_the_tape_without_a_hole(shared: Running) -> None:
    client = shared.client()
    client.subscribe(TRADE)
    trades = client.take(TRADE, 60)
    first, last = trades[0]["t"], trades[-1]["t"]
    assert [trade["t"] for trade in trades] == list(range(first, last + 1))
    truth = true_trades(shared, "BTCUSDT", first, last)
    assert [
        {
            "id": trade["t"],
            "price": trade["p"],
            "quantity": trade["q"],
            "side": "sell" if trade["m"] else "buy",
            "time": trade["T"],
        }
        for trade in trades
    ] == truth
    assert {trade["side"] for trade in truth} == {"buy", "sell"}
    assert all(trade["E"] >= trade["T"] for trade in trades)


def test_aggregates_cover_the_trades_exactly(shared: Running) -> None:
    client = shared.client()
    client.subscribe("ethusdt@aggTrade")
    aggregates = client.take("ethusdt@aggTrade", 60)
    numbers = [each["a"] for each in aggregates]
    assert numbers == list(range(numbers[0], numbers[0] + 60))
    for one, following in itertools.pairwise(aggregates):
        assert following["f"] == one["l"] + 1
    for each in aggregates:
        trades = true_trades(shared, "ETHUSDT", each["f"], each["l"])
        assert {trade["price"] for trade in trades} == {each["p"]}
        assert sum(Decimal(trade["quantity"]) for trade in trades) == Decimal(each["q"])
        assert {trade["side"] for trade in trades} == {"sell" if each["m"] else "buy"}
    first = shared.json("/sim/truth/summary")["ETHUSDT"]["first_aggregate_id"]
    rows = shared.json(f"/api/v3/aggTrades?symbol=ETHUSDT&fromId={first}&limit=1000")
    assert any(row["l"] > row["f"] for row in rows)


def test_historical_trades_page_through_the_tape_from_an_id(shared: Running) -> None:
    first = shared.json("/sim/truth/summary")["BTCUSDT"]["first_trade_id"]
    rows = shared.json(f"/api/v3/historicalTrades?symbol=BTCUSDT&fromId={first}&limit=1000")
    more = shared.json(f"/api/v3/historicalTrades?symbol=BTCUSDT&fromId={first + 1000}&limit=5")
    assert [row["id"] for row in rows + more] == list(range(first, first + 1005))
    truth = true_trades(shared, "BTCUSDT", first, first + 1004)
    for row, true in zip(rows + more, truth, strict=True):
        assert (row["price"], row["qty"], row["time"]) == (
            true["price"],
            true["quantity"],
            true["time"],
        )
        assert row["isBuyerMaker"] is (true["side"] == "sell")
        exact = Decimal(row["price"]) * Decimal(row["qty"])
        assert abs(Decimal(row["quoteQty"]) - exact) < Decimal("1e-8")


def test_recent_trades_are_the_newest(shared: Running) -> None:
    rows = shared.json("/api/v3/trades?symbol=BTCUSDT&limit=7")
    assert len(rows) == 7
    last = shared.json("/sim/truth/summary")["BTCUSDT"]["last_trade_id"]
    assert last - 500 < rows[-1]["id"] <= last


def test_aggregate_trades_by_id_and_by_time_are_the_same_rows(shared: Running) -> None:
    first = shared.json("/sim/truth/summary")["ETHUSDT"]["first_aggregate_id"]
    by_id = shared.json(f"/api/v3/aggTrades?symbol=ETHUSDT&fromId={first}&limit=50")
    assert [row["a"] for row in by_id] == list(range(first, first + 50))
    begin, end = by_id[10]["T"], by_id[40]["T"]
    path = f"/api/v3/aggTrades?symbol=ETHUSDT&startTime={begin}&endTime={end}&limit=1000"
    by_time = shared.json(path)
    assert by_time == [row for row in by_id if begin <= row["T"] <= end]
    upto = shared.json(f"/api/v3/aggTrades?symbol=ETHUSDT&endTime={end}&limit=3")
    assert upto == by_time[-3:]


def test_candles_and_the_day_add_up_to_the_tape(start: Callable[..., Running]) -> None:
    running = start(symbols=("BTC-USDT",))
    rest = running.post("/sim/pause").json()["BTCUSDT"]
    trades = true_trades(running, "BTCUSDT", rest["first_trade_id"], rest["last_trade_id"])
    volume = sum(Decimal(trade["quantity"]) for trade in trades)
    prices = [Decimal(trade["price"]) for trade in trades]
    day = running.json("/api/v3/ticker/24hr?symbol=BTCUSDT")
    assert (day["count"], day["firstId"], day["lastId"]) == (
        len(trades),
        rest["first_trade_id"],
        rest["last_trade_id"],
    )
    assert Decimal(day["volume"]) == volume
    assert (Decimal(day["highPrice"]), Decimal(day["lowPrice"])) == (max(prices), min(prices))
    assert day["lastPrice"] == trades[-1]["price"]
    for interval in ("1s", "1m", "5m", "1h", "1d", "1w", "1M"):
        rows = running.json(f"/api/v3/klines?symbol=BTCUSDT&interval={interval}&limit=1000")
        assert sum(Decimal(row[5]) for row in rows) == volume, interval
        assert sum(row[8] for row in rows) == len(trades), interval
        assert all(row[6] > row[0] for row in rows)
        assert all(one[6] + 1 == two[0] for one, two in itertools.pairwise(rows)), interval


def test_streamed_ticker_and_candle_agree_with_the_tape(shared: Running) -> None:
    client = shared.client()
    client.subscribe("btcusdt@ticker", "btcusdt@miniTicker", "btcusdt@kline_1m", "btcusdt@kline_1s")
    (ticker,) = client.take("btcusdt@ticker", 1)
    first = shared.json("/sim/truth/summary")["BTCUSDT"]["first_trade_id"]
    assert (ticker["F"], ticker["n"]) == (first, ticker["L"] - first + 1)
    assert ticker["C"] - ticker["O"] == 86_400_000
    (last,) = true_trades(shared, "BTCUSDT", ticker["L"], ticker["L"])
    assert (ticker["c"], ticker["Q"]) == (last["price"], last["quantity"])
    (mini,) = client.take("btcusdt@miniTicker", 1)
    assert mini["e"] == "24hrMiniTicker"
    closed = client.until(lambda m: m["stream"] == "btcusdt@kline_1s" and m["data"]["k"]["x"])
    candle = closed["data"]["k"]
    trades = true_trades(shared, "BTCUSDT", candle["f"], candle["L"])
    assert (candle["o"], candle["c"]) == (trades[0]["price"], trades[-1]["price"])
    assert sum(Decimal(trade["quantity"]) for trade in trades) == Decimal(candle["v"])
    assert all(candle["t"] <= trade["time"] <= candle["T"] for trade in trades)
    (minute,) = client.take("btcusdt@kline_1m", 1)
    assert minute["k"]["T"] == minute["k"]["t"] + 59_999
