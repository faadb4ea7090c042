"""Messages as OKX documents them (API v5 guide, snapshot of 2026-07-28; some of 2026-08 live)."""

import msgspec

from workers.exchanges.registry import exchange
from workers.model.instrument import Instrument

SPOT, DERIVATIVES = exchange("okx_spot"), exchange("okx_derivatives")
RECEIVED_NS = 1_786_540_440_200_000_000

TRADES = (
    b'{"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":[{"instId":"BTC-USDT-SWAP",'
    b'"tradeId":"2832749645","px":"63913.4","sz":"34.95","side":"sell","ts":"1786540436090",'
    b'"count":"10","source":"0","seqId":333793118093}]}'
)
TRADES_ALL = (
    b'{"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT",'
    b'"tradeId":"130639474","px":"42219.9","sz":"0.12060306","side":"buy","source":"0",'
    b'"ts":"1630048897897"}]}'
)
SNAPSHOT = (
    b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":'
    b'[["8476.98","415","0","13"],["8477","7","0","2"]],"bids":[["8476.97","256","0","12"],'
    b'["8475.55","101","0","1"]],"ts":"1597026383085","checksum":0,"prevSeqId":-1,'
    b'"seqId":123456}]}'
)
UPDATE = (
    b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":'
    b'[["8476.98","0","0","0"]],"bids":[["8476.9","12","0","3"]],"ts":"1597026383185",'
    b'"checksum":0,"prevSeqId":123456,"seqId":123459}]}'
)
SWAP_UPDATE = (
    b'{"arg":{"channel":"books","instId":"BTC-USDT-SWAP"},"action":"update","data":[{"asks":'
    b'[["63921.5","790.41","0","42"],["63922","0","0","0"]],"bids":[],"ts":"1786541241006",'
    b'"checksum":0,"prevSeqId":333794734970,"seqId":333794734980}]}'
)
KEEP_ALIVE = (
    b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[],'
    b'"bids":[],"ts":"1597026443185","checksum":0,"prevSeqId":123459,"seqId":123459}]}'
)
RESET = (
    b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[],'
    b'"bids":[["8476.9","13","0","3"]],"ts":"1597026453185","checksum":0,"prevSeqId":123459,'
    b'"seqId":3}]}'
)
BBO = (
    b'{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT-SWAP"},"data":[{"asks":[["111.06","55154",'
    b'"0","2"]],"bids":[["111.05","57745","0","2"]],"ts":"1670324386802","seqId":363996337}]}'
)
BOOKS5 = (
    b'{"arg":{"channel":"books5","instId":"BTC-USDT"},"data":[{"asks":[["111.06","5","0","2"]],'
    b'"bids":[["111.05","5","0","2"]],"instId":"BTC-USDT","ts":"1670324386802","seqId":3639}]}'
)
TICKERS = (
    b'{"arg":{"channel":"tickers","instId":"BTC-USDT-SWAP"},"data":[{"instType":"SWAP","instId":'
    b'"BTC-USDT-SWAP","last":"63921","lastSz":"0.4","askPx":"63921.1","askSz":"1871.75","bidPx":'
    b'"63921","bidSz":"779.3","open24h":"64297.6","high24h":"64466","low24h":"63162.7",'
    b'"sodUtc0":"63566","sodUtc8":"63584.6","volCcy24h":"73998.8786","vol24h":"7399887.86",'
    b'"ts":"1786540471710"}]}'
)
CANDLE = (
    b'{"arg":{"channel":"candle1m","instId":"BTC-USDT-SWAP"},"data":[["1786540440000","63913.0",'
    b'"63951.8","63913.0","63951.8","1803.61","18.0361","1153203.99426000","0"]]}'
)
FUNDING = (
    b'{"arg":{"channel":"funding-rate","instId":"BTC-USD-SWAP"},"data":[{"formulaType":"noRate",'
    b'"fundingRate":"-0.0001875391284828","fundingTime":"1700726400000","impactValue":"",'
    b'"instId":"BTC-USD-SWAP","instType":"SWAP","interestRate":"","method":"current_period",'
    b'"maxFundingRate":"0.00375","minFundingRate":"-0.00375","nextFundingRate":"",'
    b'"nextFundingTime":"1700755200000","premium":"0.0001233824646391","settFundingRate":'
    b'"0.0001699799259033","settState":"settled","ts":"1700724675402"}]}'
)
MARK = (
    b'{"arg":{"channel":"mark-price","instId":"BTC-USDT-SWAP"},"data":[{"instType":"SWAP",'
    b'"instId":"BTC-USDT-SWAP","markPx":"42310.6","ts":"1630049139746"}]}'
)
INDEX = (
    b'{"arg":{"channel":"index-tickers","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT",'
    b'"idxPx":"43350","high24h":"43649.7","sodUtc0":"43444.1","open24h":"43640.8","low24h":'
    b'"43261.9","sodUtc8":"43328.7","ts":"1649419644492"}]}'
)
OPEN_INTEREST = (
    b'{"arg":{"channel":"open-interest","instId":"BTC-USDT-SWAP"},"data":[{"instId":'
    b'"BTC-USDT-SWAP","instType":"SWAP","oi":"2216113.01000000309","oiCcy":"22161.1301000000309",'
    b'"oiUsd":"1939251795.54769270396321","ts":"1743041250440"}]}'
)
LIQUIDATIONS = (
    b'{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":[{"bkLoss":"0",'
    b'"bkPx":"0.007831","ccy":"","posSide":"short","side":"buy","sz":"13","ts":"1692266434010"}],'
    b'"instFamily":"IOST-USDT","instId":"IOST-USDT-SWAP","instType":"SWAP","uly":"IOST-USDT"},'
    b'{"details":[{"bkLoss":"0","bkPx":"20000","ccy":"","posSide":"long","side":"sell","sz":"3",'
    b'"ts":"1692266434011"},{"bkLoss":"0","bkPx":"20001","ccy":"","posSide":"short","side":"buy",'
    b'"sz":"1","ts":"1692266434009"}],"instFamily":"BTC-USD","instId":"BTC-USD-SWAP","instType":'
    b'"SWAP","uly":"BTC-USD"}]}'
)
INSTRUMENTS = (
    b'{"arg":{"channel":"instruments","instType":"SWAP"},"data":[{"instType":"SWAP","instId":'
    b'"SPCX-USDT-SWAP","uly":"SPCX-USDT","instFamily":"SPCX-USDT","baseCcy":"","quoteCcy":"",'
    b'"settleCcy":"USDT","ctVal":"0.01","ctMult":"1","ctValCcy":"SPCX","ctType":"linear",'
    b'"tickSz":"","lotSz":"","minSz":"","listTime":"1611916828000","expTime":"","state":'
    b'"preopen","ruleType":"normal","instIdCode":10459,"upcChg":[]}]}'
)

DATA = {
    "trades": TRADES,
    "trades-all": TRADES_ALL,
    "snapshot": SNAPSHOT,
    "update": UPDATE,
    "swap-update": SWAP_UPDATE,
    "keep-alive": KEEP_ALIVE,
    "reset": RESET,
    "bbo-tbt": BBO,
    "tickers": TICKERS,
    "candle1m": CANDLE,
    "funding-rate": FUNDING,
    "mark-price": MARK,
    "index-tickers": INDEX,
    "open-interest": OPEN_INTEREST,
    "liquidation-orders": LIQUIDATIONS,
    "instruments": INSTRUMENTS,
}


def row(frame: bytes, **fields) -> bytes:
    """The frame with other values in its first row, no spaces, as OKX writes it."""
    message = msgspec.json.decode(frame)
    first = message["data"][0] | fields
    message["data"][0] = {name: value for name, value in first.items() if value != "gone"}
    return msgspec.json.encode(message)


def reply(*rows) -> bytes:
    return msgspec.json.encode({"code": "0", "msg": "", "data": rows})


SWAP_ROW = {
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "uly": "BTC-USDT",
    "instFamily": "BTC-USDT",
    "baseCcy": "",
    "quoteCcy": "",
    "settleCcy": "USDT",
    "ctVal": "0.01",
    "ctMult": "1",
    "ctValCcy": "BTC",
    "ctType": "linear",
    "tickSz": "0.1",
    "lotSz": "0.01",
    "minSz": "0.01",
    "listTime": "1611916828000",
    "expTime": "",
    "state": "live",
    "ruleType": "normal",
    "instIdCode": 10459,
}
INVERSE_ROW = SWAP_ROW | {
    "instId": "BTC-USD-SWAP",
    "uly": "BTC-USD",
    "instFamily": "BTC-USD",
    "settleCcy": "BTC",
    "ctVal": "100",
    "ctValCcy": "USD",
    "ctType": "inverse",
}
UNIFIED_ROW = SWAP_ROW | {
    "instId": "BTC-USD_UM-SWAP",
    "uly": "BTC-USD",
    "instFamily": "BTC-USD_UM",
    "settleCcy": "USD",
}
FUTURE_ROW = SWAP_ROW | {
    "instType": "FUTURES",
    "instId": "BTC-USDT-260327",
    "expTime": "1774598400000",
}
OPTION_ROW = INVERSE_ROW | {
    "instType": "OPTION",
    "instId": "BTC-USD-260327-60000-C",
    "ctVal": "0.01",
    "ctMult": "1",
    "ctValCcy": "BTC",
    "ctType": "",
    "expTime": "1774598400000",
}
SPOT_ROW = SWAP_ROW | {
    "instType": "SPOT",
    "instId": "BTC-USDT",
    "uly": "",
    "instFamily": "",
    "baseCcy": "BTC",
    "quoteCcy": "USDT",
    "settleCcy": "",
    "ctVal": "",
    "ctMult": "",
    "ctValCcy": "",
    "ctType": "",
    "lotSz": "0.00000001",
}

LISTED: list[Instrument] = [
    *SPOT.read_instruments(reply(SPOT_ROW)),
    *DERIVATIVES.read_instruments(
        reply(SWAP_ROW, INVERSE_ROW, UNIFIED_ROW, FUTURE_ROW, OPTION_ROW)
    ),
]
BTC, SWAP, INVERSE, UNIFIED, FUTURE, OPTION = LISTED


def mapper():
    """One that knows instruments of every kind."""
    return DERIVATIVES.mapper(LISTED)
