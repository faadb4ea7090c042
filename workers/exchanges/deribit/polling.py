"""Which questions answer a polling task on Deribit. Pure; the questions are in polls.py.

Tickers, open interest, funding and marks come together: from `ticker` for a few instruments, from
one book summary a currency for many.
"""

from collections.abc import Callable, Sequence
from typing import Any

from config import queues
from workers.exchanges.asking import HOUR_NS, Asked, Asks, closed, length_ns, only, over, span
from workers.exchanges.base import Poll
from workers.exchanges.deribit import polls
from workers.exchanges.deribit.names import index_of
from workers.model.events import AnyEvent, FundingRate, OpenInterest, Ticker
from workers.model.instrument import Instrument

FEW = 3
"""Instruments of a currency that are asked one by one: fresher than a summary, and no dearer."""

CANDLE_ROWS = 1000
FUNDING_ROWS = 500

QUOTE = "USD"
"""What volatility indices are quoted in."""


def volatility_index(asked: Asked) -> Sequence[Poll]:
    """Candles that are over."""
    row_ns = length_ns(asked.period)
    index = index_of(asked.currency or "", QUOTE)
    return [
        only(
            polls.volatility_index(
                asked.exchange, index, asked.period, start_ns // 1_000_000, end_ns // 1_000_000
            ),
            over(row_ns, asked.now_ns),
        )
        for start_ns, end_ns in span(asked, row_ns, CANDLE_ROWS, running=True)
    ]


def now(kept: type[Any]) -> Callable[[Asked], Sequence[Poll]]:
    """What is true now, of one type of event."""

    def keep(event: AnyEvent) -> bool:
        return isinstance(event, kept)

    def ask(asked: Asked) -> Sequence[Poll]:
        currencies: dict[str | None, list[Instrument]] = {}
        for each in asked.instruments:
            currencies.setdefault(each.settle, []).append(each)
        found: list[Poll] = []
        for currency, instruments in currencies.items():
            # A spot pair is settled in nothing, and no one summary is sure to have it.
            if currency is None or len(instruments) <= FEW:
                found += [polls.ticker(each) for each in instruments]
            else:
                found.append(polls.book_summaries(asked.exchange, currency, instruments))
        return [only(each, keep) for each in found]

    return ask


def funding_rate_history(asked: Asked) -> Sequence[Poll]:
    """A row for each full hour."""
    return [
        polls.funding_rates(asked.instrument, start_ns // 1_000_000, end_ns // 1_000_000)
        for start_ns, end_ns in span(asked, HOUR_NS, FUNDING_ROWS)
    ]


def klines(asked: Asked) -> Sequence[Poll]:
    """Closed candles; there is none for a time without trades."""
    return [
        only(
            polls.klines(
                asked.instrument, asked.period, start_ns // 1_000_000, end_ns // 1_000_000
            ),
            closed,
        )
        for start_ns, end_ns in span(asked, length_ns(asked.period), CANDLE_ROWS, running=True)
    ]


ASKS: Asks = {
    queues.POLL_VOLATILITY_INDEX: volatility_index,
    queues.POLL_OPEN_INTEREST: now(OpenInterest),
    queues.POLL_FUNDING_RATE: now(FundingRate),
    queues.POLL_FUNDING_RATE_HISTORY: funding_rate_history,
    queues.POLL_MARK_PRICE: now(FundingRate),
    queues.POLL_KLINES: klines,
    queues.POLL_TICKERS: now(Ticker),
}
