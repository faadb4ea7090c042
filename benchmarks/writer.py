"""JetStream to ClickHouse rows: `python -m benchmarks.writer [ROUNDS]`.

One writer process as it runs in the product, streams filled beforehand. A trade is 400 bytes of
JSON; a delta has 20 levels, a snapshot 400 levels a side. Every run is checked row by row: a rate
with a missing or doubled row is an error. `inserts alone` is the same batches without NATS. The
clock runs from the start of the writer, so it includes connecting. CPU of NATS and ClickHouse is
shown because on two cores it is they, with the writer, who share the machine.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil
import structlog

from benchmarks._machine import table
from benchmarks._running import cpu_s, listener
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

Run = tuple[float, ...]
"""Rows a second, then CPU of this process, NATS and ClickHouse, us a row."""

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


def main(rounds: int = ROUNDS) -> None:
    """Fill, write, check; print medians."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    rows = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        nats = NatsServer(Path(folder), *free_ports(2))
        store = ClickHouseServer(Path(folder), *free_ports(2), max_mb=4096)
        for server in (nats, store):
            server.start()
            stack.callback(server.stop)
        for name, count in COUNTS.items():
            lines = [json.dumps(_event(name, n)).encode() for n in range(count)]
            whole, alone = [], []
            for _ in range(rounds):
                whole.append(_whole(nats, store, name, lines))
                alone.append(_inserts(store, name, lines))
            rate, best = _median(whole, 0)
            costs = [_median(whole, n)[0] for n in (1, 2, 3)]
            inserts = _median(alone, 0)[0]
            rows.append(
                [
                    f"{name} ({sum(map(len, lines)) / count:,.0f} B)",
                    f"{rate:,.0f}/s",
                    f"{best:,.0f}/s",
                    *(f"{each:.1f} us" for each in costs),
                    f"{inserts:,.0f}/s",
                    f"{rate / inserts:.2f}",
                ]
            )
    table(
        f"Rows a second and CPU a row; medians of {rounds}, load {os.getloadavg()[0]:.1f}",
        [
            "table",
            "JetStream to rows",
            "best run",
            "writer",
            "NATS",
            "ClickHouse",
            "inserts alone",
            "ratio",
        ],
        rows,
    )


def _median(runs: list[Run], which: int) -> tuple[float, float]:
    """Median and largest of one figure."""
    values = [run[which] for run in runs]
    return statistics.median(values), max(values)


def _settings(nats: NatsServer | None, store: ClickHouseServer) -> Settings:
    return Settings(
        nats=NatsSettings(servers=[nats.url if nats else "nats://127.0.0.1:9"], queue_max_mb=1024),
        clickhouse=ClickHouseSettings(
            port=store.port, http_port=store.http_port, database=f"bench_{uuid.uuid4().hex[:8]}"
        ),
    )


def _whole(nats: NatsServer, store: ClickHouseServer, name: str, lines: list[bytes]) -> Run:
    settings = _settings(nats, store)
    migrate(settings.clickhouse)
    servers = listener(nats.port), listener(store.port)
    rate = asyncio.run(_write(settings, name, lines, servers))
    _check(settings, name, len(lines))
    return rate


async def _write(
    settings: Settings, name: str, lines: list[bytes], servers: Sequence[psutil.Process]
) -> Run:
    await ensure_streams(settings.nats.servers, settings.nats.streams_file)
    publisher = Publisher(settings.nats, Counters(), "bench")
    kind, run = TABLES[name].event_type, uuid.uuid4().hex
    publisher.submit(
        [Outgoing(f"{kind}-data.x.y", line, f"{run}:{n}", kind) for n, line in enumerate(lines)]
    )
    if left := await publisher.drain(120):
        raise RuntimeError(f"{left} messages were not published")
    writer = WriterService(settings)
    before = time.perf_counter(), time.process_time(), *map(cpu_s, servers)
    task = asyncio.create_task(writer.run())
    while not task.done():
        await asyncio.sleep(0.002)
        if writer.counters.get("rows_stored_total", name) >= len(lines):
            break
    after = time.perf_counter(), time.process_time(), *map(cpu_s, servers)
    task.cancel()
    await asyncio.wait({task})
    await writer.drain()
    elapsed_s, *used_s = (b - a for a, b in zip(before, after, strict=True))
    return len(lines) / elapsed_s, *(each / len(lines) * 1e6 for each in used_s)


def _inserts(store: ClickHouseServer, name: str, lines: list[bytes]) -> Run:
    settings = _settings(None, store)
    migrate(settings.clickhouse)
    inserter, rows = Inserter(settings.clickhouse), settings.writer.batch_rows
    started_s = time.perf_counter()
    for first in range(0, len(lines), rows):
        inserter.insert(TABLES[name], lines[first : first + rows], token=str(first))
    elapsed_s = time.perf_counter() - started_s
    inserter.close()
    _check(settings, name, len(lines))
    return (len(lines) / elapsed_s,)


def _check(settings: Settings, name: str, expected: int) -> None:
    found = query(settings.clickhouse, f"SELECT count() FROM {name}").rows[0][0]
    if found != expected:
        raise RuntimeError(f"{name}: {found} rows, expected {expected}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
