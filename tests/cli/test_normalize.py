"""`marketprism normalize`: frames in, events out, what cannot be used counted."""

import json
from pathlib import Path

import msgspec

from tests.cli.conftest import Run
from tests.exchanges import frames

SWAP = msgspec.json.encode(
    {
        "arg": {"channel": "trades-all", "instId": "BTC-USDT-SWAP"},
        "data": [
            {
                "instId": "BTC-USDT-SWAP",
                "tradeId": "130639474",
                "px": "42219.9",
                "sz": "12",
                "side": "buy",
                "ts": "1630048897897",
            }
        ],
    }
).decode()


def test_each_frame_becomes_a_line_of_json(run: Run) -> None:
    acknowledged = '{"result":null,"id":1}'
    lines = [frames.TRADE.decode(), "", acknowledged, frames.DEPTH.decode()]
    result = run("normalize", "binance_spot", stdin="\n".join(lines))
    assert result.exit_code == 0, result.stderr
    trade, delta = map(json.loads, result.stdout.splitlines())
    assert (trade["type"], trade["symbol"], trade["price"]) == ("trade", "BNBBTC", "0.001")
    assert (delta["type"], delta["bids"]) == ("orderbook-delta", [["0.0024", "10"]])
    assert trade["received_ns"] > 1_700_000_000_000_000_000
    assert result.stderr == ""


def test_unusable_lines_are_said_and_counted_and_the_others_read(run: Run) -> None:
    lines = ["hello", frames.TRADE.decode(), "[]", frames.TRADE[:-9].decode()]
    result = run("normalize", "binance-spot", stdin="\n".join(lines))
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 1
    first, *_, last = result.stderr.splitlines()
    assert first.startswith("line 1: broken_json: ")
    assert last == ("marketprism: 3 of 4 lines could not be used: 2 broken_json, 1 unknown_event")


def test_a_list_of_instruments_names_the_symbols(run: Run, tmp_path: Path) -> None:
    listed = tmp_path / "exchangeInfo.json"
    symbol = {"symbol": "BNBBTC", "status": "TRADING", "baseAsset": "BNB", "quoteAsset": "BTC"}
    listed.write_bytes(msgspec.json.encode({"symbols": [symbol]}))
    result = run(
        "normalize", "binance_spot", "--instruments", str(listed), stdin=frames.TRADE.decode()
    )
    assert json.loads(result.stdout)["symbol"] == "BNB-BTC"
    listed.write_text("<html>")
    result = run("normalize", "binance_spot", "--instruments", str(listed), stdin="")
    assert result.exit_code == 1
    assert "broken_json" in result.stderr


def test_contracts_that_could_not_be_converted_are_named_once(run: Run) -> None:
    result = run("normalize", "okx_spot", stdin=f"{SWAP}\n{SWAP}\n")
    assert result.exit_code == 0
    assert [json.loads(each)["exchange"] for each in result.stdout.splitlines()] == [
        "okx_derivatives",
        "okx_derivatives",
    ]
    (note,) = result.stderr.splitlines()
    assert "quantities of BTC-USDT-SWAP are contracts" in note
    assert "--instruments" in note


def test_an_unknown_exchange_is_refused_with_the_nearest(run: Run) -> None:
    result = run("normalize", "okx_spots", stdin="")
    assert result.exit_code == 1
    assert "no exchange is called 'okx_spots'; nearest: okx_spot" in result.stderr
