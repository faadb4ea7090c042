"""Messages as Binance documents them (web-socket-streams.md, rest-api.md, snapshot 2026-07-21)."""

from workers.exchanges.registry import exchange
from workers.model.instrument import Instrument

BINANCE = exchange("binance_spot")
RECEIVED_NS = 1_672_515_782_200_000_000

TRADE = (
    b'{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100",'
    b'"T":1672515782130,"m":true,"M":true}'
)
AGG_TRADE = (
    b'{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,'
    b'"l":105,"T":1672515782130,"m":true,"M":true}'
)
DEPTH = (
    b'{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,'
    b'"b":[["0.0024","10"]],"a":[["0.0026","100"]]}'
)
TICKER = (
    b'{"e":"24hrTicker","E":1672515782136,"s":"BNBBTC","p":"0.0015","P":"250.00","w":"0.0018",'
    b'"x":"0.0009","c":"0.0025","Q":"10","b":"0.0024","B":"10","a":"0.0026","A":"100",'
    b'"o":"0.0010","h":"0.0025","l":"0.0010","v":"10000","q":"18","O":0,"C":86400000,"F":0,'
    b'"L":18150,"n":18151}'
)
BOOK_TICKER = (
    b'{"u":400900217,"s":"BNBBTC","b":"25.35190000","B":"31.21000000","a":"25.36520000",'
    b'"A":"40.66000000"}'
)
KLINE = (
    b'{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"T":1672515839999,'
    b'"s":"BNBBTC","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0015",'
    b'"v":"1000","n":100,"x":false,"q":"1.0000","V":"500","Q":"0.500","B":"123456"}}'
)
MINI_TICKER = (
    b'{"e":"24hrMiniTicker","E":1672515782136,"s":"BNBBTC","c":"0.0025","o":"0.0010","h":"0.0025",'
    b'"l":"0.0010","v":"10000","q":"18"}'
)
BLOCK_TRADE = (
    b'{"e":"blockTrade","E":1772506983582,"s":"BNBBTC","t":582,"p":"0.052","q":"5838",'
    b'"T":1772506983321,"m":true}'
)
PARTIAL_DEPTH = b'{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}'

EVENTS = {
    b"bnbbtc@trade": TRADE,
    b"bnbbtc@aggTrade": AGG_TRADE,
    b"bnbbtc@depth@100ms": DEPTH,
    b"bnbbtc@ticker": TICKER,
    b"bnbbtc@bookTicker": BOOK_TICKER,
    b"bnbbtc@kline_1m": KLINE,
}


def combined(stream: bytes, payload: bytes) -> bytes:
    return b'{"stream":"' + stream + b'","data":' + payload + b"}"


def instrument(raw_symbol: str, base: str, quote: str) -> Instrument:
    return Instrument(
        exchange="binance_spot",
        market_type="spot",
        symbol=f"{base}-{quote}",
        raw_symbol=raw_symbol,
        status="trading",
        raw_status="TRADING",
        base=base,
        quote=quote,
    )


BNB = instrument("BNBBTC", "BNB", "BTC")


def mapper():
    return BINANCE.mapper([BNB])
