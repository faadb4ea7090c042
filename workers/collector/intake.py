"""What one connection does with each mapped item: watch, check, follow ids, book, publish."""

from collections.abc import Mapping
from typing import Any

import structlog

from workers.collector.books import LiveBooks
from workers.collector.continuity import Hole, TradeContinuity
from workers.collector.outbox import Outbox
from workers.collector.watch import StreamWatch, channel_of
from workers.exchanges.base import (
    Acknowledged,
    BookReset,
    Mapped,
    Reply,
    ShutdownNotice,
    UnusedTradeId,
)
from workers.model.checks import implausible
from workers.model.clock import Clock
from workers.model.events import BookDelta, Gap, Trade
from workers.telemetry.metrics import Counters

log = structlog.get_logger(__name__)

LAG_EVERY = 16
"""Every so many messages of a stream its delay is measured."""


class Intake:
    """Takes the items of one connection in order; used by its thread alone.

    Args:
        watches: by (channel, symbol), one for each subscribed stream.
    """

    def __init__(
        self,
        exchange: str,
        books: LiveBooks,
        watches: Mapping[tuple[str, str], StreamWatch],
        outbox: Outbox,
        counters: Counters,
        clock: Clock,
    ) -> None:
        self._exchange, self._books, self.watches = exchange, books, watches
        self._outbox, self._counters, self._clock = outbox, counters, clock
        self._trades: dict[tuple[str, str], TradeContinuity] = {}

    def take(self, item: Mapped, now_s: float) -> None:
        """Act on one event or notice."""
        if isinstance(item, Acknowledged):
            self._acknowledged(item)
            return
        if isinstance(item, UnusedTradeId):
            self._follow("trade", item)
            return
        if isinstance(item, ShutdownNotice | Reply | BookReset):
            raise TypeError(f"{type(item).__name__} is for the connection, not for its intake")
        channel = channel_of(item)
        watch = self.watches.get((channel, item.symbol))
        if watch is not None:
            watch.seen(now_s)
            if watch.messages % LAG_EVERY == 1 and item.exchange_ns is not None:
                watch.lagged((item.received_ns - item.exchange_ns) / 1e6)
        for check in implausible(item):
            self._counters.add("implausible_total", self._exchange, check)
        if type(item) is BookDelta:
            if item.symbol in self._books:
                self._books.delta(item, now_s)
            return
        if type(item) is Trade:
            self._follow(channel, item)
        self._outbox.put(item)

    def disconnected(self) -> None:
        """The connection ended; ids and books have to prove themselves on the next one."""
        self._books.disconnected()
        for continuity in self._trades.values():
            continuity.disconnected()

    def status(self, now_s: float) -> dict[str, dict[str, Any]]:
        """Watches by channel and symbol."""
        report: dict[str, dict[str, Any]] = {}
        for (channel, symbol), watch in self.watches.items():
            report.setdefault(channel, {})[symbol] = watch.status(now_s)
        return report

    def _acknowledged(self, answer: Acknowledged) -> None:
        if answer.error is not None:
            self._counters.add("rest_errors_total", self._exchange, "subscribe")
            log.error("subscription refused", exchange=self._exchange, error=answer.error)

    def _follow(self, channel: str, trade: Trade | UnusedTradeId) -> None:
        key = (channel, trade.symbol)
        continuity = self._trades.get(key)
        if continuity is None:
            continuity = self._trades[key] = TradeContinuity()
        hole = continuity.take(trade)
        if hole is not None:
            self._publish_hole(channel, trade, hole)

    def _publish_hole(self, channel: str, trade: Trade | UnusedTradeId, hole: Hole) -> None:
        self._counters.add("gaps_total", self._exchange, channel, hole.cause)
        log.warning(
            "trades missing",
            exchange=self._exchange,
            symbol=trade.symbol,
            first_id=hole.first_id,
            last_id=hole.last_id,
            cause=hole.cause,
        )
        self._outbox.put(
            Gap(
                exchange=trade.exchange,
                market_type=trade.market_type,
                symbol=trade.symbol,
                raw_symbol=trade.raw_symbol,
                exchange_ns=trade.exchange_ns,
                received_ns=self._clock.now_ns(),
                data_type=channel,
                cause=hole.cause,
                first_id=hole.first_id,
                last_id=hole.last_id,
            )
        )
