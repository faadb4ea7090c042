"""Prices and rolling windows of the REST dialect: what `ticker/24hr` does not tell.

Source: binance-spot-api-docs, rest-api.md "Market Data endpoints".
"""

import re

from workers.simulator.binance import payloads, rows
from workers.simulator.binance.replies import ApiError, Parameters
from workers.simulator.binance.rest import RestApi, one_or_all
from workers.simulator.market.candles import MINUTE_US, bounds_us

WINDOW = re.compile(r"^(?:([1-9]|[1-5][0-9])m|([1-9]|1[0-9]|2[0-3])h|([1-7])d)$")


def last_price(rest: RestApi, parameters: Parameters, micro: bool) -> bytes:
    """`/api/v3/ticker/price`."""
    found: list[dict[str, object]] = []
    for name in rest.asked(parameters):
        engine = rest.engine(name)
        price = engine.instrument.price(engine.candles.day(engine.now_us).close)
        found.append({"symbol": name, "price": price})
    return one_or_all(parameters, found)


def book_ticker(rest: RestApi, parameters: Parameters, micro: bool) -> bytes:
    """`/api/v3/ticker/bookTicker`."""
    fields = ("bidPrice", "bidQty", "askPrice", "askQty")
    found: list[dict[str, object]] = []
    for name in rest.asked(parameters):
        engine = rest.engine(name)
        best = payloads.best(engine.instrument, engine.book)
        found.append({"symbol": name, **dict(zip(fields, best, strict=True))})
    return one_or_all(parameters, found)


def average_price(rest: RestApi, parameters: Parameters, micro: bool) -> bytes:
    """`/api/v3/avgPrice`: volume-weighted, of the last five minutes."""
    price, time_us = payloads.five_minutes(rest.engine(parameters.symbol()))
    return payloads.encode_json(
        {"mins": 5, "price": price, "closeTime": payloads.stamp(time_us, micro)}
    )


def rolling_window(rest: RestApi, parameters: Parameters, micro: bool) -> bytes:
    """`/api/v3/ticker`: the last `windowSize`, beginning at a whole minute."""
    size, mini = window_us(parameters), parameters.mini()
    found: list[dict[str, object]] = []
    for name in rest.asked(_some(parameters)):
        engine = rest.engine(name)
        begin = (engine.now_us - size) // MINUTE_US * MINUTE_US
        engine.candles.advance(engine.now_us)
        stats = engine.candles.range(begin, engine.now_us + 1)
        found.append(
            rows.window_row(engine.instrument, stats, begin, engine.now_us, mini=mini, micro=micro)
        )
    return one_or_all(parameters, found)


def trading_day(rest: RestApi, parameters: Parameters, micro: bool) -> bytes:
    """`/api/v3/ticker/tradingDay`: since midnight in `timeZone`."""
    mini, shift = parameters.mini(), parameters.zone_us()
    found: list[dict[str, object]] = []
    for name in rest.asked(_some(parameters)):
        engine = rest.engine(name)
        begin, end = bounds_us("1d", engine.now_us, shift)
        engine.candles.advance(engine.now_us)
        stats = engine.candles.range(begin, end)
        last_us = end - (1 if micro else 1000)
        found.append(
            rows.window_row(engine.instrument, stats, begin, last_us, mini=mini, micro=micro)
        )
    return one_or_all(parameters, found)


def block_trades(rest: RestApi, parameters: Parameters, micro: bool) -> bytes:
    """`/api/v3/historicalBlockTrades`: nobody makes any."""
    rest.engine(parameters.symbol())
    parameters.text("fromId")
    parameters.whole("fromId")
    parameters.limit(500, 1000)
    return b"[]"


def reference_price(rest: RestApi, parameters: Parameters, micro: bool) -> bytes:
    """`/api/v3/referencePrice`: no symbol has one."""
    rest.engine(parameters.symbol())
    raise ApiError(-2043, "This symbol doesn't have a reference price.")


def window_us(parameters: Parameters) -> int:
    """`windowSize`, a day if it was not sent."""
    text = parameters.text("windowSize") if parameters.has("windowSize") else "1d"
    match = WINDOW.match(text)
    if match is None:
        raise ApiError(-1130, "Data sent for parameter 'windowSize' is not valid.")
    minutes, hours, days = (int(each or 0) for each in match.groups())
    return (minutes + 60 * (hours + 24 * days)) * MINUTE_US


def _some(parameters: Parameters) -> Parameters:
    """These two do not answer for all symbols at once."""
    if not parameters.has("symbol") and not parameters.has("symbols"):
        parameters.text("symbol")
    return parameters
