"""Past data of a span of time, asked for by a person: trades by their ids, the rest by polls.

Both can be broken off and begun again: of trades only those that are not stored are asked for, of
the rest a note in a file tells how far a run came.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.polls import POLLS
from config.settings import ClickHouseSettings
from workers.exchanges.asking import MOST_PAGES, length_ns
from workers.exchanges.history import NoHistory, TradeHistory, history_of, period_history_of
from workers.model.errors import MarketPrismError
from workers.model.instrument import Instrument
from workers.quality.gap_rows import read_gaps, write_gaps
from workers.quality.holes import Range, Series, count
from workers.replay.backfill import Filled, TradeBackfill
from workers.runtime.backfills import Backfills
from workers.runtime.poller import Pollers
from workers.runtime.polls import Polls

NS = 1_000_000_000
LEAST_ROWS = 100
"""Rows an answer holds, at the exchange that gives the fewest."""


@dataclass
class TradeSpan:
    """Trades of one symbol made in a span of time.

    Args:
        instrument: whose.
        history: how they are asked for.
        series: their ids.
        ids: the first and the last; None: nobody traded.
        missing: those that are not stored.
        found: what the run has brought so far.
    """

    instrument: Instrument
    history: TradeHistory
    series: Series
    ids: Range | None
    missing: list[Range]
    found: Filled = field(default_factory=Filled)


class SpanBackfill:
    """Trades of spans of time.

    Args:
        clickhouse: where they are stored.
        backfills: fills ids.
        pollers: ask the exchanges.
    """

    def __init__(
        self, clickhouse: ClickHouseSettings, backfills: Backfills, pollers: Pollers
    ) -> None:
        self._clickhouse, self._backfills, self._pollers = clickhouse, backfills, pollers

    def plan(
        self, exchange: str, symbol: str, data_type: str, start_ns: int, end_ns: int
    ) -> TradeSpan:
        """Find the ids of a span and which of them are missing.

        Raises:
            MarketPrismError: the exchange has no such history, or not so far back.
        """
        poller = self._pollers.of(exchange)
        history = history_of(poller.exchange, data_type)
        if isinstance(history, NoHistory):
            raise MarketPrismError(f"{exchange} {data_type}: {history.limit}")
        if history.max_age_s is not None:
            oldest_ns = time.time_ns() - round(history.max_age_s * NS)
            _refuse_older(f"{exchange} {data_type}", history.limit, start_ns, oldest_ns)
        instrument = poller.instrument(symbol)
        series = Series(exchange, instrument.market_type, symbol, data_type)
        ids = history.between(
            instrument, start_ns, end_ns, lambda poll: poller.ask(poll, "history")
        )
        missing = [] if ids is None else self._backfills.missing(series, ids)
        return TradeSpan(instrument, history, series, ids, missing)

    def run(self, span: TradeSpan) -> Iterator[Filled]:
        """Ask for what is missing; yields what was brought after each question."""
        poller = self._pollers.of(span.series.exchange)
        backfill: TradeBackfill = self._backfills.of(
            poller, span.instrument, span.history, span.series.data_type
        )
        return backfill.run(span.missing, span.found, until_s=float("inf"))

    def finish(self, span: TradeSpan) -> list[Range]:
        """Wait until all is stored, close the gaps that are filled; ids still missing."""
        if span.ids is None:
            return []
        still = self._backfills.stored(span.series, span.ids, span.found)
        where = (
            "exchange = %(exchange)s AND symbol = %(symbol)s AND data_type = %(data_type)s "
            "AND state IN ('open', 'unfillable') AND first_id >= %(first)s AND last_id <= %(last)s"
        )
        asked: dict[str, object] = {
            **span.series._asdict(), "first": span.ids[0], "last": span.ids[1]
        }  # fmt: skip
        closed = [
            gap.now("filled", missing=0, why="filled by hand")
            for gap in read_gaps(self._clickhouse, where, asked)
            if gap.ids and not self._backfills.missing(gap.series, gap.ids)
        ]
        write_gaps(self._clickhouse, closed)
        return still


def to_ask_for(span: TradeSpan) -> int:
    """How many trades are not stored."""
    return count(span.missing)


def refuse_out_of_reach(
    exchange: object, task: str, arguments: Mapping[str, Any], period: str, start_ns: int
) -> None:
    """See that the exchange still gives rows of a polling task from a moment on.

    Args:
        exchange: its declaration.
        task: the polling task's name.
        arguments: of it.
        period: of its rows; empty: payments.
        start_ns: the moment.

    Raises:
        MarketPrismError: it does not; says what it gives, and from when on.
        ValueError: no period is called so.
    """
    (event_type,) = POLLS[task].events
    name = f"{arguments['exchange']} {event_type}"
    history = period_history_of(exchange, event_type, currency="currency" in arguments)
    if isinstance(history, NoHistory):
        raise MarketPrismError(f"{name}: {history.limit}")
    length = round(row_seconds(period) * NS)
    oldest_ns = history.oldest_ns(period, length, time.time_ns())
    if oldest_ns is not None:
        _refuse_older(name, history.limit, start_ns, oldest_ns)


def _refuse_older(name: str, limit: str, start_ns: int, oldest_ns: int) -> None:
    if start_ns < oldest_ns:
        oldest = datetime.fromtimestamp(-(-oldest_ns // NS), UTC).strftime("%Y-%m-%dT%H:%M:%S")
        raise MarketPrismError(f"{name}: {limit}; begin at {oldest} or later")


class PollSpan:
    """A span of a polling task, in pieces that one run of it takes.

    Args:
        polls: runs the task.
        task: its name.
        arguments: of every run, without start and end.
        row_s: rows are so far apart.
        span: first and last moment, seconds since 1970.
        folder: where the note of how far it came is kept, by task, arguments and first moment.
    """

    def __init__(
        self,
        polls: Polls,
        task: str,
        arguments: Mapping[str, Any],
        row_s: float,
        span: tuple[int, int],
        folder: Path,
    ) -> None:
        self._polls, self._task, self._arguments = polls, task, arguments
        self._piece_s = max(1, int(row_s * LEAST_ROWS * MOST_PAGES / 10))
        self.begin_s, self.end_s = span
        # Not the end: it is "now" where nobody says, and a broken run is to be gone on with.
        named = json.dumps([task, arguments, self.begin_s], sort_keys=True)
        digest = hashlib.sha256(named.encode()).hexdigest()[:16]
        self._note = folder / f"{task}-{digest}.json"

    @property
    def reached_s(self) -> int:
        """Up to where runs before this one came; the beginning if there were none."""
        try:
            return int(json.loads(self._note.read_text())["reached_s"])
        except (OSError, ValueError, KeyError):
            return self.begin_s

    def run(self) -> Iterator[tuple[int, int]]:
        """Poll piece by piece; yields the moment reached and the events of the piece.

        Raises:
            PollFailed: see Polls; what was reached is noted.
        """
        self._note.parent.mkdir(parents=True, exist_ok=True)
        at_s = self.reached_s
        while at_s < self.end_s:
            to_s = min(at_s + self._piece_s, self.end_s)
            result = self._polls.run(
                self._task, (), {**self._arguments, "start": _text(at_s), "end": _text(to_s)}
            )
            if not result["published"]:
                raise MarketPrismError(
                    f"{self._task}: NATS did not take the events of {_text(at_s)} to {_text(to_s)} "
                    "in time; run the command again to go on there"
                )
            at_s = to_s
            self._note.write_text(json.dumps({"reached_s": at_s}))
            yield at_s, int(result["events"])
        self._note.unlink(missing_ok=True)


def row_seconds(period: str) -> float:
    """How far apart rows of this period are; without one, an hour.

    Raises:
        ValueError: no period is called so.
    """
    try:
        return length_ns(period) / NS if period else 3600.0
    except (ValueError, KeyError, IndexError):
        raise ValueError(f"{period!r} is no period; write one such as 5m, 1h or 1d") from None


def _text(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
