"""What Deribit is asked from time to time, and the events its answers become."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges.deribit_frames import (
    INSTRUMENTS,
    RECEIVED_NS,
    TICKER,
    TRADES,
    listed,
    mapper,
    named,
    notification,
)
from workers.exchanges.deribit import polls
from workers.exchanges.deribit.exchange import DERIBIT
from workers.model.codec import decode, encode
from workers.model.errors import WireError
from workers.model.events import Event, FundingRate, Kline, Liquidation, Ticker, Trade

BTC, SOL = named("BTC-PERPETUAL"), named("SOL_USDC-PERPETUAL")


def answer(result: object, **more: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "result": result, "testnet": False} | more).encode()


ROWS = json.loads(TRADES)["params"]["data"]


def test_trades_of_the_stream_and_of_rest_are_the_same_events():
    live = mapper().map(notification("trades.BTC-PERPETUAL.100ms", ROWS), RECEIVED_NS)
    poll = polls.trades(BTC, 296244199, 296244200)
    body = answer({"trades": ROWS[::-1] + ROWS[:1], "has_more": True})
    found = poll.read(body, RECEIVED_NS)
    assert {each.source for each in found} == {"backfill"}
    for each in found:
        each.source = "live"
    assert list(found) == list(live)


def test_a_page_of_trades_is_asked_for_by_number():
    request = polls.trades(BTC, 11, 5000).request
    assert request.path == "/api/v2/public/get_last_trades_by_instrument"
    assert request.params == {
        "instrument_name": "BTC-PERPETUAL",
        "start_seq": "11",
        "end_seq": "1010",
        "count": "1000",
        "sorting": "asc",
    }
    assert polls.trades(BTC, 11, 20).request.params["end_seq"] == "20"


def test_what_a_page_lacks_is_told():
    body = answer({"trades": [ROWS[1] | {"trade_seq": number} for number in (5, 7, 8, 12)]})
    found = polls.trades(BTC, 5, 10).read(body, 0)
    assert [each.trade_id for each in found] == [5, 7, 8, 12]
    assert polls.missing(found, 5, 10) == [6, 9, 10]


def test_a_window_older_than_the_host_remembers_is_missing_and_no_error():
    found = polls.trades(BTC, 1, 3).read(answer({"trades": [], "has_more": False}), 0)
    assert polls.missing(found, 1, 3) == [1, 2, 3]


def test_liquidations_come_with_the_trades_of_an_hour_ago():
    poll = polls.trades_between(BTC, 1_000, 2_000)
    assert poll.request.path.endswith("get_last_trades_by_instrument_and_time")
    assert poll.request.params["start_timestamp"] == "1000"
    body = answer({"trades": [ROWS[0] | {"liquidation": "M", "new_field": 1}]})
    trade, forced = poll.read(body, 0)
    assert isinstance(trade, Trade)
    assert isinstance(forced, Liquidation)
    assert (trade.side, forced.side, forced.source) == ("buy", "sell", "backfill")


def test_trades_of_another_instrument_are_refused():
    body = answer({"trades": [ROWS[0]]})
    with pytest.raises(WireError, match="BTC-PERPETUAL"):
        polls.trades(SOL, 1, 2).read(body, 0)


def test_a_polled_ticker_says_what_the_stream_says():
    data = json.loads(TICKER)["params"]["data"]
    live = list(mapper().map(TICKER, RECEIVED_NS))
    poll = polls.ticker(BTC)
    assert poll.request.path == "/api/v2/public/ticker"
    found = list(poll.read(answer(data | {"new_field": 1}), RECEIVED_NS))
    assert {each.source for each in found} == {"poll"}
    for each in found:
        each.source = "live"
    assert found == live


def test_summaries_are_read_for_the_instruments_asked_for():
    row = {
        "instrument_name": "BTC-PERPETUAL",
        "bid_price": None,
        "ask_price": 86776.0,
        "last": 86775.5,
        "mark_price": 80000.0,
        "volume": 8123.4411,
        "volume_usd": 704512340.0,
        "open_interest": 4e5,
        "current_funding": 0.0001423,
        "estimated_delivery_price": 86744.11,
        "creation_timestamp": 1790133840000,
    }
    poll = polls.book_summaries("deribit", "BTC", [BTC])
    assert poll.request.params == {"currency": "BTC"}
    body = answer([row, row | {"instrument_name": "BTC-5JUN26"}])
    ticker, funding, interest = poll.read(body, 0)
    assert isinstance(ticker, Ticker)
    assert (funding.funding_rate, funding.index_price) == ("0.0001423", "86744.11")
    assert funding.mark_price == "80000.0"
    assert (ticker.best_bid_price, ticker.best_ask_price) == (None, "86776.0")
    assert ticker.quote_volume_24h == "704512340.0"
    assert (interest.open_interest, interest.raw_open_interest) == ("5", "400000.0")


def test_funding_is_what_each_hour_paid():
    row = {
        "timestamp": 1569891600000,
        "index_price": 8222.87,
        "prev_index_price": 8305.72,
        "interest_8h": -0.00009234260068476106,
        "interest_1h": -4.739622041017375e-7,
    }
    poll = polls.funding_rates(BTC, 1, 2)
    (event,) = poll.read(answer([row]), 0)
    assert isinstance(event, FundingRate)
    assert event.funding_rate == "-0.0000004739622041017375"
    assert event.funding_time_ns == event.exchange_ns == 1569891600000 * 1_000_000
    assert (event.index_price, event.next_funding_time_ns) == ("8222.87", None)


CHART = {
    "status": "ok",
    "ticks": [1766483460000, 1766483520000],
    "open": [87451.0, 87456.5],
    "high": [87456.5, 87456.5],
    "low": [87451.0, 87456.5],
    "close": [87456.5, 87456.5],
    "volume": [2.94375216, 2.85806724],
    "cost": [257490.0, 250000.0],
}


def test_the_last_candle_is_open_until_its_minute_is_over():
    poll = polls.klines(BTC, "1m", 1766483460000, 1766483580000)
    assert poll.request.params["resolution"] == "1"
    early = poll.read(answer(CHART, usOut=1766483579999999), 0)
    late = poll.read(answer(CHART, usOut=1766483580000000), 0)
    assert [each.closed for each in early] == [True, False]
    assert [each.closed for each in late] == [True, True]
    first = early[0]
    assert isinstance(first, Kline)
    assert (first.open, first.volume, first.quote_volume) == ("87451.0", "2.94375216", "257490.0")
    assert first.open_time_ns == 1766483460000 * 1_000_000


def test_no_candles_are_no_events():
    poll = polls.klines(BTC, "1d", 1, 2)
    assert list(poll.read(answer({"status": "no_data"}), 0)) == []
    with pytest.raises(KeyError):
        polls.klines(BTC, "7m", 1, 2)


def test_candles_of_uneven_length_are_refused():
    with pytest.raises(WireError):
        polls.klines(BTC, "1m", 1, 2).read(answer(CHART | {"cost": [1.5]}), 0)


def test_dvol_has_candles_and_tells_where_to_go_on():
    poll = polls.volatility_index("deribit", "eth_usd", "1h", 5, 9)
    assert poll.request.params == {
        "currency": "ETH",
        "resolution": "3600",
        "start_timestamp": "5",
        "end_timestamp": "9",
    }
    body = answer(
        {"data": [[1790128800000, 41.02, 41.4, 40.9, 41.21]], "continuation": 1790125200000}
    )
    (event,) = poll.read(body, 0)
    assert (event.symbol, event.resolution) == ("ETH-DVOL", "1h")
    assert (event.open, event.high, event.low, event.close) == ("41.02", "41.4", "40.9", "41.21")
    assert polls.older_volatility("deribit", body) == 1790125200000
    assert polls.older_volatility("deribit", answer({"data": [], "continuation": None})) is None


def test_the_list_of_instruments_can_be_published():
    poll = polls.instruments("deribit")
    assert poll.request == DERIBIT.instruments_request()
    found = poll.read(INSTRUMENTS, 0)
    assert [(each.symbol, each.status) for each in found] == [
        (each.symbol, each.status) for each in listed()
    ]


POLLS = {
    "trades": (polls.trades(BTC, 1, 2), {"trades": ROWS}),
    "ticker": (polls.ticker(BTC), json.loads(TICKER)["params"]["data"]),
    "funding": (polls.funding_rates(BTC, 1, 2), [{"timestamp": 5, "interest_1h": 1e-7}]),
    "klines": (polls.klines(BTC, "1m", 1, 2), CHART),
    "dvol": (
        polls.volatility_index("deribit", "btc_usd", "1m", 1, 2),
        {"data": [[5, 1.5, 1.5, 1.5, 1.5]], "continuation": None},
    ),
    "instruments": (polls.instruments("deribit"), json.loads(INSTRUMENTS)["result"]),
}


@pytest.mark.parametrize("name", POLLS)
def test_an_answer_becomes_events_that_survive_the_bus(name):
    poll, result = POLLS[name]
    found = poll.read(answer(result), RECEIVED_NS)
    assert found
    assert [decode(encode(each)) for each in found] == list(found)
    assert {each.exchange for each in found} == {"deribit"}
    assert poll.request.weight >= 500


values = st.sampled_from((None, -1, 1.5, 2**70, "x", "NaN", "1e999999999", True, [], {}, [[1]]))


@given(st.sampled_from(sorted(POLLS)), st.data())
def test_any_answer_is_read_or_refused(name, data):
    poll, result = POLLS[name]
    result = json.loads(json.dumps(result))
    row = result[0] if isinstance(result, list) else result
    if name == "trades" and data.draw(st.booleans()):
        row = result["trades"][0]
    for field in data.draw(st.lists(st.sampled_from(sorted(row)), min_size=1, max_size=3)):
        row[field] = data.draw(values)
    try:
        found = poll.read(answer(result), RECEIVED_NS)
    except WireError:
        return
    for each in found:
        assert isinstance(each, Event)
        encode(each)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body):
    for poll, _ in POLLS.values():
        with pytest.raises(WireError):
            poll.read(body, 0)
