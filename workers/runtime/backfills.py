"""Filling gaps: ask, publish, see in ClickHouse that it is stored, say how it stands."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from config.settings import Settings
from workers.exchanges.base import Poll
from workers.exchanges.history import NoHistory, TradeHistory, history_of
from workers.model.errors import MarketPrismError
from workers.model.events import AnyEvent
from workers.model.instrument import Instrument
from workers.model.names import UnknownName
from workers.quality.countable import countable
from workers.quality.filling import NO_ROW, Try, failed, is_due, postponed, verdict
from workers.quality.gap_rows import ABSENT, KnownGap, read_gaps, write_gaps
from workers.quality.holes import Range, Series, count, subtract
from workers.quality.stored_rows import missing_ids
from workers.quality.told import unused_in
from workers.replay.backfill import Filled, TradeBackfill
from workers.runtime.alone import Alone
from workers.runtime.backfill_periods import history_of_periods, of_periods, within_reach
from workers.runtime.poller import Poller, Pollers
from workers.runtime.publishing import EventPublisher
from workers.transport.budget import BudgetExhausted
from workers.transport.call import outcome_of

RUN_S = 45.0
"""No question begins later in a run; the next run goes on."""
STORED_S = 20.0
"""The writer has so long to store what was published."""
LOOK_S = 0.25
LOCK_S = 180.0
"""Longer than a run with its last question and its wait for the writer."""

_THIS = """
exchange = %(exchange)s AND symbol = %(symbol)s AND data_type = %(data_type)s
AND first_id = %(first)s AND last_id = %(last)s
"""


class Backfills:
    """Fills gaps. For several threads.

    Args:
        settings: ClickHouse, Redis.
        pollers: ask the exchanges, under the budget all processes share.
        publisher: takes the events.
    """

    def __init__(self, settings: Settings, pollers: Pollers, publisher: EventPublisher) -> None:
        self._clickhouse, self._pollers = settings.clickhouse, pollers
        self._publisher = publisher
        self._alone = Alone(settings.redis.url)

    def fill(
        self,
        exchange: str,
        symbol: str,
        first_id: int,
        last_id: int,
        data_type: str = "trade",
        *,
        due: bool = False,
    ) -> dict[str, Any]:
        """Fill one gap of the ledger, or as much of it as one run can.

        Args:
            exchange: whose gap,
            symbol: of which symbol,
            first_id: from where,
            last_id: to where,
            data_type: of what.
            due: only if its next try is due by now: it may have been sent for twice.

        Returns:
            The gap's name, its state, what is missing, why, and what this run brought.

        Raises:
            ValueError: the ledger has no such gap.
            StoreError: ClickHouse is away; nothing was asked.
        """
        ids = {"first": first_id, "last": last_id}
        asked: dict[str, object] = {
            **{"exchange": exchange, "symbol": symbol, "data_type": data_type},
            **ids,
        }
        name = f"backfill:{exchange}:{symbol}:{data_type}:{first_id}-{last_id}"
        with self._alone.at(name, LOCK_S) as turn:
            gaps = read_gaps(self._clickhouse, _THIS, asked)
            if not gaps:
                raise ValueError(
                    f"the ledger has no gap {first_id}-{last_id} of {exchange} {symbol} "
                    f"{data_type}; see: marketprism completeness"
                )
            (gap,) = gaps
            if not turn.held:
                return _shown(gap, Filled()) | {"why": "another worker is at it"}
            if gap.state == "filled":
                return _shown(gap, Filled())
            if due and not is_due(gap, time.time_ns()):
                return _shown(gap, Filled()) | {"why": f"not due yet: {gap.why}"}
            return self._fill(gap)

    def _fill(self, gap: KnownGap) -> dict[str, Any]:
        found = Filled()
        try:
            after = self._tried(gap, found)
        except UnknownName as error:
            after = failed(gap, f"{error}: no longer listed", time.time_ns(), final=True)
        except BudgetExhausted as error:
            after = postponed(gap, str(error), time.time_ns(), error.wait_s)
        except MarketPrismError as error:
            refused = outcome_of(error) == "refused"
            after = failed(gap, str(error), time.time_ns(), final=refused)
        write_gaps(self._clickhouse, [after, *self._without(after, found)])
        return _shown(after, found)

    def _without(self, gap: KnownGap, found: Filled) -> list[KnownGap]:
        """Periods of a filled gap that the exchange has no row for: nothing is missing there."""
        if gap.state != "filled" or gap.ids is None or not found.absent:
            return []
        if countable(gap.data_type).proof != "period":
            return []
        absent = self.missing(gap.series, gap.ids)
        return [
            replace(gap, first_id=first, last_id=last, told_as=ABSENT, cause="exchange", why=NO_ROW)
            for first, last in absent
        ]

    def _tried(self, gap: KnownGap, found: Filled) -> KnownGap:
        assert gap.ids is not None
        missing = self.missing(gap.series, gap.ids)
        if not missing:
            why = "" if gap.attempts else "they came late, all are stored"
            return verdict(gap, Try([], why=why), time.time_ns())
        poller = self._pollers.of(gap.exchange)
        if countable(gap.data_type).proof == "period":
            return self._tried_periods(gap, missing, poller, found)
        history = history_of(poller.exchange, gap.data_type)
        if isinstance(history, NoHistory):
            return failed(gap, history.limit, time.time_ns(), final=True)
        if _too_old(gap, history):
            return failed(gap, f"too old: {history.limit}", time.time_ns(), final=True)
        write_gaps(self._clickhouse, [gap.now("filling", missing=count(missing))])
        backfill = self.of(poller, poller.instrument(gap.symbol), history, gap.data_type)
        for _ in backfill.run(missing, found, until_s=time.monotonic() + RUN_S):
            continue
        still = self.stored(gap.series, gap.ids, found)
        tried = Try(
            still,
            found.absent,
            found.left,
            found.why or (history.limit if found.absent and history.order == "newest" else ""),
            final=history.order == "newest" and found.why == history.limit,
            time_is_up=found.why == "time is up",
        )
        return verdict(gap, tried, time.time_ns())

    def _tried_periods(
        self, gap: KnownGap, missing: Sequence[Range], poller: Poller, found: Filled
    ) -> KnownGap:
        assert gap.ids is not None
        history = history_of_periods(poller, gap.series)
        if isinstance(history, NoHistory):
            return failed(gap, history.limit, time.time_ns(), final=True)
        write_gaps(self._clickhouse, [gap.now("filling")])
        backfill = of_periods(poller, gap.series, self._publisher.publish_all)
        given, gone = within_reach(gap.series, missing, history)
        for _ in backfill.run(given, found, until_s=time.monotonic() + RUN_S):
            continue
        time_is_up = found.why == "time is up"
        found.left += gone
        still = self.stored(gap.series, gap.ids, found)
        tried = Try(
            still,
            found.absent,
            found.left,
            history.limit if gone and not time_is_up else found.why,
            final=still == gone,
            time_is_up=time_is_up,
        )
        return verdict(gap, tried, time.time_ns(), of_periods=True)

    def of(
        self, poller: Poller, instrument: Instrument, history: TradeHistory, data_type: str
    ) -> TradeBackfill:
        """What asks for trades of one symbol and publishes them."""

        def ask(poll: Poll) -> Sequence[AnyEvent]:
            return poller.ask(poll, "history")

        return TradeBackfill(history, instrument, data_type, ask, self._publisher.publish_all)

    def missing(self, series: Series, ids: Range) -> list[Range]:
        """Ids that are not stored and that the exchange did not leave out."""
        unused = unused_in(self._clickhouse, series, ids)
        found = missing_ids(self._clickhouse, series, *ids)
        return [part for each in found for part in subtract(each, unused)]

    def stored(self, series: Series, ids: Range, found: Filled) -> list[Range]:
        """Wait until the writer has stored what was published; what is missing then."""
        until_s = time.monotonic() + STORED_S
        excused = [*found.absent, *found.left]
        while True:
            still = self.missing(series, ids)
            unstored = [part for each in still for part in subtract(each, excused)]
            if not unstored or time.monotonic() > until_s:
                return still
            time.sleep(LOOK_S)


def _too_old(gap: KnownGap, history: TradeHistory) -> bool:
    if history.max_age_s is None or gap.ended_ns is None:
        return False
    return time.time_ns() - gap.ended_ns > history.max_age_s * 1e9


def _shown(gap: KnownGap, found: Filled) -> dict[str, Any]:
    return {
        "gap": gap.name,
        "state": gap.state,
        "missing": gap.missing,
        "why": gap.why,
        "published": found.published,
        "questions": found.questions,
    }
