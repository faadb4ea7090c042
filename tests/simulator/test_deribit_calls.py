import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
import websocket

from tests.simulator.deribit_client import Client, deribit, error, result
from tests.waiting import wait_until

NAME = "BTC-PERPETUAL"
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    switches = ("credits=4000000", "subscribe_credits=300000")
    with deribit(tmp_path_factory.mktemp("deribit"), *switches) as running:
        yield running


def test_only_accepted_channels_are_confirmed_in_any_order(exchange: Any) -> None:
    good = [f"book.{NAME}.100ms", f"ticker.{NAME}.100ms", f"quote.{NAME}", "platform_state"]
    good += [f"trades.{NAME}.100ms", "deribit_price_index.btc_usd"]
    bad = ["book.NOPE-PERPETUAL.100ms", f"book.{NAME}.50ms", f"chart.trades.{NAME}.7"]
    orders = []
    for _ in range(3):
        with Client(exchange) as client:
            answer = client.subscribe(*bad, *good)["result"]
        assert sorted(answer) == sorted(good)
        orders.append(answer != good)
    assert any(orders)
    with Client(exchange) as client:
        assert client.subscribe(bad[0])["result"] == []


def test_one_raw_channel_voids_the_whole_call(exchange: Any) -> None:
    with Client(exchange) as client:
        refused = client.subscribe("deribit_price_index.btc_usd", f"trades.{NAME}.raw")
        assert refused["error"] == {
            "code": 13778,
            "message": "raw_subscriptions_not_available_for_unauthorized",
        }
        client.subscribe("deribit_volatility_index.btc_usd")
        channel = "deribit_volatility_index.btc_usd"
        client.until(lambda: len(client.data(channel)) > 1, "volatility")
        assert {each["channel"] for each in client.notes} == {channel}


def test_replies_carry_their_times(exchange: Any) -> None:
    with Client(exchange) as client:
        answer = client.call("public/hello", client_name="t", client_version="1")
    assert answer["result"] == {"version": "1.2.26"}
    assert answer["usOut"] - answer["usIn"] == answer["usDiff"]
    assert answer["testnet"] is False


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("public/no_such_method", -32601),
        ("private/get_positions", 13009),
        ("public/ticker", -32602),
    ],
)
def test_refused_calls_name_their_code(exchange: Any, method: str, code: int) -> None:
    with Client(exchange) as client:
        assert client.call(method)["error"]["code"] == code


def test_what_is_not_json_is_answered_without_an_id(exchange: Any) -> None:
    with Client(exchange) as client:
        client.send("{")
        answer = client.receive()
        assert answer["error"] == {"code": 11050, "message": "bad_request", "data": "invalid json"}
        assert "id" not in answer
        client.send('{"jsonrpc":"2.0","method":"public/test","params":{}}')
        assert "id" not in client.receive()


def test_errors_over_http_have_status_400(exchange: Any) -> None:
    told = error(exchange, "ticker", instrument_name="NOPE")
    assert told["code"] == -32602
    assert told["data"] == {"reason": "instrument not found", "param": "instrument_name"}
    assert error(exchange, "set_heartbeat", interval=10)["code"] == 10030


def test_instruments_tell_what_they_are(exchange: Any) -> None:
    rows = {row["instrument_name"]: row for row in result(exchange, "get_instruments")}
    inverse, linear = rows[NAME], rows["BTC_USDC-PERPETUAL"]
    assert (inverse["instrument_type"], linear["instrument_type"]) == ("reversed", "linear")
    assert inverse["expiration_timestamp"] == 32503708800000
    dated = [
        row
        for row in rows.values()
        if row["kind"] == "future" and row["settlement_period"] == "month"
    ]
    assert len(dated) == 1
    assert dated[0]["expiration_timestamp"] % 86_400_000 == 8 * HOUR_MS
    options = [row for row in rows.values() if row["kind"] == "option"]
    assert {"call", "put"} == {row["option_type"] for row in options}
    assert any("-1d4-" in row["instrument_name"] and row["strike"] == 1.4 for row in options)


def test_tickers_of_perpetuals_and_options_differ(exchange: Any) -> None:
    option = result(exchange, "get_instruments", kind="option")[0]["instrument_name"]
    perpetual = result(exchange, "ticker", instrument_name=NAME)
    assert {"current_funding", "funding_8h"} <= set(perpetual)
    premium = result(exchange, "ticker", instrument_name=option)
    assert {"mark_iv", "greeks", "underlying_price"} <= set(premium)
    assert "current_funding" not in premium


def test_channels_of_the_moment_speak(exchange: Any) -> None:
    silent = ["deribit_volatility_index.sol_usd", "perpetual.BTC_USDC-PERPETUAL.100ms"]
    spoken = [f"ticker.{NAME}.100ms", f"quote.{NAME}", f"perpetual.{NAME}.100ms"]
    spoken += ["deribit_volatility_index.eth_usd", "deribit_price_index.btc_usd"]
    with Client(exchange) as client:
        client.subscribe(silent[0], *spoken)
        client.until(lambda: all(client.data(each) for each in spoken), "all of them")
        assert not client.data(silent[0])
        shown = client.data(f"ticker.{NAME}.100ms")[0]
    assert shown["best_bid_price"] < shown["best_ask_price"]
    assert shown["state"] == "open"


def test_platform_state_chatters_about_nothing(exchange: Any) -> None:
    with Client(exchange) as client:
        client.subscribe("platform_state")
        client.until(lambda: len(client.notes) > 4, "chatter")
    assert {each["data"]["locked"] for each in client.notes} == {False}
    assert len({each["data"]["price_index"] for each in client.notes}) > 4


def test_a_halt_is_told_by_state_and_ticker(exchange: Any) -> None:
    channel = "instrument.state.future.any"
    with Client(exchange) as client:
        client.subscribe(channel)
        number = exchange.post("/sim/faults", {"kind": "halt", "symbol": NAME})["ids"][0]
        client.until(lambda: client.data(channel), "the halt")
        assert client.data(channel)[-1]["state"] == "halted"
        assert client.data(channel)[-1]["instrument_name"] == NAME
        assert result(exchange, "ticker", instrument_name=NAME)["state"] == "halted"
        requests.delete(f"{exchange.rest_url}/sim/faults/{number}", timeout=10)
        client.until(lambda: len(client.data(channel)) > 1, "the end of the halt")
        assert client.data(channel)[-1]["state"] == "open"


def test_a_new_instrument_is_announced_and_then_listed(exchange: Any) -> None:
    before = len(result(exchange, "get_instruments"))
    with Client(exchange) as client:
        client.subscribe("instrument.creation.any.any", "instrument.state.option.any")
        name = exchange.post("/sim/list")["listed"][0]
        assert client.subscribe(f"book.{name}.100ms")["result"] == [f"book.{name}.100ms"]
        client.until(lambda: client.data("instrument.state.option.any"), "its state")
    row = client.data("instrument.creation.any.any")[0]
    assert (row["instrument_name"], row["kind"]) == (name, "option")
    assert len(result(exchange, "get_instruments")) == before + 1


def test_book_summaries_are_made_each_two_seconds(exchange: Any) -> None:
    def made() -> set[int]:
        rows = result(exchange, "get_book_summary_by_currency", currency="BTC", kind="future")
        assert {row["instrument_name"] for row in rows} >= {NAME}
        return {row["creation_timestamp"] for row in rows}

    first, now = made(), result(exchange, "get_time")
    second = wait_until(lambda: made() - first, 10, "another summary")
    assert now - max(first) <= 2100
    assert min(second) // 2000 > max(first) // 2000


def test_funding_rows_come_once_per_full_hour(exchange: Any) -> None:
    now = result(exchange, "get_time")
    asked = {"start_timestamp": now - 10 * HOUR_MS, "end_timestamp": now}
    rows = result(exchange, "get_funding_rate_history", instrument_name=NAME, **asked)
    times = [row["timestamp"] for row in rows]
    assert times == [now // HOUR_MS * HOUR_MS - each * HOUR_MS for each in range(9, -1, -1)]
    total = sum(Decimal(str(row["interest_1h"])) for row in rows[2:])
    assert total == Decimal(str(rows[-1]["interest_8h"]))


def test_volatility_is_read_page_by_page_until_the_start(exchange: Any) -> None:
    now = result(exchange, "get_time")
    start, end, times = now // HOUR_MS * HOUR_MS - 1500 * HOUR_MS, now, list[int]()
    pages = 0
    while end is not None:
        answer = result(
            exchange,
            "get_volatility_index_data",
            currency="BTC",
            resolution="3600",
            start_timestamp=start,
            end_timestamp=end,
        )
        times = [row[0] for row in answer["data"]] + times
        end, pages = answer["continuation"], pages + 1
        assert all(low <= first <= high for _, first, high, low, _ in answer["data"])
    assert pages == 2
    assert times == [start + each * HOUR_MS for each in range(1501)]


def test_chart_data_comes_in_parallel_arrays(exchange: Any) -> None:
    now = result(exchange, "get_time")
    asked = {"instrument_name": NAME, "resolution": "1"}
    name = "get_tradingview_chart_data"
    times = {"start_timestamp": now - HOUR_MS, "end_timestamp": now}
    answer = result(exchange, name, **times, **asked)
    assert answer["status"] == "ok"
    assert {len(answer[each]) for each in ("ticks", "open", "high", "low", "close", "cost")} == {
        len(answer["volume"])
    }
    times = {"start_timestamp": now - 2 * HOUR_MS, "end_timestamp": now - HOUR_MS}
    none = result(exchange, name, **times, **asked)
    assert none["status"] == "no_data"


def test_an_unanswered_test_request_ends_in_4000(tmp_path: Any) -> None:
    with (
        deribit(tmp_path, "least_heartbeat_s=0.2", "patience_s=0.5", symbols=NAME) as running,
        Client(running) as faithful,
        Client(running) as lazy,
    ):
        for each in (faithful, lazy):
            assert each.call("public/set_heartbeat", interval=0.1)["error"]["code"] == -32602
            assert each.call("public/set_heartbeat", interval=0.4)["result"] == "ok"
        kinds = []
        for _ in range(4):
            message = faithful.receive()
            kinds.append(message["params"]["type"])
            if kinds[-1] == "test_request":
                faithful.call("public/test")
        assert kinds == ["heartbeat", "test_request"] * 2
        assert lazy.ended() == "heartbeat close"
        assert lazy.closed == 4000
        assert faithful.call("public/disable_heartbeat")["result"] == "ok"


def test_an_idle_socket_is_cut_without_a_close(tmp_path: Any) -> None:
    with (
        deribit(tmp_path, "idle_s=0.5", symbols=NAME) as running,
        Client(running) as quiet,
        Client(running) as listening,
    ):
        listening.subscribe("platform_state")
        quiet.ended()
        assert quiet.closed == 1006
        listening.until(lambda: len(listening.notes) > 2, "chatter after the cut")


def test_too_many_calls_end_the_session(tmp_path: Any) -> None:
    with deribit(tmp_path, symbols=NAME) as running, Client(running) as client:
        replies = []
        for number in range(15):
            params = {"channels": ["platform_state"]}
            call = {"jsonrpc": "2.0", "id": number, "method": "public/subscribe", "params": params}
            client.send(json.dumps(call))
        while not client.closed:
            try:
                replies.append(client.receive())
            except ConnectionError:
                break
        codes = [each["error"]["code"] for each in replies if "error" in each]
        assert codes == [10028]
        assert sum("result" in each for each in replies) >= 10
        assert running.get("/sim/state")["limited"]["credits"] == 1


def test_connections_over_the_limit_get_429(tmp_path: Any) -> None:
    with (
        deribit(tmp_path, "connections=2", symbols=NAME) as running,
        Client(running),
        Client(running),
    ):
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            Client(running)
        assert refused.value.status_code == 429
        answer = requests.get(f"{running.rest_url}/api/v2/public/get_time", timeout=10)
        assert answer.status_code == 429


def test_an_unknown_switch_is_refused(tmp_path: Any) -> None:
    with (
        pytest.raises(AssertionError, match="Deribit knows idle_s"),
        deribit(tmp_path, "martians=1"),
    ):
        raise RuntimeError("it started")
