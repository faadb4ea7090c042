"""One exchange's REST side in a worker process: its budget, its instruments, its polls.

Polls check and complete what the collectors stream. Their events carry `source` poll.
"""

import threading
from collections.abc import Callable, Mapping

from config.settings import ExchangeSettings
from workers.book.sequence import Snapshot
from workers.exchanges.base import Exchange
from workers.model.clock import Clock, SystemClock
from workers.model.errors import TransportError
from workers.model.events import OrderBook
from workers.model.http import HttpRequest, HttpResponse
from workers.model.instrument import Instrument
from workers.model.names import unknown_name
from workers.transport.budget import WeightBudget
from workers.transport.http import HttpClient

INSTRUMENTS_LIFETIME_S = 3600.0
DEADLINE_S = 30.0
"""One REST call with its wait for the budget; below the 60 s a task waits to be taken."""

MAX_DEPTH = 5000


class Poller:
    """Asks one exchange over REST. May be used from several threads.

    Args:
        exchange: its declaration.
        settings: its section of the settings.
        clock: tells when instruments are too old.
    """

    def __init__(
        self, exchange: Exchange, settings: ExchangeSettings, clock: Clock | None = None
    ) -> None:
        self.exchange, self._settings = exchange, settings
        self._clock: Clock = clock or SystemClock()
        limits = exchange.limits
        self._budget = WeightBudget(limits.weight, limits.weight_window_s, self._clock)
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
        known = self._listed()
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
        levels = self._settings.publish_depth if depth is None else checked_depth(depth)
        instrument = self.instrument(symbol)
        reply = self._get(self.exchange.snapshot_request(instrument.raw_symbol, levels))
        snapshot = self.exchange.read_snapshot(reply.body, levels)
        return _event(instrument, snapshot, min(levels, self._settings.publish_depth), reply)

    def close(self) -> None:
        """End every wait for the budget."""
        self._budget.close()

    def _listed(self) -> Mapping[str, Instrument]:
        if not self._loading.acquire(timeout=DEADLINE_S):
            raise TransportError(
                f"{self.exchange.name}: another task loads the instruments for over {DEADLINE_S:g} "
                "s; not waiting any longer"
            )
        try:
            if self._clock.monotonic_s() - self._loaded_s > INSTRUMENTS_LIFETIME_S:
                reply = self._get(self.exchange.instruments_request())
                listed = self.exchange.read_instruments(reply.body)
                self._instruments = {each.symbol: each for each in listed}
                self._loaded_s = self._clock.monotonic_s()
            return self._instruments
        finally:
            self._loading.release()

    def _get(self, request: HttpRequest) -> HttpResponse:
        # A session serves one thread at a time; the budget is shared by all of them.
        client: HttpClient | None = getattr(self._of_thread, "client", None)
        if client is None:
            client = self._of_thread.client = HttpClient(
                self._settings.rest_url,
                exchange=self.exchange.name,
                timeout_s=self._settings.rest_timeout,
                budget=self._budget,
                read_error=self.exchange.read_error,
                used_weight_header=self.exchange.limits.used_weight_header,
            )
        return client.get(request, deadline_s=DEADLINE_S)


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
    """

    def __init__(
        self, settings: Mapping[str, ExchangeSettings], find: Callable[[str], Exchange]
    ) -> None:
        self._settings, self._find = settings, find
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
                self._pollers[exchange] = Poller(self._find(exchange), self._settings[exchange])
            return self._pollers[exchange]

    def close(self) -> None:
        """End every wait of every poller."""
        with self._lock:
            for poller in self._pollers.values():
                poller.close()
