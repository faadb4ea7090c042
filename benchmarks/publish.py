"""Acknowledged publishing into JetStream: `python -m benchmarks.publish [ROUNDS]`.

One process, one NATS server with its data on disk, the streams of the product. `publisher` is what
the collector uses; below it what nats-py offers, and above it the ceiling: a bare socket that
writes the same messages with the same ids and window, and only counts the acknowledgements. All
rates are of messages that JetStream acknowledged.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import nats
import structlog
from nats.aio.client import Client

from benchmarks._machine import table
from benchmarks._raw_nats import RawPublisher
from config.settings import NatsSettings
from workers.bus.outgoing import Outgoing
from workers.bus.publisher import Publisher
from workers.bus.streams import ensure_streams
from workers.local.nats import NatsServer
from workers.local.ports import free_ports
from workers.telemetry.metrics import Counters

ROUNDS = 5
BYTES_A_RUN = 20_000_000
SIZES = (200, 2_000, 20_000)

Way = Callable[[str, list[Outgoing]], Awaitable[None]]


def messages(size: int, count: int) -> list[Outgoing]:
    """Messages of one size, each with an id never used before."""
    run, payload = uuid.uuid4().hex, b"x" * size
    return [
        Outgoing("trade-data.bench.BTC-USDT", payload, f"{run}:{number}", "trade")
        for number in range(count)
    ]


async def publisher(url: str, batch: list[Outgoing]) -> None:
    """The product's publisher: window 1,000, ids, everything acknowledged."""
    each = Publisher(NatsSettings(servers=[url], queue_max_mb=1024), Counters(), "bench")
    task = asyncio.create_task(each.run())
    each.submit(batch)
    left = await each.drain(120)
    task.cancel()
    await asyncio.wait({task})
    if left:
        raise RuntimeError(f"{left} of {len(batch)} messages were not acknowledged")


async def raw_socket(url: str, batch: list[Outgoing]) -> None:
    """The protocol by hand, nothing sent again: what a publisher could reach at most."""
    window = NatsSettings().publish_window
    with RawPublisher(url) as raw:
        raw.publish([(each.subject, each.payload, each.message_id) for each in batch], window)


async def gathered(url: str, batch: list[Outgoing]) -> None:
    """nats-py: 100 awaited publishes at once."""
    client = await nats.connect(url)
    stream = client.jetstream()
    for first in range(0, len(batch), 100):
        await asyncio.gather(*(_publish(stream, each) for each in batch[first : first + 100]))
    await client.close()


async def one_by_one(url: str, batch: list[Outgoing]) -> None:
    """nats-py: each publish awaited."""
    client = await nats.connect(url)
    stream = client.jetstream()
    for each in batch[:5000]:
        await _publish(stream, each)
    await client.close()


async def _publish(stream: nats.js.JetStreamContext, message: Outgoing) -> None:
    headers = {"Nats-Msg-Id": message.message_id}
    await stream.publish(message.subject, message.payload, headers=headers)


WAYS: dict[str, Way] = {
    "raw socket, the ceiling": raw_socket,
    "publisher": publisher,
    "gather(100) of js.publish": gathered,
    "await js.publish": one_by_one,
}


def main(rounds: int = ROUNDS) -> None:
    """Interleave the ways, print medians of rate and client CPU."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    rates: dict[tuple[str, int], list[float]] = {}
    costs: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        server = NatsServer(Path(folder), *free_ports(2))
        server.start()
        try:
            asyncio.run(ensure_streams([server.url], NatsSettings().streams_file))
            for _ in range(rounds):
                for size in SIZES:
                    for name, way in WAYS.items():
                        rate, cost = _measure(server.url, way, size)
                        rates.setdefault((name, size), []).append(rate)
                        costs.setdefault((name, size), []).append(cost)
                        asyncio.run(_empty(server.url))
        finally:
            server.stop()
    rows = []
    for name in WAYS:
        cells: list[object] = [name]
        for size in SIZES:
            rate, base = (statistics.median(rates[way, size]) for way in (name, "await js.publish"))
            cost = statistics.median(costs[name, size])
            cells.append(f"{rate:,.0f}/s ({rate / base:.1f}x, {cost:.0f} us)")
        rows.append(cells)
    table(
        f"Acknowledged messages a second (times the slowest way, client CPU a message); "
        f"medians of {rounds}, load {os.getloadavg()[0]:.1f}",
        ["way", *(f"{size:,} B" for size in SIZES)],
        rows,
    )


def _measure(url: str, way: Way, size: int) -> tuple[float, float]:
    """Messages a second, and microseconds of this process's CPU for each."""
    count = min(100_000, BYTES_A_RUN // size)
    if way is one_by_one:
        count = min(count, 5000)
    batch = messages(size, count)
    started_s, cpu_s = time.perf_counter(), time.process_time()
    asyncio.run(_run(way, url, batch))
    elapsed_s = time.perf_counter() - started_s
    return count / elapsed_s, (time.process_time() - cpu_s) / count * 1e6


async def _run(way: Way, url: str, batch: list[Outgoing]) -> None:
    await way(url, batch)


async def _empty(url: str) -> None:
    client: Client = await nats.connect(url)
    await client.jetstream().purge_stream("TRADES")
    await client.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
