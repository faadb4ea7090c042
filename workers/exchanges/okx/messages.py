"""What OKX sends: wire structs with their payload as documented, field names theirs.

Source: OKX API v5 guide (www.okx.com/docs-v5), "Public Data" and "Order Book Trading", snapshot of
2026-07-28. Numbers and times (milliseconds) are text, except `seqId`, `prevSeqId`, `checksum`. An
empty text means that there is no value.
"""

from typing import Generic, Literal, TypeVar

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no such JSON: malformed, not UTF-8, nested too deep."""

Row = TypeVar("Row")

WireLevel = tuple[str, str, str, str]
"""Price, quantity, always "0" (deprecated), number of orders. Quantity "0" deletes."""

OkxCandle = list[str]
"""Channels `candle<bar>` and GET /api/v5/market/candles: opening time, open, high, low, close, vol
(contracts, spot: base), volCcy (base, spot: quote), volCcyQuote (quote), confirm ("1": closed).

["1786540440000","63913.0","63951.8","63913.0","63951.8","1803.61","18.0361","1153203.99426","0"]
Recordings before 2022-08 end with volCcy.
"""


class OkxArg(msgspec.Struct):
    """What a message belongs to: {"channel":"books","instId":"BTC-USDT"}."""

    channel: str
    instId: str = ""
    instType: str = ""


class OkxPush(msgspec.Struct, Generic[Row]):
    """Every data message: {"arg":{...},"data":[...]}; books also have an action."""

    arg: OkxArg
    data: list[Row]
    action: Literal["snapshot", "update"] | None = None


class OkxReply(msgspec.Struct, Generic[Row]):
    """Every REST reply: {"code":"0","msg":"","data":[...]}; any other code is an error."""

    code: str
    msg: str = ""
    data: list[Row] = []


class OkxTrade(msgspec.Struct):
    """Channels `trades` and `trades-all`, GET /api/v5/market/trades and history-trades.

    {"instId":"BTC-USDT-SWAP","tradeId":"2832749645","px":"63913.4","sz":"34.95","side":"sell",
     "ts":"1786540436090","count":"10","source":"0","seqId":333793118093}
    side: the taker's. count (`trades` only): fills of one taker order at one price, tradeId is the
    last of them; recordings before it came (2022) are single trades. Not used: source, seqId.
    """

    instId: str
    tradeId: str
    px: str
    sz: str
    side: Literal["buy", "sell"]
    ts: str
    count: str | None = None


class OkxBook(msgspec.Struct):
    """Channels `books`, `books-l2-tbt`, `books50-l2-tbt`, GET /api/v5/market/books.

    {"asks":[["8476.98","0","0","0"]],"bids":[["8476.9","12","0","3"]],"ts":"1597026383185",
     "checksum":0,"prevSeqId":123456,"seqId":123457}
    prevSeqId -1 in snapshots. checksum: 0 since 2026-06-23. No ids in recordings of 2022.
    """

    asks: list[WireLevel]
    bids: list[WireLevel]
    ts: str
    checksum: int = 0
    prevSeqId: int | None = None
    seqId: int | None = None


class OkxBest(msgspec.Struct):
    """Channel `bbo-tbt`: {"asks":[["111.06","5","0","2"]],"bids":[],"ts":"1670324386802"}.

    ts is the matching engine's time, in other books it is when the message was made.
    """

    asks: list[WireLevel]
    bids: list[WireLevel]
    ts: str


class OkxTicker(msgspec.Struct):
    """Channel `tickers`, GET /api/v5/market/ticker and tickers.

    {"instType":"SWAP","instId":"BTC-USDT-SWAP","last":"63921","lastSz":"0.4","askPx":"63921.1",
     "askSz":"1871.75","bidPx":"63921","bidSz":"779.3","open24h":"64297.6","high24h":"64466",
     "low24h":"63162.7","sodUtc0":"63566","sodUtc8":"63584.6","volCcy24h":"73998.8786",
     "vol24h":"7399887.86","ts":"1786540471710"}
    vol24h: contracts, spot: base. volCcy24h: base, spot: quote.
    """

    instId: str
    last: str
    askPx: str
    askSz: str
    bidPx: str
    bidSz: str
    open24h: str
    high24h: str
    low24h: str
    volCcy24h: str
    vol24h: str
    ts: str


class OkxFunding(msgspec.Struct):
    """Channel `funding-rate`, GET /api/v5/public/funding-rate.

    {"instId":"BTC-USD-SWAP","instType":"SWAP","fundingRate":"0.0001875391284828",
     "fundingTime":"1700726400000","nextFundingRate":"","nextFundingTime":"1700755200000",
     "settFundingRate":"0.0001699799259033","settState":"settled","ts":"1700724675402"}
    fundingRate: expected for the payment at fundingTime. nextFundingRate: always empty now.
    """

    instId: str
    fundingTime: str
    fundingRate: str = ""
    nextFundingTime: str = ""
    ts: str = ""


class OkxSettledFunding(msgspec.Struct):
    """GET /api/v5/public/funding-rate-history; realizedRate is what was paid.

    {"instType":"SWAP","instId":"BTC-USD-SWAP","fundingRate":"0.0000746604960499",
     "realizedRate":"0.0000746572360545","fundingTime":"1703059200000","method":"next_period"}
    """

    instId: str
    fundingRate: str
    fundingTime: str
    realizedRate: str = ""


class OkxMarkPrice(msgspec.Struct):
    """Channel `mark-price`, GET /api/v5/public/mark-price.

    {"instType":"SWAP","instId":"BTC-USDT-SWAP","markPx":"42310.6","ts":"1630049139746"}
    Two with the same time may come; the later one counts.
    """

    instId: str
    markPx: str
    ts: str


class OkxIndexTicker(msgspec.Struct):
    """Channel `index-tickers`, GET /api/v5/market/index-tickers; instId names the index.

    {"instId":"BTC-USDT","idxPx":"43350","high24h":"43649.7","sodUtc0":"43444.1",
     "open24h":"43640.8","low24h":"43261.9","sodUtc8":"43328.7","ts":"1649419644492"}
    """

    instId: str
    idxPx: str
    ts: str


class OkxOpenInterest(msgspec.Struct):
    """Channel `open-interest`, GET /api/v5/public/open-interest.

    {"instId":"BTC-USDT-SWAP","instType":"SWAP","oi":"2216113.01000000309",
     "oiCcy":"22161.1301000000309","oiUsd":"1939251795.54769270396321","ts":"1743041250440"}
    oi: contracts. oiCcy: base. oiUsd: US dollars; recordings before 2025 have none.
    """

    instId: str
    oi: str
    oiCcy: str
    ts: str
    oiUsd: str = ""


class OkxForcedOrder(msgspec.Struct):
    """One of OkxLiquidation's details; `side` is the forced order's, bkPx the bankruptcy price.

    {"bkLoss":"0","bkPx":"0.007831","ccy":"","posSide":"short","side":"buy","sz":"13",
     "ts":"1692266434010"}
    """

    bkPx: str
    side: Literal["buy", "sell"]
    sz: str
    ts: str


class OkxLiquidation(msgspec.Struct):
    """Channel `liquidation-orders`: all of one kind of instrument, not all of them, in no order.

    {"details":[...],"instFamily":"IOST-USDT","instId":"IOST-USDT-SWAP","instType":"SWAP",
     "uly":"IOST-USDT"}
    """

    instId: str
    details: list[OkxForcedOrder]


class OkxInstrument(msgspec.Struct):
    """Channel `instruments` (changed ones only), GET /api/v5/public/instruments.

    {"instType":"SWAP","instId":"BTC-USDT-SWAP","uly":"BTC-USDT","instFamily":"BTC-USDT",
     "baseCcy":"","quoteCcy":"","settleCcy":"USDT","ctVal":"0.01","ctMult":"1","ctValCcy":"BTC",
     "ctType":"linear","tickSz":"0.1","lotSz":"0.01","expTime":"","state":"live"}
    baseCcy, quoteCcy: spot only. lotSz: contracts, spot: base. A new listing's ticks and lots are
    empty until five minutes before trading starts.
    """

    instType: str
    instId: str
    state: str
    uly: str = ""
    instFamily: str = ""
    baseCcy: str = ""
    quoteCcy: str = ""
    settleCcy: str = ""
    ctVal: str = ""
    ctMult: str = ""
    ctType: str = ""
    tickSz: str = ""
    lotSz: str = ""
    expTime: str = ""
