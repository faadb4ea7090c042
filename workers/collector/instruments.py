"""The instruments of one collector: loaded at the start, looked at again now and then."""

import asyncio
from collections.abc import Sequence

import structlog

from config.settings import ExchangeSettings, ReconnectSettings
from workers.exchanges.base import Exchange
from workers.model.clock import Clock
from workers.model.errors import MarketPrismError, RateLimited
from workers.model.events import InstrumentChange
from workers.model.instrument import Instrument
from workers.transport.http import HttpClient
from workers.transport.reconnect import Backoff

log = structlog.get_logger(__name__)

AGAIN_S = 600.0
"""Lists of instruments are read again this often: not every exchange tells of a halted symbol."""


class Instruments:
    """What is listed of what the settings ask for. Lives on the service's loop.

    Attributes:
        chosen: instruments that are collected, by symbol; facts as of the latest list.
        unlisted: symbols of the settings that the exchange does not list.
        last_error: why they could not be loaded, or what is wrong with the settings.
    """

    def __init__(
        self,
        exchange: Exchange,
        settings: ExchangeSettings,
        reconnect: ReconnectSettings,
        client: HttpClient,
        clock: Clock,
    ) -> None:
        self._exchange, self._settings, self._rule = exchange, settings, reconnect
        self._client, self._clock = client, clock
        self.chosen: dict[str, Instrument] = {}
        self.unlisted: list[str] = []
        self.last_error: str | None = None

    async def load(self) -> list[Instrument]:
        """The instruments to collect; tried until the exchange answers."""
        backoff = Backoff(self._rule.first_delay, self._rule.max_delay)
        while True:
            try:
                listed = await self._fetch()
                break
            except MarketPrismError as error:
                self.last_error = str(error)
                delay_s = backoff.next_s()
                if isinstance(error, RateLimited):
                    delay_s = max(delay_s, error.retry_after_s)
                log.warning(
                    "exchange cannot be reached; trying again",
                    exchange=self._exchange.name,
                    error=str(error),
                    in_s=round(delay_s, 1),
                )
                await asyncio.sleep(delay_s)
        self.last_error = None
        self._choose(listed)
        return list(self.chosen.values())

    async def changed(self) -> list[Instrument]:
        """Those of ours whose facts have changed since they were loaded.

        Raises:
            MarketPrismError: the exchange could not be asked.
        """
        listed = {each.symbol: each for each in await self._fetch()}
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

    async def _fetch(self) -> list[Instrument]:
        found: list[Instrument] = []
        for request in self._exchange.instruments_requests():
            response = await asyncio.to_thread(self._client.get, request)
            found += self._exchange.read_instruments(response.body)
        return [*found, *self._exchange.indices]

    def _choose(self, listed: Sequence[Instrument]) -> None:
        by_symbol = {each.symbol: each for each in listed}
        wanted = dict.fromkeys(self._settings.symbols)
        self.chosen = {symbol: by_symbol[symbol] for symbol in wanted if symbol in by_symbol}
        self.unlisted = [symbol for symbol in wanted if symbol not in by_symbol]
        if self.unlisted:
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
