"""From an id nobody traded under, as the collector hears it, to a ledger that does not miss it."""

from typing import Any

from workers.collector.connection.intake import Intake
from workers.exchanges.base import UnusedTradeId
from workers.model.clock import SystemClock
from workers.model.events import Quality
from workers.telemetry.metrics import Counters


class Kept:
    """An outbox that keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def put(self, event: object) -> None:
        self.events.append(event)


def test_the_collector_tells_of_an_unused_id_under_the_name_the_ledger_looks_for() -> None:
    outbox: Any = Kept()
    books: Any = {}
    inspector: Any = None  # an unused id is no event to look at
    intake = Intake(
        exchange="binance_derivatives",
        books=books,
        watches={},
        collected=["BTC-USDT-PERP"],
        on_change=lambda change: None,
        outbox=outbox,
        counters=Counters(),
        clock=SystemClock(),
        inspector=inspector,
    )
    unused = UnusedTradeId(
        exchange="binance_derivatives",
        market_type="perpetual",
        symbol="BTC-USDT-PERP",
        raw_symbol="BTCUSDT",
        exchange_ns=1,
        received_ns=2,
        trade_id=4711,
    )
    intake.take(unused, 0.0)
    (told,) = outbox.events
    assert isinstance(told, Quality)
    assert (told.check, told.data_type, told.value) == ("unused_trade_id", "trade", "4711")
