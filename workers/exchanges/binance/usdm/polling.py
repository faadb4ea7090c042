"""Which questions answer a polling task on Binance USD-M. Pure; the questions are in polls.py."""

from collections.abc import Sequence

from config import queues
from workers.exchanges.asking import (
    HOUR_NS,
    Asked,
    Asks,
    closed,
    length_ns,
    only,
    over,
    pages,
)
from workers.exchanges.base import Poll
from workers.exchanges.binance.usdm import polls
from workers.model.events import RatioKind

STATISTICS_ROWS = 500
FUNDING_ROWS = 1000
KLINE_ROWS = 1500


def long_short_ratio(asked: Asked) -> Sequence[Poll]:
    """One question a kind. Takers' volumes count once their period is over."""
    kinds: list[RatioKind] = list(polls.RATIO_PATHS) if asked.kind is None else [asked.kind]
    period_ns = length_ns(asked.period)
    found = []
    for kind in kinds:
        running = kind == "taker_volume"
        for page in pages(asked, period_ns, STATISTICS_ROWS):
            poll = polls.long_short_ratio(
                asked.instrument,
                kind,
                asked.period,
                start_ns=page.start_ns,
                end_ns=page.end_ns,
                limit=min(page.rows + running, STATISTICS_ROWS),
            )
            found.append(only(poll, over(period_ns, asked.now_ns)) if running else poll)
    return found


def open_interest(asked: Asked) -> Sequence[Poll]:
    """There is no call for all symbols."""
    return [polls.open_interest(each) for each in asked.instruments]


def open_interest_history(asked: Asked) -> Sequence[Poll]:
    """At the end of each period, a month back."""
    return [
        polls.open_interest_history(
            asked.instrument,
            asked.period,
            start_ns=page.start_ns,
            end_ns=page.end_ns,
            limit=page.rows,
        )
        for page in pages(asked, length_ns(asked.period), STATISTICS_ROWS)
    ]


def premium(asked: Asked) -> Sequence[Poll]:
    """Mark, index and expected rate come together, for all symbols in one call."""
    if asked.single:
        return [polls.premium_index(asked.instrument)]
    return [polls.premium_indices(asked.instruments)]


def funding_rate_history(asked: Asked) -> Sequence[Poll]:
    """Payments are an hour apart or more."""
    return [
        polls.funding_history(
            asked.instrument, start_ns=page.start_ns, end_ns=page.end_ns, limit=page.rows
        )
        for page in pages(asked, HOUR_NS, FUNDING_ROWS)
    ]


def klines(asked: Asked) -> Sequence[Poll]:
    """Closed candles; one row more is asked for, as the newest still runs."""
    return [
        only(
            polls.klines(
                asked.instrument,
                asked.period,
                start_ns=page.start_ns,
                end_ns=page.end_ns,
                limit=min(page.rows + 1, KLINE_ROWS),
            ),
            closed,
        )
        for page in pages(asked, length_ns(asked.period), KLINE_ROWS)
    ]


def tickers(asked: Asked) -> Sequence[Poll]:
    """Of one symbol, or of all in one call; without best bid and ask."""
    if asked.single:
        return [polls.ticker(asked.instrument)]
    return [polls.tickers(asked.instruments)]


ASKS: Asks = {
    queues.POLL_LONG_SHORT_RATIO: long_short_ratio,
    queues.POLL_OPEN_INTEREST: open_interest,
    queues.POLL_OPEN_INTEREST_HISTORY: open_interest_history,
    queues.POLL_FUNDING_RATE: premium,
    queues.POLL_FUNDING_RATE_HISTORY: funding_rate_history,
    queues.POLL_MARK_PRICE: premium,
    queues.POLL_KLINES: klines,
    queues.POLL_TICKERS: tickers,
}
