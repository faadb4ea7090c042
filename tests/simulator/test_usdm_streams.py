"""Binance USD-M over WebSocket: routes, chains of `pu`, aggregates, what only futures have."""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.running import Running

USDM = {"dialect": "binance_derivatives", "levels": 600}


@pytest.fixture(scope="module")
def usdm() -> Iterator[Running]:
    running = Running(**USDM, switches=("liquidation_s=2",), news_s=1.0)
    yield running
    running.stop()


def test_a_stream_on_the_wrong_route_is_acknowledged_and_silent(usdm: Running) -> None:
    public, market = usdm.client("/public/stream"), usdm.client("/market/stream")
    mixed = ("btcusdt@aggTrade", "btcusdt@depth@100ms")
    for client, heard, silent in ((market, *mixed), (public, *reversed(mixed))):
        client.subscribe(*mixed)
        client.take(heard, 8)
        assert not client.heard(silent)
        assert client.ask("LIST_SUBSCRIPTIONS")["result"] == list(mixed)


def test_the_retired_path_delivers_book_data_alone(usdm: Running) -> None:
    client = usdm.client("/stream?streams=btcusdt@aggTrade/btcusdt@depth@100ms")
    client.take("btcusdt@depth@100ms", 8)
    assert not client.heard("btcusdt@aggTrade")


def test_only_pu_tells_that_no_event_is_missing(usdm: Running) -> None:
    client = usdm.client("/public/stream")
    streams = ["ethusdt@depth@100ms", "ethusdt@depth", "ethusdt@depth@500ms"]
    client.subscribe(*streams)
    client.take(streams[2], 4)
    for stream in streams:
        events = client.heard(stream)
        assert len(events) > 3
        for before, event in itertools.pairwise(events):
            assert event["pu"] == before["u"]
            assert event["U"] > event["pu"] + 1
            assert event["U"] <= event["u"]
    assert events[0] | {"ps": "ETHUSDT", "st": 1} == events[0]


@pytest.mark.parametrize("limit", [50, 1000])
def test_a_snapshot_and_what_follows_make_the_true_book(usdm: Running, limit: int) -> None:
    client = usdm.client("/public/stream")
    client.subscribe("btcusdt@depth@100ms")
    client.take("btcusdt@depth@100ms", 2)
    snapshot = usdm.json(f"/fapi/v1/depth?symbol=BTCUSDT&limit={limit}")
    last_id = snapshot["lastUpdateId"]
    sides = [dict(map(tuple, snapshot[side])) for side in ("bids", "asks")]
    client.take("btcusdt@depth@100ms", 6)
    kept = [e for e in client.heard("btcusdt@depth@100ms") if e["u"] >= last_id]
    assert kept[0]["U"] <= last_id <= kept[0]["u"] or kept[0]["pu"] == last_id
    for event in kept:
        for side, levels in zip(sides, (event["b"], event["a"]), strict=True):
            for price, quantity in levels:
                if Decimal(quantity):
                    side[price] = quantity
                else:
                    side.pop(price, None)
    truth = usdm.json(f"/sim/truth/book?symbol=BTC-USDT-PERP&update_id={kept[-1]['u']}&depth=20")
    for side, name in zip(sides, ("bids", "asks"), strict=True):
        best = sorted(side.items(), key=lambda each: Decimal(each[0]), reverse=name == "bids")
        assert [list(each) for each in best[:20]] == truth[name]


def test_a_partial_book_looks_like_an_event_and_is_complete(usdm: Running) -> None:
    client = usdm.client("/public/stream")
    client.subscribe("btcusdt@depth5@100ms")
    for event in client.take("btcusdt@depth5@100ms", 3):
        assert event["e"] == "depthUpdate"
        assert (len(event["b"]), len(event["a"])) == (5, 5)
    client.subscribe("btcusdt@depth50@100ms", "btcusdt@bookTicker")
    quote = client.take("btcusdt@bookTicker", 5)[-1]
    assert (quote["e"], quote["st"], quote["ps"]) == ("bookTicker", 1, "BTCUSDT")
    assert not client.heard("btcusdt@depth50@100ms")


def test_aggregates_cover_all_trades_in_groups_of_price_side_and_100_ms(usdm: Running) -> None:
    usdm.post("/sim/rate", {"rate": 2000})
    market = usdm.client("/market/stream?streams=btcusdt@aggTrade")
    found = market.take("btcusdt@aggTrade", 150)
    usdm.post("/sim/rate", {"rate": 200})
    for before, row in itertools.pairwise(found):
        assert row["a"] == before["a"] + 1
        assert row["f"] == before["l"] + 1
    made = usdm.json(
        f"/sim/truth/trades?symbol=BTCUSDT&from_id={found[0]['f']}&to_id={found[-1]['l']}"
    )["trades"]
    trades = {each["id"]: each for each in made}
    for row in found:
        members = [trades[each] for each in range(row["f"], row["l"] + 1)]
        assert {(each["price"], each["side"]) for each in members} == {
            (row["p"], "sell" if row["m"] else "buy")
        }
        assert max(each["time"] for each in members) - row["T"] <= 100
        assert sum(Decimal(each["quantity"]) for each in members) == Decimal(row["q"])
    assert any(row["l"] > row["f"] for row in found)


def test_trades_are_on_the_public_route(usdm: Running) -> None:
    client = usdm.client("/public/stream?streams=btcusdt@trade")
    found = client.take("btcusdt@trade", 20)
    assert [row["t"] for row in found] == [found[0]["t"] + n for n in range(20)]
    assert {row["X"] for row in found} == {"MARKET"}


def test_what_only_futures_have(usdm: Running) -> None:
    client = usdm.client("/market/stream")
    client.subscribe(
        "btcusdt@markPrice@1s", "btcusdt@forceOrder", "btcusdt@ticker", "btcusdt@kline_1m"
    )
    mark = client.take("btcusdt@markPrice@1s", 1)[0]
    assert abs(Decimal(mark["p"]) / Decimal(mark["i"]) - 1) < Decimal("0.005")
    assert mark["T"] % (8 * 3600 * 1000) == 0
    assert Decimal(mark["r"]) < 1
    order = client.take("btcusdt@forceOrder", 1)[0]
    assert order["o"]["S"] in ("BUY", "SELL")
    assert order["o"]["z"] == order["o"]["q"]
    ticker = client.take("btcusdt@ticker", 1)[0]
    assert not {"b", "a", "x"} & ticker.keys()
    assert client.take("btcusdt@kline_1m", 3)[0]["k"]["i"] == "1m"


def test_of_the_liquidations_of_a_second_one_is_told(usdm: Running) -> None:
    client = usdm.client("/market/stream?streams=btcusdt@forceOrder")
    before = usdm.json("/sim/truth/summary")["BTCUSDT"]
    seconds = [each["E"] // 1000 for each in client.take("btcusdt@forceOrder", 2)]
    after = usdm.json("/sim/truth/summary")["BTCUSDT"]
    assert len(set(seconds)) == 2
    told = after["liquidations_told"] - before["liquidations_told"]
    assert after["liquidations"] - before["liquidations"] > told >= 2


def test_rows_of_coin_margined_contracts_leak_into_streams_of_all(usdm: Running) -> None:
    client = usdm.client("/market/stream")
    client.subscribe("!ticker@arr", "!markPrice@arr@1s", "!contractInfo")
    for stream in ("!ticker@arr", "!markPrice@arr@1s"):
        rows = {row["s"]: row for row in client.take(stream, 1)[0]}
        assert {"BTCUSDT", "ETHUSDT", "BTCUSD_PERP"} == rows.keys()
        assert [rows[name]["st"] for name in ("BTCUSDT", "BTCUSD_PERP")] == [1, 2]
    changes = client.take("!contractInfo", 6)
    assert {each["st"] for each in changes} == {1, 2}
    assert {each["s"] for each in changes} >= {"BTCUSDT", "NEWSUSDT", "BTCUSD_PERP"}


def test_a_listing_is_pushed_and_listed(usdm: Running) -> None:
    client = usdm.client("/market/stream?streams=!contractInfo")
    told = client.until(lambda m: m["data"]["s"] == "NEWSUSDT")["data"]["cs"]
    listed: Any = usdm.json("/fapi/v1/exchangeInfo")["symbols"]
    statuses = ["PENDING_TRADING", "TRADING", "SETTLING", "CLOSE"]
    row = next(each for each in listed if each["symbol"] == "NEWSUSDT")
    follows = statuses[(statuses.index(told) + 1) % 4]
    assert row["status"] in (told, follows)
