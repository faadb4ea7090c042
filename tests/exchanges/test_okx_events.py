"""What the documented messages of OKX mean."""

import json

import pytest

from tests.exchanges.okx_frames import (
    BBO,
    CANDLE,
    DATA,
    FUNDING,
    INDEX,
    INSTRUMENTS,
    LIQUIDATIONS,
    MARK,
    RECEIVED_NS,
    SNAPSHOT,
    TICKERS,
    UPDATE,
    mapper,
    row,
)
from workers.book.sequence import Snapshot
from workers.exchanges.base import BookReset
from workers.model.address import message_id
from workers.model.errors import WireError
from workers.model.events import (
    BookDelta,
    Event,
    FundingRate,
    InstrumentChange,
    Kline,
    Liquidation,
    OpenInterest,
    Ticker,
    Trade,
)


def common(symbol: str, kind: str, raw: str, ms: int | None) -> dict:
    return {
        "exchange": "okx_derivatives",
        "market_type": kind,
        "symbol": symbol,
        "raw_symbol": raw,
        "exchange_ns": None if ms is None else ms * 1_000_000,
        "received_ns": RECEIVED_NS,
    }


def swap(ms: int | None) -> dict:
    return common("BTC-USDT-PERP", "perpetual", "BTC-USDT-SWAP", ms)


def inverse(ms: int) -> dict:
    return common("BTC-USD-PERP", "perpetual", "BTC-USD-SWAP", ms)


def spot(ms: int) -> dict:
    return common("BTC-USDT", "spot", "BTC-USDT", ms) | {"exchange": "okx_spot"}


EXPECTED = {
    "trades": [
        Trade(
            **swap(1786540436090),
            trade_id=2832749645,
            price="63913.4",
            quantity="0.3495",
            side="sell",
            aggregate=True,
            first_trade_id=2832749636,
            last_trade_id=2832749645,
            raw_quantity="34.95",
        )
    ],
    "trades-all": [
        Trade(
            **spot(1630048897897),
            trade_id=130639474,
            price="42219.9",
            quantity="0.12060306",
            side="buy",
        )
    ],
    "snapshot": [
        BookReset(
            "BTC-USDT",
            Snapshot(
                123456,
                [("8476.97", "256"), ("8475.55", "101")],
                [("8476.98", "415"), ("8477", "7")],
                bids_complete=True,
                asks_complete=True,
            ),
            1597026383085_000_000,
            RECEIVED_NS,
        )
    ],
    "update": [
        BookDelta(
            **spot(1597026383185),
            first_update_id=123457,
            last_update_id=123459,
            prev_update_id=123456,
            bids=[("8476.9", "12")],
            asks=[("8476.98", "0")],
        )
    ],
    "swap-update": [
        BookDelta(
            **swap(1786541241006),
            first_update_id=333794734971,
            last_update_id=333794734980,
            prev_update_id=333794734970,
            bids=[],
            asks=[("63921.5", "7.9041"), ("63922", "0.00")],
        )
    ],
    "keep-alive": [
        BookDelta(
            **spot(1597026443185),
            first_update_id=123459,
            last_update_id=123459,
            prev_update_id=123459,
            bids=[],
            asks=[],
        )
    ],
    "reset": [
        BookDelta(
            **spot(1597026453185),
            first_update_id=3,
            last_update_id=3,
            prev_update_id=123459,
            bids=[("8476.9", "13")],
            asks=[],
        )
    ],
    "bbo-tbt": [
        Ticker(
            **swap(1670324386802),
            best_bid_price="111.05",
            best_bid_quantity="577.45",
            best_ask_price="111.06",
            best_ask_quantity="551.54",
        )
    ],
    "tickers": [
        Ticker(
            **swap(1786540471710),
            best_bid_price="63921",
            best_bid_quantity="7.793",
            best_ask_price="63921.1",
            best_ask_quantity="18.7175",
            last_price="63921",
            open_24h="64297.6",
            high_24h="64466",
            low_24h="63162.7",
            volume_24h="73998.8786",
        )
    ],
    "candle1m": [
        Kline(
            **swap(None),
            interval="1m",
            open_time_ns=1786540440000_000_000,
            open="63913.0",
            high="63951.8",
            low="63913.0",
            close="63951.8",
            closed=False,
            volume="18.0361",
            quote_volume="1153203.99426000",
        )
    ],
    "funding-rate": [
        FundingRate(
            **inverse(1700724675402),
            funding_rate="-0.0001875391284828",
            funding_time_ns=1700726400000_000_000,
            next_funding_time_ns=1700755200000_000_000,
        )
    ],
    "mark-price": [FundingRate(**swap(1630049139746), mark_price="42310.6")],
    "index-tickers": [
        FundingRate(**swap(1649419644492), index_price="43350"),
        FundingRate(
            **common("BTC-USDT-260327", "future", "BTC-USDT-260327", 1649419644492),
            index_price="43350",
        ),
    ],
    "open-interest": [
        OpenInterest(
            **swap(1743041250440),
            open_interest="22161.1301000000309",
            open_interest_value="1939251795.54769270396321",
            raw_open_interest="2216113.01000000309",
        )
    ],
    "liquidation-orders": [
        Liquidation(
            **inverse(1692266434011),
            side="sell",
            price="20000",
            quantity="0.015",
            sampled=True,
            raw_quantity="3",
        ),
        Liquidation(
            **inverse(1692266434009),
            side="buy",
            price="20001",
            quantity="0.004999750012499375",
            sampled=True,
            raw_quantity="1",
        ),
    ],
    "instruments": [
        InstrumentChange(
            **common("SPCX-USDT-PERP", "perpetual", "SPCX-USDT-SWAP", None),
            status="halted",
            raw_status="preopen",
            base="SPCX",
            quote="USDT",
            settle="USDT",
            contract_size="0.01",
        )
    ],
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("times", [1, 3], ids=["first", "seen-before"])
def test_a_documented_message_becomes_its_events(name, times):
    mapped = mapper()
    for _ in range(times):
        assert list(mapped.map(DATA[name], RECEIVED_NS)) == EXPECTED[name]
    assert mapped.extra_fields == {}


@pytest.mark.parametrize("name", DATA)
def test_spaces_and_another_order_of_fields_change_nothing(name):
    message = dict(reversed(json.loads(DATA[name]).items()))
    frame = json.dumps(message, indent=1).encode()
    assert list(mapper().map(frame, RECEIVED_NS)) == EXPECTED[name]


def test_every_event_has_an_id_of_its_own():
    events = [each for found in EXPECTED.values() for each in found if isinstance(each, Event)]
    assert len({message_id(each) for each in events}) == len(events)


def test_mark_and_index_price_of_one_millisecond_are_two_messages():
    mark, index = (
        mapper().map(row(frame, ts="1630049139746"), RECEIVED_NS)[0] for frame in (MARK, INDEX)
    )
    assert message_id(mark) != message_id(index)


def test_spot_volumes_are_base_and_quote():
    ticker = TICKERS.replace(b"BTC-USDT-SWAP", b"BTC-USDT").replace(b'"SWAP"', b'"SPOT"')
    (event,) = mapper().map(ticker, RECEIVED_NS)
    assert (event.volume_24h, event.quote_volume_24h) == ("7399887.86", "73998.8786")
    (candle,) = mapper().map(CANDLE.replace(b"-SWAP", b""), RECEIVED_NS)
    assert (candle.volume, candle.quote_volume) == ("1803.61", "1153203.99426000")


@pytest.mark.parametrize(
    ("confirm", "closed"), [(b'"1"', True), (b'"0"', False)], ids=["closed", "running"]
)
def test_a_candle_says_whether_it_is_closed(confirm, closed):
    frame = CANDLE.replace(b'"0"]]', confirm + b"]]")
    assert mapper().map(frame, RECEIVED_NS)[0].closed is closed


def test_a_candle_that_opens_in_hong_kong_is_not_our_day():
    for channel, interval in ((b"candle1D", "1D"), (b"candle1Dutc", "1d"), (b"candle1H", "1h")):
        frame = CANDLE.replace(b"candle1m", channel)
        assert mapper().map(frame, RECEIVED_NS)[0].interval == interval


def test_an_empty_side_of_a_ticker_is_absent():
    (event,) = mapper().map(row(TICKERS, bidPx="", bidSz=""), RECEIVED_NS)
    assert (event.best_bid_price, event.best_bid_quantity) == (None, None)
    assert event.best_ask_price == "63921.1"
    frame = BBO.replace(b'[["111.05","57745","0","2"]]', b"[]")
    (event,) = mapper().map(frame, RECEIVED_NS)
    assert (event.best_bid_price, event.best_ask_price) == (None, "111.06")


def test_ask_below_bid_is_passed_on_before_trading_begins():
    (event,) = mapper().map(row(TICKERS, askPx="63000"), RECEIVED_NS)
    assert (event.best_bid_price, event.best_ask_price) == ("63921", "63000")


def test_an_unknown_funding_rate_is_absent_not_zero():
    (event,) = mapper().map(row(FUNDING, fundingRate="", nextFundingTime=""), RECEIVED_NS)
    assert (event.funding_rate, event.next_funding_time_ns) == (None, None)


def test_a_book_without_an_action_is_whole_only_if_nothing_came_before_it():
    without = SNAPSHOT.replace(b'"action":"snapshot",', b"")
    assert list(mapper().map(without, RECEIVED_NS)) == EXPECTED["snapshot"]
    with pytest.raises(WireError, match="no action"):
        mapper().map(UPDATE.replace(b'"action":"update",', b""), RECEIVED_NS)


def test_liquidations_of_other_instruments_are_counted_not_refused():
    mapped = mapper()
    mapped.map(LIQUIDATIONS, RECEIVED_NS)
    assert mapped.ignored == {"liquidation-orders": 1}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("live", "trading"),
        ("expired", "delisted"),
        *((each, "halted") for each in ("suspend", "rebase", "post_only", "settling", "new-word")),
    ],
)
def test_an_instrument_tells_its_state(state, status):
    (event,) = mapper().map(row(INSTRUMENTS, state=state), RECEIVED_NS)
    assert (event.status, event.raw_status) == (status, state)
