"""REST requests of Binance spot and what their replies become."""

import msgspec
import pytest

from tests.exchanges.frames import BINANCE
from workers.book.sequence import Snapshot
from workers.model.errors import ExchangeError, RateLimited, WireError
from workers.model.http import HttpResponse

DEPTH = (
    b'{"lastUpdateId":1027024,"bids":[["4.00000000","431.00000000"]],'
    b'"asks":[["4.00000200","12.00000000"]]}'
)
SYMBOL = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "isSpotTradingAllowed": True,
    "permissionSets": [["SPOT", "MARGIN"]],
    "filters": [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": "0.01000000",
            "maxPrice": "1000000.00000000",
            "tickSize": "0.01000000",
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": "0.00001000",
            "maxQty": "9000.00000000",
            "stepSize": "0.00001000",
        },
    ],
}


def info(**changes) -> bytes:
    return msgspec.json.encode({"timezone": "UTC", "symbols": [SYMBOL | changes]})


def filters(tick: str, lot: str) -> list[dict[str, str]]:
    return [
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "PRICE_FILTER", "tickSize": tick},
        {"filterType": "LOT_SIZE", "stepSize": lot},
    ]


@pytest.mark.parametrize(
    ("depth", "limit", "weight"),
    [
        (1, 1, 5),
        (100, 100, 5),
        (101, 101, 25),
        (500, 500, 25),
        (501, 501, 50),
        (1000, 1000, 50),
        (1001, 1001, 250),
        (5000, 5000, 250),
        (9999, 5000, 250),
        (0, 1, 5),
    ],
)
def test_a_snapshot_costs_by_its_depth(depth, limit, weight):
    request = BINANCE.snapshot_request("BTCUSDT", depth)
    assert request.path == "/api/v3/depth"
    assert request.params == {"symbol": "BTCUSDT", "limit": str(limit)}
    assert request.weight == weight


@pytest.mark.parametrize(("asked", "complete"), [(1, False), (2, True), (5000, True)])
def test_a_side_shorter_than_asked_for_is_the_whole_side(asked, complete):
    assert BINANCE.read_snapshot(DEPTH, asked) == Snapshot(
        1027024,
        [("4.00000000", "431.00000000")],
        [("4.00000200", "12.00000000")],
        complete,
        complete,
    )


def test_more_than_5000_levels_are_never_given_so_5000_prove_nothing_beyond():
    levels = [[f"{n}.0", "1"] for n in range(5000, 0, -1)]
    body = msgspec.json.encode({"lastUpdateId": 1, "bids": levels, "asks": levels[1:]})
    snapshot = BINANCE.read_snapshot(body, 10_000)
    assert (snapshot.bids_complete, snapshot.asks_complete) == (False, True)


def test_levels_of_old_replies_end_in_an_empty_list():
    body = b'{"lastUpdateId":160,"bids":[["0.0024","10",[]]],"asks":[["0.0026","100",[]]]}'
    snapshot = BINANCE.read_snapshot(body, 5)
    assert (snapshot.bids, snapshot.asks) == ([("0.0024", "10")], [("0.0026", "100")])


def test_a_symbol_without_orders_yet_proves_nothing():
    snapshot = BINANCE.read_snapshot(b'{"lastUpdateId":-1,"bids":[],"asks":[]}', 100)
    assert (snapshot.last_update_id, snapshot.bids_complete) == (-1, False)


def test_a_halted_symbol_may_have_empty_sides():
    snapshot = BINANCE.read_snapshot(b'{"lastUpdateId":5,"bids":[],"asks":[]}', 100)
    assert (snapshot.bids, snapshot.bids_complete) == ([], True)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"<html>maintenance</html>", "broken_json", id="html"),
        pytest.param(b"\xff", "broken_json", id="not-utf8"),
        pytest.param(b"", "broken_json", id="empty"),
        pytest.param(b"[]", "missing_field", id="array"),
        pytest.param(b'{"bids":[],"asks":[]}', "missing_field", id="no-id"),
        pytest.param(b'{"lastUpdateId":1,"bids":[]}', "missing_field", id="no-asks"),
        pytest.param(
            b'{"lastUpdateId":1,"bids":[["1"]],"asks":[]}', "missing_field", id="no-quantity"
        ),
        pytest.param(
            b'{"lastUpdateId":1,"bids":[["1e5","1"]],"asks":[]}', "absurd_number", id="exponent"
        ),
        pytest.param(
            b'{"lastUpdateId":1,"bids":[[1.5,"1"]],"asks":[]}', "absurd_number", id="number"
        ),
        pytest.param(
            b'{"lastUpdateId":-1,"bids":[["1","1"]],"asks":[]}',
            "absurd_number",
            id="levels-of-no-id",
        ),
        pytest.param(b'{"lastUpdateId":-7,"bids":[],"asks":[]}', "absurd_number", id="id"),
        pytest.param(b'{"lastUpdateId":"1","bids":[],"asks":[]}', "absurd_number", id="id-text"),
    ],
)
def test_a_bad_snapshot_says_why_it_is_bad(body, kind):
    with pytest.raises(WireError) as caught:
        BINANCE.read_snapshot(body, 100)
    assert caught.value.kind == kind


def test_an_instrument_is_named_by_its_assets():
    (instrument,) = BINANCE.read_instruments(info())
    assert instrument.symbol == "BTC-USDT"
    assert (instrument.base, instrument.quote) == ("BTC", "USDT")
    assert (instrument.tick_size, instrument.lot_size) == ("0.01000000", "0.00001000")
    assert (instrument.exchange, instrument.market_type) == ("binance_spot", "spot")


def test_a_symbol_is_never_split_by_guessing():
    (instrument,) = BINANCE.read_instruments(
        info(symbol="USDTUSDT", baseAsset="USDTU", quoteAsset="SDT")
    )
    assert instrument.symbol == "USDTU-SDT"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("TRADING", "trading"),
        ("END_OF_DAY", "halted"),
        ("HALT", "halted"),
        ("BREAK", "halted"),
        ("CANCEL_ONLY", "halted"),
        ("SOMETHING_NEW", "halted"),
    ],
)
def test_only_trading_trades_and_the_exchanges_word_is_kept(raw, status):
    (instrument,) = BINANCE.read_instruments(info(status=raw))
    assert (instrument.status, instrument.raw_status) == (status, raw)


@pytest.mark.parametrize("rules", [[], filters("0.00000000", "0")], ids=["no-filters", "zeros"])
def test_a_rule_that_is_off_is_absent(rules):
    (instrument,) = BINANCE.read_instruments(info(filters=rules))
    assert (instrument.tick_size, instrument.lot_size) == (None, None)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"<html>", "broken_json", id="html"),
        pytest.param(b"{}", "missing_field", id="no-symbols"),
        pytest.param(info(baseAsset=None), "missing_field", id="no-base"),
        pytest.param(info(filters=filters("-1", "1")), "absurd_number", id="tick-below-zero"),
    ],
)
def test_bad_instruments_say_why_they_are_bad(body, kind):
    with pytest.raises(WireError) as caught:
        BINANCE.read_instruments(body)
    assert caught.value.kind == kind


def response(status: int, body: bytes, **headers: str) -> HttpResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status, named, body, 0)


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        pytest.param(400, b'{"code":-1121,"msg":"Invalid symbol."}', -1121, "Invalid", id="code"),
        pytest.param(403, b"<html>WAF</html>", 403, "WAF", id="firewall"),
        pytest.param(
            451,
            b'{"code":0,"msg":"Service unavailable from a restricted location"}',
            0,
            "restricted location",
            id="restricted",
        ),
        pytest.param(502, b"", 502, "no text", id="empty"),
        pytest.param(500, b"\xff\xfe", 500, "\ufffd", id="not-utf8"),
        pytest.param(503, b'["x"]', 503, "x", id="array"),
        pytest.param(400, b'{"code":"x","msg":""}', 400, "code", id="odd"),
    ],
)
def test_an_error_keeps_the_exchanges_code_and_words(status, body, code, words):
    error = BINANCE.read_error(response(status, body))
    assert type(error) is ExchangeError
    assert error.code == code
    assert words in error.message


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "7", 7.0),
        (429, None, 60.0),
        (429, "soon", 60.0),
        (429, "-5", 60.0),
        (429, "1e9", 60.0),
        (429, "99999999", 259_200.0),
        (418, "180", 180.0),
        (418, None, 120.0),
    ],
)
def test_over_the_limit_says_how_long_to_wait(status, header, seconds):
    headers = {} if header is None else {"retry_after": header}
    body = b'{"code":-1003,"msg":"Too many requests."}'
    error = BINANCE.read_error(response(status, body, **headers))
    assert isinstance(error, RateLimited)
    assert (error.code, error.retry_after_s) == (status, seconds)
