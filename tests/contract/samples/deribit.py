"""Deribit, from docs.deribit.com, July and September 2026; ETH-PERPETUAL is quoted in dollars."""

from tests.contract.sample import Sample, Top
from tests.exchanges import deribit_frames as frames
from workers.exchanges.deribit.exchange import DERIBIT

MORE = frames.changed(
    frames.CHANGE,
    prev_change_id=136069962101,
    change_id=136069970000,
    bids=[],
    asks=[["delete", 2773.0, 0.0]],
)
CREATION = frames.notification(
    "instrument.creation.any.any",
    {
        "kind": "future",
        "instrument_name": "SOL_USDC-PERPETUAL",
        "state": "open",
        "base_currency": "SOL",
        "quote_currency": "USDC",
        "counter_currency": "USDC",
        "settlement_currency": "USDC",
        "settlement_period": "perpetual",
        "contract_size": 0.1,
        "min_trade_amount": 0.1,
        "tick_size": 0.01,
        "expiration_timestamp": 32503708800000,
    },
)
BTC, SOL = "BTC-USD-PERP", "SOL-USDC-PERP"

SAMPLE = Sample(
    exchange=DERIBIT,
    instruments=(frames.INSTRUMENTS,),
    symbol="ETH-USD-PERP",
    frames={
        "trade": frames.TRADES,
        "orderbook": frames.CHANGE,
        "ticker": frames.TICKER,
        "book-ticker": frames.QUOTE,
        "funding-rate": frames.PERPETUAL,
        "kline": frames.CHART,
        "kline-5m": frames.CHART.replace(b"PERPETUAL.1", b"PERPETUAL.5"),
        "volatility-index": frames.VOLATILITY,
        "index-price": frames.INDEX_PRICE,
        "instrument": frames.STATE,
        "instrument-creation": CREATION,
        "platform": frames.LOCKED,
    },
    trade=("62500.0", "0.004"),
    book=frames.SNAPSHOT,
    updates=(frames.CHANGE, MORE),
    top=Top(136069970000, ("2772.55", "0.010820363924906674"), ("2773.05", "1.514577811435062476")),
    others={
        **dict.fromkeys(
            ("trade", "ticker", "book-ticker", "funding-rate", "kline", "kline-5m", "index-price"),
            BTC,
        ),
        "volatility-index": "BTC-DVOL",
        "instrument": "BTC-USD-260605",
        "instrument-creation": SOL,
        "platform": SOL,
    },
)
