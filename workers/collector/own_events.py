"""What a collector publishes about itself: events it lost, and that it starts anew."""

from workers.collector.books.live_book import identity
from workers.collector.outbox import Outbox
from workers.exchanges.base import Exchange
from workers.model.clock import Clock
from workers.model.events import Gap, Quality
from workers.model.instrument import Instrument
from workers.telemetry.metrics import Counters

EVERY_SYMBOL = "ALL"
"""Of quality events about the collector itself."""


class OwnEvents:
    """For the service's loop."""

    def __init__(
        self, exchange: Exchange, outbox: Outbox, counters: Counters, clock: Clock
    ) -> None:
        self._exchange, self._outbox = exchange, outbox
        self._counters, self._clock = counters, clock

    def lost(self, instrument: Instrument, event_type: str, count: int) -> None:
        """Messages of one subject were given up."""
        self._counters.add("gaps_total", self._exchange.name, event_type, "overflow")
        self._outbox.put(
            Gap(
                **identity(instrument),
                exchange_ns=None,
                received_ns=self._clock.now_ns(),
                data_type=event_type,
                cause="overflow",
                lost=count,
            )
        )
        self._outbox.flush()

    def restart(self, why: str, memory_mb: float, max_mb: int) -> None:
        """The process starts anew; what it misses is named as gaps by the next."""
        self._counters.add("restarts_wanted_total", self._exchange.name, "memory")
        self._outbox.put(
            Quality(
                exchange=self._exchange.name,
                market_type=self._exchange.market_type,
                symbol=EVERY_SYMBOL,
                raw_symbol="",
                exchange_ns=None,
                received_ns=self._clock.now_ns(),
                check="restart",
                data_type="collector",
                value=str(memory_mb),
                limit=str(max_mb),
                detail=why,
            )
        )
        self._outbox.flush()
