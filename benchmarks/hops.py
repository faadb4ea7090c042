"""What each hop costs an event, from frame to row, beside what it could cost at least.

    python -m benchmarks.hops [ROUNDS]

The same trades and the same 20-level deltas go through every hop of the product, one hop at a time
in one process: CPU of that process, CPU of the server it talks to, and events a second of the hop
alone by the clock. Ceilings: a bare socket that publishes the same messages with the same ids, and
ClickHouse taking the same rows over HTTP, as lines of JSON and as its own Native blocks ready made.
Only the product's way refuses rows that are wrong, names them, and keeps a repeat out.
"""

import asyncio
import gc
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import nats
import psutil
import structlog

from benchmarks._http_insert import HttpInsert
from benchmarks._machine import table
from benchmarks._market import binance_depth, binance_trades
from benchmarks._raw_nats import RawPublisher
from benchmarks._running import cpu_s, listener
from benchmarks.book_update import BINANCE, BTC, LEVELS, ready
from config.settings import ClickHouseSettings, NatsSettings, WriterSettings
from workers.book.sync import PublishDelta
from workers.bus.connection import end
from workers.bus.link import Link
from workers.bus.publisher import Publisher
from workers.bus.streams import ensure_streams
from workers.bus.subscription import PullSubscription
from workers.collector.outbox import Outbox
from workers.local.servers import ClickHouseServer, NatsServer, free_ports
from workers.model.events import Event
from workers.store.insert import Inserter
from workers.store.migrate import migrate
from workers.store.queries import query
from workers.store.tables import TABLES
from workers.telemetry.metrics import Counters

ROUNDS = 5
COUNTS = {"trades": 60_000, "orderbook_deltas": 20_000}
STREAMS = {"trades": "TRADES", "orderbook_deltas": "ORDERBOOK_DELTAS"}
HOPS = {
    "decode": "decode: frame -> event, checked",
    "book": "book: judged and applied, 5,000 levels",
    "encode": "encode: event -> JSON, subject, id",
    "publish": "publish: acknowledged by JetStream",
    "raw": "ceiling: bare socket, acknowledged",
    "pull": "pull: from JetStream, each acknowledged",
    "insert": "insert: JSON read inside ClickHouse",
    "lines": "ceiling: HTTP JSONEachRow",
    "native": "ceiling: HTTP Native, ready made",
}

Cost = tuple[float, float, float]
"""CPU of this process and of the server, and the time taken, in us an event."""


class Clock:
    """Costs of hops, by (hop, table)."""

    def __init__(self) -> None:
        self.costs: dict[tuple[str, str], list[Cost]] = {}

    @contextmanager
    def hop(
        self, name: str, kind: str, events: int, server: psutil.Process | None = None
    ) -> Iterator[None]:
        """Measure the block as one hop of so many events."""
        gc.collect()
        gc.freeze()  # what waits for the next hop here would not be there in the product
        began = time.perf_counter(), time.process_time(), cpu_s(server) if server else 0.0
        yield
        ended = time.perf_counter(), time.process_time(), cpu_s(server) if server else 0.0
        taken, own, theirs = ((b - a) / events * 1e6 for a, b in zip(began, ended, strict=True))
        gc.unfreeze()
        self.costs.setdefault((name, kind), []).append((own, theirs, taken))


class Bench:
    """The servers, and one round of a kind of event through all hops."""

    def __init__(self, broker: NatsServer, store: ClickHouseServer, clock: Clock) -> None:
        self._broker, self._store, self._clock = broker, store, clock
        self._nats_process, self._store_process = listener(broker.port), listener(store.port)

    def round(self, kind: str, count: int) -> None:
        """Everything once, row counts checked."""
        events = self._events(kind, count)
        lines = asyncio.run(self._through_nats(kind, events))
        self._into_clickhouse(kind, lines)

    def _events(self, kind: str, count: int) -> list[Event]:
        mapper, hop = BINANCE.mapper([BTC]), self._clock.hop
        if kind == "trades":
            frames = binance_trades(count)
            with hop("decode", kind, count):
                for frame in frames:
                    mapper.map(frame, 1)
            return [event for frame in frames for event in mapper.map(frame, 1)]
        body, frames = binance_depth(count, levels=LEVELS, changes=10)
        sync = ready(BINANCE.read_snapshot(msgspec.json.encode(body), LEVELS))
        with hop("decode", kind, count):
            for frame in frames:
                mapper.map(frame, 1)
        deltas = [event for frame in frames for event in mapper.map(frame, 1)]
        with hop("book", kind, count):
            actions = [action for delta in deltas for action in sync.delta(delta)]  # type: ignore[arg-type]
        return [each.delta for each in actions if isinstance(each, PublishDelta)]

    async def _through_nats(self, kind: str, events: list[Event]) -> list[bytes]:
        """Publish them all, by hand and as the product does, then pull the product's."""
        hop, count, server = self._clock.hop, len(events), self._nats_process
        settings = NatsSettings(servers=[self._broker.url], queue_max_mb=1024)
        await _made_anew(settings, STREAMS[kind])
        publisher = Publisher(settings, Counters(), "bench")
        outbox = Outbox(publisher)
        with hop("encode", kind, count):
            for event in events:
                outbox.put(event)
        ready_made = [(each.subject, each.payload, uuid.uuid4().hex) for each in outbox._batch]
        link = Link(settings.servers, "bench")
        linking = asyncio.create_task(link.run())
        subscription = PullSubscription(link, STREAMS[kind], "writer")
        with (
            RawPublisher(self._broker.url) as raw,
            hop("raw", kind, count, server),
        ):
            raw.publish(ready_made, settings.publish_window)
        await _pulled(subscription, count)
        with hop("publish", kind, count, server):
            outbox.flush()
            if left := await publisher.drain(120):
                raise RuntimeError(f"{left} of {count} {kind} were not published")
        with hop("pull", kind, count, server):
            lines = await _pulled(subscription, count)
        await end(linking)
        return lines

    def _into_clickhouse(self, kind: str, lines: list[bytes]) -> None:
        rows, server = WriterSettings().batch_rows, self._store_process
        settings = ClickHouseSettings(
            port=self._store.port,
            http_port=self._store.http_port,
            database=f"bench_{uuid.uuid4().hex[:8]}",
        )
        migrate(settings)
        batches = [lines[first : first + rows] for first in range(0, len(lines), rows)]
        inserter, http = Inserter(settings), HttpInsert(settings, kind)

        def product() -> None:
            for number, batch in enumerate(batches):
                inserter.insert(TABLES[kind], batch, str(number))

        def as_lines() -> None:
            for batch in batches:
                http.insert("JSONEachRow", b"\n".join(batch))

        ways: list[tuple[str, Callable[[], None]]] = [("insert", product), ("lines", as_lines)]
        for name, way in ways:
            with self._clock.hop(name, kind, len(lines), server):
                way()
            _check(settings, kind, len(lines))
            if name == "lines":
                blocks = [http.native(rows, first) for first in range(0, len(lines), rows)]
            http.empty()
        with self._clock.hop("native", kind, len(lines), server):
            for block in blocks:
                http.insert("Native", block)
        _check(settings, kind, len(lines))
        inserter.close()
        http.close()


async def _made_anew(settings: NatsSettings, stream: str) -> None:
    """Empty streams that remember no message id: every round publishes the same ones."""
    client = await nats.connect(settings.servers)
    await ensure_streams(settings.servers, settings.streams_file)
    await client.jetstream().delete_stream(stream)
    await client.close()
    await ensure_streams(settings.servers, settings.streams_file)


async def _pulled(subscription: PullSubscription, count: int) -> list[bytes]:
    """Take and acknowledge so many messages, in the writer's batches."""
    writer, lines = WriterSettings(), list[bytes]()
    while len(lines) < count:
        batch = await subscription.pull(
            min(writer.batch_rows, count - len(lines)), writer.batch_mb << 20, writer.batch_age
        )
        lines += [each.data for each in batch]
        await subscription.ack(batch)
    return lines


def _check(settings: ClickHouseSettings, kind: str, expected: int) -> None:
    found = query(settings, f"SELECT count() FROM {kind} FINAL").rows[0][0]
    if found != expected:
        raise RuntimeError(f"{kind}: {found} rows, expected {expected}")


def main(rounds: int = ROUNDS) -> None:
    """Measure all hops, one round after another; print medians."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        broker = NatsServer(Path(folder), *free_ports(2))
        store = ClickHouseServer(Path(folder), *free_ports(2), max_mb=4096)
        for server in (broker, store):
            server.start()
            stack.callback(server.stop)
        bench = Bench(broker, store, clock)
        for _ in range(rounds):
            for kind, count in COUNTS.items():
                bench.round(kind, count)
    rows = [
        (text, *(cell for kind in COUNTS for cell in _cells(clock.costs.get((name, kind)))))
        for name, text in HOPS.items()
    ]
    heads = ("our CPU", "server CPU", "alone")
    table(
        f"Cost of each hop, us an event and events a second; medians of {rounds}, "
        f"load {os.getloadavg()[0]:.1f}",
        ("hop", *(f"{kind}: {head}" for kind in ("trade", "delta") for head in heads)),
        rows,
    )


def _cells(costs: list[Cost] | None) -> tuple[str, str, str]:
    if costs is None:
        return "", "", ""
    own, theirs, taken = (statistics.median(each[n] for each in costs) for n in range(3))
    return f"{own:.2f}", f"{theirs:.2f}" if theirs else "", f"{1e6 / taken:,.0f}/s"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
