"""REST requests of Deribit for instruments and books, and its errors."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges.deribit_frames import (
    INSTRUMENTS,
    listed,
    mapper,
    named,
)
from workers.book.sequence import Snapshot
from workers.exchanges.deribit.exchange import DERIBIT
from workers.exchanges.deribit.names import instrument_named
from workers.exchanges.deribit.numbers import is_inverse
from workers.exchanges.deribit.requests import PERMANENT
from workers.model.errors import ExchangeBusy, ExchangeError, RateLimited, WireError
from workers.model.http import HttpResponse

BTC, SOL = named("BTC-PERPETUAL"), named("SOL_USDC-PERPETUAL")


def answer(result: object, **more: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "result": result, "testnet": False} | more).encode()


def test_instruments_are_named_by_their_facts():
    found = {each.raw_symbol: each for each in listed()}
    assert {name: each.symbol for name, each in found.items()} == {
        "BTC-PERPETUAL": "BTC-USD-PERP",
        "ETH-PERPETUAL": "ETH-USD-PERP",
        "SOL_USDC-PERPETUAL": "SOL-USDC-PERP",
        "BTC-5JUN26": "BTC-USD-260605",
        "BTC-27MAR26-100000-C": "BTC-USD-260327-100000-C",
        "XRP_USDC-30JUN26-0d625-P": "XRP-USDC-260630-0d625-P",
        "BTC_USDC": "BTC-USDC",
        "BTC-FS-25DEC26_PERP": "BTC-FS-25DEC26_PERP",
    }
    option, perpetual = found["BTC-27MAR26-100000-C"], found["BTC-PERPETUAL"]
    assert (option.quote, option.settle, option.market_type) == ("USD", "BTC", "option")
    assert option.expiry_ns == 1774598400000 * 1_000_000
    assert (perpetual.expiry_ns, perpetual.contract_size) == (None, "10.0")
    assert (perpetual.tick_size, perpetual.lot_size) == ("0.5", "10.0")
    assert found["BTC_USDC"].expiry_ns is None
    assert {name for name, each in found.items() if is_inverse(each)} == {
        "BTC-PERPETUAL",
        "ETH-PERPETUAL",
        "BTC-5JUN26",
    }


def test_a_name_tells_the_same_as_the_facts():
    for each in listed():
        guess = instrument_named("deribit", each.raw_symbol)
        if each.raw_symbol == "BTC-FS-25DEC26_PERP":
            assert guess is None
            continue
        assert guess is not None
        for fact in ("symbol", "market_type", "base", "quote", "settle", "expiry_ns"):
            assert getattr(guess, fact) == getattr(each, fact), (each.raw_symbol, fact)
        assert is_inverse(guess) == is_inverse(each)


@given(st.one_of(st.text(max_size=30), st.from_regex(r"[A-Z]{3}-[0-9]{1,2}[A-Z]{3}[0-9]{2}")))
def test_any_name_is_read_or_not(name):
    found = instrument_named("deribit", name)
    assert found is None or found.raw_symbol == name


@pytest.mark.parametrize(
    "name", ["", "BTC", "btc-perpetual", "BTC-31FEB26", "BTC-1XXX26", "BTC-27MAR26-0D625-C"]
)
def test_what_is_no_name_is_not_guessed(name):
    assert instrument_named("deribit", name) is None


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"kind": "perpetuity"}, "absurd_number"),
        ({"tick_size": "x"}, "absurd_number"),
        ({"tick_size": "1e999999999"}, "absurd_number"),
        ({"expiration_timestamp": 10**17, "settlement_period": "week"}, "absurd_number"),
        ({"kind": "option"}, "absurd_number"),
        ({"base_currency": None}, "missing_field"),
    ],
)
def test_bad_instruments_say_why_they_are_bad(fields, kind):
    row = json.loads(INSTRUMENTS)["result"][0] | fields
    with pytest.raises(WireError) as caught:
        DERIBIT.read_instruments(answer([row]))
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("asked", "given_depth"),
    [(1, "1"), (6, "10"), (400, "1000"), (5000, "10000"), (10**6, "10000")],
)
def test_a_book_is_asked_for_in_a_depth_there_is(asked, given_depth):
    request = DERIBIT.snapshot_request("BTC-PERPETUAL", asked)
    assert request.path == "/api/v2/public/get_order_book"
    assert request.params == {"instrument_name": "BTC-PERPETUAL", "depth": given_depth}
    assert request.weight == 500


def book(raw_symbol: str, **more: object) -> bytes:
    sides = {"bids": [[2000.0, 100.0], [1000.0, 5e1]], "asks": [[2500.0, 10]]}
    return answer({"instrument_name": raw_symbol, "change_id": 2**55 + 1} | sides | more)


def test_a_book_of_an_inverse_future_is_in_coins_and_of_others_as_it_came():
    assert DERIBIT.read_snapshot(book("BTC-PERPETUAL"), 2) == Snapshot(
        2**55 + 1,
        [("2000.0", "0.05"), ("1000.0", "0.05")],
        [("2500.0", "0.004")],
        True,
        True,
    )
    for name in ("SOL_USDC-PERPETUAL", "BTC-27MAR26-100000-C", "BTC-FS-25DEC26_PERP"):
        snapshot = DERIBIT.read_snapshot(book(name), 1)
        assert snapshot.bids == [("2000.0", "100.0"), ("1000.0", "50.0")]
        assert (snapshot.bids_complete, snapshot.asks_complete) == (False, False)


def test_the_stream_and_rest_give_the_same_book():
    frame = {
        "timestamp": 1,
        "type": "snapshot",
        "change_id": 5,
        "instrument_name": "BTC-PERPETUAL",
        "bids": [["new", 62533.5, 8250.0]],
        "asks": [["new", 63353, 10]],
    }
    message = {"channel": "book.BTC-PERPETUAL.100ms", "data": frame}
    (reset,) = mapper().map(json.dumps({"method": "subscription", "params": message}).encode(), 0)
    body = book("BTC-PERPETUAL", change_id=5, bids=[[62533.5, 8250.0]], asks=[[63353, 10]])
    assert DERIBIT.read_snapshot(body, 10_000) == reset.snapshot


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", "broken_json"),
        (b"\xff", "broken_json"),
        (answer({"instrument_name": "BTC-PERPETUAL"}), "missing_field"),
        (b'{"error":{"code":10020}}', "missing_field"),
        (book("BTC-PERPETUAL", change_id=-1), "absurd_number"),
        (book("BTC-PERPETUAL", bids=[[0, 1]]), "absurd_number"),
        (book("BTC_USDC", bids=[[1.5, -1]]), "absurd_number"),
        (book("BTC_USDC", bids=[["NaN", 1]]), "absurd_number"),
    ],
    ids=["html", "not-utf8", "no-book", "error", "id", "price-0", "below-zero", "nan"],
)
def test_a_bad_book_says_why_it_is_bad(body, kind):
    with pytest.raises(WireError) as caught:
        DERIBIT.read_snapshot(body, 10)
    assert caught.value.kind == kind


def response(status: int, body: bytes) -> HttpResponse:
    return HttpResponse(status, {}, body, 0)


def error(code: object, message: str = "m", data: object = None) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "data": data}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (
            400,
            error(-32602, "Invalid params", {"reason": "instrument not found"}),
            -32602,
            "instrument not found",
        ),
        (403, b"<html>WAF</html>", 403, "WAF"),
        (502, b"", 502, "no text"),
        (500, b"\xff\xfe", 500, "\ufffd"),
        (400, error("x"), 400, "x: m"),
        (400, error(11044, "not_open_order"), 11044, "not_open"),
    ],
)
def test_an_error_keeps_the_exchanges_code_and_words(status, body, code, words):
    found = DERIBIT.read_error(response(status, body))
    assert type(found) is ExchangeError
    assert found.code == code
    assert words in found.message


@pytest.mark.parametrize("code", [10040, 10041, 10047, 11094, 13028, 13888])
def test_some_errors_may_pass(code):
    found = DERIBIT.read_error(response(400, error(code, "later")))
    assert isinstance(found, ExchangeBusy)
    assert found.code == code


@pytest.mark.parametrize(
    ("status", "body", "code", "wait_s"),
    [
        (400, error(10028, "too_many_requests"), 10028, 10.0),
        (400, error(10066, "too_many_concurrent_requests"), 10066, 10.0),
        (400, error(11051, "system_maintenance"), 11051, 60.0),
        (429, b"<html>Too many connections</html>", 429, 10.0),
    ],
)
def test_some_errors_mean_wait(status, body, code, wait_s):
    found = DERIBIT.read_error(response(status, body))
    assert isinstance(found, RateLimited)
    assert (found.code, found.retry_after_s) == (code, wait_s)


def test_no_error_is_both_permanent_and_worth_waiting_for():
    assert not PERMANENT & {10028, 10066, 11051, 10040, 10041, 10047, 13028, 13888, 11094}
