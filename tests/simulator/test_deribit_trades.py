import json
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from tests.simulator.deribit_client import Client, deribit, result
from tests.waiting import wait_until
from workers.simulator.deribit.market import DeribitMarket
from workers.simulator.deribit.methods import Methods
from workers.simulator.deribit.numbers import encode
from workers.simulator.deribit.switches import Switches
from workers.simulator.faults import FaultBox
from workers.simulator.hub import Hub
from workers.simulator.options import Options
from workers.simulator.world import World

NAME = "BTC-PERPETUAL"
OTHER = "ETH-PERPETUAL"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("deribit")
    switches = ("liquidation_s=3", "liquidations=5", "reach_s=20")
    with deribit(folder, *switches, symbols=f"{NAME},{OTHER}", rate=400) as running:
        yield running


def page(exchange: Any, **params: object) -> list[dict[str, Any]]:
    name = "get_last_trades_by_instrument"
    return list(result(exchange, name, instrument_name=NAME, **params)["trades"])


def test_the_stream_has_every_trade_once_and_in_order(exchange: Any) -> None:
    channel = f"trades.{NAME}.100ms"
    with Client(exchange) as client:
        client.subscribe(channel)
        client.until(lambda: sum(map(len, client.data(channel))) > 50, "trades")
    rows = [row for batch in client.data(channel) for row in batch]
    first, last = rows[0]["trade_seq"], rows[-1]["trade_seq"]
    assert [row["trade_seq"] for row in rows] == list(range(first, last + 1))
    true = exchange.trades(NAME, first, last)
    assert [(row["direction"], row["timestamp"]) for row in rows] == [
        (each["side"], each["time"]) for each in true
    ]
    assert [row["price"] for row in rows] == [type(rows[0]["price"])(x["price"]) for x in true]
    assert [row["amount"] for row in rows] == [type(rows[0]["price"])(x["quantity"]) for x in true]
    assert all(row["starbase_match_id"] > 2**53 for row in rows)
    assert all(row["starbase_timestamp"] // 10**6 == row["timestamp"] for row in rows)
    assert all(row["contracts"] * 10 == row["amount"] for row in rows)
    assert not any("liquidation" in row for row in rows)


def test_the_channel_of_a_kind_has_all_its_instruments(exchange: Any) -> None:
    with Client(exchange) as client:
        client.subscribe("trades.future.any.100ms")
        client.until(
            lambda: (
                len({row["instrument_name"] for each in client.notes for row in each["data"]}) == 2
            ),
            "trades of both",
        )
    ids = [row["trade_id"] for each in client.notes for row in each["data"]]
    assert len(set(ids)) == len(ids)
    assert any(each.startswith("ETH-") for each in ids)
    assert any(each.isdigit() for each in ids)


def test_a_range_of_trade_seq_is_answered_whole(exchange: Any) -> None:
    newest = page(exchange, count=1)[0]["trade_seq"]
    rows = page(exchange, start_seq=newest - 20, end_seq=newest - 11, count=1000, sorting="asc")
    assert [row["trade_seq"] for row in rows] == list(range(newest - 20, newest - 10))
    assert [row["trade_id"] for row in rows] == sorted(row["trade_id"] for row in rows)


def test_a_range_of_times_is_answered_whole(exchange: Any) -> None:
    rows = page(exchange, count=30, sorting="desc")
    start, end = rows[-1]["timestamp"], rows[0]["timestamp"]
    found = page(exchange, start_timestamp=start, end_timestamp=end, count=1000, sorting="asc")
    assert {row["trade_seq"] for row in rows} <= {row["trade_seq"] for row in found}
    assert all(start <= row["timestamp"] <= end for row in found)


def test_what_is_too_old_is_empty_without_an_error(exchange: Any) -> None:
    first = exchange.get("/sim/truth/summary")[NAME]["first_trade_id"]
    asked = {"start_seq": first, "end_seq": first + 9, "count": 100, "sorting": "asc"}
    assert page(exchange, **asked) == []
    older = exchange.get(
        "/history/api/v2/public/get_last_trades_by_instrument", instrument_name=NAME, **asked
    )
    assert {row["trade_seq"] for row in older["result"]["trades"]} >= set(range(first, first + 10))


def history(exchange: Any, **params: object) -> list[int]:
    path = "/history/api/v2/public/get_last_trades_by_instrument"
    answer = exchange.get(path, instrument_name=NAME, **params)
    return [row["trade_seq"] for row in answer["result"]["trades"]]


def test_the_history_host_is_unordered(exchange: Any) -> None:
    first = exchange.get("/sim/truth/summary")[NAME]["first_trade_id"]
    found = history(exchange, start_seq=first, end_seq=first + 99, count=1000)
    assert set(range(first, first + 100)) <= set(found)
    assert found != sorted(found)


def test_the_history_host_widens_to_whole_milliseconds(exchange: Any) -> None:
    truth = exchange.get("/sim/truth/summary")[NAME]
    trades = exchange.trades(NAME, truth["first_trade_id"], truth["last_trade_id"] - 10)
    seq = next(b["id"] for a, b in pairwise(trades) if a["time"] == b["time"])
    found = history(exchange, start_seq=seq, end_seq=seq, count=1000)
    assert {seq - 1, seq} <= set(found)


def test_a_liquidation_is_known_only_later(exchange: Any) -> None:
    newest = page(exchange, count=1)[0]["trade_seq"]
    seq = newest - newest % 5

    def flag() -> object:
        rows = page(exchange, start_seq=seq, end_seq=seq, sorting="asc")
        return rows[0].get("liquidation")

    assert flag() is None
    assert wait_until(flag, 15, "the flag") in ("M", "T")


def test_candles_grow_from_the_trades(exchange: Any) -> None:
    channel = f"chart.trades.{NAME}.1"
    with Client(exchange) as client:
        client.subscribe(channel)
        client.until(lambda: len(client.data(channel)) > 1, "candles")
    shown = client.data(channel)[-1]
    truth = exchange.get("/sim/truth/summary")[NAME]
    trades = exchange.trades(NAME, truth["first_trade_id"], truth["last_trade_id"])
    inside = [x for x in trades if shown["tick"] <= x["time"] < shown["tick"] + 60_000]
    number = type(shown["cost"])
    costs, total = set(), number(0)
    for each in inside:
        total += number(each["quantity"])
        costs.add(total)
    assert shown["cost"] in costs
    assert shown["open"] == number(inside[0]["price"])
    assert shown["low"] <= shown["close"] <= shown["high"]


def market(start_ms: int) -> DeribitMarket:
    options = Options(dialect="deribit", symbols=(NAME,), start_ms=start_ms)
    hub = Hub(FaultBox(time.monotonic))
    return DeribitMarket(options, Switches(), World(options), hub, options.rate)


def test_a_later_start_begins_with_greater_ids() -> None:
    early, late = (market(start).streams[NAME] for start in (1_795_000_000_000, 1_795_000_010_000))
    last = early.prints.trade_id(early.engine.tape.next_id - 1)
    assert int(last) < int(late.prints.trade_id(late.engine.tape.first_id))
    assert early.marks.change_id < late.marks.oldest


def test_trades_from_before_the_start_join_the_tape_without_a_hole() -> None:
    at = market(1_795_000_000_000)
    methods = Methods(at)
    tape = at.streams[NAME].engine.tape
    begin_ms = tape.fill(tape.first_id).time_us // 1000
    asked = {"instrument_name": NAME, "count": 1000, "sorting": "asc"}
    reply = json.loads(
        encode(
            methods.call(
                "public/get_last_trades_by_instrument_and_time",
                {**asked, "start_timestamp": begin_ms - 3_600_000, "end_timestamp": begin_ms},
            )
        )
    )
    rows = reply["trades"]
    assert [row["trade_seq"] for row in rows] == list(
        range(tape.first_id - 360, tape.first_id - 360 + len(rows))
    )
    assert rows[360]["timestamp"] == begin_ms
    assert len({row["trade_id"] for row in rows}) == len(rows)


def test_a_liquidation_is_told_of_once_it_is_an_hour_old_and_a_day_is_all_there_is() -> None:
    at = market(1_795_000_000_000)
    now_ms = at.now_us() // 1000
    window = {"start_timestamp": now_ms - 26 * 3_600_000, "end_timestamp": now_ms}
    asked = {"instrument_name": NAME, "count": 1000, "sorting": "asc", **window}
    reply = Methods(at).call("public/get_last_trades_by_instrument_and_time", asked)
    rows = json.loads(encode(reply))["trades"]
    assert now_ms - 86_400_000 <= rows[0]["timestamp"] < now_ms - 86_380_000
    assert {row["liquidation"] for row in rows if "liquidation" in row} == {"M", "T"}
