"""What Binance spot alone sends: wire structs with their payload as documented, field names theirs.

Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md and rest-api.md, snapshot of
2026-07-21. Prices and quantities are decimal text, ids integers, times milliseconds.
"""

from typing import Literal

import msgspec

from workers.exchanges.binance.messages import BinanceFilter, Level


class BinanceTrade(msgspec.Struct):
    """Trade streams, `<symbol>@trade`.

    {"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100",
     "T":1672515782136,"m":true,"M":true}
    t: contiguous per symbol. m: the buyer is the maker, so the taker sold. M: ignore.
    Captures before 2024 also carry the order ids b and a.
    """

    e: Literal["trade"]
    E: int
    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool


class BinanceDepthUpdate(msgspec.Struct):
    """Diff. depth stream, `<symbol>@depth@100ms`.

    {"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,
     "b":[["0.0024","10"]],"a":[["0.0026","100"]]}
    U, u: first and last update id covered. b, a: bids and asks, absolute quantity, 0 deletes.
    """

    e: Literal["depthUpdate"]
    E: int
    s: str
    U: int
    u: int
    b: list[Level]
    a: list[Level]


class BinanceTicker(msgspec.Struct):
    """Individual symbol ticker streams, `<symbol>@ticker`: a rolling window of 24 h.

    {"e":"24hrTicker","E":1672515782136,"s":"BNBBTC","p":"0.0015","P":"250.00","w":"0.0018",
     "x":"0.0009","c":"0.0025","Q":"10","b":"0.0024","B":"10","a":"0.0026","A":"100","o":"0.0010",
     "h":"0.0025","l":"0.0010","v":"10000","q":"18","O":0,"C":86400000,"F":0,"L":18150,"n":18151}
    c: last price. b, B, a, A: best bid and ask. o, h, l: open, high, low. v, q: base and quote
    volume. Not used: p, P, w, x, Q, O, C, F, L, n.
    """

    e: Literal["24hrTicker"]
    E: int
    s: str
    c: str
    b: str
    B: str
    a: str
    A: str
    o: str
    h: str
    l: str  # noqa: E741 - their name
    v: str
    q: str


class BinanceBookTicker(msgspec.Struct):
    """Individual symbol book ticker streams, `<symbol>@bookTicker`.

    {"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000",
     "A":"40.66000000"}
    u: the book's update id, the counter of the depth stream. No e and, on spot, no times.
    """

    u: int
    s: str
    b: str
    B: str
    a: str
    A: str
    E: int | None = None


class BinanceSymbol(msgspec.Struct):
    """One symbol of GET /api/v3/exchangeInfo.

    {"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[...]}
    status: TRADING, END_OF_DAY, HALT, BREAK, CANCEL_ONLY (since 2026-07).
    """

    symbol: str
    status: str
    baseAsset: str
    quoteAsset: str
    filters: list[BinanceFilter] = []


class BinanceExchangeInfo(msgspec.Struct):
    """GET /api/v3/exchangeInfo: {"symbols":[...]} among other things."""

    symbols: list[BinanceSymbol]
