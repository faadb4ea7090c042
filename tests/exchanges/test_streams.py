"""What each exchange subscribes to for its instruments."""

import pytest

from workers.exchanges.base import Stream
from workers.exchanges.deribit.exchange import PLATFORM, STATUS_STREAMS
from workers.exchanges.registry import EXCHANGES
from workers.model.instrument import Instrument, MarketType


def instrument(exchange: str, symbol: str, raw_symbol: str, kind: MarketType) -> Instrument:
    base, quote = symbol.split("-")[:2]
    return Instrument(
        exchange=exchange,
        market_type=kind,
        symbol=symbol,
        raw_symbol=raw_symbol,
        status="trading",
        raw_status="",
        base=base,
        quote=quote,
    )


def channels(streams: list[Stream], symbol: str) -> set[str]:
    return {each.channel for each in streams if each.symbol == symbol}


def test_okx_has_no_funding_of_dated_futures():
    swap = instrument("okx_derivatives", "BTC-USDT-PERP", "BTC-USDT-SWAP", "perpetual")
    future = instrument("okx_derivatives", "BTC-USDT-270326", "BTC-USDT-270326", "future")
    wanted = ("trade", "funding-rate", "mark-price")
    streams = EXCHANGES["okx_derivatives"].streams((swap, future), wanted)
    assert channels(streams, swap.symbol) == set(wanted)
    assert channels(streams, future.symbol) == {"trade", "mark-price"}


def test_deribit_keeps_indices_instruments_and_news_apart():
    deribit = EXCHANGES["deribit"]
    perpetual = instrument("deribit", "BTC-USD-PERP", "BTC-PERPETUAL", "perpetual")
    future = instrument("deribit", "BTC-USD-270326", "BTC-26MAR27", "future")
    dvol = deribit.indices[0]
    wanted = ("trade", "funding-rate", "index-price", "volatility-index", "instrument")
    streams = deribit.streams((perpetual, future, dvol), wanted)
    assert channels(streams, "BTC-USD-PERP") == {"trade", "funding-rate", "index-price"}
    assert channels(streams, "BTC-USD-270326") == {"trade"}
    assert Stream("volatility-index", "BTC-DVOL", "btc_usd") in streams
    assert channels(streams, "BTC-DVOL") == {"volatility-index"}
    assert [each for each in streams if each.symbol == "*"] == list(STATUS_STREAMS)
    quiet = deribit.streams((perpetual,), ("trade",))
    assert [each for each in quiet if each.symbol == "*"] == [PLATFORM]


@pytest.mark.parametrize("name", EXCHANGES)
def test_every_stream_has_a_name_an_address_and_a_kind_of_instruments_to_ask_for(name: str):
    exchange = EXCHANGES[name]
    perpetual = instrument(name, "BTC-USDT-PERP", "BTC-USDT-SWAP", "perpetual")
    streams = exchange.streams((perpetual, *exchange.indices), exchange.channels)
    assert {each.channel for each in streams} <= {*exchange.channels, "platform"}
    assert exchange.shared_channels <= {*exchange.channels, "platform"}
    for each in streams:
        assert exchange.channel_name(each)
        assert exchange.stream_url("wss://host", each.channel).startswith("wss://host/")
    assert exchange.instruments_requests()[0] == exchange.instruments_request()
