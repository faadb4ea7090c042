from workers.collector.plan import plan
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


def test_every_stream_is_on_exactly_one_connection_and_none_is_overfull():
    shares = plan(instruments(150), ["trade", "orderbook", "ticker"], 200)
    streams = [stream for share in shares for stream in share]
    assert len(streams) == len(set(streams)) == 450
    assert max(len(share) for share in shares) <= 200


def test_a_symbols_streams_stay_together():
    for share in plan(instruments(10), ["trade", "orderbook"], 5):
        symbols = [stream.symbol for stream in share]
        assert all(symbols.count(symbol) == 2 for symbol in symbols)


def test_nothing_listed_needs_no_connection():
    assert plan([], ["trade"], 200) == []
