"""What one connection does with each mapped item: watch, check, follow ids, book, publish."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import structlog

from workers.collector.books.books import LiveBooks
from workers.collector.connection.continuity import Hole, TradeContinuity
from workers.collector.connection.watch import StreamWatch, channel_of
from workers.collector.outbox import Outbox
from workers.exchanges.base import BookReset, UnusedTradeId
from workers.model.checks import implausible
from workers.model.clock import Clock
from workers.model.events import (
    AnyEvent,
    BookDelta,
    Gap,
    GapCause,
    InstrumentChange,
    Quality,
    Trade,
)
from workers.quality.inspector import Inspector
from workers.telemetry.metrics import Counters

log = structlog.get_logger(__name__)

LAG_EVERY = 16
"""Every so many messages of a stream its delay is measured."""

Item = AnyEvent | BookReset | UnusedTradeId
"""What a frame says about the market; the rest is between the exchange and the connection."""


class Intake:
    """Takes the items of one connection in order; used by its thread alone.

    Args:
        watches: by (channel, symbol), one for each subscribed stream.
        collected: our symbols; what streams of all instruments say of others is counted.
        on_change: told of every change of an instrument of ours.
        inspector: looks at every event of ours; what it finds odd is published with the others.
    """

    def __init__(
        self,
        exchange: str,
        books: LiveBooks,
        watches: Mapping[tuple[str, str], StreamWatch],
        collected: Collection[str],
        on_change: Callable[[InstrumentChange], None],
        outbox: Outbox,
        counters: Counters,
        clock: Clock,
        inspector: Inspector,
    ) -> None:
        self._inspector = inspector
        self._collected, self._on_change = collected, on_change
        self._exchange, self._books, self.watches = exchange, books, watches
        self._outbox, self._counters, self._clock = outbox, counters, clock
        self._trades: dict[tuple[str, str], TradeContinuity] = {}

    def take(self, item: Item, now_s: float) -> None:
        """Act on one event, or on what stands for one."""
        kind = type(item)
        if kind is UnusedTradeId:
            self._unused(item, now_s)  # type: ignore[arg-type]
            return
        if kind is BookReset:
            self._reset(item, now_s)  # type: ignore[arg-type]
            return
        self._event(item, now_s)  # type: ignore[arg-type]

    def _event(self, event: AnyEvent, now_s: float) -> None:
        channel = channel_of(event)
        key = (channel, event.symbol)
        watch = self.watches.get(key)
        if watch is None:
            watch = self.watches.get((channel, "*"))
            if event.symbol not in self._collected:
                if watch is not None:
                    watch.seen(now_s)
                self._counters.add("events_ignored_total", self._exchange, channel)
                return
        if watch is not None:
            watch.seen(now_s)
            if event.exchange_ns is not None:
                watch.last = event
                if watch.messages % LAG_EVERY == 1:
                    watch.lagged((event.received_ns - event.exchange_ns) / 1e6)
        for check in implausible(event):
            self._counters.add("implausible_total", self._exchange, check)
            self._inspector.odd(check, event, channel)
        self._inspector.event(event, key)
        kind = type(event)
        if kind is BookDelta:
            if event.symbol in self._books:
                self._books.delta(event, now_s)  # type: ignore[arg-type]
            return
        if kind is Trade and not self._follow(channel, event, now_s):  # type: ignore[arg-type]
            return
        self._outbox.put(event)
        if kind is InstrumentChange:
            self._on_change(event)  # type: ignore[arg-type]

    def _unused(self, unused: UnusedTradeId, now_s: float) -> None:
        """Say that nothing is missing under an id nobody traded under; the ledger counts on it."""
        if unused.symbol not in self._collected:
            return
        self._follow("trade", unused, now_s)
        self._outbox.put(
            Quality(
                exchange=unused.exchange,
                market_type=unused.market_type,
                symbol=unused.symbol,
                raw_symbol=unused.raw_symbol,
                exchange_ns=unused.exchange_ns,
                received_ns=unused.received_ns,
                check="unused_trade_id",
                data_type="trade",
                value=str(unused.trade_id),
            )
        )

    def _reset(self, reset: BookReset, now_s: float) -> None:
        watch = self.watches.get(("orderbook", reset.symbol))
        if watch is not None:
            watch.seen(now_s)
        if reset.symbol in self._books:
            self._books.reset(reset, now_s)

    def resume(self, event: AnyEvent) -> None:
        """Go on behind an event that was published before this process began."""
        match event:
            case BookDelta():
                self._books.resume(event)
            case Trade():
                key = (channel_of(event), event.symbol)
                self._trades.setdefault(key, TradeContinuity()).resume(event)

    def forget(self, channel: str, symbol: str) -> None:
        """The stream is not wanted any more; its open holes are published at once."""
        continuity = self._trades.pop((channel, symbol), None)
        holes = continuity.due(math.inf) if continuity is not None else []
        if holes:
            self._publish_holes(channel, symbol, holes)

    def tick(self, now_s: float) -> None:
        """Publish the holes that stayed open for longer than a late trade takes, and oddities."""
        for event in self._inspector.due(now_s, self._clock.now_ns(), self.watches.items()):
            self._outbox.put(event)
        for check, cases in self._inspector.take_counts().items():
            self._counters.add("quality_cases_total", self._exchange, check, by=cases)
        self._publish_open(now_s)

    def _publish_open(self, now_s: float) -> None:
        for (channel, symbol), continuity in self._trades.items():
            holes = continuity.due(now_s)
            if holes:
                self._publish_holes(channel, symbol, holes)

    def trades_join(self, first: Callable[[tuple[str, str]], Item | None]) -> bool:
        """Whether another session's trades, by the first of each stream, go on behind ours."""
        return all(continuity.joined_by(first(key)) for key, continuity in self._trades.items())

    def handed_over(self) -> None:
        """Another session goes on; a jump from here on is owed to that."""
        for continuity in self._trades.values():
            continuity.disconnected()

    def disconnected(self) -> None:
        """The connection ended; ids and books have to prove themselves on the next one."""
        self._books.disconnected()
        self._publish_open(math.inf)  # nothing comes late through a connection that is gone
        for continuity in self._trades.values():
            continuity.disconnected()

    def status(self, now_s: float) -> dict[str, dict[str, Any]]:
        """Watches by channel and symbol."""
        report: dict[str, dict[str, Any]] = {}
        for (channel, symbol), watch in self.watches.items():
            report.setdefault(channel, {})[symbol] = watch.status(now_s)
        return report

    def _follow(self, channel: str, trade: Trade | UnusedTradeId, now_s: float) -> bool:
        """Note a trade's id; whether the trade is to be published."""
        key = (channel, trade.symbol)
        continuity = self._trades.get(key)
        if continuity is None:
            continuity = self._trades[key] = TradeContinuity()
        last_id = continuity.last_id
        arrival = continuity.take(trade, now_s)
        if arrival == "new":
            return True
        if arrival == "repeated":
            self._counters.add("trades_repeated_total", self._exchange, channel)
            return False
        if arrival == "late":
            self._counters.add("trades_late_total", self._exchange, channel)
            return True
        log.error(
            "trade ids went back though time did not; the exchange counts anew, what lies between "
            "cannot be told",
            exchange=self._exchange,
            symbol=trade.symbol,
            last_id=last_id,
            trade_id=trade.trade_id,
        )
        self._publish_gap(channel, trade, "sequence", None, None)
        return True

    def _publish_holes(self, channel: str, symbol: str, holes: list[Hole]) -> None:
        log.warning(
            "trades missing",
            exchange=self._exchange,
            symbol=symbol,
            holes=len(holes),
            trades=sum(hole.last_id - hole.first_id + 1 for hole in holes),
            first_id=holes[0].first_id,
            last_id=holes[-1].last_id,
            cause=holes[-1].cause,
        )
        for hole in holes:
            self._publish_gap(channel, hole.behind, hole.cause, hole.first_id, hole.last_id)

    def _publish_gap(
        self,
        channel: str,
        behind: Trade | UnusedTradeId,
        cause: GapCause,
        first_id: int | None,
        last_id: int | None,
    ) -> None:
        self._counters.add("gaps_total", self._exchange, channel, cause)
        self._outbox.put(
            Gap(
                exchange=behind.exchange,
                market_type=behind.market_type,
                symbol=behind.symbol,
                raw_symbol=behind.raw_symbol,
                exchange_ns=behind.exchange_ns,
                received_ns=self._clock.now_ns(),
                data_type=channel,
                cause=cause,
                first_id=first_id,
                last_id=last_id,
            )
        )
