"""One run of a polling task: check, ask, publish, tell. Pure parts are next door."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from config import queues
from config.settings import Settings
from workers.exchanges.asking import Asked, asks_of
from workers.exchanges.base import Poll
from workers.model.errors import MarketPrismError
from workers.model.events import AnyEvent, InstrumentChange, OrderBook
from workers.model.instrument import Instrument
from workers.runtime.listing import Listing
from workers.runtime.poll_arguments import Arguments, checked, named
from workers.runtime.poll_errors import PollEmpty, PollFailed, failed
from workers.runtime.poll_result import PollResult
from workers.runtime.poller import Poller, Pollers
from workers.runtime.publishing import EventPublisher
from workers.transport.budget import Priority
from workers.transport.call import outcome_of
from workers.transport.failures import Outcome

PUBLISH_TIMEOUT_S = 5.0
PUBLISH_RATE = 1000
"""Events a second that NATS takes at the very least."""

ONLY_THIS: frozenset[Outcome] = frozenset(
    {"refused", "empty", "malformed", "unexpected", "other_symbol"}
)
"""Failures of one question; the other questions of a run are still asked."""

MAY_BE_EMPTY = frozenset({queues.POLL_KLINES})
"""Nothing traded, no candle."""


class Polls:
    """Runs polling tasks. For several threads.

    Args:
        settings: exchanges, Redis.
        pollers: ask the exchanges.
        publisher: takes the events.
    """

    def __init__(self, settings: Settings, pollers: Pollers, publisher: EventPublisher) -> None:
        self._pollers, self._publisher = pollers, publisher
        self._listing = Listing(settings.redis.url)
        self._counters = pollers.counters

    def run(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Run one task.

        Args:
            name: of the table, config/polls.py.
            args: its arguments by position: exchange, symbol, currency, parameters.
            kwargs: by name.

        Returns:
            What PollResult shows.

        Raises:
            UnknownName, ValueError: a wrong argument; nothing was sent.
            PollFailed: what the exchange did, see poll_errors.
        """
        try:
            arguments = checked(name, named(name, args, kwargs))
            poller = self._pollers.of(arguments.exchange)
        except ValueError:
            self._counters.add("polls_total", "none", name, "invalid")
            raise
        outcome = "invalid"
        try:
            result = self._run(arguments, poller)
            outcome = "ok"
        except PollFailed as error:
            outcome = error.outcome
            raise
        except ValueError:
            raise
        except MarketPrismError as error:
            shown = failed(f"{name} {arguments.about}", error)
            outcome = shown.outcome
            raise shown from error
        finally:
            self._counters.add("polls_total", arguments.exchange, name, outcome)
        return result.shown(poller.clock.monotonic_s())

    def _run(self, arguments: Arguments, poller: Poller) -> PollResult:
        result = PollResult(
            arguments.task.name,
            arguments.exchange,
            arguments.symbol or arguments.currency,
            poller.clock.monotonic_s(),
        )
        if arguments.task.name == queues.ORDERBOOK_SNAPSHOT:
            self._snapshot(arguments, poller, result)
        elif arguments.task.name == queues.POLL_INSTRUMENTS:
            self._instruments(poller, result)
        else:
            self._questions(arguments, poller, result)
        return result

    def _snapshot(self, arguments: Arguments, poller: Poller, result: PollResult) -> None:
        symbol, depth = arguments.symbol or "", arguments.values["depth"]
        book = poller.order_book(symbol, depth)
        levels = depth or poller.settings.publish_depth
        result.calls, result.events = 1, 1
        result.weight = poller.exchange.snapshot_request(book.raw_symbol, levels).weight
        result.more = {
            "symbol": symbol,
            "last_update_id": book.last_update_id,
            "bids": len(book.bids),
            "asks": len(book.asks),
            "spread": spread(book),
        }
        self._publish([book], result)

    def _instruments(self, poller: Poller, result: PollResult) -> None:
        listed: list[Instrument] = []

        def load() -> Sequence[Instrument]:
            listed.extend(poller.listed(lifetime_s=-1.0).values())
            return listed

        def publish(changes: Sequence[InstrumentChange]) -> bool:
            self._publish(changes, result)
            return result.published

        changes = self._listing.update(
            poller.exchange.name,
            poller.settings.rest_url,
            load,
            frozenset(poller.settings.symbols),
            poller.clock.now_ns,
            publish,
        )
        requests = poller.exchange.instruments_requests()
        result.calls, result.weight = len(requests), sum(each.weight for each in requests)
        result.events = len(changes)
        delisted = sum(each.status == "delisted" for each in changes)
        result.more = {"listed": len(listed), "delisted": delisted}

    def _questions(self, arguments: Arguments, poller: Poller, result: PollResult) -> None:
        where = f"{arguments.task.name} {arguments.about}"
        instruments = self._asked_for(arguments, poller, result)
        polls = self._polls(arguments, poller, instruments)
        past = arguments.values.get("start") is not None
        seen: set[str] = set()
        failures: list[tuple[MarketPrismError, str]] = []
        for poll in polls:
            try:
                events = poller.ask(poll, _priority(past=past))
            except MarketPrismError as error:
                failures.append((error, poll.request.path))
                if outcome_of(error) in ONLY_THIS:
                    continue
                break
            for event in events:
                event.source = "backfill" if past else "poll"
                seen.add(event.symbol)
            result.count(poll, events)
            self._publish(events, result)
        if failures:
            cause, path = failures[0]
            before = f"{result.calls} of {len(polls)} questions were answered; "
            raise failed(where, cause, path, before if len(polls) > 1 else "") from cause
        if not result.events and not past and arguments.task.name not in MAY_BE_EMPTY:
            raise PollEmpty(f"{where}: empty: no row at all; {PollEmpty.follows}")
        if arguments.symbol is None and arguments.currency is None:
            lacking = [each.symbol for each in instruments if each.symbol not in seen]
            result.missing = [*result.missing, *lacking]
            name = arguments.task.name
            if result.missing:
                by = len(result.missing)
                self._counters.add("polls_missing_total", arguments.exchange, name, by=by)

    def _asked_for(
        self, arguments: Arguments, poller: Poller, result: PollResult
    ) -> list[Instrument]:
        """The instruments a run is about.

        Raises:
            UnknownName: the exchange lists no such symbol.
            ValueError: nothing that is collected has such data.
        """
        if arguments.symbol is not None:
            return [poller.instrument(arguments.symbol)]
        if arguments.currency is not None:
            return []
        known = poller.listed()
        wanted = [each for each in poller.settings.symbols if arguments.task.fits(each)]
        result.missing = [each for each in wanted if each not in known]
        found = [known[each] for each in wanted if each in known]
        if not found:
            raise ValueError(
                f"{arguments.task.name}: {arguments.exchange} collects no symbol that has it, and "
                "no symbol was named"
            )
        return found

    def _polls(
        self, arguments: Arguments, poller: Poller, instruments: Sequence[Instrument]
    ) -> Sequence[Poll]:
        values = arguments.values
        asked = Asked(
            exchange=arguments.exchange,
            now_ns=poller.clock.now_ns(),
            instruments=instruments,
            single=arguments.symbol is not None,
            currency=arguments.currency,
            kind=values.get("kind"),
            period=arguments.period,
            limit=values.get("limit") or 1,
            start_ns=values.get("start"),
            end_ns=values.get("end"),
        )
        return asks_of(poller.exchange)[arguments.task.name](asked)

    def _publish(self, events: Sequence[AnyEvent], result: PollResult) -> None:
        timeout_s = PUBLISH_TIMEOUT_S + len(events) / PUBLISH_RATE
        if not self._publisher.publish_all(events, timeout_s):
            result.published = False


def _priority(*, past: bool) -> Priority:
    """Data of a past span can wait for everything else."""
    return "history" if past else "audit"


def spread(book: OrderBook) -> str | None:
    """Best ask minus best bid, exactly; None if a side is empty."""
    if not book.bids or not book.asks:
        return None
    return str(Decimal(book.asks[0][0]) - Decimal(book.bids[0][0]))
