"""REST of OKX: what is asked, and what the answers become."""

import msgspec
import pytest

from tests.exchanges.okx_frames import (
    BTC,
    DERIVATIVES,
    INVERSE,
    SPOT,
    SWAP,
    reply,
)
from workers.exchanges.okx import polls, statistics
from workers.model.errors import ExchangeBusy, ExchangeError, RateLimited, WireError
from workers.model.events import FundingRate
from workers.model.http import HttpResponse

T_MS, T_NS = "1786540440000", 1786540440000_000_000
STAT = "/api/v5/rubik/stat"
POLLS = [
    (polls.ticker(BTC), "/api/v5/market/ticker", {"instId": "BTC-USDT"}),
    (polls.trades(BTC, 50), "/api/v5/market/trades", {"instId": "BTC-USDT", "limit": "50"}),
    (
        polls.trades_before(SWAP, 4711),
        "/api/v5/market/history-trades",
        {"instId": "BTC-USDT-SWAP", "type": "1", "after": "4711", "limit": "100"},
    ),
    (
        polls.trades_before(SWAP),
        "/api/v5/market/history-trades",
        {"instId": "BTC-USDT-SWAP", "type": "1", "limit": "100"},
    ),
    (
        polls.klines(SWAP, "1h", T_NS, 999),
        "/api/v5/market/candles",
        {"instId": "BTC-USDT-SWAP", "bar": "1H", "after": T_MS, "limit": "300"},
    ),
    (
        polls.kline_history(BTC, "1d"),
        "/api/v5/market/history-candles",
        {"instId": "BTC-USDT", "bar": "1Dutc", "limit": "100"},
    ),
    (polls.funding_rate(SWAP), "/api/v5/public/funding-rate", {"instId": "BTC-USDT-SWAP"}),
    (
        polls.funding_history(SWAP, T_NS),
        "/api/v5/public/funding-rate-history",
        {"instId": "BTC-USDT-SWAP", "after": T_MS, "limit": "400"},
    ),
    (
        polls.mark_price(SWAP),
        "/api/v5/public/mark-price",
        {"instType": "SWAP", "instId": "BTC-USDT-SWAP"},
    ),
    (polls.index_price(INVERSE), "/api/v5/market/index-tickers", {"instId": "BTC-USD"}),
    (
        polls.open_interest(INVERSE),
        "/api/v5/public/open-interest",
        {"instType": "SWAP", "instId": "BTC-USD-SWAP"},
    ),
    (
        statistics.open_interest_history(SWAP, "1h", 10),
        f"{STAT}/contracts/open-interest-history",
        {"instId": "BTC-USDT-SWAP", "period": "1H", "limit": "10"},
    ),
    (
        statistics.long_short_ratio(SWAP, "all_accounts"),
        f"{STAT}/contracts/long-short-account-ratio-contract",
        {"instId": "BTC-USDT-SWAP", "period": "5m", "limit": "100"},
    ),
    (
        statistics.long_short_ratio(SWAP, "top_accounts"),
        f"{STAT}/contracts/long-short-account-ratio-contract-top-trader",
        {"instId": "BTC-USDT-SWAP", "period": "5m", "limit": "100"},
    ),
    (
        statistics.long_short_ratio(SWAP, "top_positions", "1d"),
        f"{STAT}/contracts/long-short-position-ratio-contract-top-trader",
        {"instId": "BTC-USDT-SWAP", "period": "1Dutc", "limit": "100"},
    ),
    (
        statistics.long_short_ratio(SWAP, "taker_volume"),
        f"{STAT}/taker-volume-contract",
        {"instId": "BTC-USDT-SWAP", "period": "5m", "limit": "100", "unit": "0"},
    ),
    (
        statistics.currency_ratio(SWAP, "1h"),
        f"{STAT}/contracts/long-short-account-ratio",
        {"ccy": "BTC", "period": "1H"},
    ),
    (
        statistics.currency_taker_volume(SWAP),
        f"{STAT}/taker-volume",
        {"ccy": "BTC", "instType": "CONTRACTS", "period": "5m"},
    ),
    (
        statistics.currency_taker_volume(BTC, "1d"),
        f"{STAT}/taker-volume",
        {"ccy": "BTC", "instType": "SPOT", "period": "1D"},
    ),
]


@pytest.mark.parametrize(("poll", "path", "params"), POLLS, ids=lambda each: str(each)[:60])
def test_a_poll_asks_as_documented(poll, path, params):
    assert (poll.request.path, poll.request.params) == (path, params)
    bucket, _, what = poll.request.bucket.partition("/")
    assert what == params.get(SPOT.limits.buckets[bucket].per, "")
    assert poll.read(b'{"code":"0","msg":"","data":[]}', 5) == []


def test_trades_are_single_ones_newest_first():
    row = {"instId": "BTC-USDT-SWAP", "px": "100", "sz": "2", "side": "sell", "ts": T_MS}
    body = reply(row | {"tradeId": "8", "source": "0"}, row | {"tradeId": "7"})
    found = polls.trades_before(SWAP, 9).read(body, 5)
    assert [each.trade_id for each in found] == [8, 7]
    assert {(each.aggregate, each.quantity, each.source) for each in found} == {
        (False, "0.02", "backfill")
    }


def test_a_row_of_another_instrument_is_refused_or_left_out_of_an_answer_for_all():
    row = {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "oi": "5000", "oiCcy": "50", "ts": T_MS}
    body = reply(row | {"instId": "ETH-USDT-SWAP"}, row)
    with pytest.raises(WireError, match=r"unknown_symbol.*ETH-USDT-SWAP"):
        polls.open_interest(SWAP).read(body, 5)
    (found,) = polls.open_interests("SWAP", [SWAP]).read(body, 5)
    assert (found.open_interest, found.raw_open_interest, found.source) == ("50", "5000", "poll")
    assert found.open_interest_value is None


def test_a_paid_funding_rate_is_the_realised_one():
    row = {"instId": "BTC-USDT-SWAP", "fundingRate": "0.1", "fundingTime": T_MS}
    both = reply(row | {"realizedRate": "-0.2"}, row | {"realizedRate": ""})
    paid, expected = polls.funding_history(SWAP).read(both, 5)
    assert isinstance(paid, FundingRate)
    assert (paid.funding_rate, paid.funding_time_ns, paid.exchange_ns) == ("-0.2", T_NS, T_NS)
    assert expected.funding_rate == "0.1"


def test_longs_are_what_takers_bought():
    (found,) = statistics.long_short_ratio(SWAP, "taker_volume").read(reply([T_MS, "3", "5"]), 5)
    assert (found.kind, found.period) == ("taker_volume", "5m")
    assert (found.short_ratio, found.long_ratio, found.long_short_ratio) == ("3", "5", None)


def test_a_ratio_of_a_coin_is_not_one_of_its_contract():
    ratio = reply([T_MS, "1.25"])
    (coin,) = statistics.currency_ratio(SWAP).read(ratio, 5)
    (contract,) = statistics.long_short_ratio(SWAP, "all_accounts").read(ratio, 5)
    assert (coin.symbol, contract.symbol) == ("BTC", "BTC-USDT-PERP")
    assert coin.long_short_ratio == contract.long_short_ratio == "1.25"


def test_open_interest_of_the_past_is_in_base_units_too():
    (found,) = statistics.open_interest_history(SWAP).read(reply([T_MS, "100", "1", "60000"]), 5)
    assert (found.raw_open_interest, found.open_interest) == ("100", "1")
    assert (found.open_interest_value, found.exchange_ns) == ("60000", T_NS)


@pytest.mark.parametrize("period", ["2m", "7d", ""])
def test_a_period_nobody_has_is_refused(period):
    for ask in (statistics.currency_ratio, statistics.open_interest_history, polls.klines):
        with pytest.raises(KeyError):
            ask(SWAP, period)


@pytest.mark.parametrize(
    ("poll", "row"),
    [
        (polls.klines(SWAP), ["1", "2", "3"]),
        (polls.klines(SWAP), [T_MS, "1", "1", "1", "1e5", "1", "1"]),
        (statistics.long_short_ratio(SWAP, "all_accounts"), [T_MS, "1", "2"]),
        (statistics.long_short_ratio(SWAP, "taker_volume"), [T_MS, "1"]),
        (statistics.currency_ratio(SWAP), [T_MS, "NaN"]),
        (statistics.currency_ratio(SWAP), ["1597026383085123", "1"]),
    ],
)
def test_an_absurd_row_is_refused(poll, row):
    with pytest.raises(WireError) as caught:
        poll.read(reply(row), 5)
    assert caught.value.kind == "absurd_number"


BOOK = {
    "asks": [["101", "5", "0", "1"], ["102", "5", "0", "1"]],
    "bids": [["100", "3", "0", "1"]],
    "ts": "1629966436396",
    "seqId": 3235851742,
}


@pytest.mark.parametrize(("depth", "size"), [(1, "1"), (400, "400"), (5000, "400"), (0, "1")])
def test_a_snapshot_is_asked_for_with_its_size(depth, size):
    asked = SPOT.snapshot_request("BTC-USDT", depth)
    assert (asked.path, asked.params["sz"]) == ("/api/v5/market/books", size)


@pytest.mark.parametrize(
    ("depth", "complete"), [(2, (True, False)), (3, (True, True)), (400, (True, True))]
)
def test_a_snapshot_knows_which_sides_it_cut(depth, complete):
    found = SPOT.read_snapshot(reply(BOOK), depth)
    assert (found.last_update_id, found.bids) == (3235851742, [("100", "3")])
    assert (found.bids_complete, found.asks_complete) == complete


def test_400_levels_a_side_are_all_that_the_channel_keeps():
    levels = [[str(price), "1", "0", "1"] for price in range(1000, 600, -1)]
    body = reply(BOOK | {"bids": levels})
    assert SPOT.read_snapshot(body, 400).bids_complete
    assert not SPOT.read_snapshot(body, 399).bids_complete


def test_a_snapshot_of_contracts_needs_its_instrument():
    with pytest.raises(ValueError, match="name its instrument"):
        DERIVATIVES.read_snapshot(reply(BOOK), 400)
    assert DERIVATIVES.read_snapshot(reply(BOOK), 400, SWAP).bids == [("100", "0.03")]
    assert DERIVATIVES.read_snapshot(reply(BOOK), 400, INVERSE).bids == [("100", "3")]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"bids": [["x", "1", "0", "1"]]}, "absurd_number"),
        ({"seqId": -5}, "absurd_number"),
        ({"seqId": None}, "missing_field"),
        ({"bids": [["1", "1", "0"]]}, "missing_field"),
    ],
    ids=["price", "seqid", "no-seqid", "three-elements"],
)
def test_a_bad_snapshot_is_refused(change, kind):
    with pytest.raises(WireError) as caught:
        SPOT.read_snapshot(reply(BOOK | change), 400)
    assert caught.value.kind == kind


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code":"0","data":7}', reply()])
def test_a_body_that_is_no_reply_is_a_wire_error(body):
    with pytest.raises(WireError):
        SPOT.read_snapshot(body, 400)


def test_an_error_with_status_200_is_an_error():
    with pytest.raises(RateLimited) as caught:
        SPOT.read_instruments(b'{"code":"50011","msg":"Too Many Requests","data":[]}')
    assert caught.value.retry_after_s == 2.0
    with pytest.raises(ExchangeError) as refused:
        polls.ticker(BTC).read(b'{"code":"51001","msg":"Instrument does not exist"}', 5)
    assert refused.value.code == 51001
    assert not isinstance(refused.value, RateLimited)


@pytest.mark.parametrize(
    ("status", "body", "code", "waits"),
    [
        (429, b'{"code":"50011","msg":"Too Many Requests"}', 50011, True),
        (429, b'{"code":"50013","msg":"Busy"}', 50013, True),
        (429, b"<html>slow down</html>", 429, True),
        (503, b'{"code":"50001","msg":"Service temporarily unavailable"}', 50001, False),
        (502, b"", 502, False),
        (400, b'{"code":"x","msg":"odd"}', 400, False),
    ],
)
def test_an_error_says_whether_to_wait(status, body, code, waits):
    error = SPOT.read_error(HttpResponse(status, {}, body, 0))
    assert error.code == code
    assert isinstance(error, RateLimited) == waits
    assert isinstance(error, ExchangeBusy) == (code == 50001)


def test_instruments_are_asked_for_by_kind():
    assert SPOT.instruments_request().params == {"instType": "SPOT"}
    assert DERIVATIVES.instruments_request().params == {"instType": "SWAP"}
    kinds = [each.params["instType"] for each in DERIVATIVES.instruments_requests()]
    assert kinds == ["SWAP", "FUTURES"]
    assert msgspec.json.decode(reply())["data"] == []
