"""Looks after the streams of a connection: those refused, those silent, and all of them silent."""

from collections.abc import Mapping

import structlog

from workers.collector.books.books import LiveBooks
from workers.collector.connection.session import Session, SessionEnd
from workers.collector.connection.watch import StreamWatch
from workers.telemetry.metrics import Counters

log = structlog.get_logger(__name__)

VAIN_ATTEMPTS = 2
"""When every stream was asked for again this often in vain, it is the connection that is dead."""


class Upkeep:
    """What is done about streams that do not flow.

    Args:
        watches: of all its streams.
    """

    def __init__(
        self,
        exchange: str,
        watches: Mapping[tuple[str, str], StreamWatch],
        books: LiveBooks,
        counters: Counters,
    ) -> None:
        self._exchange, self._watches = exchange, watches
        self._books, self._counters = books, counters
        self._any_refused = False

    def note_refused(self, session: Session, now_s: float) -> None:
        """Mark what the exchange does not give; the other streams are not touched by it."""
        refused = session.subscriptions.refused
        if not refused and not self._any_refused:
            return
        self._any_refused = bool(refused)
        for watch in self._watches.values():
            words = refused.get(watch.stream)
            if words is not None and watch.refused is None:
                self._counters.add(
                    "subscriptions_refused_total", self._exchange, watch.stream.channel
                )
                log.error(
                    "stream refused; its neighbours go on",
                    exchange=self._exchange,
                    channel=watch.stream.channel,
                    symbol=watch.stream.symbol,
                    error=words,
                )
            elif words is None and watch.refused is not None:
                watch.subscribed(now_s)
            watch.refused = words

    def ask_silent(self, session: Session, now_s: float) -> None:
        """Ask again for what is silent.

        Raises:
            SessionEnd: everything is, and asking does not help.
        """
        silent = [watch for watch in self._watches.values() if watch.silent(now_s)]
        if not silent or session.waiting:  # what falls silent meanwhile is asked for together
            return
        expected = [watch for watch in self._watches.values() if watch.expected]
        if all(watch.attempts >= VAIN_ATTEMPTS for watch in expected):
            raise SessionEnd(
                "stale", f"all {len(expected)} streams silent, asked for again in vain"
            )
        log.warning(
            "streams silent; subscribing again",
            exchange=self._exchange,
            streams=[f"{each.stream.channel} {each.stream.symbol}" for each in silent[:10]],
            count=len(silent),
            silent_s=round(max(each.age_s(now_s) for each in silent), 1),
            attempt=max(each.attempts for each in silent) + 1,
        )
        self._counters.add("resubscribes_total", self._exchange, by=len(silent))
        # The first time the subscription alone: ending one that only is quiet could make a hole. So
        # for what was never busy, but for a book: that may lack its beginning.
        ended = [
            each.stream
            for each in silent
            if each.attempts and (each.paced or each.stream.channel == "orderbook")
        ]
        session.unsubscribe(ended)
        session.subscribe([each.stream for each in silent])
        for watch in silent:
            watch.asked_again(now_s)
            if watch.stream.channel == "orderbook" and watch.stream.symbol in self._books:
                self._books.silent(watch.stream.symbol)
