"""The `data` of each channel, and rows that REST shares with them.

Source: docs.deribit.com, subscriptions/*; dossier of September 2026.
"""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from workers.simulator.deribit import indices
from workers.simulator.deribit.instruments import Contract
from workers.simulator.deribit.numbers import decimal, encode, raw, text
from workers.simulator.market.candles import Candle
from workers.simulator.market.engine import Engine
from workers.simulator.market.fair import Worths
from workers.simulator.market.tape import Tape


def action_level(at: Contract, action: str, key: int, lots: int, exponents: bool) -> str:
    """`["new",2772.65,2700.0]`; the price is written out, amounts may have an exponent."""
    amount = text(decimal(lots * at.lot), exponents)
    return f'["{action}",{at.price(abs(key))},{amount}]'


def snapshot(
    at: Contract, totals: dict[int, int], change_id: int, time_ms: int, exponents: bool
) -> bytes:
    """The whole book, all levels new, best first; without prev_change_id."""
    keys = sorted(totals, reverse=True)
    rows = [action_level(at, "new", key, totals[key], exponents) for key in keys]
    bids = sum(key > 0 for key in keys)
    return (
        f'{{"timestamp":{time_ms},"type":"snapshot","change_id":{change_id},'
        f'"instrument_name":"{at.raw}","bids":[{",".join(rows[:bids])}],'
        f'"asks":[{",".join(rows[bids:])}]}}'
    ).encode()


def change(
    at: Contract,
    actions: Iterable[tuple[str, int, int]],
    previous_id: int,
    change_id: int,
    time_ms: int,
    exponents: bool,
) -> bytes:
    """What changed since `previous_id`: action, level key, lots; best first."""
    ordered = sorted(actions, key=lambda each: -each[1])
    bids = [action_level(at, *each, exponents) for each in ordered if each[1] > 0]
    asks = [action_level(at, *each, exponents) for each in ordered if each[1] < 0]
    return (
        f'{{"timestamp":{time_ms},"type":"change","prev_change_id":{previous_id},'
        f'"change_id":{change_id},"instrument_name":"{at.raw}",'
        f'"bids":[{",".join(bids)}],"asks":[{",".join(asks)}]}}'
    ).encode()


def best(at: Contract, engine: Engine) -> dict[str, object]:
    """Best prices and amounts; null and 0 on an empty side."""
    fields: dict[str, object] = {}
    for name, side in (("bid", engine.book.bids), ("ask", engine.book.asks)):
        price = decimal(abs(side[-1]) * at.tick) if side else None
        amount = decimal(engine.book.totals[side[-1]] * at.lot) if side else Decimal(0)
        fields[f"best_{name}_price"] = None if price is None else raw(price, exponents=False)
        fields[f"best_{name}_amount"] = raw(amount)
    return fields


def quote(at: Contract, engine: Engine) -> bytes:
    """`quote.{instrument}`."""
    head = {"timestamp": engine.now_us // 1000, "instrument_name": at.raw}
    return encode({**head, **best(at, engine)})


def volumes(at: Contract, candle: Candle) -> tuple[Decimal, Decimal]:
    """Volume of a candle in coins and in the quote; coins of inverse futures at its mean price."""
    amount = decimal(candle.volume * at.lot)
    if not candle.volume:
        return Decimal(0), Decimal(0)
    mean = decimal(candle.value * at.tick // candle.volume)
    if at.in_dollars:
        return round(amount / mean, 8), amount
    return amount, round(amount * mean, 4)


def ticker(at: Contract, engine: Engine, state: str, worths: Worths) -> dict[str, object]:
    """`ticker.{instrument}.100ms`, public/ticker and the head of get_order_book."""
    now_ms = engine.now_us // 1000
    day = engine.candles.day(engine.now_us)
    coins, dollars = volumes(at, day)
    index = indices.index_price(at.index, now_ms, worths)
    mark = decimal(engine.mid_ticks() * at.tick)
    moved = Decimal(day.close - day.open) / day.open * 100
    fields: dict[str, object] = {
        "timestamp": now_ms,
        "state": state,
        "stats": {
            "high": raw(decimal(day.high * at.tick), exponents=False),
            "low": raw(decimal(day.low * at.tick), exponents=False),
            "price_change": raw(round(moved, 4)),
            "volume": raw(coins),
            "volume_usd": raw(dollars),
            "volume_notional": raw(dollars),
        },
        "index_price": raw(index, exponents=False),
        "instrument_name": at.raw,
        "last_price": raw(decimal(engine.last_ticks * at.tick), exponents=False),
        "settlement_price": raw(decimal(at.price_ticks * at.tick), exponents=False),
        "min_price": raw(mark * Decimal("0.98"), exponents=False),
        "max_price": raw(mark * Decimal("1.02"), exponents=False),
        "open_interest": raw(decimal(at.lot * (1_000_000 + day.count))),
        "mark_price": raw(mark, exponents=False),
        **best(at, engine),
        "estimated_delivery_price": raw(index, exponents=False),
    }
    if at.perpetual:
        fields["interest_value"] = raw(indices.hourly_interest(at.raw, now_ms // indices.HOUR_MS))
        fields["current_funding"] = raw(indices.current_interest(at.raw, now_ms))
        fields["funding_8h"] = raw(
            indices.eight_hour_interest(at.raw, now_ms // indices.HOUR_MS - 1)
        )
    if at.kind == "option":
        greeks = {"delta": 0.45, "gamma": 2e-05, "vega": 95.5, "theta": -60.25, "rho": 40.5}
        fields.update(
            mark_iv=55.5,
            bid_iv=54.25,
            ask_iv=56.75,
            underlying_price=raw(index, exponents=False),
            underlying_index="index_price",
            interest_rate=0.0,
            greeks={name: raw(Decimal(str(value))) for name, value in greeks.items()},
        )
    return fields


def bar(at: Contract, tape: Tape, start_us: int, end_us: int) -> dict[str, object] | None:
    """The trades of an interval as one candle, None without any."""
    first, end = tape.first_at(start_us), tape.first_at(end_us)
    if first == end:
        return None
    whole = Candle(start_us, tape.fill(first).ticks)
    volume = cost = Decimal(0)
    for fill in tape.fills(first, end - first):
        whole.add(fill.trade_id, fill.ticks, fill.lots, fill.buyer_is_maker)
        amount, price = decimal(fill.lots * at.lot), decimal(fill.ticks * at.tick)
        volume += amount / price if at.in_dollars else amount
        cost += amount if at.in_dollars else amount * price
    prices = {"open": whole.open, "high": whole.high, "low": whole.low, "close": whole.close}
    fields: dict[str, object] = {"tick": start_us // 1000}
    for name, ticks in prices.items():
        fields[name] = raw(decimal(ticks * at.tick), exponents=False)
    return {**fields, "volume": raw(round(volume, 8)), "cost": raw(round(cost, 8))}


def perpetual(at: Contract, now_ms: int, worths: Worths) -> bytes:
    """`perpetual.{instrument}.100ms`."""
    index = raw(indices.index_price(at.index, now_ms, worths), exponents=False)
    interest: msgspec.Raw = raw(indices.current_interest(at.raw, now_ms))
    return encode({"interest": interest, "index_price": index, "timestamp": now_ms})


def pair(at: Contract, key: int, lots: int) -> list[msgspec.Raw]:
    """`[price,amount]` of get_order_book."""
    price, amount = decimal(abs(key) * at.tick), decimal(lots * at.lot)
    return [raw(price, exponents=False), raw(amount)]


def summary(at: Contract, engine: Engine, worths: Worths) -> dict[str, object]:
    """A row of get_book_summary_by_currency."""
    full = ticker(at, engine, "open", worths)
    stats = full["stats"]
    same = [
        *("instrument_name", "mark_price", "open_interest", "estimated_delivery_price"),
        *("current_funding", "funding_8h", "mark_iv", "underlying_price", "underlying_index"),
        "interest_rate",
    ]
    return {
        **{name: full[name] for name in same if name in full},
        **(stats if isinstance(stats, dict) else {}),
        "base_currency": at.base,
        "quote_currency": at.base if at.kind == "option" and at.inverse else at.quote,
        "bid_price": full["best_bid_price"],
        "ask_price": full["best_ask_price"],
        "mid_price": full["mark_price"],
        "last": full["last_price"],
        "creation_timestamp": engine.now_us // 1000,
    }
