"""What all connections of one collector share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from config.settings import ExchangeSettings, StabilitySettings
from workers.bus.publisher import Publisher
from workers.collector.books.snapshots import SnapshotFetcher
from workers.exchanges.base import Exchange
from workers.model.clock import Clock
from workers.model.events import InstrumentChange
from workers.model.instrument import Instrument
from workers.telemetry.metrics import Counters
from workers.transport.connects import Connects
from workers.transport.websocket import WebSocketConnection


@dataclass(frozen=True)
class Common:
    """The collector's own parts, as its connections need them.

    Args:
        exchange: what is spoken.
        settings: the exchange's section.
        stability: limits and delays.
        instruments: all that are collected, whichever connection carries them.
        on_change: told of changed instruments, on a connection's thread.
        dial: a WebSocket to an address, not connected yet.
        connects: attempts to connect.
        fetcher: gets snapshots over REST.
        publisher: takes what is published.
        counters: figures.
        clock: the time.
    """

    exchange: Exchange
    settings: ExchangeSettings
    stability: StabilitySettings
    instruments: Sequence[Instrument]
    on_change: Callable[[InstrumentChange], None]
    dial: Callable[[str], WebSocketConnection]
    connects: Connects
    fetcher: SnapshotFetcher
    publisher: Publisher
    counters: Counters
    clock: Clock
