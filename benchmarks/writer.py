"""JetStream to ClickHouse rows: `python -m benchmarks.writer`.

One writer process as it runs in the product, streams filled beforehand. A trade is 400 bytes of
JSON; a delta has 20 levels, a snapshot 400 levels a side. Every run is checked row by row: a rate
with a missing or doubled row is an error. `inserts alone` is the same batches without NATS.
"""

import asyncio
import json
import statistics
import tempfile
import time
import uuid
from pathlib import Path

import structlog

from benchmarks._machine import table
from config.settings import ClickHouseSettings, NatsSettings, Settings
from workers.bus.outgoing import Outgoing
from workers.bus.publisher import Publisher
from workers.bus.streams import ensure_streams
from workers.local.clickhouse import ClickHouseServer
from workers.local.nats import NatsServer
from workers.local.ports import free_ports
from workers.store.insert import Inserter
from workers.store.migrate import migrate
from workers.store.queries import query
from workers.store.tables import TABLES
from workers.telemetry.metrics import Counters
from workers.writer.service import WriterService

ROUNDS = 5
COUNTS = {"trades": 200_000, "orderbook_deltas": 40_000, "orderbook_snapshots": 5_000}

_COMMON = {
    "exchange": "binance_spot",
    "market_type": "spot",
    "symbol": "BTC-USDT",
    "raw_symbol": "BTCUSDT",
    "source": "live",
}


def _event(name: str, number: int) -> dict[str, object]:
    """Event `number` of a table, with its own id and time."""
    now_ns = 1_723_161_255_000_000_000 + number * 1_000_000
    times = {"exchange_ns": now_ns, "received_ns": now_ns + 9, "published_ns": now_ns + 99}
    head = {"type": TABLES[name].event_type, **_COMMON, **times}
    price = 61_837 + number % 100

    def side(direction: int, levels: int) -> list[list[str]]:
        return [
            [f"{price + direction * n}.{number % 100:02d}000000", f"{n % 7}.{number % 9973:08d}"]
            for n in range(1, levels + 1)
        ]

    if name == "trades":
        own = {
            "trade_id": number,
            "price": f"{price}.63000000",
            "quantity": f"0.{number % 99991:08d}",
            "side": "buy" if number % 2 else "sell",
            "aggregate": False,
            "first_trade_id": None,
            "last_trade_id": None,
            "raw_quantity": None,
        }
    elif name == "orderbook_deltas":
        own = {
            "first_update_id": number * 3,
            "last_update_id": number * 3 + 2,
            "bids": side(-1, 10),
            "asks": side(1, 10),
            "prev_update_id": None,
        }
    else:
        own = {
            "last_update_id": number,
            "bids": side(-1, 400),
            "asks": side(1, 400),
            "depth": 5000,
            "state": "SYNCED",
            "verified_depth": 4000,
        }
    return head | own


def main() -> None:
    """Fill, write, check; print medians."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        nats = NatsServer(Path(folder), *free_ports(2))
        store = ClickHouseServer(Path(folder), *free_ports(2), max_mb=4096)
        nats.start()
        try:
            store.start()
            try:
                for name, count in COUNTS.items():
                    lines = [json.dumps(_event(name, n)).encode() for n in range(count)]
                    size = sum(map(len, lines)) / count
                    runs = [
                        (_whole(nats, store, name, lines), _inserts(store, name, lines))
                        for _ in range(ROUNDS)
                    ]
                    rate, cost = (statistics.median(run[0][n] for run in runs) for n in (0, 1))
                    alone, alone_cost = (
                        statistics.median(run[1][n] for run in runs) for n in (0, 1)
                    )
                    rows.append(
                        [
                            f"{name} ({size:,.0f} B)",
                            f"{rate:,.0f}/s ({cost:.1f} us)",
                            f"{alone:,.0f}/s ({alone_cost:.1f} us)",
                            f"{rate / alone:.2f}",
                        ]
                    )
            finally:
                store.stop()
        finally:
            nats.stop()
    table(
        f"Rows a second (CPU of the process a row); medians of {ROUNDS}",
        ["table", "JetStream to ClickHouse", "inserts alone", "ratio"],
        rows,
    )


def _settings(nats: NatsServer | None, store: ClickHouseServer) -> Settings:
    return Settings(
        nats=NatsSettings(servers=[nats.url if nats else "nats://127.0.0.1:9"], queue_max_mb=1024),
        clickhouse=ClickHouseSettings(
            port=store.port, http_port=store.http_port, database=f"bench_{uuid.uuid4().hex[:8]}"
        ),
    )


def _whole(
    nats: NatsServer, store: ClickHouseServer, name: str, lines: list[bytes]
) -> tuple[float, float]:
    settings = _settings(nats, store)
    migrate(settings.clickhouse)
    rate = asyncio.run(_write(settings, name, lines))
    _check(settings, name, len(lines))
    return rate


async def _write(settings: Settings, name: str, lines: list[bytes]) -> tuple[float, float]:
    await ensure_streams(settings.nats.servers, settings.nats.streams_file)
    publisher = Publisher(settings.nats, Counters(), "bench")
    kind, run = TABLES[name].event_type, uuid.uuid4().hex
    publisher.submit(
        [Outgoing(f"{kind}-data.x.y", line, f"{run}:{n}", kind) for n, line in enumerate(lines)]
    )
    if left := await publisher.drain(120):
        raise RuntimeError(f"{left} messages were not published")
    writer = WriterService(settings)
    started_s, cpu_s = time.perf_counter(), time.process_time()
    task = asyncio.create_task(writer.run())
    while not task.done():
        await asyncio.sleep(0.002)
        if writer.counters.get("rows_stored_total", name) >= len(lines):
            break
    elapsed_s, used_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    task.cancel()
    await asyncio.wait({task})
    await writer.drain()
    return len(lines) / elapsed_s, used_s / len(lines) * 1e6


def _inserts(store: ClickHouseServer, name: str, lines: list[bytes]) -> tuple[float, float]:
    settings = _settings(None, store)
    migrate(settings.clickhouse)
    inserter, rows = Inserter(settings.clickhouse), settings.writer.batch_rows
    started_s, cpu_s = time.perf_counter(), time.process_time()
    for first in range(0, len(lines), rows):
        inserter.insert(TABLES[name], lines[first : first + rows], token=str(first))
    elapsed_s, used_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    inserter.close()
    _check(settings, name, len(lines))
    return len(lines) / elapsed_s, used_s / len(lines) * 1e6


def _check(settings: Settings, name: str, expected: int) -> None:
    found = query(settings.clickhouse, f"SELECT count() FROM {name}").rows[0][0]
    if found != expected:
        raise RuntimeError(f"{name}: {found} rows, expected {expected}")


if __name__ == "__main__":
    main()
