"""What Binance USD-M futures alone send: wire structs, payloads documented, field names theirs.

Source: the official SDK of 2026-07-24 (generated from the exchange's OpenAPI), and live captures.
Since 2026-06-30 messages carry `st` (1: USD-M, 2: COIN-M) and `ps` (the pair); both may be absent.
"""

from typing import Literal

import msgspec

from workers.exchanges.binance.messages import BinanceFilter, Level


class BinanceUsdmTrade(msgspec.Struct):
    """`<symbol>@trade`; works, but is in no document.

    {"e":"trade","E":1753000000123,"T":1753000000120,"s":"BTCUSDT","t":6150000001,
     "p":"117000.10","q":"0.005","X":"MARKET","m":true}
    X: MARKET, INSURANCE_FUND, ADL, or NA, which has an id and is no trade (p and q "0").
    """

    e: Literal["trade"]
    E: int
    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool
    X: str = "MARKET"
    st: int = 1


class BinanceUsdmDepthUpdate(msgspec.Struct):
    """`<symbol>@depth@100ms`. The partial `@depth20` looks the same: only the stream name tells.

    {"e":"depthUpdate","E":1626992741037,"T":1626992741024,"s":"SUSHIUSDT","U":600859599090,
     "u":600859600917,"pu":600859598061,"b":[["7.5040","813"]],"a":[["7.6150","1563"]]}
    pu: `u` of the stream's previous event. Ids are those of all symbols: U is never pu + 1.
    """

    e: Literal["depthUpdate"]
    E: int
    s: str
    U: int
    u: int
    pu: int
    b: list[Level]
    a: list[Level]
    st: int = 1


class BinanceUsdmTicker(msgspec.Struct):
    """`<symbol>@ticker` every 2 s: 24 h figures, without best bid and ask.

    {"e":"24hrTicker","E":1672515782136,"s":"BTCUSDT","p":"-131.40","P":"-0.786","w":"16628.97",
     "c":"16584.60","Q":"0.002","o":"16716.00","h":"16764.89","l":"16456.51","v":"122474.816",
     "q":"2036102085.69","O":1672429382136,"C":1672515782136,"F":2289691,"L":2432543,"n":142853}
    """

    e: Literal["24hrTicker"]
    E: int
    s: str
    c: str
    o: str
    h: str
    l: str  # noqa: E741 - their name
    v: str
    q: str
    st: int = 1


class BinanceUsdmBookTicker(msgspec.Struct):
    """`<symbol>@bookTicker`, real time; here it has its name and times.

    {"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,"s":"BNBUSDT",
     "b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}
    """

    e: Literal["bookTicker"]
    u: int
    E: int
    s: str
    b: str
    B: str
    a: str
    A: str
    st: int = 1


class BinanceMarkPrice(msgspec.Struct):
    """`<symbol>@markPrice@1s`.

    {"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15000000",
     "i":"11784.62659091","P":"11784.25641265","r":"0.00038167","ap":"11793.90","T":1562306400000}
    p, i: mark and index price. r: the rate predicted for the payment at T; "" and T 0 where there
    is no funding. Not used: P (estimated settlement, the last hour only), ap (moving average).
    """

    e: Literal["markPriceUpdate"]
    E: int
    s: str
    p: str
    r: str
    T: int
    i: str | None = None
    st: int = 1


class BinanceForcedOrder(msgspec.Struct):
    """The `o` of BinanceForceOrder. S: its side. p, q: price and quantity of the order.

    ap: average price. z: filled. X: status. T: time. Not used: o, f, l (last fill).
    """

    s: str
    S: Literal["BUY", "SELL"]
    q: str
    p: str
    ap: str
    X: str
    z: str
    T: int


class BinanceForceOrder(msgspec.Struct):
    """`<symbol>@forceOrder`: the latest liquidation of each second, so a sample.

    {"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC",
     "q":"0.014","p":"9910","ap":"9910","X":"FILLED","l":"0.014","z":"0.014","T":1568014460893}}
    """

    e: Literal["forceOrder"]
    E: int
    o: BinanceForcedOrder
    st: int = 1


class BinanceContractInfo(msgspec.Struct):
    """`!contractInfo`: a symbol was listed, settled or delisted, or its brackets changed.

    {"e":"contractInfo","E":1669356423908,"s":"IOTAUSDT","ct":"PERPETUAL","dt":4133404800000,
     "ot":1569398400000,"cs":"TRADING","bks":[{"bs":1,"bnf":0,"bnc":5000,"mmr":0.01}]}
    dt: delivery. cs: status. Not used: ct, ot, bks. Neither assets nor steps are in it.
    """

    e: Literal["contractInfo"]
    E: int
    s: str
    dt: int
    cs: str
    st: int = 1


class BinanceUsdmSymbol(msgspec.Struct):
    """One symbol of GET /fapi/v1/exchangeInfo.

    {"symbol":"BTCUSDT_260327","pair":"BTCUSDT","contractType":"CURRENT_QUARTER",
     "deliveryDate":1774598400000,"status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT",
     "marginAsset":"USDT","filters":[...]}
    deliveryDate: 4133404800000 for a perpetual that goes on. The precisions are no steps.
    """

    symbol: str
    contractType: str
    deliveryDate: int
    status: str
    baseAsset: str
    quoteAsset: str
    marginAsset: str
    filters: list[BinanceFilter] = []


class BinanceUsdmExchangeInfo(msgspec.Struct):
    """GET /fapi/v1/exchangeInfo: {"symbols":[...]} among other things."""

    symbols: list[BinanceUsdmSymbol]


class BinancePremiumIndexRow(msgspec.Struct):
    """GET /fapi/v1/premiumIndex: BinanceMarkPrice over REST.

    {"symbol":"BTCUSDT","markPrice":"11793.63","indexPrice":"11781.80",
     "estimatedSettlePrice":"11781.16","lastFundingRate":"0.00038246",
     "interestRate":"0.00010000","nextFundingTime":1597392000000,"time":1597370495002}
    """

    symbol: str
    markPrice: str
    indexPrice: str
    lastFundingRate: str
    nextFundingTime: int
    time: int


class BinanceFundingRow(msgspec.Struct):
    """One row of GET /fapi/v1/fundingRate, a rate that was paid; old ones have no mark price.

    {"symbol":"BTCUSDT","fundingRate":"-0.03750000","fundingTime":1570608000000,
     "markPrice":"34287.54619963","rateType":"Regular"}
    """

    symbol: str
    fundingRate: str
    fundingTime: int
    markPrice: str = ""


class BinanceOpenInterestRow(msgspec.Struct):
    """GET /fapi/v1/openInterest: {"openInterest":"10659.509","symbol":"BTCUSDT","time":158943...}.

    `time` trails the request by some seconds; the same time is the same value.
    """

    symbol: str
    openInterest: str
    time: int


class BinanceOpenInterestHistoryRow(msgspec.Struct):
    """One row of GET /futures/data/openInterestHist.

    {"symbol":"BTCUSDT","sumOpenInterest":"20403.12","sumOpenInterestValue":"176196512.12",
     "CMCCirculatingSupply":"165880.538","timestamp":1591261042378}
    """

    symbol: str
    sumOpenInterest: str
    sumOpenInterestValue: str
    timestamp: int | str


class BinanceRatioRow(msgspec.Struct):
    """One row of /futures/data/{global,top}LongShort{Account,Position}Ratio.

    {"symbol":"BTCUSDT","longShortRatio":"1.8105","longAccount":"0.6442","shortAccount":"0.3558",
     "timestamp":1583139600000}
    timestamp: text in older replies. The accounts are positions where positions are asked for.
    """

    symbol: str
    longShortRatio: str
    longAccount: str
    shortAccount: str
    timestamp: int | str


class BinanceTakerRow(msgspec.Struct):
    """One row of /futures/data/takerlongshortRatio; it does not name its symbol.

    {"buySellRatio":"1.5586","buyVol":"387.3300","sellVol":"248.5030","timestamp":1585614900000}
    """

    buySellRatio: str
    buyVol: str
    sellVol: str
    timestamp: int | str
