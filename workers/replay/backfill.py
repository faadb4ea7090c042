"""Brings past trades back: asks the exchange for missing ids page by page, publishes what is new.

It keeps no state: what is still missing is what the table lacks, so a run that ends early is gone
on with by the next one.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from workers.exchanges.base import Poll
from workers.exchanges.history import Range, TradeHistory, proven, trades_of
from workers.model.errors import MarketPrismError
from workers.model.events import AnyEvent, Liquidation
from workers.model.instrument import Instrument

PUBLISH_TIMEOUT_S = 10.0
PUBLISH_RATE = 1000
"""Events a second that NATS takes at the very least."""

Ask = Callable[[Poll], Sequence[AnyEvent]]
Publish = Callable[[Sequence[AnyEvent], float], bool]
"""Events and seconds to wait; whether all are acknowledged."""


class NotPublished(MarketPrismError):
    """JetStream did not take the events in time; what is stored by then is not asked for again."""


@dataclass
class Filled:
    """What a run has brought so far.

    Attributes:
        questions: asked of the exchange.
        published: trades.
        absent: ids that the exchange's own history has no trade for.
        left: ids not asked for any more, and why not; empty: all were.
    """

    questions: int = 0
    published: int = 0
    absent: list[Range] = field(default_factory=list)
    left: list[Range] = field(default_factory=list)
    why: str = ""


class TradeBackfill:
    """Fills ids of one symbol.

    Args:
        history: how the exchange is asked.
        instrument: whose trades.
        data_type: `trade` or `aggregate-trade`.
        ask: asks the exchange under its budget.
        publish: takes the events.
    """

    def __init__(
        self,
        history: TradeHistory,
        instrument: Instrument,
        data_type: str,
        ask: Ask,
        publish: Publish,
    ) -> None:
        self._history, self._instrument, self._data_type = history, instrument, data_type
        self._ask, self._publish = ask, publish

    def run(self, missing: Sequence[Range], found: Filled, *, until_s: float) -> Iterator[Filled]:
        """Ask for missing ids; yields after each question.

        Args:
            missing: ids, oldest first.
            found: what the run brings; the caller has it even if the run raises.
            until_s: monotonic; no question begins after it.

        Raises:
            NotPublished: NATS is away.
            TransportError, ExchangeError, WireError: the exchange, as `ask` tells it.
        """
        for place, (first, last) in enumerate(missing):
            rest: Range | None = (first, last)
            while rest is not None:
                if time.monotonic() > until_s:
                    found.left, found.why = [rest, *missing[place + 1 :]], "time is up"
                    yield found
                    return
                rest = self._page(rest, found)
                yield found

    def _page(self, asked: Range, found: Filled) -> Range | None:
        """One question; what is left to ask of these ids."""
        events = self._ask(self._history.page(self._instrument, *asked))
        found.questions += 1
        trades = trades_of(events, self._data_type)
        known = proven(self._history, asked, trades)
        if known is None:
            found.left.append(asked)
            found.why = found.why or self._history.limit
            return None
        ids = {each.trade_id for each in trades if asked[0] <= each.trade_id <= asked[1]}
        wanted = [
            each
            for each in events
            if getattr(each, "trade_id", None) in ids and _counts(each, self._data_type)
        ]
        for each in wanted:
            each.source = "backfill"
        timeout_s = PUBLISH_TIMEOUT_S + len(wanted) / PUBLISH_RATE
        if wanted and not self._publish(wanted, timeout_s):
            raise NotPublished(
                f"{self._instrument.exchange} {self._instrument.symbol}: {len(wanted)} trades were "
                f"not acknowledged within {timeout_s:g} s; what is still missing is asked for again"
            )
        found.published += len(ids)
        found.absent += _absent(known, ids)
        return self._rest(asked, known, found)

    def _rest(self, asked: Range, known: Range, found: Filled) -> Range | None:
        if self._history.order == "forward":
            return None if known[1] >= asked[1] else (known[1] + 1, asked[1])
        if self._history.order == "backward":
            return None if known[0] <= asked[0] else (asked[0], known[0] - 1)
        if known[0] > asked[0]:
            found.left.append((asked[0], known[0] - 1))
            found.why = self._history.limit
        if known[1] < asked[1]:
            found.left.append((known[1] + 1, asked[1]))
            found.why = found.why or "the exchange's history does not have them yet"
        return None


def _counts(event: AnyEvent, data_type: str) -> bool:
    return isinstance(event, Liquidation) or bool(trades_of([event], data_type))


def _absent(known: Range, ids: set[int]) -> list[Range]:
    """Ids within what is proven that no trade came for."""
    found, first = [], known[0]
    for each in sorted(ids):
        if each > first:
            found.append((first, each - 1))
        first = each + 1
    if first <= known[1]:
        found.append((first, known[1]))
    return found
