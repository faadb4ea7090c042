"""Polling tasks without a worker: simulated exchanges, and what was published."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from config.settings import ExchangeSettings, Settings
from tests.simulated import SimulatedExchange
from workers.exchanges import registry
from workers.model.events import Event
from workers.model.instrument import Instrument
from workers.runtime.poller import Poller, Pollers
from workers.runtime.polls import Polls
from workers.telemetry.metrics import Counters
from workers.transport.call import CallPolicy

SYMBOLS = {
    "binance_spot": ["BTC-USDT", "ETH-USDT"],
    "binance_derivatives": ["BTC-USDT-PERP", "ETH-USDT-PERP"],
    "okx_spot": ["BTC-USDT", "ETH-USDT"],
    "okx_derivatives": ["BTC-USDT-PERP", "ETH-USDT-PERP"],
    "deribit": ["BTC-USD-PERP", "ETH-USD-PERP", "BTC-DVOL"],
}


class Published:
    """Takes events as NATS would."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def publish_all(self, events: Sequence[Event], timeout_s: float) -> bool:
        self.events += events
        return True


class QuickPollers(Pollers):
    """Pollers that try again at once, and ask an address for its instruments but once."""

    lists: ClassVar[dict[str, Mapping[str, Instrument]]] = {}

    def of(self, exchange: str) -> Poller:
        poller = super().of(exchange)
        if not isinstance(poller.policy, QuickPolicy):
            poller.policy = QuickPolicy(exchange, self.counters)
            where = f"{exchange} {poller.settings.rest_url}"
            if where in self.lists:
                poller._instruments = self.lists[where]
                poller._loaded_s = poller.clock.monotonic_s()
        return poller

    def remember(self, exchange: str) -> None:
        """Ask for the instruments, for all pollers to come; Deribit allows five times."""
        poller = self.of(exchange)
        self.lists[f"{exchange} {poller.settings.rest_url}"] = poller.listed()


class QuickPolicy(CallPolicy):
    def __init__(self, exchange: str, counters: Counters) -> None:
        super().__init__(exchange, counters, first_wait_s=0.001, longest_wait_s=0.01)


def sections(addresses: Mapping[str, str], **more: Any) -> dict[str, ExchangeSettings]:
    """Settings of exchanges at these addresses."""
    return {
        name: ExchangeSettings(
            ws_url="ws://127.0.0.1:9", rest_url=url, symbols=SYMBOLS[name], depth=400, **more
        )
        for name, url in addresses.items()
    }


def polls(
    addresses: Mapping[str, str], redis_port: int, publisher: Any = None, **more: Any
) -> tuple[Polls, Any, Counters]:
    """Polls of exchanges at these addresses, with what takes their events and their counters."""
    found = sections(addresses, **more)
    settings = Settings.model_validate({"exchanges": found, "redis": {"port": redis_port}})
    pollers = QuickPollers(found, registry.exchange)
    taken = Published()
    taker: Any = publisher or taken
    return Polls(settings, pollers, taker), taken, pollers.counters


@contextmanager
def simulated(folder: Path) -> Iterator[SimulatedExchange]:
    """All exchanges, simulated; few messages, as polls hear none."""
    options = ["--dialect", "all", "--rate", "50", "--symbols", "BTC-USDT,ETH-USDT"]
    # 20 calls of an endpoint in 2 s; tests that do not share a budget would pass it.
    running = SimulatedExchange(folder / "sim.log", *options, "--switch", "okx.limit_share=50")
    try:
        for name, section in sections(dict.fromkeys(SYMBOLS, running.rest_url)).items():
            QuickPollers({name: section}, registry.exchange).remember(name)
        yield running
    finally:
        running.end()
