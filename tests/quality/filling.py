"""A collector, a writer and backfills around a simulated exchange whose truth is known."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import config
from config.settings import ROOT, Settings
from tests.collector.dialects import Dialect, rounded
from tests.simulated import SimulatedExchange
from tests.waiting import wait_until
from tests.writer.running import writing
from workers.bus.streams import ensure_streams
from workers.collector.service import CollectorService
from workers.exchanges import registry
from workers.model.clock import SystemClock
from workers.quality.gap_rows import KnownGap, read_gaps
from workers.quality.ledger import GRACE_NS, look
from workers.quality.told import tell_gaps
from workers.runtime.backfills import Backfills
from workers.runtime.host import ServiceThread
from workers.runtime.poller import Pollers
from workers.runtime.publishing import EventPublisher
from workers.store.migrate import migrate
from workers.store.queries import query


class Filling:
    """Everything between an exchange and its rows."""

    def __init__(self, settings: Settings, exchange: SimulatedExchange, dialect: Dialect) -> None:
        self.settings, self.exchange, self.dialect = settings, exchange, dialect
        self.name = dialect.exchange
        self.pollers = Pollers(settings.exchanges, registry.exchange, redis_url=settings.redis.url)
        self.publisher = EventPublisher(settings.nats)
        self.backfills = Backfills(settings, self.pollers, self.publisher)

    @property
    def symbol(self) -> str:
        return self.dialect.symbols[0]

    def ids(self, symbol: str | None = None, source: str = "") -> list[int]:
        """Ids of the stored single trades of a symbol, each once, in order."""
        sql = (
            "SELECT trade_id FROM trades WHERE exchange = %(exchange)s AND symbol = %(symbol)s "
            "AND NOT aggregate AND (%(source)s = '' OR source = %(source)s) ORDER BY trade_id"
        )
        asked = {"exchange": self.name, "symbol": symbol or self.symbol, "source": source}
        return [row[0] for row in query(self.settings.clickhouse, sql, asked).rows]

    def rows(self, symbol: str) -> list[tuple[Any, ...]]:
        sql = (
            "SELECT trade_id, price, quantity, side FROM trades WHERE exchange = %(exchange)s "
            "AND symbol = %(symbol)s AND NOT aggregate ORDER BY trade_id"
        )
        asked = {"exchange": self.name, "symbol": symbol}
        return query(self.settings.clickhouse, sql, asked).rows

    def gaps(self) -> list[KnownGap]:
        """Gaps of trades, after what the collector told is taken over."""
        tell_gaps(self.settings.clickhouse, self.name)
        return read_gaps(self.settings.clickhouse, "data_type = 'trade'")

    def wait_trades(self, many: int = 60, symbol: str | None = None) -> None:
        """Until so many more trades of a symbol are stored."""
        before = len(self.ids(symbol))
        wait_until(lambda: len(self.ids(symbol)) >= before + many, 60, f"{many} more trades")

    def wait_made(self, many: int) -> None:
        """Until the exchange has made so many trades of the first symbol that nobody stored."""
        last = self.ids()[-1]

        def made() -> bool:
            bounds = (last + 1, last + many)
            return len(self.dialect.trades_made(self.exchange, self.symbol, *bounds)) == many

        wait_until(made, 60, f"{many} trades made")

    def wait_books(self) -> None:
        """Until an update of every book more is stored."""
        sql = "SELECT symbol, max(stored_ns) FROM orderbook_deltas GROUP BY symbol"
        before: dict[str, int] = dict(query(self.settings.clickhouse, sql).rows)

        def further() -> bool:
            now: dict[str, int] = dict(query(self.settings.clickhouse, sql).rows)
            return all(now.get(each, 0) > before.get(each, 0) for each in self.dialect.symbols)

        wait_until(further, 60, "an update of every book")

    def fill(self, gap: KnownGap, *, due: bool = False) -> dict[str, Any]:
        assert gap.ids is not None
        return self.backfills.fill(self.name, gap.symbol, *gap.ids, gap.data_type, due=due)

    def fill_whole(self, gap: KnownGap) -> None:
        """As often as the schedule would: on a slow machine one run may not see its rows yet."""
        wait_until(lambda: self.fill(gap)["state"] == "filled", 120, f"gap {gap.ids} filled")

    def count_all(self) -> None:
        """The ledger as it will be when this moment is over for long."""
        look(self.settings.clickhouse, self.name, SystemClock().now_ns() + GRACE_NS + 60 * 10**9)

    def missing(self, data_type: str = "trade") -> int:
        where = "window_s = 60 AND data_type = %(data_type)s"
        sql = f"SELECT sum(missing) FROM completeness WHERE {where}"
        asked = {"data_type": data_type}
        return int(query(self.settings.clickhouse, sql, asked).rows[0][0])

    def assert_stored_is_true(self, symbol: str) -> None:
        """Every trade from the first stored one to the last, as the exchange made it, once."""
        rows = self.rows(symbol)
        truth = self.dialect.trades_made(self.exchange, symbol, rows[0][0], rows[-1][0])
        assert [row[0] for row in rows] == [each[0] for each in truth]
        stored = [(row[0], row[1], rounded(row[2]), row[3]) for row in rows]
        made = [(each[0], each[1], rounded(each[2]), each[3]) for each in truth]
        assert stored == made

    @contextmanager
    def collecting(self) -> Iterator[CollectorService]:
        """A collector, until the end of the block."""
        service = CollectorService(self.settings, self.name)
        host = ServiceThread(service)
        host.start()
        try:
            yield service
        finally:
            host.stop(15)


@contextmanager
def filling(
    env: dict[str, str], folder: Path, dialect: Dialect, *options: str
) -> Iterator[Filling]:
    """A simulated exchange, streams, tables and a writer; a collector is the test's own."""
    with ExitStack() as stack:
        exchange = SimulatedExchange(
            folder / "simulator.log", "--rate", "300", *dialect.options, *options
        )
        stack.callback(exchange.end)
        section = f"MARKETPRISM_EXCHANGES__{dialect.exchange.upper()}__"
        settings = config.load(
            env={
                **env,
                "MARKETPRISM_NETWORK__EGRESS": f"simulated:{exchange.rest_url.rpartition(':')[2]}",
                "MARKETPRISM_STABILITY__RECONNECT__FIRST_DELAY": "200ms",
                f"{section}ENABLED": "true",
                f"{section}WS_URL": exchange.ws_url + dialect.path,
                f"{section}REST_URL": exchange.rest_url,
                f"{section}SYMBOLS": ",".join(dialect.symbols),
                f"{section}CHANNELS": "trade,orderbook",
            }
        )
        migrate(settings.clickhouse)
        asyncio.run(
            ensure_streams(settings.nats.servers, ROOT / "config" / settings.nats.streams_file)
        )
        stack.enter_context(writing(settings))
        found = Filling(settings, exchange, dialect)
        stack.callback(lambda: found.publisher.stop(10))
        stack.callback(found.pollers.close)
        yield found
