"""Asks again for streams that fell silent, and gives a session up when none of them speaks."""

from collections.abc import Mapping

import structlog

from workers.collector.books import LiveBooks
from workers.collector.session import Session, SessionEnd
from workers.collector.watch import StreamWatch
from workers.telemetry.metrics import Counters

log = structlog.get_logger(__name__)

VAIN_ATTEMPTS = 2
"""When every stream was asked for again this often in vain, it is the connection that is dead."""


class Silence:
    """Looks after the streams of one connection.

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

    def look(self, session: Session, now_s: float) -> None:
        """Ask for what is silent.

        Raises:
            SessionEnd: everything is, and asking does not help.
        """
        silent = [watch for watch in self._watches.values() if watch.silent(now_s)]
        if not silent:
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
        # The first time the subscription alone: ending one that only is quiet could make a hole.
        session.unsubscribe([each.stream for each in silent if each.attempts])
        session.subscribe([each.stream for each in silent])
        for watch in silent:
            watch.asked_again(now_s)
            if watch.stream.channel == "orderbook" and watch.stream.symbol in self._books:
                self._books.silent(watch.stream.symbol)
