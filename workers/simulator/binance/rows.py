"""Rows of the REST replies, fields as the exchange names them."""

from workers.simulator.binance import payloads
from workers.simulator.market.candles import Candle
from workers.simulator.market.engine import Engine
from workers.simulator.market.instruments import SCALE, Instrument, decimal8
from workers.simulator.market.tape import AggregateFill, Fill


def rate_limits(weight: int) -> list[dict[str, object]]:
    """`rateLimits` of exchangeInfo."""
    rows = (
        ("REQUEST_WEIGHT", "MINUTE", 1, weight),
        ("ORDERS", "SECOND", 10, 100),
        ("ORDERS", "DAY", 1, 200_000),
        ("RAW_REQUESTS", "MINUTE", 5, 300_000),
    )
    names = ("rateLimitType", "interval", "intervalNum", "limit")
    return [dict(zip(names, row, strict=True)) for row in rows]


def symbol_row(at: Instrument, status: str) -> dict[str, object]:
    """One symbol of exchangeInfo."""
    return {
        "symbol": at.name,
        "status": status,
        "baseAsset": at.base,
        "baseAssetPrecision": 8,
        "quoteAsset": at.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": decimal8(at.tick),
                "maxPrice": decimal8(at.price_ticks * at.tick * 10),
                "tickSize": decimal8(at.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": decimal8(at.lot),
                "maxQty": decimal8(9_000_000 * max(at.lot, SCALE // 1000)),
                "stepSize": decimal8(at.lot),
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": "5.00000000",
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


def trade_row(at: Instrument, fill: Fill, micro: bool) -> dict[str, object]:
    """One trade of `/trades` and `/historicalTrades`."""
    return {
        "id": fill.trade_id,
        "price": at.price(fill.ticks),
        "qty": at.quantity(fill.lots),
        "quoteQty": at.amount(fill.ticks * fill.lots),
        "time": payloads.stamp(fill.time_us, micro),
        "isBuyerMaker": fill.buyer_is_maker,
        "isBestMatch": True,
    }


def aggregate_row(at: Instrument, fill: AggregateFill, micro: bool) -> dict[str, object]:
    """One aggregate of `/aggTrades`."""
    return {
        "a": fill.aggregate_id,
        "p": at.price(fill.ticks),
        "q": at.quantity(fill.lots),
        "f": fill.first_id,
        "l": fill.last_id,
        "T": payloads.stamp(fill.time_us, micro),
        "m": fill.buyer_is_maker,
        "M": True,
    }


def kline_row(at: Instrument, candle: Candle, end_us: int, micro: bool) -> list[object]:
    """One candle of `/klines`."""
    return [
        payloads.stamp(candle.start_us, micro),
        at.price(candle.open),
        at.price(candle.high),
        at.price(candle.low),
        at.price(candle.close),
        at.quantity(candle.volume),
        payloads.stamp(end_us, micro) - 1,
        at.amount(candle.value),
        candle.count,
        at.quantity(candle.taker_volume),
        at.amount(candle.taker_value),
        "0",
    ]


def ticker_row(engine: Engine, mini: bool, micro: bool) -> dict[str, object]:
    """One symbol of `/ticker/24hr`."""
    at, now_us = engine.instrument, engine.now_us
    day = engine.candles.day(now_us)
    change = day.close - day.open
    bid, bid_size, ask, ask_size = payloads.best(at, engine.book)
    full: dict[str, object] = {
        "symbol": at.name,
        "priceChange": payloads.signed(at, change),
        "priceChangePercent": f"{change / day.open * 100:.3f}",
        "weightedAvgPrice": payloads.average(at, day),
        "prevClosePrice": at.price(day.open),
        "lastPrice": at.price(day.close),
        "lastQty": at.quantity(day.last_lots),
        "bidPrice": bid,
        "bidQty": bid_size,
        "askPrice": ask,
        "askQty": ask_size,
        "openPrice": at.price(day.open),
        "highPrice": at.price(day.high),
        "lowPrice": at.price(day.low),
        "volume": at.quantity(day.volume),
        "quoteVolume": at.amount(day.value),
        "openTime": payloads.stamp(now_us - payloads.DAY_US, micro),
        "closeTime": payloads.stamp(now_us, micro),
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.count,
    }
    if not mini:
        return full
    dropped = {"priceChange", "priceChangePercent", "weightedAvgPrice", "prevClosePrice"}
    dropped |= {"lastQty", "bidPrice", "bidQty", "askPrice", "askQty"}
    return {name: value for name, value in full.items() if name not in dropped}


def window_row(
    at: Instrument, stats: Candle, open_us: int, close_us: int, *, mini: bool, micro: bool
) -> dict[str, object]:
    """One symbol of `/ticker` and `/ticker/tradingDay`."""
    change = stats.close - stats.open
    changes: dict[str, object] = {
        "priceChange": payloads.signed(at, change),
        "priceChangePercent": f"{change / stats.open * 100:.3f}",
        "weightedAvgPrice": payloads.average(at, stats),
    }
    return {
        "symbol": at.name,
        **({} if mini else changes),
        "openPrice": at.price(stats.open),
        "highPrice": at.price(stats.high),
        "lowPrice": at.price(stats.low),
        "lastPrice": at.price(stats.close),
        "volume": at.quantity(stats.volume),
        "quoteVolume": at.amount(stats.value),
        "openTime": payloads.stamp(open_us, micro),
        "closeTime": payloads.stamp(close_us, micro),
        "firstId": stats.first_id,
        "lastId": stats.last_id,
        "count": stats.count,
    }
