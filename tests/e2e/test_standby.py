"""Two collectors of one exchange: the active is killed, the other goes on, nothing twice."""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cli.survey import survey
from config import Settings, load
from config.settings import NatsSettings
from tests.alone import BINANCE_SPOT_ALONE
from tests.runtime.children import Child, environment
from tests.simulated import SimulatedExchange
from tests.waiting import wait_until
from workers.bus.streams import ensure_streams
from workers.local.ports import free_port, free_ports
from workers.local.servers import ClickHouseServer, NatsServer, RedisServer
from workers.store.migrate import migrate
from workers.store.queries import query

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SYMBOLS = ("BTC-USDT", "ETH-USDT", "SOL-USDT")
TAKEOVER_S = 30.0
"""On a machine with other work; it is 6 to 7 s on one that has none."""


class Pair:
    """Redis, NATS, ClickHouse, a writer and two collectors on a simulated exchange."""

    def __init__(self, folder: Path, clickhouse: ClickHouseServer, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        redis = RedisServer(folder, free_port())
        nats = NatsServer(folder, *free_ports(2))
        for server in (redis, nats):
            server.start()
            stack.callback(server.stop)
        asyncio.run(ensure_streams([nats.url], NatsSettings().streams_file))
        self.exchange = SimulatedExchange(folder / "simulator.log", "--rate", "300")
        stack.callback(self.exchange.end)
        self._env = environment(
            folder / "data",
            redis.port,
            {
                **BINANCE_SPOT_ALONE,
                "MARKETPRISM_NATS__SERVERS": nats.url,
                "MARKETPRISM_CLICKHOUSE__PORT": str(clickhouse.port),
                "MARKETPRISM_CLICKHOUSE__DATABASE": f"test_{uuid.uuid4().hex[:12]}",
                "MARKETPRISM_EXCHANGES__BINANCE_SPOT__SYMBOLS": ",".join(SYMBOLS),
                "MARKETPRISM_EXCHANGES__BINANCE_SPOT__WS_URL": self.exchange.ws_url,
                "MARKETPRISM_EXCHANGES__BINANCE_SPOT__REST_URL": self.exchange.rest_url,
            },
        )
        self.settings: Settings = load(env=self._env)
        migrate(self.settings.clickhouse)
        self.worker("writer", "writer")

    def worker(self, service: str, log: str) -> Child:
        """`celery -A tasks worker --service ...`."""
        command = ["celery", "-A", "tasks", "worker", "--service", service]
        return self._stack.enter_context(Child(command, self._env, self._folder / f"{log}.log"))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return query(self.settings.clickhouse, sql).rows

    def newest(self) -> dict[str, int]:
        """The highest trade id stored, by symbol."""
        return dict(self.rows("SELECT symbol, max(trade_id) FROM trades GROUP BY symbol"))

    def made(self) -> dict[str, int]:
        """The last trade id the exchange gave, by symbol."""
        summary = self.exchange.get("/sim/truth/summary")
        return {each: summary[each.replace("-", "")]["last_trade_id"] for each in SYMBOLS}

    def wait_stored_behind(self, ids: dict[str, int], timeout_s: float, what: str) -> None:
        wait_until(
            lambda: all(self.newest().get(each, 0) > last for each, last in ids.items()),
            timeout_s,
            what,
            every_s=0.1,
        )


@pytest.fixture
def pair(tmp_path: Path, clickhouse_server: ClickHouseServer) -> Iterator[Pair]:
    with ExitStack() as stack:
        yield Pair(tmp_path, clickhouse_server, stack)


def test_a_killed_collector_is_replaced_by_the_standby_and_nothing_is_stored_twice(
    pair: Pair, capsys: pytest.CaptureFixture[str]
):
    service = "collector.binance_spot"
    first = pair.worker(service, "first")
    pair.wait_stored_behind(pair.made(), 60, "trades of the first")
    second = pair.worker(service, "second")
    wait_until(lambda: "lease_held_by_another" in second.output, 90, "the second stands by")
    pair.wait_stored_behind(pair.made(), 30, "trades of the first still")
    at_work = wait_until(lambda: survey(pair.settings)["services"].get(service), 30, "it is seen")
    assert (at_work["pid"], at_work["state"]) == (first.pid, "running")

    os.kill(first.pid, signal.SIGKILL)
    killed_s, left = time.monotonic(), pair.made()
    pair.wait_stored_behind(left, TAKEOVER_S, "trades of the second")
    took_s = time.monotonic() - killed_s
    assert second.alive()
    pair.wait_stored_behind(pair.made(), 30, "more trades of the second")
    with capsys.disabled():
        print(f" [stored again {took_s:.1f} s after the kill]", end="")

    pair.exchange.post("/sim/pause")
    pair.wait_stored_behind({each: last - 1 for each, last in pair.made().items()}, 30, "the last")
    for symbol in SYMBOLS:
        assert_once_and_named(pair, symbol)


def assert_once_and_named(pair: Pair, symbol: str) -> None:
    """Every trade made since the first stored is a row, once, or in a gap with both ends."""
    where = f"WHERE symbol = '{symbol}'"
    gaps = wait_until(
        lambda: pair.rows(
            "SELECT first_id, last_id FROM gaps FINAL "
            f"{where} AND data_type = 'trade' AND cause = 'restart'"
        ),
        20,
        f"the gap of {symbol}",
    )
    raw = [row[0] for row in pair.rows(f"SELECT trade_id FROM trades {where}")]
    final = [row[0] for row in pair.rows(f"SELECT trade_id FROM trades FINAL {where}")]
    assert len(raw) == len(set(raw)) == len(final)
    missing = {each for first, last in gaps for each in range(first, last + 1)}
    assert missing.isdisjoint(raw)
    assert missing | set(raw) == set(range(min(raw), pair.made()[symbol] + 1))
    deltas = pair.rows(
        f"SELECT first_update_id, last_update_id FROM orderbook_deltas {where} ORDER BY 1"
    )
    assert len(deltas) == len(set(deltas))
