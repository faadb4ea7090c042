"""Rows of the OKX channels and replies, fields in the exchange's order.

Source: OKX API v5 guide, "Public Data" and "Order Book Trading / Market Data". Times are
milliseconds, as text; inside the simulator they are microseconds.
"""

import msgspec

from workers.simulator.market.candles import Candle
from workers.simulator.market.engine import Engine
from workers.simulator.market.tape import AggregateFill, Fill
from workers.simulator.okx.listing import Listing

DAY_US = 86_400_000_000
SHANGHAI_US = 8 * 3_600_000_000

encode_json = msgspec.json.encode

Row = dict[str, object]


def stamp(time_us: int) -> str:
    """A time on the wire."""
    return str(time_us // 1000)


def push(channel: str, name: str, rows: object, key: str = "instId") -> bytes:
    """A message of a channel."""
    return encode_json({"arg": {"channel": channel, key: name}, "data": rows})


def trade(listing: Listing, fill: Fill) -> Row:
    """One trade: `trades-all`, REST trades. `side` is the taker's."""
    return {
        "instId": listing.inst_id,
        "tradeId": str(fill.trade_id),
        "px": listing.price(fill.ticks),
        "sz": listing.size(fill.lots),
        "side": "sell" if fill.buyer_is_maker else "buy",
        "source": "0",
        "ts": stamp(fill.time_us),
    }


def trades(listing: Listing, whole: AggregateFill, seq_id: int) -> Row:
    """One taker order at one price: `tradeId` is the last of its `count` trades."""
    return {
        "instId": listing.inst_id,
        "tradeId": str(whole.last_id),
        "px": listing.price(whole.ticks),
        "sz": listing.size(whole.lots),
        "side": "sell" if whole.buyer_is_maker else "buy",
        "ts": stamp(whole.time_us),
        "count": str(whole.last_id - whole.first_id + 1),
        "source": "0",
        "seqId": seq_id,
    }


def ticker(listing: Listing, engine: Engine) -> Row:
    """The rolling day. `volCcy24h` is base coins of swaps, quote coins of spot."""
    book, now_us = engine.book, engine.now_us
    day = engine.candles.day(now_us)
    bid = book.bids[-1] if book.bids else 0
    ask = book.asks[-1] if book.asks else 0
    whole = listing.coins if listing.swap else listing.money
    return {
        "instType": listing.inst_type,
        "instId": listing.inst_id,
        "last": listing.price(day.close),
        "lastSz": listing.size(day.last_lots),
        "askPx": listing.price(-ask) if ask else "",
        "askSz": listing.size(book.totals.get(ask, 0)) if ask else "",
        "bidPx": listing.price(bid) if bid else "",
        "bidSz": listing.size(book.totals.get(bid, 0)) if bid else "",
        "open24h": listing.price(day.open),
        "high24h": listing.price(day.high),
        "low24h": listing.price(day.low),
        "sodUtc0": listing.price(opening(engine, 0)),
        "sodUtc8": listing.price(opening(engine, SHANGHAI_US)),
        "volCcy24h": whole(day.volume, day.value),
        "vol24h": listing.size(day.volume),
        "ts": stamp(now_us),
    }


def opening(engine: Engine, ahead_us: int) -> int:
    """Price at the day's start where clocks are so much ahead of UTC, in ticks."""
    start = (engine.now_us + ahead_us) // DAY_US * DAY_US - ahead_us
    return engine.candles.before(start)


def candle(listing: Listing, whole: Candle, closed: bool) -> list[str]:
    """`[ts, o, h, l, c, vol, volCcy, volCcyQuote, confirm]`."""
    money = listing.money(whole.volume, whole.value)
    return [
        stamp(whole.start_us),
        listing.price(whole.open),
        listing.price(whole.high),
        listing.price(whole.low),
        listing.price(whole.close),
        listing.size(whole.volume),
        listing.coins(whole.volume, whole.value) if listing.swap else money,
        money,
        "1" if closed else "0",
    ]


def liquidation(listing: Listing, fill: Fill, time_us: int) -> Row:
    """A forced order. `side` is the order's: a long that is closed sells."""
    sells = fill.buyer_is_maker
    detail = {
        "bkLoss": "0",
        "bkPx": listing.price(fill.ticks),
        "ccy": "",
        "posSide": "long" if sells else "short",
        "side": "sell" if sells else "buy",
        "sz": listing.size(fill.lots),
        "ts": stamp(time_us),
    }
    return {
        "details": [detail],
        "instFamily": listing.index,
        "instId": listing.inst_id,
        "instType": listing.inst_type,
        "uly": listing.index,
    }
