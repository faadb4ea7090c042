"""Messages of Binance USD-M futures as its SDK of 2026-07-24 documents them."""

from workers.exchanges.registry import exchange
from workers.model.instrument import Instrument, MarketType

USDM = exchange("binance_derivatives")
RECEIVED_NS = 1_753_000_000_200_000_000

TRADE = (
    b'{"e":"trade","E":1753000000123,"T":1753000000120,"s":"BTCUSDT","t":6150000001,'
    b'"p":"117000.10","q":"0.005","X":"MARKET","m":true}'
)
AGG_TRADE = (
    b'{"e":"aggTrade","E":1753000000123,"s":"BTCUSDT","a":5933014,"p":"117000.10","q":"0.350",'
    b'"nq":"0.300","f":100,"l":105,"T":1753000000100,"m":true,"st":1}'
)
DEPTH = (
    b'{"e":"depthUpdate","E":1626992741037,"T":1626992741024,"s":"BTCUSDT","ps":"BTCUSDT","st":1,'
    b'"U":600859599090,"u":600859600917,"pu":600859598061,"b":[["7.5040","813"],["7.6090","0"]],'
    b'"a":[["7.6150","1563"]]}'
)
TICKER = (
    b'{"e":"24hrTicker","E":1672515782136,"s":"BTCUSDT","p":"-131.40","P":"-0.786",'
    b'"w":"16628.97","c":"16584.60","Q":"0.002","o":"16716.00","h":"16764.89","l":"16456.51",'
    b'"v":"122474.816","q":"2036102085.69","O":1672429382136,"C":1672515782136,"F":2289691,'
    b'"L":2432543,"n":142853,"ps":"BTCUSDT","st":1}'
)
BOOK_TICKER = (
    b'{"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,"s":"BTCUSDT",'
    b'"ps":"BTCUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000",'
    b'"st":1}'
)
KLINE = (
    b'{"e":"kline","E":1638747660000,"s":"BTCUSDT","k":{"t":1638747660000,"T":1638747719999,'
    b'"s":"BTCUSDT","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0010",'
    b'"v":"1000","n":100,"x":true,"q":"1.0000","V":"500","Q":"0.500","B":"0"}}'
)
MARK_PRICE = (
    b'{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15000000",'
    b'"i":"11784.62659091","P":"11784.25641265","r":"-0.00038167","ap":"11793.90",'
    b'"T":1562306400000,"st":1}'
)
FORCE_ORDER = (
    b'{"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC",'
    b'"q":"0.014","p":"9910","ap":"9911.5","X":"FILLED","l":"0.010","z":"0.014",'
    b'"T":1568014460890},"ps":"BTCUSDT","st":1}'
)
CONTRACT_INFO = (
    b'{"e":"contractInfo","E":1669356423908,"s":"BTCUSDT","ct":"PERPETUAL","dt":4133404800000,'
    b'"ot":1569398400000,"cs":"PRE_SETTLE","bks":[{"bs":1,"bnf":0,"bnc":5000,"mmr":0.01,"cf":0,'
    b'"mi":21,"ma":50}],"st":1}'
)

EVENTS = {
    b"btcusdt@trade": TRADE,
    b"btcusdt@aggTrade": AGG_TRADE,
    b"btcusdt@depth@100ms": DEPTH,
    b"btcusdt@ticker": TICKER,
    b"btcusdt@bookTicker": BOOK_TICKER,
    b"btcusdt@kline_1m": KLINE,
    b"btcusdt@markPrice@1s": MARK_PRICE,
    b"btcusdt@forceOrder": FORCE_ORDER,
    b"!contractInfo": CONTRACT_INFO,
}


def contract(raw_symbol: str, symbol: str, market_type: MarketType = "perpetual") -> Instrument:
    return Instrument(
        exchange="binance_derivatives",
        market_type=market_type,
        symbol=symbol,
        raw_symbol=raw_symbol,
        status="trading",
        raw_status="TRADING",
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick_size="0.10",
        lot_size="0.001",
        contract_size="1",
    )


PERP = contract("BTCUSDT", "BTC-USDT-PERP")
DATED = contract("BTCUSDT_260327", "BTC-USDT-260327", "future")


def mapper():
    return USDM.mapper([PERP, DATED])
