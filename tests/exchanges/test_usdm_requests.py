"""REST of Binance USD-M: instruments, books and polls, and what the replies become."""

import msgspec
import pytest

from tests.exchanges.usdm_frames import DATED, PERP, USDM
from workers.book.sequence import Snapshot
from workers.exchanges.binance.spot import polls as spot_polls
from workers.exchanges.binance.usdm import polls
from workers.model.errors import ExchangeError, RateLimited, WireError
from workers.model.events import FundingRate, LongShortRatio, OpenInterest, Ticker, Trade
from workers.model.http import HttpRequest, HttpResponse

DAY_NS = 1_600_000_000_000_000_000
DEPTH = (
    b'{"lastUpdateId":1027024,"E":1589436922972,"T":1589436922959,'
    b'"bids":[["4.00000000","431.00000000"]],"asks":[["4.00000200","12.00000000"]]}'
)
SYMBOL = {
    "symbol": "BTCUSDT",
    "pair": "BTCUSDT",
    "contractType": "PERPETUAL",
    "deliveryDate": 4133404800000,
    "onboardDate": 1569398400000,
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "pricePrecision": 2,
    "quantityPrecision": 3,
    "underlyingType": "COIN",
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001"},
        {"filterType": "MIN_NOTIONAL", "notional": "5"},
    ],
}


def read(**changes):
    body = msgspec.json.encode({"timezone": "UTC", "symbols": [SYMBOL | changes]})
    (instrument,) = USDM.read_instruments(body)
    return instrument


def test_a_perpetual():
    instrument = read()
    assert (instrument.symbol, instrument.market_type) == ("BTC-USDT-PERP", "perpetual")
    assert (instrument.base, instrument.quote, instrument.settle) == ("BTC", "USDT", "USDT")
    assert (instrument.tick_size, instrument.lot_size) == ("0.10", "0.001")
    assert (instrument.contract_size, instrument.expiry_ns) == ("1", None)


def test_a_dated_contract_is_named_by_its_delivery_in_utc():
    instrument = read(
        symbol="BTCUSDT_260327", contractType="CURRENT_QUARTER", deliveryDate=1774598400000
    )
    assert (instrument.symbol, instrument.market_type) == ("BTC-USDT-260327", "future")
    assert instrument.expiry_ns == 1774598400000_000_000


def test_a_perpetual_that_is_delisted_stays_one_and_has_an_end():
    instrument = read(deliveryDate=1774598400000, status="SETTLING")
    assert (instrument.symbol, instrument.status) == ("BTC-USDT-PERP", "halted")
    assert instrument.expiry_ns == 1774598400000_000_000


@pytest.mark.parametrize(
    ("contract_type", "delivery", "symbol"),
    [
        ("TRADIFI_PERPETUAL", 4133404800000, "BTC-USDT-PERP"),
        ("", 4133404800000, "BTC-USDT-PERP"),
        ("", 1774598400000, "BTC-USDT-260327"),
        ("NEXT_QUARTER", 1782460800000, "BTC-USDT-260626"),
    ],
)
def test_the_kind_of_a_contract_decides_its_name(contract_type, delivery, symbol):
    assert read(contractType=contract_type, deliveryDate=delivery).symbol == symbol


def test_a_multiplied_base_is_the_exchange_s_own_unit():
    assert read(symbol="1000SHIBUSDT", baseAsset="1000SHIB").symbol == "1000SHIB-USDT-PERP"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"baseAsset": None}, "missing_field"),
        ({"deliveryDate": "soon"}, "absurd_number"),
        ({"contractType": "CURRENT_QUARTER", "deliveryDate": 0}, "absurd_number"),
        ({"filters": [{"filterType": "LOT_SIZE", "stepSize": "-1"}]}, "absurd_number"),
    ],
)
def test_a_bad_instrument_says_why(changes, kind):
    with pytest.raises(WireError) as caught:
        read(**changes)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("depth", "limit", "weight"),
    [(0, 5, 2), (5, 5, 2), (6, 10, 2), (50, 50, 2), (51, 100, 5), (400, 500, 10), (501, 1000, 20),
     (1000, 1000, 20), (5000, 1000, 20)],
)  # fmt: skip
def test_a_snapshot_has_a_legal_limit_that_is_deep_enough(depth, limit, weight):
    assert USDM.snapshot_request("BTCUSDT", depth) == HttpRequest(
        "/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": str(limit)}, weight
    )


def test_a_side_is_complete_if_it_is_shorter_than_the_limit_that_was_asked():
    levels = [[f"{n}.0", "1"] for n in range(1000, 0, -1)]
    body = msgspec.json.encode({"lastUpdateId": 1, "bids": levels, "asks": levels[1:]})
    for depth in (600, 5000):
        snapshot = USDM.read_snapshot(body, depth)
        assert (snapshot.bids_complete, snapshot.asks_complete) == (False, True)
    assert USDM.read_snapshot(DEPTH, 5) == Snapshot(
        1027024, [("4.00000000", "431.00000000")], [("4.00000200", "12.00000000")], True, True
    )


def test_errors_are_those_of_spot_under_its_own_name():
    error = USDM.read_error(HttpResponse(400, {}, b'{"code":-1121,"msg":"Invalid symbol."}', 0))
    assert type(error) is ExchangeError
    assert (error.exchange, error.code) == ("binance_derivatives", -1121)
    limited = USDM.read_error(HttpResponse(418, {"retry-after": "180"}, b"", 0))
    assert isinstance(limited, RateLimited)
    assert limited.retry_after_s == 180.0


RATIO = {"longShortRatio": "1.8105", "longAccount": "0.6442", "shortAccount": "0.3558"}
SPAN = {"start_ns": 1_583_139_600_000_000_000, "end_ns": 1_583_139_900_000_000_000}
SPAN_PARAMS = {"startTime": "1583139600000", "endTime": "1583139900000"}


@pytest.mark.parametrize(
    ("poll", "path", "params", "weight", "bucket"),
    [
        (polls.klines(PERP), "/fapi/v1/klines", {"interval": "1m", "limit": "499"}, 2, None),
        (
            polls.klines(PERP, "1h", limit=1500, **SPAN),
            "/fapi/v1/klines",
            {"interval": "1h", "limit": "1500", **SPAN_PARAMS},
            10,
            None,
        ),
        (
            polls.klines(PERP, limit=99),
            "/fapi/v1/klines",
            {"interval": "1m", "limit": "99"},
            1,
            None,
        ),
        (
            polls.aggregate_trades(PERP, 4711),
            "/fapi/v1/aggTrades",
            {"fromId": "4711", "limit": "1000"},
            20,
            None,
        ),
        (polls.trades(PERP), "/fapi/v1/trades", {"limit": "1000"}, 5, None),
        (polls.ticker(PERP), "/fapi/v1/ticker/24hr", {}, 1, None),
        (polls.book_ticker(PERP), "/fapi/v1/ticker/bookTicker", {}, 2, None),
        (polls.premium_index(PERP), "/fapi/v1/premiumIndex", {}, 1, None),
        (
            polls.funding_history(PERP, **SPAN),
            "/fapi/v1/fundingRate",
            {"limit": "1000", **SPAN_PARAMS},
            0,
            "funding",
        ),
        (polls.open_interest(PERP), "/fapi/v1/openInterest", {}, 1, None),
        (
            polls.open_interest_history(PERP, "1d"),
            "/futures/data/openInterestHist",
            {"period": "1d", "limit": "500"},
            0,
            "futures-data",
        ),
        (
            polls.long_short_ratio(PERP, "top_positions", "15m", limit=30),
            "/futures/data/topLongShortPositionRatio",
            {"period": "15m", "limit": "30"},
            0,
            "futures-data",
        ),
    ],
)
def test_a_poll_asks_what_is_documented_and_costs_what_it_says(poll, path, params, weight, bucket):
    assert poll.request == HttpRequest(path, {"symbol": "BTCUSDT"} | params, weight, bucket)


@pytest.mark.parametrize(
    ("poll", "path", "params", "weight"),
    [
        (spot_polls.klines(PERP, "5m"), "/api/v3/klines", {"interval": "5m", "limit": "1000"}, 2),
        (spot_polls.trades(PERP), "/api/v3/trades", {"limit": "1000"}, 25),
        (
            spot_polls.trades(PERP, 5),
            "/api/v3/historicalTrades",
            {"fromId": "5", "limit": "1000"},
            25,
        ),
        (
            spot_polls.aggregate_trades(PERP, 5),
            "/api/v3/aggTrades",
            {"fromId": "5", "limit": "1000"},
            4,
        ),
        (spot_polls.ticker(PERP), "/api/v3/ticker/24hr", {}, 2),
        (spot_polls.book_ticker(PERP), "/api/v3/ticker/bookTicker", {}, 2),
    ],
)
def test_a_poll_of_spot_asks_what_is_documented(poll, path, params, weight):
    assert poll.request == HttpRequest(path, {"symbol": "BTCUSDT"} | params, weight)


def common(exchange_ns: int, source: str = "poll"):
    return {
        "exchange": "binance_derivatives",
        "market_type": "perpetual",
        "symbol": "BTC-USDT-PERP",
        "raw_symbol": "BTCUSDT",
        "exchange_ns": exchange_ns,
        "received_ns": DAY_NS,
        "source": source,
    }


@pytest.mark.parametrize(
    ("poll", "row", "event"),
    [
        (
            polls.open_interest(PERP),
            b'{"openInterest":"10659.509","symbol":"BTCUSDT","time":1589437530011}',
            OpenInterest(**common(1589437530011_000_000), open_interest="10659.509"),
        ),
        (
            polls.open_interest_history(PERP),
            b'{"symbol":"BTCUSDT","sumOpenInterest":"20403.12","sumOpenInterestValue":"176196512",'
            b'"CMCCirculatingSupply":"165880.538","timestamp":"1591261042378"}',
            OpenInterest(
                **common(1591261042378_000_000),
                open_interest="20403.12",
                open_interest_value="176196512",
            ),
        ),
        (
            polls.funding_history(PERP),
            b'{"symbol":"BTCUSDT","fundingRate":"-0.03750000","fundingTime":1570608000000,'
            b'"markPrice":"34287.54619963","rateType":"Regular"}',
            FundingRate(
                **common(1570608000000_000_000),
                funding_rate="-0.03750000",
                funding_time_ns=1570608000000_000_000,
                mark_price="34287.54619963",
            ),
        ),
        (
            polls.premium_index(PERP),
            b'{"symbol":"BTCUSDT","markPrice":"11793.6","indexPrice":"11781.8",'
            b'"estimatedSettlePrice":"1","lastFundingRate":"","nextFundingTime":0,'
            b'"interestRate":"0","time":1597370495002}',
            FundingRate(
                **common(1597370495002_000_000), mark_price="11793.6", index_price="11781.8"
            ),
        ),
        (
            polls.long_short_ratio(PERP, "taker_volume", "1h"),
            b'{"buySellRatio":"1.5586","buyVol":"387.3300","sellVol":"248.5030",'
            b'"timestamp":1591261042378}',
            LongShortRatio(
                **common(1591261042378_000_000),
                kind="taker_volume",
                period="1h",
                long_short_ratio="1.5586",
                long_ratio="387.3300",
                short_ratio="248.5030",
            ),
        ),
        (
            polls.aggregate_trades(PERP, 1),
            b'{"a":26129,"p":"0.01633102","q":"4.70443515","nq":"4","f":27781,"l":27782,'
            b'"T":1498793709153,"m":true}',
            Trade(
                **common(1498793709153_000_000, "backfill"),
                trade_id=26129,
                price="0.01633102",
                quantity="4.70443515",
                side="sell",
                aggregate=True,
                first_trade_id=27781,
                last_trade_id=27782,
            ),
        ),
        (
            polls.book_ticker(PERP),
            b'{"symbol":"BTCUSDT","bidPrice":"0","bidQty":"0","askPrice":"19116.50",'
            b'"askQty":"0.384","time":1607294182164}',
            Ticker(
                **common(1607294182164_000_000),
                best_ask_price="19116.50",
                best_ask_quantity="0.384",
            ),
        ),
    ],
)
def test_a_row_becomes_its_event_alone_or_in_an_array(poll, row, event):
    assert poll.read(row, DAY_NS) == [event]
    assert poll.read(b"[" + row + b"," + row + b"]", DAY_NS) == [event, event]
    assert poll.read(b"[]", DAY_NS) == []


def test_each_ratio_has_its_path_and_the_rows_are_the_same():
    row = msgspec.json.encode([{"symbol": "BTCUSDT", "timestamp": "1583139600000"} | RATIO])
    for kind in ("all_accounts", "top_accounts", "top_positions"):
        (event,) = polls.long_short_ratio(PERP, kind).read(row, DAY_NS)
        assert (event.kind, event.long_short_ratio) == (kind, "1.8105")
        assert (event.long_ratio, event.short_ratio) == ("0.6442", "0.3558")
    assert len(set(polls.RATIO_PATHS.values())) == 4


def test_a_candle_is_closed_if_another_follows_or_its_end_is_long_past():
    poll = polls.klines(PERP)

    def row(open_ms: int) -> list:
        return [open_ms, "1", "2", "0.5", "1.5", "10", open_ms + 59_999, "15", 3, "5", "7", "0"]

    def closed(received_ms: int) -> list:
        body = msgspec.json.encode([row(1_600_000_000_000), row(1_600_000_060_000)])
        return [each.closed for each in poll.read(body, received_ms * 1_000_000)]

    assert closed(1_600_000_061_000) == [True, False]  # the first ended just now
    assert closed(1_600_000_090_000) == [True, False]
    assert closed(1_600_000_119_000) == [True, None]  # the clocks might not agree
    assert closed(1_600_000_121_000) == [True, None]
    assert closed(1_600_000_131_000) == [True, True]


def test_an_aggregate_the_exchange_has_invalidated_is_no_trade():
    row = b'[{"a":1,"p":"0","q":"0","f":-1,"l":-1,"T":1498793709153,"m":true}]'
    assert spot_polls.aggregate_trades(PERP, 1).read(row, DAY_NS) == []


def test_the_reply_must_be_about_the_symbol_that_was_asked_for():
    row = b'{"openInterest":"1","symbol":"BTCUSDT","time":1589437530011}'
    with pytest.raises(WireError) as caught:
        polls.open_interest(DATED).read(row, DAY_NS)
    assert caught.value.kind == "unknown_symbol"


@pytest.mark.parametrize(
    ("poll", "body", "kind"),
    [
        (polls.klines(PERP), b"<html>", "broken_json"),
        (polls.klines(PERP), b"[[1,2,3]]", "absurd_number"),
        (polls.klines(PERP), b'{"code":-1121}', "missing_field"),
        (polls.open_interest(PERP), b'{"symbol":"BTCUSDT"}', "missing_field"),
        (
            polls.open_interest(PERP),
            b'{"openInterest":"-1","symbol":"BTCUSDT","time":1589437530011}',
            "absurd_number",
        ),
        (
            polls.long_short_ratio(PERP, "taker_volume"),
            b'[{"buySellRatio":"1","buyVol":"1","sellVol":"1","timestamp":"soon"}]',
            "absurd_number",
        ),
        (
            polls.long_short_ratio(PERP, "taker_volume"),
            b'[{"buySellRatio":"1","buyVol":"1","sellVol":"1","timestamp":"' + b"9" * 5000 + b'"}]',
            "absurd_number",
        ),
        (
            polls.funding_history(PERP),
            b'[{"symbol":"BTCUSDT","fundingRate":"1e-4","fundingTime":1570608000000}]',
            "absurd_number",
        ),
    ],
)
def test_a_bad_reply_says_why_it_is_bad(poll, body, kind):
    with pytest.raises(WireError) as caught:
        poll.read(body, DAY_NS)
    assert caught.value.kind == kind
