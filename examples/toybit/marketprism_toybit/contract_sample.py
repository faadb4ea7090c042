"""Toybit's messages for the suite that every exchange passes; needs a checkout of MarketPrism."""

from marketprism_toybit.exchange import TOYBIT
from tests.contract.sample import Sample, Top

MS = 1_790_133_900_000

SAMPLE = Sample(
    exchange=TOYBIT,
    instruments=(
        b'[{"market":"BTC-USD","base":"BTC","quote":"USD","tick":"0.1","lot":"0.001","open":true}]',
    ),
    symbol="BTC-USD",
    frames={
        "trade": b'{"channel":"trade","market":"BTC-USD","id":7,"price":"60000.10","size":"0.50",'
        b'"taker":"buy","time":%d}' % MS,
        "orderbook": b'{"channel":"book","market":"BTC-USD","seq":5,"prev":4,'
        b'"bids":[["60000.0","1.5"]],"asks":[],"time":%d}' % MS,
        "ticker": b'{"channel":"ticker","market":"BTC-USD","bid":"60000.0","bid_size":"1",'
        b'"ask":"60000.2","ask_size":"2","last":"60000.1","time":%d}' % MS,
    },
    trade=("60000.10", "0.50"),
    book=b'{"channel":"book","market":"BTC-USD","seq":4,"prev":null,"bids":[["60000.0","1"]],'
    b'"asks":[["60000.2","2"],["60000.3","3"]],"time":%d}' % MS,
    updates=(
        b'{"channel":"book","market":"BTC-USD","seq":6,"prev":4,"bids":[["60000.1","9"]],'
        b'"asks":[],"time":%d}' % MS,
        b'{"channel":"book","market":"BTC-USD","seq":7,"prev":6,"bids":[],'
        b'"asks":[["60000.2","0"]],"time":%d}' % MS,
    ),
    top=Top(7, ("60000.1", "9"), ("60000.3", "3")),
)
