from workers.collector.symbols.plan import Share, plan, streams_of
from workers.exchanges.registry import EXCHANGES
from workers.model.instrument import Instrument


def instruments(count: int) -> list[Instrument]:
    return [
        Instrument(
            exchange="binance_spot",
            market_type="spot",
            symbol=f"S{n}-USDT",
            raw_symbol=f"S{n}USDT",
            status="trading",
            raw_status="TRADING",
            base=f"S{n}",
            quote="USDT",
        )
        for n in range(count)
    ]


def shares(count: int, channels: str, most: int, exchange: str = "binance_spot") -> list[Share]:
    wanted = streams_of(EXCHANGES[exchange], [(i, channels.split()) for i in instruments(count)])
    return plan(EXCHANGES[exchange], "wss://host", wanted, most)


def test_every_stream_is_on_exactly_one_connection_and_none_is_overfull():
    made = shares(150, "trade orderbook ticker", 200)
    streams = [stream for share in made for stream in share.streams]
    assert len(streams) == len(set(streams)) == 450
    assert max(len(share.streams) for share in made) <= 200


def test_a_symbols_streams_of_an_address_stay_together():
    for share in shares(10, "trade orderbook", 5):
        symbols = [stream.symbol for stream in share.streams]
        assert all(symbols.count(symbol) == 2 for symbol in symbols)


def test_every_connection_carries_what_its_address_serves():
    usdm = EXCHANGES["binance_derivatives"]
    made = shares(30, "trade orderbook ticker kline instrument", 20, usdm.name)
    assert {share.url.split("/")[3] for share in made} == {"public", "market"}
    for share in made:
        for stream in share.streams:
            assert usdm.stream_url("wss://host", stream.channel) == share.url


def test_what_serves_all_symbols_is_on_one_connection():
    made = shares(100, "trade kline liquidation instrument", 20, "binance_derivatives")
    carriers = [share for share in made if any(s.channel == "instrument" for s in share.streams)]
    assert len(carriers) == 1
    assert sum(stream.channel == "instrument" for stream in carriers[0].streams) == 100


def test_nothing_listed_needs_no_connection():
    assert shares(0, "trade", 200) == []
