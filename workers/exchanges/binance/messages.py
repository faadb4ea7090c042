"""Wire structs that Binance spot and USD-M futures share: payloads documented, field names theirs.

Sources: github.com/binance/binance-spot-api-docs (web-socket-streams.md, rest-api.md, snapshot of
2026-07-21) and the USD-M SDK of 2026-07-24. Prices and quantities are decimal text, ids integers,
times milliseconds.
"""

from typing import Generic, Literal, TypeVar

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no such JSON: malformed, not UTF-8, nested too deep."""

Level = tuple[str, str]

MINUTES = ("1m", "3m", "5m", "15m", "30m")
HOURS = ("1h", "2h", "4h", "6h", "8h", "12h")
INTERVALS = (*MINUTES, *HOURS, "1d", "3d", "1w", "1M")
"""Candle lengths; `1M` is a month, `1m` a minute. Spot also has `1s`."""

Payload = TypeVar("Payload")


class BinanceCombined(msgspec.Struct, Generic[Payload]):
    """The wrapper on connections to `/stream`: {"stream":"bnbbtc@trade","data":{...}}."""

    data: Payload


class BinanceAggTrade(msgspec.Struct):
    """Aggregate trade streams, `<symbol>@aggTrade`.

    {"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,"l":105,
     "T":1672515782136,"m":true,"M":true}
    Spot: one taker order's fills at one price. USD-M: fills of 100 ms with one price and taker
    side; `q` holds retail (RPI) fills that `nq` leaves out; no `M`, since 2026 `st` (2: COIN-M).
    a: contiguous per symbol. f, l: first and last raw trade. m: the buyer is the maker. M: ignore.
    """

    e: Literal["aggTrade"]
    E: int
    s: str
    a: int
    p: str
    q: str
    f: int
    l: int  # noqa: E741 - their name
    T: int
    m: bool
    st: int = 1


class BinanceCandle(msgspec.Struct):
    """The `k` of BinanceKline. t, T: first and last ms. i: interval. x: it is closed.

    o, c, h, l: open, close, high, low. v, q: base and quote volume. n: number of trades.
    Not used: s, f and L (trade ids, -1 without any), V and Q (taker buys), B.
    """

    t: int
    T: int
    i: str
    o: str
    c: str
    h: str
    l: str  # noqa: E741 - their name
    v: str
    n: int
    x: bool
    q: str


class BinanceKline(msgspec.Struct):
    """Kline streams, `<symbol>@kline_1m`; every 2 s on spot, every 250 ms on USD-M.

    {"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"T":1672515839999,
     "s":"BNBBTC","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0015",
     "v":"1000","n":100,"x":false,"q":"1.0000","V":"500","Q":"0.500","B":"123456"}}
    """

    e: Literal["kline"]
    E: int
    s: str
    k: BinanceCandle


class BinanceDepth(msgspec.Struct):
    """GET /api/v3/depth, /fapi/v1/depth, and the partial depth streams of spot.

    {"lastUpdateId":1027024,"bids":[["4.00000000","431.00000000"]],
     "asks":[["4.00000200","12.00000000"]]}
    Best first. USD-M also gives E and T. Old spot replies carry a third, empty element in a level.
    """

    lastUpdateId: int
    bids: list[Level]
    asks: list[Level]


class BinanceOldDepth(msgspec.Struct):
    """BinanceDepth as it was until 2018: each level ends in an empty list, ["4.00","431.00",[]]."""

    lastUpdateId: int
    bids: list[tuple[str, str, list[msgspec.Raw]]]
    asks: list[tuple[str, str, list[msgspec.Raw]]]


class BinanceFilter(msgspec.Struct):
    """One trading rule of a symbol; fields by `filterType`. Zero switches a rule off.

    {"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000000.00","tickSize":"0.01"}
    {"filterType":"LOT_SIZE","minQty":"0.00001","maxQty":"9000.00","stepSize":"0.00001"}
    """

    filterType: str
    tickSize: str | None = None
    stepSize: str | None = None


class BinanceTradeRow(msgspec.Struct):
    """One row of GET .../trades and .../historicalTrades.

    {"id":28457,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012",
     "time":1499865549590,"isBuyerMaker":true,"isBestMatch":true}
    """

    id: int
    price: str
    qty: str
    time: int
    isBuyerMaker: bool


class BinanceAggTradeRow(msgspec.Struct):
    """One row of GET .../aggTrades; letters as in BinanceAggTrade.

    {"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27781,"T":1498793709153,"m":true}
    A row with f and l -1 was invalidated by the exchange (spot, 2022-04-12).
    """

    a: int
    p: str
    q: str
    f: int
    l: int  # noqa: E741 - their name
    T: int
    m: bool


class BinanceKlineRow(msgspec.Struct, array_like=True):
    """One row of GET .../klines: the first nine of twelve elements.

    [1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",
     1499644799999,"2434.19055334",308,"1756.87402397","28.46694368","0"]
    """

    open_time: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    close_time: int
    quote_volume: str
    trades: int


class BinanceDayRow(msgspec.Struct):
    """GET .../ticker/24hr for one symbol; USD-M has no best bid and ask in it.

    {"symbol":"BNBBTC","lastPrice":"4.00000200","bidPrice":"4.00000000","bidQty":"100.00000000",
     "askPrice":"4.00000200","askQty":"100.00000000","openPrice":"99.00000000","highPrice":"100.0",
     "lowPrice":"0.10000000","volume":"8913.30000000","quoteVolume":"15.30000000",
     "closeTime":1499869899040, ...}
    """

    symbol: str
    lastPrice: str
    openPrice: str
    highPrice: str
    lowPrice: str
    volume: str
    quoteVolume: str
    closeTime: int
    bidPrice: str | None = None
    bidQty: str | None = None
    askPrice: str | None = None
    askQty: str | None = None


class BinanceBestRow(msgspec.Struct):
    """GET .../ticker/bookTicker for one symbol; spot gives no time.

    {"symbol":"BTCUSDT","bidPrice":"19115.95","bidQty":"0.274","askPrice":"19116.50",
     "askQty":"0.384","time":1607294182164}
    """

    symbol: str
    bidPrice: str
    bidQty: str
    askPrice: str
    askQty: str
    time: int | None = None
