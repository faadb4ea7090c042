"""Payloads of the USD-M streams, fields in the exchange's order.

Source: the official SDK of 2026-07-24. `st` is 1 for USD-M and 2 for COIN-M, `ps` the pair.
"""

from workers.simulator.binance import payloads
from workers.simulator.binance.payloads import DAY_US, TRUTH, best, encode_json
from workers.simulator.market.candles import Candle
from workers.simulator.market.instruments import Instrument
from workers.simulator.market.orderbook import OrderBook
from workers.simulator.market.tape import AggregateFill, Fill

OURS = 1
"""`st` of USD-M."""


def trade(at: Instrument, fill: Fill, now_us: int) -> bytes:
    """`<symbol>@trade`, in no document."""
    return (
        f'{{"e":"trade","E":{now_us // 1000},"T":{fill.time_us // 1000},"s":"{at.name}",'
        f'"t":{fill.trade_id},"p":"{at.price(fill.ticks)}","q":"{at.quantity(fill.lots)}",'
        f'"X":"MARKET","m":{TRUTH[fill.buyer_is_maker]}}}'
    ).encode()


def aggregate_trade(at: Instrument, fill: AggregateFill, now_us: int) -> bytes:
    """`<symbol>@aggTrade`; nobody here is a retail order, so `nq` is `q`."""
    quantity = at.quantity(fill.lots)
    return (
        f'{{"e":"aggTrade","E":{now_us // 1000},"s":"{at.name}","a":{fill.aggregate_id},'
        f'"p":"{at.price(fill.ticks)}","q":"{quantity}","nq":"{quantity}","f":{fill.first_id},'
        f'"l":{fill.last_id},"T":{fill.time_us // 1000},'
        f'"m":{TRUTH[fill.buyer_is_maker]},"st":{OURS}}}'
    ).encode()


def depth(
    at: Instrument, keys: list[int], totals: dict[int, int], ids: tuple[int, int, int], now_us: int
) -> bytes:
    """`<symbol>@depth...`, changes and best levels alike.

    Args:
        at: the contract.
        keys: level keys, best first.
        totals: lots by level key.
        ids: `U`, `u`, `pu`.
        now_us: engine time.
    """
    bids = payloads.levels(at, [key for key in keys if key > 0], totals)
    asks = payloads.levels(at, [key for key in keys if key < 0], totals)
    now_ms = now_us // 1000
    return (
        f'{{"e":"depthUpdate","E":{now_ms},"T":{now_ms - 8},"s":"{at.name}","ps":"{at.name}",'
        f'"st":{OURS},"U":{ids[0]},"u":{ids[1]},"pu":{ids[2]},"b":[{bids}],"a":[{asks}]}}'
    ).encode()


def snapshot(
    at: Instrument,
    bids: list[int],
    asks: list[int],
    totals: dict[int, int],
    update_id: int,
    now_us: int,
) -> bytes:
    """`/fapi/v1/depth`; keys best first."""
    now_ms = now_us // 1000
    return (
        f'{{"lastUpdateId":{update_id},"E":{now_ms},"T":{now_ms - 8},'
        f'"bids":[{payloads.levels(at, bids, totals)}],'
        f'"asks":[{payloads.levels(at, asks, totals)}]}}'
    ).encode()


def book_ticker(at: Instrument, book: OrderBook, update_id: int, now_us: int) -> bytes:
    """`<symbol>@bookTicker`."""
    bid, bid_size, ask, ask_size = best(at, book)
    now_ms = now_us // 1000
    return (
        f'{{"e":"bookTicker","u":{update_id},"E":{now_ms},"T":{now_ms},"s":"{at.name}",'
        f'"ps":"{at.name}","b":"{bid}","B":"{bid_size}","a":"{ask}","A":"{ask_size}","st":{OURS}}}'
    ).encode()


def day_ticker(at: Instrument, day: Candle, now_us: int) -> dict[str, object]:
    """`<symbol>@ticker`: no best bid and ask here."""
    change = day.close - day.open
    return {
        "e": "24hrTicker",
        "E": now_us // 1000,
        "s": at.name,
        "p": payloads.signed(at, change),
        "P": f"{change / day.open * 100:.3f}",
        "w": payloads.average(at, day),
        "c": at.price(day.close),
        "Q": at.quantity(day.last_lots),
        "o": at.price(day.open),
        "h": at.price(day.high),
        "l": at.price(day.low),
        "v": at.quantity(day.volume),
        "q": at.amount(day.value),
        "O": (now_us - DAY_US) // 1000,
        "C": now_us // 1000,
        "F": day.first_id,
        "L": day.last_id,
        "n": day.count,
        "ps": at.name,
        "st": OURS,
    }


def mini_ticker(at: Instrument, day: Candle, now_us: int) -> dict[str, object]:
    """`<symbol>@miniTicker`."""
    return {
        "e": "24hrMiniTicker",
        "E": now_us // 1000,
        "s": at.name,
        "c": at.price(day.close),
        "o": at.price(day.open),
        "h": at.price(day.high),
        "l": at.price(day.low),
        "v": at.quantity(day.volume),
        "q": at.amount(day.value),
        "ps": at.name,
        "st": OURS,
    }


def forced_order(at: Instrument, fill: Fill, now_us: int) -> dict[str, object]:
    """`<symbol>@forceOrder`: a long that is liquidated sells."""
    price, quantity = at.price(fill.ticks), at.quantity(fill.lots)
    order = {
        "s": at.name,
        "S": "SELL" if fill.buyer_is_maker else "BUY",
        "o": "LIMIT",
        "f": "IOC",
        "q": quantity,
        "p": price,
        "ap": price,
        "X": "FILLED",
        "l": quantity,
        "z": quantity,
        "T": fill.time_us // 1000,
    }
    return {"e": "forceOrder", "E": now_us // 1000, "o": order, "ps": at.name, "st": OURS}


def contract_info(
    name: str, status: str, now_us: int, dates: tuple[int, int], *, brackets: bool, st: int = OURS
) -> bytes:
    """`!contractInfo`; `dates` are delivery and onboarding in milliseconds."""
    fields: dict[str, object] = {
        "e": "contractInfo",
        "E": now_us // 1000,
        "s": name,
        "ct": "PERPETUAL",
        "dt": dates[0],
        "ot": dates[1],
        "cs": status,
    }
    if brackets:
        names = ("bs", "bnf", "bnc", "mmr", "cf", "mi", "ma")
        fields["bks"] = [dict(zip(names, (1, 0, 5000, 0.01, 0, 21, 50), strict=True))]
    return encode_json({**fields, "st": st})
