"""Binance spot, from web-socket-streams.md and rest-api.md, snapshot of 2026-07-21."""

from tests.contract.sample import Sample, Top
from tests.exchanges import frames
from workers.exchanges.binance.spot.exchange import BINANCE_SPOT

EXCHANGE_INFO = (
    b'{"timezone":"UTC","serverTime":1565246363776,"rateLimits":[],"exchangeFilters":[],"symbols":['
    b'{"symbol":"BNBBTC","status":"TRADING","baseAsset":"BNB","baseAssetPrecision":8,'
    b'"quoteAsset":"BTC","quotePrecision":8,"quoteAssetPrecision":8,"isSpotTradingAllowed":true,'
    b'"permissions":[],"permissionSets":[["SPOT","MARGIN"]],"filters":['
    b'{"filterType":"PRICE_FILTER","minPrice":"0.00000100","maxPrice":"100.00000000",'
    b'"tickSize":"0.00000100"},{"filterType":"LOT_SIZE","minQty":"0.00100000",'
    b'"maxQty":"900000.00000000","stepSize":"0.00100000"}]}]}'
)


def depth(first: int, last: int, bids: bytes, asks: bytes) -> bytes:
    return frames.combined(
        b"bnbbtc@depth@100ms",
        b'{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":%d,"u":%d,"b":[%s],"a":[%s]}'
        % (first, last, bids, asks),
    )


def kline(interval: str) -> bytes:
    name = interval.encode()
    return frames.combined(
        b"bnbbtc@kline_" + name, frames.KLINE.replace(b'"i":"1m"', b'"i":"' + name + b'"')
    )


SAMPLE = Sample(
    exchange=BINANCE_SPOT,
    instruments=(EXCHANGE_INFO,),
    symbol="BNB-BTC",
    frames={
        "trade": frames.combined(b"bnbbtc@trade", frames.TRADE),
        "aggregate-trade": frames.combined(b"bnbbtc@aggTrade", frames.AGG_TRADE),
        "orderbook": frames.combined(b"bnbbtc@depth@100ms", frames.DEPTH),
        "ticker": frames.combined(b"bnbbtc@ticker", frames.TICKER),
        "book-ticker": frames.combined(b"bnbbtc@bookTicker", frames.BOOK_TICKER),
        "kline": kline("1m"),
        "kline-5m": kline("5m"),
    },
    trade=("0.001", "100"),
    book=b'{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"],["0.0027","1"]]}',
    updates=(
        depth(157, 160, b'["0.0024","99"]', b""),
        depth(160, 163, b'["0.00245","3.10"]', b'["0.0026","0.00000000"]'),
        depth(164, 164, b"", b'["0.0031","0"]'),
    ),
    top=Top(164, ("0.00245", "3.10"), ("0.0027", "1")),
)
