"""How an exchange's past trades are asked for by id, and what it does not give. Pure.

An exchange answers with a `TradeHistory` or a `NoHistory` for each type of trades it streams, in
its `trade_history`, by our type of event. How far back its candles, payments and statistics reach
is in its `period_history`; how they are asked for, in its `asks`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from workers.exchanges.base import Poll
from workers.model.events import AnyEvent, Trade
from workers.model.instrument import Instrument

Range = tuple[int, int]
"""First and last id, both inclusive."""

Ask = Callable[[Poll], Sequence[AnyEvent]]
"""Asks the exchange, under its budget."""


@dataclass(frozen=True)
class TradeHistory:
    """Trades of the past, page by page.

    Args:
        page: the question that brings a part of the ids first to last: the first ones, with
            `order` backward the last ones, with `newest` the newest trades whatever the ids.
        order: of the pages.
        between: first and last id of the trades made in a span of time; None: there are none. It
            asks two or three questions.
        max_age_s: older trades are not given; None: as far back as there are trades.
        limit: what it does not give, for people.
    """

    page: Callable[[Instrument, int, int], Poll]
    order: Literal["forward", "backward", "newest"]
    between: Callable[[Instrument, int, int, Ask], Range | None]
    max_age_s: float | None
    limit: str


@dataclass(frozen=True)
class NoHistory:
    """Trades of this type cannot be had again.

    Args:
        limit: why, for people.
    """

    limit: str


Histories = Mapping[str, TradeHistory | NoHistory]
"""By type of trades: `trade`, `aggregate-trade`."""

UNKNOWN = NoHistory("this exchange's folder declares no history of trades")


def history_of(exchange: object, data_type: str) -> TradeHistory | NoHistory:
    """An exchange's history of a type of trades; one from outside may declare none."""
    histories: Histories = getattr(exchange, "trade_history", {})
    return histories.get(data_type, UNKNOWN)


@dataclass(frozen=True)
class PeriodHistory:
    """Rows of past periods: candles, payments, statistics.

    Args:
        limit: how far back they reach, for people.
        max_age_s: older ones are not given; None: as far back as there are any.
        max_rows: so many of the newest periods are given, whatever their length; None: all.
        ages_s: `max_age_s` of periods with another one, by name.
    """

    limit: str
    max_age_s: float | None = None
    max_rows: int | None = None
    ages_s: Mapping[str, float] = field(default_factory=dict)

    def oldest_ns(self, period: str, period_ns: int, now_ns: int) -> int | None:
        """The oldest moment that is given; None: there is no such limit."""
        age_s = self.ages_s.get(period, self.max_age_s)
        if self.max_rows is not None:
            of_rows_s = self.max_rows * period_ns / 1e9
            age_s = of_rows_s if age_s is None else min(age_s, of_rows_s)
        return None if age_s is None else now_ns - round(age_s * 1e9)


PeriodHistories = Mapping[str, PeriodHistory | NoHistory]
"""By type of event; what is about a currency: `long-short-ratio of a currency`."""

UNDECLARED = PeriodHistory("this exchange's folder declares no limit")


def period_history_of(
    exchange: object, event_type: str, *, currency: bool = False
) -> PeriodHistory | NoHistory:
    """How far back an exchange's rows of a type reach; one from outside may not say."""
    histories: PeriodHistories = getattr(exchange, "period_history", {})
    of_currency = histories.get(f"{event_type} of a currency") if currency else None
    return of_currency or histories.get(event_type, UNDECLARED)


def trades_of(events: Sequence[AnyEvent], data_type: str) -> list[Trade]:
    """The trades of a type in an answer, by id."""
    aggregate = data_type == "aggregate-trade"
    found = [each for each in events if isinstance(each, Trade) and each.aggregate == aggregate]
    return sorted(found, key=lambda each: each.trade_id)


def proven(history: TradeHistory, asked: Range, trades: Sequence[Trade]) -> Range | None:
    """The part of the ids that an answer leaves no doubt about: those it lacks do not exist.

    Args:
        history: whose answer it is.
        asked: the ids.
        trades: the answer, by id.

    Returns:
        None: it says nothing about these ids.
    """
    if not trades:
        return None
    low, high = trades[0].trade_id, trades[-1].trade_id
    first = asked[0] if history.order == "forward" else max(asked[0], low)
    last = asked[1] if history.order == "backward" else min(asked[1], high)
    return (first, last) if first <= last else None
