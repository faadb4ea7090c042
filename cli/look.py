"""One look at the running system: what its services say and what is stored.

Taken again and again by a thread of its own, so that a service that does not answer costs the
screen nothing.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cli.status_source import StatusSource
from config.settings import Settings
from config.shards import exchange_of
from workers.model.errors import MarketPrismError
from workers.store.queries import Recent, query, recent, row_counts

Rows = dict[str, dict[tuple[str, str], int]]
"""Rows by table, then by (exchange, symbol)."""

LAG_WINDOW_S = 10.0
RATE_LOOKS = 5
_LAG = """
SELECT exchange, symbol, quantile(0.5)(stored_ns - received_ns) / 1e6
FROM trades WHERE received_ns > %(since)s GROUP BY exchange, symbol
"""


@dataclass(frozen=True)
class Look:
    """What was seen.

    Args:
        at_s: monotonic, when the services had answered; `at_ns`: UTC, when the rows were counted.
        services: each service's view by its name (`collector.binance_spot`, `writer`, `worker`);
            one that does not answer is not in it.
        rows: stored rows; None if ClickHouse does not answer.
        lag_ms: by (exchange, symbol): median time from received to stored of recent trades.
        recent: by (table, exchange): rows stored a second and the newest row's time.
        problems: what could not be seen, and why.
    """

    at_s: float = 0.0
    services: dict[str, Any] = field(default_factory=dict)
    rows: Rows | None = None
    lag_ms: dict[tuple[str, str], float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    recent: dict[tuple[str, str], Recent] = field(default_factory=dict)
    at_ns: int = 0

    def collector(self, exchange: str) -> dict[str, Any]:
        """What an exchange's collector says of itself, all its shards together.

        Empty while none answers; of facts about the process the first shard's count.
        """
        found: dict[str, Any] = {}
        for name in self.services:
            if exchange_of(name) == exchange:
                found = _together(found, self.status(name))
        return found

    def status(self, service: str) -> dict[str, Any]:
        """A service's own status; empty while it does not answer."""
        return dict(self.services.get(service, {}).get("status", {}))

    def rows_of(self, table: str, exchange: str, symbol: str | None = None) -> int:
        """Rows of an exchange, or of one symbol of it; 0 while ClickHouse does not answer."""
        by_pair = (self.rows or {}).get(table, {})
        if symbol is not None:
            return by_pair.get((exchange, symbol), 0)
        return sum(count for (name, _), count in by_pair.items() if name == exchange)

    def total_rows(self) -> int:
        """All rows of all tables."""
        return sum(sum(each.values()) for each in (self.rows or {}).values())


class Watcher:
    """Takes a look every `interval_s`; the newest is at hand.

    Rates are over several looks: over two alone they would jump, and a last look right after the
    one before it would show none.

    Args:
        settings: where everything is.
        interval_s: between the ends of looks.
    """

    def __init__(self, settings: Settings, interval_s: float = 1.0) -> None:
        self._settings, self._interval_s = settings, interval_s
        self._source = StatusSource(settings)
        self._expected = len(settings.collectors()) + 2
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="look", daemon=True)
        self._looks = deque([Look()], maxlen=RATE_LOOKS)

    @property
    def now(self) -> Look:
        """The newest look."""
        return self._looks[-1]

    def add(self, look: Look) -> None:
        """Make this look the newest."""
        self._looks.append(look)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(5.0)
        self._source.close()

    def rows_per_s(self) -> float:
        """Rows stored a second, over the last looks."""
        return self._per_s(lambda look: None if look.rows is None else look.total_rows())

    def rate(self, exchange: str, channel: str, symbol: str) -> float:
        """Messages a second of a stream, over the last looks."""

        def messages(look: Look) -> int | None:
            status = look.collector(exchange)
            streams = status.get("streams", {})
            found = streams.get(channel, {}).get(symbol, {}).get("messages", 0)
            return int(found) if status else None

        return self._per_s(messages)

    def rate_of(self, exchange: str, symbol: str) -> float:
        """Messages a second of a symbol, through all its channels."""
        streams = self.now.collector(exchange).get("streams", {})
        return sum(
            self.rate(exchange, channel, symbol)
            for channel, symbols in streams.items()
            if symbol in symbols
        )

    def _per_s(self, count: Callable[[Look], int | None]) -> float:
        """How fast a count grows; since it began anew, if it did."""
        last = count(self.now)
        for each in self._looks:
            first, passed_s = count(each), self.now.at_s - each.at_s
            if last is not None and first is not None and first <= last and passed_s > 0:
                return (last - first) / passed_s
        return 0.0

    def look(self, timeout_s: float = 1.0, *, final: bool = False) -> Look:
        """Take one look now.

        Args:
            timeout_s: how long services may take to answer.
            final: count every row once, even where ClickHouse has not merged yet.
        """
        problems: list[str] = []
        services: dict[str, Any] = {}
        try:
            answers = self._source.services(timeout_s, expected=self._expected)
            services = _by_name(answers)
            if len(answers) >= self._expected > len(services):
                # Those that stand by were among the first.
                services = _by_name(self._source.services(timeout_s))
        except MarketPrismError as error:
            problems.append(str(error))
        at_s = time.monotonic()
        rows: Rows | None = None
        lag_ms: dict[tuple[str, str], float] = {}
        lately: dict[tuple[str, str], Recent] = {}
        at_ns = time.time_ns()
        try:
            rows = row_counts(self._settings.clickhouse, final=final)
            lately = recent(self._settings.clickhouse, at_ns)
            since = at_ns - int(LAG_WINDOW_S * 1e9)
            for exchange, symbol, lag in query(
                self._settings.clickhouse, _LAG, {"since": since}, final=False
            ).rows:
                lag_ms[exchange, symbol] = float(lag)
        except MarketPrismError as error:
            problems.append(str(error))
        return Look(at_s, services, rows, lag_ms, problems, lately, at_ns)

    def _run(self) -> None:
        while not self._ended.is_set():
            begun_s = time.monotonic()
            self.add(self.look())
            # Counting takes longer as tables grow; it must stay a small part of the work done.
            took_s = time.monotonic() - begun_s
            self._ended.wait(max(self._interval_s, 5 * (took_s - 1.0)))


def _together(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two statuses in one: lists behind each other, mappings into each other."""
    found = dict(one)
    for key, value in other.items():
        before = found.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            found[key] = _together(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            found[key] = before + value
        elif before is None:
            found[key] = value
    return found


def _by_name(answers: dict[str, Any]) -> dict[str, Any]:
    """Views by service; of two collectors of one name the one at work."""
    at_work_last = sorted(answers.values(), key=lambda view: view.get("state") == "running")
    return {str(view["name"]): view for view in at_work_last}
