"""What is odd about an event although it could be read. Odd events are counted and kept.

A check may only say what no sane market does; whether it was the exchange, the network or us is for
the reader of the counter to find out.
"""

from typing import Literal

from workers.model.events import BookDelta, Event, OrderBook, Ticker, Trade
from workers.model.level import read_decimals

Check = Literal[
    "time_ahead",  # the exchange's time is later than ours by more than AHEAD_NS: a clock is wrong
    "time_behind",  # it is earlier by more than BEHIND_NS: a replay, or a very late message
    "zero_price",  # traded for nothing
    "zero_quantity",  # nothing was traded
    "ids_reversed",  # an aggregate whose first trade comes after its last
    "crossed_quote",  # best bid at or above best ask
    "outside_range",  # last price outside of the day's low and high
    "empty_delta",  # a change of a book that changes nothing
    "crossed_book",  # a published book whose best bid is at or above its best ask
]

AHEAD_NS = 10 * 1_000_000_000
BEHIND_NS = 3600 * 1_000_000_000


def implausible(event: Event) -> list[Check]:
    """The checks an event fails; empty for nearly all."""
    found: list[Check] = []
    if event.exchange_ns is not None:
        behind_ns = event.received_ns - event.exchange_ns
        if not -AHEAD_NS <= behind_ns <= BEHIND_NS:
            found.append("time_ahead" if behind_ns < 0 else "time_behind")
    match event:
        case BookDelta():
            if not event.bids and not event.asks:
                found.append("empty_delta")
        case Trade():
            found += _trade(event)
        case Ticker():
            found += _ticker(event)
        case OrderBook() if event.bids and event.asks:
            bid, ask = read_decimals([event.bids[0][0], event.asks[0][0]])
            if bid >= ask:
                found.append("crossed_book")
    return found


def _trade(trade: Trade) -> list[Check]:
    found: list[Check] = []
    # Only digits and a point are possible here: no digit but 0 means zero.
    if not trade.price.strip("0."):
        found.append("zero_price")
    if not trade.quantity.strip("0."):
        found.append("zero_quantity")
    first, last = trade.first_trade_id, trade.last_trade_id
    if first is not None and last is not None and first > last:
        found.append("ids_reversed")
    return found


def _ticker(ticker: Ticker) -> list[Check]:
    found: list[Check] = []
    bid, ask = ticker.best_bid_price, ticker.best_ask_price
    # No read_decimals: combos have prices below zero.
    if bid is not None and ask is not None and float(bid) >= float(ask):
        found.append("crossed_quote")
    last, high, low = ticker.last_price, ticker.high_24h, ticker.low_24h
    if last is not None and high is not None and low is not None:
        numbers = [float(low), float(last), float(high)]
        if numbers != sorted(numbers):
            found.append("outside_range")
    return found
