"""Binance USD-M futures, from its SDK and developers.binance.com, July 2026."""

from tests.contract.sample import Sample, Top
from tests.exchanges import usdm_frames as frames
from tests.exchanges.frames import combined
from workers.exchanges.binance.usdm.exchange import BINANCE_DERIVATIVES

EXCHANGE_INFO = (
    b'{"timezone":"UTC","serverTime":1565246363776,"rateLimits":[],"symbols":['
    b'{"symbol":"BTCUSDT","pair":"BTCUSDT","contractType":"PERPETUAL",'
    b'"deliveryDate":4133404800000,"onboardDate":1569398400000,"status":"TRADING",'
    b'"baseAsset":"BTC","quoteAsset":"USDT","marginAsset":"USDT","pricePrecision":2,'
    b'"quantityPrecision":3,"underlyingType":"COIN","filters":[{"minPrice":"556.80",'
    b'"maxPrice":"4529764","filterType":"PRICE_FILTER","tickSize":"0.10"},{"stepSize":"0.001",'
    b'"filterType":"LOT_SIZE","maxQty":"1000","minQty":"0.001"}]}]}'
)


def depth(first: int, last: int, before: int, bids: bytes, asks: bytes) -> bytes:
    return combined(
        b"btcusdt@depth@100ms",
        b'{"e":"depthUpdate","E":1626992741037,"T":1626992741024,"s":"BTCUSDT","ps":"BTCUSDT",'
        b'"st":1,"U":%d,"u":%d,"pu":%d,"b":[%s],"a":[%s]}' % (first, last, before, bids, asks),
    )


def kline(interval: str) -> bytes:
    name = interval.encode()
    return combined(
        b"btcusdt@kline_" + name, frames.KLINE.replace(b'"i":"1m"', b'"i":"' + name + b'"')
    )


SAMPLE = Sample(
    exchange=BINANCE_DERIVATIVES,
    instruments=(EXCHANGE_INFO,),
    symbol="BTC-USDT-PERP",
    frames={
        "trade": combined(b"btcusdt@trade", frames.TRADE),
        "aggregate-trade": combined(b"btcusdt@aggTrade", frames.AGG_TRADE),
        "orderbook": combined(b"btcusdt@depth@100ms", frames.DEPTH),
        "ticker": combined(b"btcusdt@ticker", frames.TICKER),
        "book-ticker": combined(b"btcusdt@bookTicker", frames.BOOK_TICKER),
        "kline": kline("1m"),
        "kline-1h": kline("1h"),
        "funding-rate": combined(b"btcusdt@markPrice@1s", frames.MARK_PRICE),
        "liquidation": combined(b"btcusdt@forceOrder", frames.FORCE_ORDER),
        "instrument": combined(b"!contractInfo", frames.CONTRACT_INFO),
    },
    trade=("117000.10", "0.005"),
    book=(
        b'{"lastUpdateId":1027,"E":1589436922972,"T":1589436922959,"bids":[["9999.90","4.310"]],'
        b'"asks":[["10000.10","12.000"]]}'
    ),
    updates=(
        depth(1000, 1020, 990, b'["9999.90","99"]', b""),
        depth(1021, 1030, 1020, b'["9999.90","4.000"]', b'["10000.00","1.5"]'),
        depth(1077, 1090, 1030, b'["9990.10","0"]', b'["10000.10","0.000"]'),
    ),
    top=Top(1090, ("9999.90", "4.000"), ("10000.00", "1.5")),
)
