"""Which questions answer a polling task on Binance spot. Pure; the questions are in polls.py."""

from collections.abc import Sequence

from config import queues
from workers.exchanges.asking import Asked, Asks, closed, length_ns, only, pages
from workers.exchanges.base import Poll
from workers.exchanges.binance.spot import polls


def klines(asked: Asked) -> Sequence[Poll]:
    """Closed candles; one row more is asked for, as the newest still runs."""
    found = pages(asked, length_ns(asked.period), polls.MOST_ROWS)
    return [
        only(
            polls.klines(
                asked.instrument,
                asked.period,
                start_ns=page.start_ns,
                end_ns=page.end_ns,
                limit=min(page.rows + 1, polls.MOST_ROWS),
            ),
            closed,
        )
        for page in found
    ]


def tickers(asked: Asked) -> Sequence[Poll]:
    """Of one symbol, or of all in one call."""
    if asked.single:
        return [polls.ticker(asked.instrument)]
    return [polls.tickers(asked.instruments)]


ASKS: Asks = {queues.POLL_KLINES: klines, queues.POLL_TICKERS: tickers}
