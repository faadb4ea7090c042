"""The instruments of one collector: loaded at the start, looked at again now and then."""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Sequence

import structlog

from workers.exchanges.base import Exchange
from workers.model.clock import Clock
from workers.model.errors import MarketPrismError
from workers.model.events import InstrumentChange
from workers.model.http import HttpResponse
from workers.model.instrument import Instrument
from workers.model.names import UnknownName, unknown_name
from workers.transport.call import CallPolicy
from workers.transport.http import HttpClient

log = structlog.get_logger(__name__)

FRESH_S = 10.0
"""A list so young is not asked for again."""
CALL_DEADLINE_S = 30.0
"""For one list, with its retries and its wait for the budget."""
COMMAND_DEADLINE_S = 12.0
"""The same where somebody waits for an answer."""
AGAIN_S = 600.0
"""Lists of instruments are read again this often: not every exchange tells of a halted symbol."""


class Instruments:
    """What is listed of what the settings ask for. Lives on the service's loop.

    Args:
        exchange: whose.
        calls: how calls are made.
        client: a REST session for one reading of the lists.
        clock: tells how old a list is.

    Attributes:
        chosen: instruments that are collected, by symbol; facts as of the latest list.
        listed: all the exchange lists, by symbol, as of the latest list.
        unlisted: wanted symbols that the exchange does not list.
        last_error: why they could not be loaded, or what is wrong with the settings.
    """

    def __init__(
        self,
        exchange: Exchange,
        calls: CallPolicy,
        client: Callable[[], HttpClient],
        clock: Clock,
    ) -> None:
        self._exchange, self._calls = exchange, calls
        self._client, self._clock = client, clock
        self._listed_s: float | None = None
        self.listed: dict[str, Instrument] = {}
        self.chosen: dict[str, Instrument] = {}
        self.unlisted: list[str] = []
        self.last_error: str | None = None

    async def warm(self) -> None:
        """Keep the lists so fresh that `load` need not ask; until cancelled."""
        while True:
            try:
                await self._fetch()
            except MarketPrismError as error:
                log.warning("instruments not read", exchange=self._exchange.name, error=str(error))
            await asyncio.sleep(AGAIN_S / 2)

    async def load(self, wanted: Iterable[str]) -> None:
        """Learn what is listed; tried until the exchange answers.

        A list read while standing by will do, if it has all that is wanted.
        """
        oldest_s = AGAIN_S if all(each in self.listed for each in wanted) else FRESH_S
        if self._listed_s is not None and self._clock.monotonic_s() - self._listed_s < oldest_s:
            return
        for tries in itertools.count(1):
            try:
                await self._fetch(once=True)
                break
            except MarketPrismError as error:
                self.last_error = str(error)
                delay_s = self._calls.wait_s(error, tries)
                log.warning(
                    "exchange cannot be reached; trying again",
                    exchange=self._exchange.name,
                    error=str(error),
                    in_s=round(delay_s, 1),
                )
                await asyncio.sleep(delay_s)
        self.last_error = None

    async def find(self, symbols: Iterable[str]) -> None:
        """See that these can be collected; a name not known yet may have been listed since.

        Raises:
            UnknownName: one is not listed, or not any more; has the nearest.
            MarketPrismError: the exchange could not be asked.
        """
        asked = list(symbols)
        alive = self._alive()
        old = self._listed_s is None or self._clock.monotonic_s() - self._listed_s > FRESH_S
        if old and any(each not in alive for each in asked):
            await self._fetch(COMMAND_DEADLINE_S)
            alive = self._alive()
        for each in asked:
            if each in alive:
                continue
            error = unknown_name(f"symbol of {self._exchange.name}", each, alive)
            gone = self.listed.get(each)
            if gone is not None:
                raise UnknownName(
                    f"{each} is delisted at {self._exchange.name} ({gone.raw_status}); {error}"
                )
            raise error

    def _alive(self) -> dict[str, Instrument]:
        return {name: each for name, each in self.listed.items() if each.status != "delisted"}

    async def changed(self) -> list[Instrument]:
        """Those of ours whose facts have changed since they were loaded.

        Raises:
            MarketPrismError: the exchange could not be asked.
        """
        listed = await self._fetch()
        changed = [
            listed[symbol]
            for symbol, known in self.chosen.items()
            if symbol in listed and listed[symbol] != known
        ]
        self.chosen.update({each.symbol: each for each in changed})
        return changed

    def changes(self, instruments: Sequence[Instrument]) -> list[InstrumentChange]:
        """Facts as events; indices are no instruments."""
        now_ns = self._clock.now_ns()
        return [
            InstrumentChange(
                exchange=each.exchange,
                market_type=each.market_type,
                symbol=each.symbol,
                raw_symbol=each.raw_symbol,
                exchange_ns=None,
                received_ns=now_ns,
                source="poll",
                status=each.status,
                raw_status=each.raw_status,
                base=each.base,
                quote=each.quote,
                settle=each.settle,
                tick_size=each.tick_size,
                lot_size=each.lot_size,
                contract_size=each.contract_size,
                expiry_ns=each.expiry_ns,
            )
            for each in instruments
            if each not in self._exchange.indices
        ]

    async def _fetch(
        self, deadline_s: float = CALL_DEADLINE_S, *, once: bool = False
    ) -> dict[str, Instrument]:
        found = await asyncio.to_thread(self._read, deadline_s, once)
        self.listed = {each.symbol: each for each in (*found, *self._exchange.indices)}
        self._listed_s = self._clock.monotonic_s()
        return self.listed

    def _read(self, deadline_s: float, once: bool) -> list[Instrument]:
        def read(reply: HttpResponse) -> list[Instrument]:
            return self._exchange.read_instruments(reply.body)

        client = self._client()
        ask = self._calls.attempt if once else self._calls.call
        try:
            return [
                each
                for request in self._exchange.instruments_requests()
                for each in ask(client, request, read, deadline_s=deadline_s, priority="resync")
            ]
        finally:
            client.close()

    def choose(self, wanted: Iterable[str]) -> list[Instrument]:
        """Collect these, as far as they are listed; those that are new."""
        symbols, listed, before = list(wanted), self.listed, self.chosen
        self.chosen = {each: before.get(each, listed[each]) for each in symbols if each in listed}
        unlisted = [each for each in symbols if each not in listed]
        if unlisted != self.unlisted:
            self.last_error = None
        if unlisted and unlisted != self.unlisted:
            self.unlisted = unlisted
            name = self._exchange.name
            self.last_error = (
                f"{name} does not list {', '.join(self.unlisted)}; correct "
                f"exchanges.{name}.symbols and start again"
            )
            log.error(
                "symbols left out",
                exchange=name,
                error=self.last_error,
                unlisted=self.unlisted,
                listed=len(listed),
            )
        self.unlisted = unlisted
        return [each for symbol, each in self.chosen.items() if symbol not in before]
