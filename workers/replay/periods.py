"""Brings rows of past periods back: candles, payments, statistics that are missing.

Like backfill.py, but what is asked for is a time, and a period without a row may be none: where
nobody traded, some exchanges have no candle.
"""

import time
from collections.abc import Callable, Iterator, Sequence

from workers.exchanges.base import Poll
from workers.model.events import AnyEvent, Kline, LongShortRatio
from workers.quality.countable import number_of, period_of, times_of
from workers.quality.holes import Range, Series, ranges_of, subtract
from workers.replay.backfill import (
    PUBLISH_RATE,
    PUBLISH_TIMEOUT_S,
    Ask,
    Filled,
    NotPublished,
    Publish,
)

PIECE = 1000
"""Periods asked for at once: at the exchange that gives the fewest rows, ten questions."""

Questions = Callable[[int, int], Sequence[Poll]]
"""What brings the rows of a span of time, first and last nanosecond."""


class PeriodBackfill:
    """Fills periods of one series.

    Args:
        series: whose.
        questions: how they are asked for.
        ask: asks the exchange under its budget.
        publish: takes the events.
    """

    def __init__(self, series: Series, questions: Questions, ask: Ask, publish: Publish) -> None:
        self._series, self._questions = series, questions
        self._ask, self._publish = ask, publish

    def run(self, missing: Sequence[Range], found: Filled, *, until_s: float) -> Iterator[Filled]:
        """Ask for missing periods; yields after each piece. See `TradeBackfill.run`."""
        for place, (first, last) in enumerate(missing):
            for begin in range(first, last + 1, PIECE):
                if time.monotonic() > until_s:
                    found.left, found.why = [(begin, last), *missing[place + 1 :]], "time is up"
                    yield found
                    return
                self._piece((begin, min(begin + PIECE - 1, last)), found)
                yield found

    def _piece(self, asked: Range, found: Filled) -> None:
        came: list[int] = []
        for poll in self._questions(*times_of(self._series.data_type, asked)):
            events = self._ask(poll)
            found.questions += 1
            wanted = {
                number: each
                for each in events
                if self._is_ours(each)
                and (number := self._number(each)) is not None
                and asked[0] <= number <= asked[1]
            }
            self._put(list(wanted.values()))
            came += wanted
        found.published += len(set(came))
        found.absent += subtract(asked, ranges_of(came))

    def _put(self, events: Sequence[AnyEvent]) -> None:
        for each in events:
            each.source = "backfill"
        timeout_s = PUBLISH_TIMEOUT_S + len(events) / PUBLISH_RATE
        if events and not self._publish(events, timeout_s):
            raise NotPublished(
                f"{self._series.exchange} {self._series.symbol}: {len(events)} rows of "
                f"{self._series.data_type} were not acknowledged within {timeout_s:g} s; what is "
                "still missing is asked for again"
            )

    def _is_ours(self, event: AnyEvent) -> bool:
        """The answer may bring more than this series."""
        if event.symbol != self._series.symbol:
            return False
        if isinstance(event, Kline):
            return event.closed is True and event.interval == period_of(self._series.data_type)
        if isinstance(event, LongShortRatio):
            named = f"long-short-ratio-{event.kind}-{event.period}"
            return named == self._series.data_type
        return True

    def _number(self, event: AnyEvent) -> int | None:
        at_ns = event.open_time_ns if isinstance(event, Kline) else event.exchange_ns
        return None if at_ns is None else number_of(self._series.data_type, at_ns)
