"""All dialects on one port: one market, side doors of their own, brakes for all, TLS."""

import json
import socket
import ssl
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
import websocket

from tests.simulated import SimulatedExchange
from tests.simulator.running import Running
from tests.waiting import wait_until

EXCHANGES = ("binance_spot", "binance_derivatives", "okx_spot", "okx_derivatives", "deribit")
BOOKS = {
    "binance_spot": ("/api/v3/depth?symbol=BTCUSDT&limit=5", "bids"),
    "binance_derivatives": ("/fapi/v1/depth?symbol=BTCUSDT&limit=5", "bids"),
    "okx": ("/api/v5/market/books?instId=BTC-USDT-SWAP", "data.0.bids"),
    "deribit": ("/api/v2/public/get_order_book?instrument_name=BTC-PERPETUAL", "result.bids"),
}


@pytest.fixture(scope="module")
def whole() -> Iterator[Running]:
    running = Running(dialect="all", symbols=("BTC-USDT",), rate=400.0)
    yield running
    running.stop()


def inside(reply: Any, path: str) -> Any:
    for name in path.split("."):
        reply = reply[int(name) if name.isdigit() else name]
    return reply


def test_a_coin_is_worth_the_same_on_every_exchange(whole: Running) -> None:
    best = [Decimal(str(inside(whole.json(path), where)[0][0])) for path, where in BOOKS.values()]
    assert max(best) / min(best) < Decimal("1.003")
    index = whole.json("/fapi/v1/premiumIndex?symbol=BTCUSDT")["indexPrice"]
    theirs = whole.json("/api/v2/public/get_index_price?index_name=btc_usd")["result"][
        "index_price"
    ]
    assert abs(Decimal(str(theirs)) / Decimal(index) - 1) < Decimal("0.001")


def test_equal_names_have_orders_and_ids_of_their_own(whole: Running) -> None:
    spot = whole.json("/sim/binance_spot/truth/summary")["BTCUSDT"]
    perpetual = whole.json("/sim/binance_derivatives/truth/summary")["BTCUSDT"]
    assert spot["symbol"] == "BTC-USDT"
    assert perpetual["symbol"] == "BTC-USDT-PERP"
    assert spot["first_trade_id"] != perpetual["first_trade_id"]


def test_the_index_names_dialects_doors_and_faults(whole: Running) -> None:
    index = whole.json("/sim")
    assert list(index["dialects"]) == list(BOOKS)
    assert index["dialects"]["okx"]["symbols"] == ["BTC-USDT", "BTC-USDT-SWAP"]
    assert {"/sim/okx", "/sim/okx_spot"} <= set(index["dialects"]["okx"]["side_doors"])
    assert "freeze" in index["faults"]["lines"]


def test_a_fault_of_one_exchange_is_not_another_s(whole: Running) -> None:
    order = {"kind": "http", "status": 503, "duration_s": 60}
    assert whole.post("/sim/okx_spot/faults", order).status_code == 201
    codes = {name: whole.get(path).status_code for name, (path, _) in BOOKS.items()}
    assert codes == dict.fromkeys(BOOKS, 200) | {"okx": 503}
    assert whole.delete("/sim/okx/faults").json() == {"cleared": 1}


def test_pause_stops_all_and_only_all_at_once(whole: Running) -> None:
    def last_ids(exchange: str) -> list[int]:
        summary = whole.json(f"/sim/{exchange}/truth/summary")
        return [each["last_update_id"] for each in summary.values()]

    whole.post("/sim/deribit/pause")
    others = last_ids("binance_spot")
    wait_until(lambda: last_ids("binance_spot") != others, 20, "Binance goes on")
    whole.post("/sim/pause")
    still = {each: last_ids(each) for each in EXCHANGES}
    time_ms = whole.json("/api/v3/time")["serverTime"]
    wait_until(lambda: whole.json("/api/v3/time")["serverTime"] > time_ms + 500, 20, "time passes")
    assert {each: last_ids(each) for each in EXCHANGES} == still
    whole.post("/sim/resume")
    wait_until(lambda: last_ids("deribit") != still["deribit"], 20, "Deribit goes on")


def test_a_rate_is_shared_by_all(whole: Running) -> None:
    assert whole.post("/sim/rate", {"rate": 800}).json() == {"rate": 800}
    assert {whole.json(f"/sim/{each}/state")["rate"] for each in EXCHANGES} == {200}


def test_instruments_are_announced_now_and_then() -> None:
    running = Running(dialect="all", symbols=("BTC-USDT",), levels=100, news_s=0.5)
    try:
        kinds = [{"channel": "instruments", "instType": kind} for kind in ("SPOT", "SWAP")]
        okx = running.client("/ws/v5/public")
        okx.socket.send(json.dumps({"op": "subscribe", "args": kinds}))
        told: set[tuple[str, str]] = set()

        def heard(message: Any) -> bool:
            told.update((row["instId"], row["state"]) for row in message.get("data", []))
            return {("BTC-USDT", "live"), ("BTC-USDT-SWAP", "live")} <= told and (
                len({state for name, state in told if name == "NEWS-USDT-SWAP"}) == 4
            )

        okx.until(heard)
        deribit = running.client("/ws/api/v2")
        channels = {"channels": ["instrument.state.option.any", "instrument.state.future.any"]}
        request = {"jsonrpc": "2.0", "id": 1, "method": "public/subscribe", "params": channels}
        deribit.socket.send(json.dumps(request))
        deribit.until(lambda m: "halted" in json.dumps(m))
        deribit.until(lambda m: '"instrument_name": "BTC-PERPETUAL"' in json.dumps(m))
    finally:
        running.stop()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"switches": ("idle_s=3",)}, "say whose"),
        ({"switches": ("kraken.idle_s=3",)}, "none of binance_spot"),
        ({"switches": ("okx.idle=3",)}, "okx knows"),
        ({"record": Path("x")}, "only --dialect binance_spot"),
    ],
)
def test_an_option_that_is_nobody_s_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Running(dialect="all", **options)


def test_tls_is_verified_with_the_ca_of_the_run(tmp_path: Path) -> None:
    few = ("--levels", "100", "--symbols", "BTC-USDT")
    exchange = SimulatedExchange(tmp_path / "log", "--dialect", "all", "--tls", *few)
    try:
        assert exchange.rest_url.startswith("https://")
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{exchange.rest_url}/api/v3/ping", timeout=20)
        named = exchange.rest_url.replace("127.0.0.1", "localhost")
        for url in (exchange.rest_url, named):
            assert (
                requests.get(f"{url}/api/v3/ping", timeout=20, verify=str(exchange.ca)).json() == {}
            )
        context = ssl.create_default_context(cafile=exchange.ca)
        stream = websocket.create_connection(
            f"{exchange.ws_url}/public/stream?streams=btcusdt@depth@100ms",
            timeout=20,
            sslopt={"context": context},
        )
        assert json.loads(stream.recv())["data"]["e"] == "depthUpdate"
        stream.close()
    finally:
        exchange.end()


def test_a_certificate_of_one_s_own_is_taken(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("exchange.test")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    for each in issued.cert_chain_pems:
        each.write_to_path(str(chain), append=True)
    issued.private_key_pem.write_to_path(str(key))
    running = Running(tls_cert=chain, tls_key=key, levels=100)
    try:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        host, port = running.address.removeprefix("https://").split(":")
        with (
            socket.create_connection((host, int(port)), timeout=20) as line,
            context.wrap_socket(line, server_hostname="exchange.test") as secure,
        ):
            assert secure.version() == "TLSv1.3"
        with pytest.raises(requests.exceptions.SSLError):
            running.get("/api/v3/ping")
    finally:
        running.stop()
