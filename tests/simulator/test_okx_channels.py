import itertools
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.okx_client import Running
from workers.simulator.faults import FaultBox
from workers.simulator.hub import Hub, Variant
from workers.simulator.okx.market import OkxMarket
from workers.simulator.okx.options import OkxOptions
from workers.simulator.options import Options
from workers.simulator.world import World

BOTH = ["BTC-USDT", "BTC-USDT-SWAP"]


@pytest.fixture(scope="module")
def exchange() -> Iterator[Running]:
    with Running("liquidation_s=0.5", "funding_s=0.5") as running:
        yield running


def rows(messages: list[Any]) -> list[Any]:
    return [row for message in messages for row in message["data"]]


@pytest.mark.parametrize("symbol", BOTH)
def test_aggregated_trades_cover_every_trade_id_and_are_true(
    exchange: Running, symbol: str
) -> None:
    client = exchange.client()
    client.subscribe("trades", symbol)
    found = rows(client.take("trades", 40))
    for before, row in itertools.pairwise(found):
        assert int(row["tradeId"]) == int(before["tradeId"]) + int(row["count"])
    first, last = int(found[0]["tradeId"]), int(found[-1]["tradeId"])
    true = exchange.json("/sim/truth/trades", symbol=symbol, from_id=first + 1, to_id=last)
    assert sum(Decimal(each["quantity"]) for each in true["trades"]) == sum(
        Decimal(row["sz"]) for row in found[1:]
    )


def test_one_push_of_trades_covers_all_makers_of_a_price() -> None:
    heard = Listener()
    hub = Hub(FaultBox(time.monotonic))
    options = Options(levels=300, symbols=("BTC-USDT-SWAP",), start_ms=1_767_225_600_000)
    market = OkxMarket(options, OkxOptions(), World(options), hub, options.rate)
    publisher = market.books["BTC-USDT-SWAP"]
    hub.subscribe(heard, "btcusdtswap@trades")
    engine = publisher.engine
    key = engine.book.asks[-1]
    for lots in (7, 11):
        engine.book.add(key, lots)
    first, makers = engine.tape.next_id, engine.book.orders_at(key)
    level = engine.book.totals[key]
    engine.tape.begin_aggregate(-key, engine.now_us, False)
    for lots in engine.book.take(key, level):
        engine.tape.add(-key, lots, engine.now_us, False)
    publisher.traded(first, first + makers - 1)
    (push,) = heard.messages
    row = push["data"][0]
    assert makers >= 3
    assert (row["count"], row["tradeId"]) == (str(makers), str(first + makers - 1))
    assert (row["side"], Decimal(row["sz"])) == ("buy", Decimal(level) / 100)
    assert row["seqId"] == engine.book.update_id


class Listener:
    """A connection that is only asked to queue."""

    number = 1
    variant = Variant(combined=False, microseconds=False)

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def queue(self, data: bytes, messages: int, delay_s: float = 0.0) -> None:
        self.messages.append(json.loads(data[data.index(b"{") :]))

    def flush(self) -> None:
        """Nothing to write to."""


def test_single_trades_are_contiguous_and_true(exchange: Running) -> None:
    client = exchange.client("business")
    client.subscribe("trades-all", "BTC-USDT-SWAP")
    found = rows(client.take("trades-all", 40))
    ids = [int(row["tradeId"]) for row in found]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert not {"count", "seqId"} & found[0].keys()
    true = exchange.json(
        "/sim/truth/trades", symbol="BTC-USDT-SWAP", from_id=ids[0], to_id=ids[-1]
    )["trades"]
    assert [(t["price"], t["quantity"], t["side"], str(t["time"])) for t in true] == [
        (r["px"], r["sz"], r["side"], r["ts"]) for r in found
    ]


def test_missed_trades_come_back_by_walking_history_down(exchange: Running) -> None:
    client = exchange.client("business")
    client.subscribe("trades-all")
    last = int(rows(client.take("trades-all", 1))[-1]["tradeId"])
    first, found, after = last - 250, [], last
    while after > first + 1:
        page = exchange.data("market/history-trades", instId="BTC-USDT", after=after, limit=100)
        found += [int(row["tradeId"]) for row in page]
        after = found[-1]
    assert found == list(range(last - 1, after - 1, -1))


@pytest.mark.parametrize(
    ("channel", "name", "field"),
    [
        ("tickers", "BTC-USDT", "last"),
        ("tickers", "BTC-USDT-SWAP", "volCcy24h"),
        ("mark-price", "BTC-USDT-SWAP", "markPx"),
        ("index-tickers", "BTC-USDT", "idxPx"),
        ("funding-rate", "BTC-USDT-SWAP", "fundingRate"),
        ("open-interest", "BTC-USDT-SWAP", "oiUsd"),
    ],
)
def test_a_channel_pushes_at_once_and_again(
    exchange: Running, channel: str, name: str, field: str
) -> None:
    client = exchange.client()
    client.subscribe(channel, name)
    for row in rows(client.take(channel, 2)):
        assert row["instId"] == name
        assert Decimal(row[field]).is_finite()


def test_units_of_a_ticker_differ_between_spot_and_swap(exchange: Running) -> None:
    swap = exchange.data("market/ticker", instId="BTC-USDT-SWAP")[0]
    listed = exchange.data("public/instruments", instType="SWAP", instId="BTC-USDT-SWAP")[0]
    assert Decimal(swap["volCcy24h"]) == Decimal(swap["vol24h"]) * Decimal(listed["ctVal"])
    spot = exchange.data("market/ticker", instId="BTC-USDT")[0]
    average = Decimal(spot["volCcy24h"]) / Decimal(spot["vol24h"])
    assert Decimal(spot["low24h"]) <= average <= Decimal(spot["high24h"])


def test_a_candle_comes_before_the_answer_to_its_subscription(exchange: Running) -> None:
    client = exchange.client("business")
    arg = {"channel": "candle1m", "instId": "BTC-USDT-SWAP"}
    client.send("subscribe", arg, id="7")
    assert client.receive()["data"][0][8] == "0"
    assert client.receive() == {
        "id": "7",
        "event": "subscribe",
        "arg": arg,
        "connId": client.messages[-1]["connId"],
    }
    assert all(len(row) == 9 for row in rows(client.take("candle1m", 2)))


def test_a_closed_candle_is_confirmed_and_equals_its_trades() -> None:
    with Running(start_ms=1_767_225_657_000) as exchange:  # three seconds before a minute ends
        client = exchange.client("business")
        client.subscribe("candle1m")
        closed = client.until(lambda m: "data" in m and m["data"][0][8] == "1")["data"][0]
        begin = int(closed[0])
        true = [
            each
            for each in exchange.json("/sim/truth/trades", symbol="BTC-USDT")["trades"]
            if begin <= each["time"] < begin + 60_000
        ]
        prices = [Decimal(each["price"]) for each in true]
        assert [Decimal(each) for each in closed[1:6]] == [
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            sum(Decimal(each["quantity"]) for each in true),
        ]


def test_the_first_liquidation_is_stale_and_the_others_are_fresh(exchange: Running) -> None:
    client = exchange.client()
    client.subscribe("liquidation-orders", "SWAP", "instType")
    first, *others = rows(client.take("liquidation-orders", 3))
    now = int(exchange.data("public/time")[0]["ts"])
    assert now - int(first["details"][0]["ts"]) >= 3_600_000
    for each in others:
        assert now - int(each["details"][0]["ts"]) < 60_000
        assert each["instId"] == "BTC-USDT-SWAP"


def test_instruments_come_without_a_list_and_then_only_when_they_change() -> None:
    with Running() as exchange:
        client = exchange.client()
        client.subscribe("instruments", "SWAP", "instType")
        client.subscribe("tickers", "BTC-USDT-SWAP")
        client.take("tickers", 2)
        assert client.heard("instruments") == []
        exchange.fault("halt", symbol="BTC-USDT-SWAP")
        assert rows(client.take("instruments", 1))[0]["state"] == "suspend"
        states = {r["instId"]: r["state"] for r in instruments(exchange)}
        assert states == {"BTC-USDT-SWAP": "suspend"}


def instruments(exchange: Running) -> Any:
    return exchange.data("public/instruments", instType="SWAP")


def test_the_notice_of_an_upgrade_comes_with_a_status_before_the_end() -> None:
    with Running() as exchange:
        client = exchange.client()
        client.send("subscribe", {"channel": "status"})
        client.until(lambda m: m.get("event") == "subscribe")
        exchange.fault("server_shutdown", lead_ms=300)
        heard = [client.receive(), client.receive()]
        notice = next(m for m in heard if m.get("event") == "notice")
        assert notice["code"] == "64008"
        assert rows([m for m in heard if "data" in m])[0]["state"] == "scheduled"
        assert client.closed()[0] == 1001
        assert exchange.data("system/status", state="scheduled") != []


def test_inverse_swaps_count_in_dollars() -> None:
    with Running(symbols=("BTC-USD",)) as exchange:
        listed = exchange.data("public/instruments", instType="SWAP")[0]
        assert (listed["ctVal"], listed["ctValCcy"], listed["ctType"]) == ("100", "USD", "inverse")
        row = exchange.data("public/open-interest", instType="SWAP", instId="BTC-USD-SWAP")[0]
        assert Decimal(row["oiUsd"]) == (Decimal(row["oi"]) * 100) // 1
        mark = exchange.data("public/mark-price", instType="SWAP")[0]["markPx"]
        coins = Decimal(row["oiUsd"]) / Decimal(mark)
        assert abs(Decimal(row["oiCcy"]) / coins - 1) < Decimal("0.01")


@pytest.mark.parametrize("kind", ["missing_field", "absurd_number", "unknown_event"])
def test_a_message_can_be_spoiled(exchange: Running, kind: str) -> None:
    client = exchange.client()
    client.subscribe("bbo-tbt")
    client.take("bbo-tbt", 1)
    exchange.fault(kind, stream="btcusdt@bbo-tbt")

    def spoiled(message: Any) -> bool:
        row = message["data"][0]
        return (
            message["arg"]["channel"] == "martian-landing"
            or "seqId" not in row
            or "NaN" in json.dumps(row)
        )

    client.until(spoiled)
