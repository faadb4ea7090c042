"""Streams of statistics: all symbols at once, rolling windows, average price, UTC+8 candles."""

from collections.abc import Callable

import pytest

from tests.simulator.running import Running

HOUR_MS = 3_600_000


def test_the_array_of_all_symbols_holds_their_own_mini_tickers(shared: Running) -> None:
    client = shared.client()
    client.subscribe("!miniTicker@arr")
    rows = [row for message in client.take("!miniTicker@arr", 2) for row in message]
    assert {row["s"] for row in rows} == {"BTCUSDT", "ETHUSDT"}
    client.subscribe("btcusdt@miniTicker")
    (own,) = client.take("btcusdt@miniTicker", 1)
    assert {row["e"] for row in rows} == {own["e"]} == {"24hrMiniTicker"}
    assert rows[0].keys() == own.keys()


def test_a_symbol_that_stands_still_is_left_out_of_the_array(
    start: Callable[..., Running],
) -> None:
    running = start()
    client = running.client("/stream?streams=!miniTicker@arr")
    assert {row["s"] for row in client.take("!miniTicker@arr", 1)[0]} == {"BTCUSDT", "ETHUSDT"}
    running.fault("halt", symbol="ETH-USDT", duration_s=30)
    heard = client.take("!miniTicker@arr", 3)
    assert {row["s"] for message in heard[1:] for row in message} == {"BTCUSDT"}


@pytest.mark.parametrize(("size", "hours"), [("1h", 1), ("4h", 4), ("1d", 24)])
def test_a_rolling_window_comes_alone_and_in_the_array(
    shared: Running, size: str, hours: int
) -> None:
    client = shared.client()
    single, array = f"btcusdt@ticker_{size}", f"!ticker_{size}@arr"
    client.subscribe(single, array)
    own = client.take(single, 1)[0]
    row = next(each for each in client.take(array, 1)[0] if each["s"] == "BTCUSDT")
    assert own.keys() == row.keys()
    assert own["e"] == row["e"] == f"{size}Ticker"
    assert own["O"] % 60_000 == 0
    assert 0 <= own["C"] - own["O"] - hours * HOUR_MS < 60_000
    assert own["L"] - own["F"] + 1 == own["n"] > 0
    assert not own.keys() & {"x", "Q", "b", "B", "a", "A"}


def test_the_average_price_is_that_of_the_rest_reply(shared: Running) -> None:
    client = shared.client("/stream?streams=btcusdt@avgPrice")
    told = client.take("btcusdt@avgPrice", 1)[0]
    asked = shared.json("/api/v3/avgPrice?symbol=BTCUSDT")
    assert (told["e"], told["s"], told["i"]) == ("avgPrice", "BTCUSDT", "5m")
    assert told["T"] <= told["E"]
    assert told["T"] <= asked["closeTime"]
    assert abs(float(told["w"]) / float(asked["price"]) - 1) < 0.01


def test_days_of_utc_plus_8_begin_eight_hours_earlier(shared: Running) -> None:
    client = shared.client()
    client.subscribe("btcusdt@kline_1d", "btcusdt@kline_1d@+08:00")
    for stream, east_h in (("btcusdt@kline_1d", 0), ("btcusdt@kline_1d@+08:00", 8)):
        candle = (client.heard(stream) or client.take(stream, 1))[0]["k"]
        assert candle["i"] == "1d"
        assert (candle["t"] + east_h * HOUR_MS) % (24 * HOUR_MS) == 0
        assert candle["T"] == candle["t"] + 24 * HOUR_MS - 1


def test_the_removed_array_stays_silent(shared: Running) -> None:
    client = shared.client()
    client.subscribe("!ticker@arr", "!miniTicker@arr")
    client.take("!miniTicker@arr", 2)
    assert client.heard("!ticker@arr") == []
