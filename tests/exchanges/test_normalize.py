"""One frame of any exchange to events, with and without a list of instruments."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges import deribit_frames, frames, okx_frames, usdm_frames
from workers.exchanges import normalize
from workers.exchanges.normalize import Normalizer
from workers.exchanges.registry import EXCHANGES, UnknownExchange
from workers.model.errors import WireError
from workers.model.events import (
    BookDelta,
    Event,
    FundingRate,
    InstrumentChange,
    Liquidation,
    OrderBook,
    Trade,
)
from workers.model.instrument import Instrument


def okx_trade(inst_id: str, channel: str = "trades-all") -> bytes:
    row = {
        "instId": inst_id,
        "tradeId": "130639474",
        "px": "42219.9",
        "sz": "12",
        "side": "buy",
        "ts": "1630048897897",
    }
    return msgspec.json.encode({"arg": {"channel": channel, "instId": inst_id}, "data": [row]})


def swap(contract_size: str | None) -> Instrument:
    return Instrument(
        exchange="okx_derivatives",
        market_type="perpetual",
        symbol="BTC-USDT-PERP",
        raw_symbol="BTC-USDT-SWAP",
        status="trading",
        raw_status="live",
        base="BTC",
        quote="USDT",
        settle="USDT",
        contract_size=contract_size,
    )


def test_binance_keeps_its_own_symbol_where_nobody_says_how_it_divides():
    (event,) = normalize("binance_spot", frames.TRADE)
    assert (event.symbol, event.raw_symbol, event.market_type) == ("BNBBTC", "BNBBTC", "spot")
    (event,) = normalize("binance_spot", frames.TRADE, instruments=[frames.BNB])
    assert (event.symbol, event.received_ns) == ("BNB-BTC", 0)


def test_a_frame_may_be_text_and_carry_the_time_it_came():
    wrapped = frames.combined(b"bnbbtc@depth@100ms", frames.DEPTH).decode()
    (event,) = normalize("binance_spot", f"  {wrapped}\n", received_ns=7)
    assert isinstance(event, BookDelta)
    assert event.received_ns == 7


@pytest.mark.parametrize(
    ("raw", "market_type"),
    [("BTCUSDT", "perpetual"), ("BTCUSDT_260327", "future"), ("1000SHIBUSDC", "perpetual")],
)
def test_a_dated_contract_of_binance_is_told_by_its_name(raw, market_type):
    frame = usdm_frames.FORCE_ORDER.replace(b'"BTCUSDT"', f'"{raw}"'.encode())
    (event,) = normalize("binance_derivatives", frame)
    assert isinstance(event, Liquidation)
    assert (event.symbol, event.market_type) == (raw, market_type)


def test_rows_of_all_symbols_are_all_read():
    other = usdm_frames.TICKER.replace(b'"BTCUSDT"', b'"ETHUSDT"')
    events = normalize("binance_derivatives", b"[" + usdm_frames.TICKER + b"," + other + b"]")
    assert [each.symbol for each in events] == ["BTCUSDT", "ETHUSDT"]


def test_a_contract_whose_facts_nobody_knows_becomes_no_event():
    assert normalize("binance_derivatives", usdm_frames.CONTRACT_INFO) == []
    (event,) = normalize(
        "binance_derivatives", usdm_frames.CONTRACT_INFO, instruments=[usdm_frames.PERP]
    )
    assert isinstance(event, InstrumentChange)


@pytest.mark.parametrize("exchange", ["okx_spot", "okx_derivatives"])
@pytest.mark.parametrize(
    ("inst_id", "symbol", "market_type"),
    [
        ("BTC-USDT", "BTC-USDT", "spot"),
        ("BTC-USDT-SWAP", "BTC-USDT-PERP", "perpetual"),
        ("BTC-USDT-260327", "BTC-USDT-260327", "future"),
        ("BTC-USD-260327-60000-C", "BTC-USD-260327-60000-C", "option"),
    ],
)
def test_the_id_of_an_okx_instrument_says_what_it_is(exchange, inst_id, symbol, market_type):
    (event,) = normalize(exchange, okx_trade(inst_id))
    spot = market_type == "spot"
    assert (event.symbol, event.market_type) == (symbol, market_type)
    assert event.exchange == ("okx_spot" if spot else "okx_derivatives")
    assert (event.quantity, event.raw_quantity) == ("12", None if spot else "12")


def test_contracts_without_a_size_stay_contracts_and_are_named():
    normalizer = Normalizer("okx_derivatives")
    for inst_id in ("BTC-USDT-SWAP", "BTC-USDT", "ETH-USD-SWAP"):
        normalizer.events(okx_trade(inst_id))
    assert normalizer.unconverted == {"BTC-USDT-SWAP", "ETH-USD-SWAP"}


def test_contracts_with_a_size_become_base_units():
    normalizer = Normalizer("okx_spot", [swap("0.01")])
    (event,) = normalizer.events(okx_trade("BTC-USDT-SWAP"))
    assert isinstance(event, Trade)
    assert (event.quantity, event.raw_quantity) == ("0.12", "12")
    assert normalizer.unconverted == set()


def test_a_book_that_comes_on_the_stream_is_an_order_book():
    (event,) = normalize("okx_spot", okx_frames.SNAPSHOT, received_ns=5)
    assert isinstance(event, OrderBook)
    assert (event.exchange, event.state, event.received_ns) == ("okx_spot", "SYNCED", 5)
    assert event.raw_symbol == json.loads(okx_frames.SNAPSHOT)["arg"]["instId"]
    assert event.depth == max(len(event.bids), len(event.asks)) > 0
    assert event.verified_depth == min(len(event.bids), len(event.asks))
    (event,) = normalize("deribit", deribit_frames.SNAPSHOT)
    assert isinstance(event, OrderBook)
    assert event.symbol == "ETH-USD-PERP"


def test_an_index_of_okx_belongs_to_a_perpetual():
    (event,) = normalize("okx_spot", okx_frames.INDEX)
    assert isinstance(event, FundingRate)
    assert (event.exchange, event.market_type) == ("okx_derivatives", "perpetual")


def test_deribit_s_names_say_all_but_what_a_combo_is_made_of():
    events = normalize("deribit", deribit_frames.TRADES)
    assert {each.market_type for each in events} == {"perpetual"}
    (candle,) = normalize("deribit", deribit_frames.CHART)
    assert candle.symbol == "BTC-USD-PERP"
    combo = deribit_frames.QUOTE.replace(b"BTC-PERPETUAL", b"BTC-FS-30SEP22_PERP")
    with pytest.raises(WireError) as caught:
        normalize("deribit", combo)
    assert caught.value.kind == "unknown_symbol"


@pytest.mark.parametrize(
    ("exchange", "frame"),
    [
        ("binance_spot", b'{"result":null,"id":1}'),
        ("binance_spot", b'{"e":"serverShutdown","E":1770123456789}'),
        ("binance_derivatives", usdm_frames.TRADE.replace(b"MARKET", b"NA")),
        ("okx_spot", b"pong"),
        ("deribit", deribit_frames.TEST_REQUEST),
        ("deribit", deribit_frames.HEARTBEAT),
    ],
)
def test_what_is_no_event_becomes_none(exchange, frame):
    assert normalize(exchange, frame) == []


def test_calls_do_not_know_of_each_other():
    locked = [normalize("deribit", deribit_frames.LOCKED) for _ in range(2)]
    assert locked[0] == locked[1]


def test_an_unknown_exchange_names_the_known_ones():
    with pytest.raises(UnknownExchange, match="binance_spot"):
        normalize("mtgox", b"{}")


FRAMES = [
    frames.TRADE,
    usdm_frames.MARK_PRICE,
    okx_frames.SNAPSHOT,
    okx_frames.TICKERS,
    deribit_frames.TICKER,
    deribit_frames.TRADES,
]


@pytest.mark.parametrize(
    "frame", [b"", b"hello", b"[" * 100_000, b"\xff", b"null", b"1", "\ud800", '{"s":{"s":[]}}']
)
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_bad_frame_is_refused_by_every_exchange(exchange, frame):
    with pytest.raises(WireError):
        normalize(exchange, frame)


@given(st.sampled_from(sorted(EXCHANGES)), st.sampled_from(FRAMES), st.data())
def test_any_damage_to_any_frame_is_read_or_refused(exchange, frame, data):
    start = data.draw(st.integers(0, len(frame)))
    end = data.draw(st.integers(start, min(len(frame), start + 12)))
    try:
        found = normalize(exchange, frame[:start] + data.draw(st.binary(max_size=6)) + frame[end:])
    except WireError:
        return
    assert all(isinstance(each, Event) for each in found)
