"""One exchange's REST side in a worker process: its budget, its instruments, its questions.

Polls check and complete what the collectors stream. Their events carry `source` poll.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from config.settings import ExchangeSettings
from workers.book.sequence import Snapshot
from workers.exchanges.base import Exchange, Poll
from workers.model.clock import Clock, SystemClock
from workers.model.errors import TransportError
from workers.model.events import AnyEvent, OrderBook
from workers.model.http import HttpRequest, HttpResponse
from workers.model.instrument import Instrument
from workers.model.names import unknown_name
from workers.telemetry.metrics import Counters
from workers.transport.budget import Priority
from workers.transport.call import CallPolicy
from workers.transport.http import HttpClient
from workers.transport.network import Network
from workers.transport.rate_budget import RateBudget
from workers.transport.rates import open_budget
from workers.transport.report import limits_report

INSTRUMENTS_LIFETIME_S = 3600.0
RELOAD_AFTER_S = 60.0
"""A symbol that an older list lacks may have been listed since."""

DEADLINE_S = 30.0
"""One question with its retries and its wait for the budget; below the 60 s a task waits."""

MAX_DEPTH = 5000

T = TypeVar("T")


class Poller:
    """Asks one exchange over REST. May be used from several threads.

    Args:
        exchange: its declaration.
        settings: its section of the settings.
        clock: tells when instruments are too old.
        policy: how calls are made; tests pass one that does not wait.
        budget: what they are paid from; default: one of this poller's own.
        network: how the exchange is reached; default: as the environment says.
    """

    def __init__(
        self,
        exchange: Exchange,
        settings: ExchangeSettings,
        clock: Clock | None = None,
        policy: CallPolicy | None = None,
        budget: RateBudget | None = None,
        network: Network | None = None,
    ) -> None:
        self.exchange, self.settings = exchange, settings
        self.clock: Clock = clock or SystemClock()
        self.budget = budget or open_budget(
            exchange.name, exchange.limits, redis_url=None, clock=self.clock
        )
        self.policy = policy or CallPolicy(exchange.name, Counters(), clock=self.clock)
        self._network = network
        self._of_thread = threading.local()
        self._loading = threading.Lock()
        self._instruments: Mapping[str, Instrument] = {}
        self._loaded_s = float("-inf")

    def instrument(self, symbol: str) -> Instrument:
        """The instrument behind our symbol, from a list at most an hour old.

        Raises:
            UnknownName: the exchange lists no such symbol; names the nearest.
            TransportError: the list could not be loaded; ExchangeError, WireError likewise.
        """
        known = self.listed()
        if symbol not in known:
            known = self.listed(RELOAD_AFTER_S)
        if symbol not in known:
            raise unknown_name(f"symbol of {self.exchange.name}", symbol, known)
        return known[symbol]

    def order_book(self, symbol: str, depth: int | None = None) -> OrderBook:
        """The book of one symbol, asked for now.

        Args:
            symbol: ours.
            depth: levels a side, 1 to 5000; default the exchange's `publish_depth`.

        Returns:
            An event with at most `publish_depth` levels a side. A snapshot comes from the exchange
            in one piece, so every level in it is verified.

        Raises:
            ValueError: the depth is out of range; UnknownName: no such symbol.
            TransportError: network trouble or no budget in time; ExchangeError, WireError likewise.
        """
        most = self.settings.publish_depth
        levels = most if depth is None else checked_depth(depth)
        instrument = self.instrument(symbol)

        def read(reply: HttpResponse) -> OrderBook:
            snapshot = self.exchange.read_snapshot(reply.body, levels, instrument)
            return _event(instrument, snapshot, min(levels, most), reply)

        request = self.exchange.snapshot_request(instrument.raw_symbol, levels)
        return self._call(request, read, "audit")

    def ask(self, poll: Poll, priority: Priority = "audit") -> Sequence[AnyEvent]:
        """The events in the answer to one question.

        Raises:
            TransportError: network trouble or no budget in time; ExchangeError, WireError likewise.
        """
        return self._call(
            poll.request, lambda reply: poll.read(reply.body, reply.received_ns), priority
        )

    def listed(self, lifetime_s: float = INSTRUMENTS_LIFETIME_S) -> Mapping[str, Instrument]:
        """Every instrument by our symbol, from a list at most so old.

        Raises:
            TransportError: the list could not be loaded; ExchangeError, WireError likewise.
        """
        if not self._loading.acquire(timeout=DEADLINE_S):
            raise TransportError(
                f"{self.exchange.name}: another task loads the instruments for over {DEADLINE_S:g} "
                "s; not waiting any longer"
            )
        try:
            if self.clock.monotonic_s() - self._loaded_s > lifetime_s:
                found = [
                    each
                    for request in self.exchange.instruments_requests()
                    for each in self._call(request, self._read_instruments, "resync")
                ]
                self._instruments = {each.symbol: each for each in found}
                self._loaded_s = self.clock.monotonic_s()
            return self._instruments
        finally:
            self._loading.release()

    def close(self) -> None:
        """End every wait, for the budget and between attempts."""
        self.policy.close()
        self.budget.close()

    def _read_instruments(self, reply: HttpResponse) -> list[Instrument]:
        return self.exchange.read_instruments(reply.body)

    def _call(
        self, request: HttpRequest, read: Callable[[HttpResponse], T], priority: Priority
    ) -> T:
        # A session serves one thread at a time; the budget is shared by all of them.
        client: HttpClient | None = getattr(self._of_thread, "client", None)
        if client is None:
            client = self._of_thread.client = HttpClient(
                self.settings.rest_url,
                exchange=self.exchange.name,
                timeout_s=self.settings.rest_timeout,
                budget=self.budget,
                read_error=self.exchange.read_error,
                used_weight_header=self.exchange.limits.used_weight_header,
                network=self._network,
            )
        return self.policy.call(client, request, read, deadline_s=DEADLINE_S, priority=priority)


def checked_depth(depth: object) -> int:
    """The depth, if it is one.

    Raises:
        ValueError: it is not a whole number from 1 to 5000.
    """
    if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= MAX_DEPTH:
        raise ValueError(f"depth {depth!r}; choose a whole number from 1 to {MAX_DEPTH}")
    return depth


def _event(instrument: Instrument, snapshot: Snapshot, most: int, reply: HttpResponse) -> OrderBook:
    bids, asks = snapshot.bids[:most], snapshot.asks[:most]
    return OrderBook(
        exchange=instrument.exchange,
        market_type=instrument.market_type,
        symbol=instrument.symbol,
        raw_symbol=instrument.raw_symbol,
        exchange_ns=None,
        received_ns=reply.received_ns,
        source="poll",
        last_update_id=snapshot.last_update_id,
        bids=bids,
        asks=asks,
        depth=max(len(snapshot.bids), len(snapshot.asks)),
        # Without any order ever there is no id either, and nothing is proven.
        state="SYNCED" if snapshot.last_update_id >= 0 else "SYNCING",
        verified_depth=min(len(bids), len(asks)),
    )


class Pollers:
    """The pollers of this process, made when they are first asked for.

    Args:
        settings: sections by exchange name.
        find: an exchange's declaration by its name.
        counters: count the calls.
        redis_url: where the budgets of all processes are; None: each has its own.
        network: how exchanges are reached; default: as the environment says.
    """

    def __init__(
        self,
        settings: Mapping[str, ExchangeSettings],
        find: Callable[[str], Exchange],
        counters: Counters | None = None,
        redis_url: str | None = None,
        network: Network | None = None,
    ) -> None:
        self._settings, self._find, self._redis_url = settings, find, redis_url
        self._network = network or Network()
        self.counters = counters or Counters()
        self._lock = threading.Lock()
        self._pollers: dict[str, Poller] = {}

    def of(self, exchange: str) -> Poller:
        """The poller of an exchange.

        Raises:
            UnknownName: these settings have no such exchange; names the nearest.
        """
        if exchange not in self._settings:
            raise unknown_name("exchange", exchange, self._settings)
        with self._lock:
            if exchange not in self._pollers:
                declared, settings = self._find(exchange), self._settings[exchange]
                self._pollers[exchange] = Poller(
                    declared,
                    settings,
                    policy=CallPolicy(exchange, self.counters),
                    budget=open_budget(
                        exchange,
                        declared.limits,
                        redis_url=self._redis_url,
                        egress=self._network.egress(settings.rest_url),
                    ),
                    network=self._network,
                )
            return self._pollers[exchange]

    def limits(self) -> dict[str, dict[str, Any]]:
        """Budgets and circuit breakers by exchange, of those asked so far; see `limits_report`."""
        with self._lock:
            pollers = sorted(self._pollers.items())
        return {name: limits_report(each.budget, each.policy) for name, each in pollers}

    def close(self) -> None:
        """End every wait of every poller."""
        with self._lock:
            for poller in self._pollers.values():
                poller.close()
