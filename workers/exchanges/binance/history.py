"""From a span of time to ids on Binance: its aggregates can be asked for by time, and name both."""

from collections.abc import Callable
from dataclasses import replace

from workers.exchanges.base import Poll
from workers.exchanges.history import Ask, Range, trades_of
from workers.model.events import Trade
from workers.model.instrument import Instrument

MS_NS = 1_000_000

AskAggregates = Callable[[Instrument, int, int], Poll]
"""Aggregates from an id on, so many rows."""


def between(
    aggregates: AskAggregates, *, raw: bool
) -> Callable[[Instrument, int, int, Ask], Range | None]:
    """What finds the ids of a span of time, both ends inclusive.

    Args:
        aggregates: the question for aggregates by id; the same one is asked by time.
        raw: ids of single trades, not of aggregates.
    """

    def found(instrument: Instrument, start_ns: int, end_ns: int, ask: Ask) -> Range | None:
        def one(**params: str) -> Trade | None:
            poll = aggregates(instrument, 0, 1)
            asked = {"symbol": instrument.raw_symbol, "limit": "1", **params}
            answer = ask(Poll(replace(poll.request, params=asked), poll.read))
            return next(iter(trades_of(answer, "aggregate-trade")), None)

        begin = one(startTime=str(start_ns // MS_NS))
        if begin is None:
            return None
        beyond = one(startTime=str(end_ns // MS_NS + 1))
        newest = one() if beyond is None else None
        first = begin.first_trade_id if raw else begin.trade_id
        if beyond is not None:
            behind = beyond.first_trade_id if raw else beyond.trade_id
            last = None if behind is None else behind - 1
        else:
            end = newest or begin
            last = end.last_trade_id if raw else end.trade_id
        if first is None or last is None or last < first:
            return None
        return first, last

    return found
