"""Payloads of the Binance spot streams, fields in the exchange's order.

Source: binance-spot-api-docs, web-socket-streams.md. Times are milliseconds, or microseconds
where the connection asked for them; inside the simulator they are microseconds.
"""

import msgspec

from workers.simulator.market.candles import DAY_MINUTES, MINUTE_US, Candle
from workers.simulator.market.engine import Engine
from workers.simulator.market.instruments import Instrument, decimal8
from workers.simulator.market.orderbook import OrderBook
from workers.simulator.market.tape import AggregateFill, Fill

DAY_US = DAY_MINUTES * MINUTE_US
TRUTH = {True: "true", False: "false"}

encode_json = msgspec.json.encode


def stamp(time_us: int, micro: bool) -> int:
    """A time as the connection wants it."""
    return time_us if micro else time_us // 1000


def trade(at: Instrument, fill: Fill, now_us: int, micro: bool) -> bytes:
    """`<symbol>@trade`."""
    return (
        f'{{"e":"trade","E":{stamp(now_us, micro)},"s":"{at.name}","t":{fill.trade_id},'
        f'"p":"{at.price(fill.ticks)}","q":"{at.quantity(fill.lots)}",'
        f'"T":{stamp(fill.time_us, micro)},"m":{TRUTH[fill.buyer_is_maker]},"M":true}}'
    ).encode()


def aggregate_trade(at: Instrument, fill: AggregateFill, now_us: int, micro: bool) -> bytes:
    """`<symbol>@aggTrade`."""
    return (
        f'{{"e":"aggTrade","E":{stamp(now_us, micro)},"s":"{at.name}","a":{fill.aggregate_id},'
        f'"p":"{at.price(fill.ticks)}","q":"{at.quantity(fill.lots)}","f":{fill.first_id},'
        f'"l":{fill.last_id},"T":{stamp(fill.time_us, micro)},'
        f'"m":{TRUTH[fill.buyer_is_maker]},"M":true}}'
    ).encode()


def levels(at: Instrument, keys: list[int], totals: dict[int, int]) -> str:
    """A JSON array of levels; a key that is not in `totals` has quantity zero."""
    price, quantity = at.price, at.quantity
    return ",".join(f'["{price(abs(key))}","{quantity(totals.get(key, 0))}"]' for key in keys)


def depth_update(
    at: Instrument, book: OrderBook, changed: set[int], first_id: int, now_us: int, micro: bool
) -> bytes:
    """`<symbol>@depth@100ms`: changed levels with their present quantity, best first."""
    keys = sorted(changed, reverse=True)
    bids = [key for key in keys if key > 0]
    asks = [key for key in keys if key < 0]
    return (
        f'{{"e":"depthUpdate","E":{stamp(now_us, micro)},"s":"{at.name}","U":{first_id},'
        f'"u":{book.update_id},"b":[{levels(at, bids, book.totals)}],'
        f'"a":[{levels(at, asks, book.totals)}]}}'
    ).encode()


def depth_snapshot(
    at: Instrument, bids: list[int], asks: list[int], totals: dict[int, int], update_id: int
) -> bytes:
    """REST depth and `<symbol>@depth20`; keys best first."""
    return (
        f'{{"lastUpdateId":{update_id},"bids":[{levels(at, bids, totals)}],'
        f'"asks":[{levels(at, asks, totals)}]}}'
    ).encode()


def partial_depth(at: Instrument, book: OrderBook, count: int) -> bytes:
    """`<symbol>@depth5`, `@depth10`, `@depth20`."""
    bids, asks = book.bids[: -count - 1 : -1], book.asks[: -count - 1 : -1]
    return depth_snapshot(at, bids, asks, book.totals, book.update_id)


def best(at: Instrument, book: OrderBook) -> tuple[str, str, str, str]:
    """Best bid, its quantity, best ask, its quantity; zeros where a side is empty."""
    bid = book.bids[-1] if book.bids else 0
    ask = book.asks[-1] if book.asks else 0
    return (
        at.price(bid),
        at.quantity(book.totals.get(bid, 0)),
        at.price(-ask),
        at.quantity(book.totals.get(ask, 0)),
    )


def book_ticker(at: Instrument, book: OrderBook) -> bytes:
    """`<symbol>@bookTicker`: no event type and no time on spot."""
    bid, bid_size, ask, ask_size = best(at, book)
    return (
        f'{{"u":{book.update_id},"s":"{at.name}","b":"{bid}","B":"{bid_size}",'
        f'"a":"{ask}","A":"{ask_size}"}}'
    ).encode()


def signed(at: Instrument, ticks: int) -> str:
    """A price difference."""
    return ("-" if ticks < 0 else "") + at.price(abs(ticks))


def average(at: Instrument, candle: Candle) -> str:
    """Volume-weighted price of a candle."""
    units = candle.value * at.tick // candle.volume if candle.volume else candle.close * at.tick
    return decimal8(units)


def five_minutes(engine: Engine) -> tuple[str, int]:
    """Volume-weighted price of the last five minutes, to the minute, and the last trade's time."""
    now_us, tape = engine.now_us, engine.tape
    engine.candles.advance(now_us)
    recent = engine.candles.range(now_us // MINUTE_US * MINUTE_US - 4 * MINUTE_US, now_us + 1)
    time_us = tape.fill(tape.next_id - 1).time_us if len(tape) else now_us
    return average(engine.instrument, recent), time_us


def day_ticker(at: Instrument, book: OrderBook, day: Candle, now_us: int, micro: bool) -> bytes:
    """`<symbol>@ticker`: the rolling 24 hours."""
    bid, bid_size, ask, ask_size = best(at, book)
    change = day.close - day.open
    fields = {
        "e": "24hrTicker",
        "E": stamp(now_us, micro),
        "s": at.name,
        "p": signed(at, change),
        "P": f"{change / day.open * 100:.3f}",
        "w": average(at, day),
        "x": at.price(day.open),
        "c": at.price(day.close),
        "Q": at.quantity(day.last_lots),
        "b": bid,
        "B": bid_size,
        "a": ask,
        "A": ask_size,
        "o": at.price(day.open),
        "h": at.price(day.high),
        "l": at.price(day.low),
        "v": at.quantity(day.volume),
        "q": at.amount(day.value),
        "O": stamp(now_us - DAY_US, micro),
        "C": stamp(now_us, micro),
        "F": day.first_id,
        "L": day.last_id,
        "n": day.count,
    }
    return encode_json(fields)


def mini_ticker(at: Instrument, day: Candle, now_us: int, micro: bool) -> bytes:
    """`<symbol>@miniTicker`."""
    fields = {
        "e": "24hrMiniTicker",
        "E": stamp(now_us, micro),
        "s": at.name,
        "c": at.price(day.close),
        "o": at.price(day.open),
        "h": at.price(day.high),
        "l": at.price(day.low),
        "v": at.quantity(day.volume),
        "q": at.amount(day.value),
    }
    return encode_json(fields)


def average_price(at: Instrument, price: str, time_us: int, now_us: int, micro: bool) -> bytes:
    """`<symbol>@avgPrice`: of the last five minutes."""
    fields = {
        "e": "avgPrice",
        "E": stamp(now_us, micro),
        "s": at.name,
        "i": "5m",
        "w": price,
        "T": stamp(time_us, micro),
    }
    return encode_json(fields)


def window_ticker(
    at: Instrument, size: str, stats: Candle, begin_us: int, now_us: int, micro: bool
) -> bytes:
    """`<symbol>@ticker_1h` and its like; the window begins at a whole minute."""
    change = stats.close - stats.open
    fields = {
        "e": f"{size}Ticker",
        "E": stamp(now_us, micro),
        "s": at.name,
        "p": signed(at, change),
        "P": f"{change / stats.open * 100:.3f}",
        "o": at.price(stats.open),
        "h": at.price(stats.high),
        "l": at.price(stats.low),
        "c": at.price(stats.close),
        "w": average(at, stats),
        "v": at.quantity(stats.volume),
        "q": at.amount(stats.value),
        "O": stamp(begin_us, micro),
        "C": stamp(now_us, micro),
        "F": stats.first_id,
        "L": stats.last_id,
        "n": stats.count,
    }
    return encode_json(fields)


def kline(
    at: Instrument,
    candle: Candle,
    interval: str,
    end_us: int,
    *,
    closed: bool,
    now_us: int,
    micro: bool,
) -> bytes:
    """`<symbol>@kline_<interval>`; `closed` once per candle."""
    fields = {
        "t": stamp(candle.start_us, micro),
        "T": stamp(end_us, micro) - 1,
        "s": at.name,
        "i": interval,
        "f": candle.first_id,
        "L": candle.last_id,
        "o": at.price(candle.open),
        "c": at.price(candle.close),
        "h": at.price(candle.high),
        "l": at.price(candle.low),
        "v": at.quantity(candle.volume),
        "n": candle.count,
        "x": closed,
        "q": at.amount(candle.value),
        "V": at.quantity(candle.taker_volume),
        "Q": at.amount(candle.taker_value),
        "B": "0",
    }
    return encode_json({"e": "kline", "E": stamp(now_us, micro), "s": at.name, "k": fields})
