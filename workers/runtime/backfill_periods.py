"""How missing periods of a series are asked for: its exchange, its task, how far back."""

import time
from collections.abc import Callable, Sequence

from workers.exchanges.asking import Asked, asks_of
from workers.exchanges.base import Poll
from workers.exchanges.history import NoHistory, PeriodHistory, period_history_of
from workers.model.errors import MarketPrismError
from workers.model.events import AnyEvent, RatioKind
from workers.quality.countable import countable, number_of, period_ns, period_of
from workers.quality.holes import Range, Series, common
from workers.replay.backfill import Publish
from workers.replay.periods import PeriodBackfill
from workers.runtime.poller import Poller

KINDS: tuple[RatioKind, ...] = ("all_accounts", "top_accounts", "top_positions", "taker_volume")


def history_of_periods(poller: Poller, series: Series) -> PeriodHistory | NoHistory:
    """How far back an exchange gives a series."""
    kind = countable(series.data_type)
    if kind.task not in asks_of(poller.exchange):
        return NoHistory(f"{series.exchange} has no history of {kind.event_type}")
    return period_history_of(
        poller.exchange, kind.event_type, currency=currency_of(series) is not None
    )


def within_reach(
    series: Series, missing: Sequence[Range], history: PeriodHistory
) -> tuple[list[Range], list[Range]]:
    """Missing periods that the exchange still gives, and those that are too old."""
    oldest_ns = oldest_of(series, history)
    if oldest_ns is None:
        return list(missing), []
    oldest = number_of(series.data_type, oldest_ns) + 1
    given = [part for each in missing for part in common(each, [(oldest, each[1])])]
    gone = [part for each in missing for part in common(each, [(each[0], oldest - 1)])]
    return given, gone


def oldest_of(series: Series, history: PeriodHistory) -> int | None:
    """The oldest moment of a series that the exchange gives; None: there is no limit."""
    length = period_ns(series.data_type)
    assert length is not None
    return history.oldest_ns(_period(series), length, time.time_ns())


def currency_of(series: Series) -> str | None:
    """The currency that a series is about; None: an instrument."""
    if series.symbol.endswith("-DVOL"):
        return series.symbol.removesuffix("-DVOL")
    return None if "-" in series.symbol else series.symbol


def of_periods(poller: Poller, series: Series, publish: Publish) -> PeriodBackfill:
    """What asks for periods of a series and publishes them.

    Raises:
        UnknownName: the exchange lists no such symbol.
        TransportError, ExchangeError, WireError: its list could not be read.
    """

    def ask(poll: Poll) -> Sequence[AnyEvent]:
        return poller.ask(poll, "history")

    return PeriodBackfill(series, _questions(poller, series), ask, publish)


def _questions(poller: Poller, series: Series) -> Callable[[int, int], Sequence[Poll]]:
    currency = currency_of(series)
    instruments = [poller.instrument(series.symbol)] if currency is None else []
    build = asks_of(poller.exchange)[countable(series.data_type).task]
    ratio = next((each for each in KINDS if f"-{each}-" in series.data_type), None)

    def questions(start_ns: int, end_ns: int) -> Sequence[Poll]:
        now_ns = poller.clock.now_ns()
        asked = Asked(
            exchange=series.exchange,
            now_ns=now_ns,
            instruments=instruments,
            single=True,
            currency=currency,
            kind=ratio,
            period=_period(series),
            start_ns=start_ns,
            end_ns=min(end_ns, now_ns),
        )
        try:
            return build(asked)
        except ValueError as error:
            raise MarketPrismError(f"{series.exchange} {series.data_type}: {error}") from error

    return questions


def _period(series: Series) -> str:
    """The name of its periods; payments have none."""
    return (
        ""
        if countable(series.data_type).event_type == "funding-rate"
        else period_of(series.data_type)
    )
