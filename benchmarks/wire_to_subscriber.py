"""From the socket to a NATS subscriber: delay and memory of one collector at a given load.

The simulated exchange, a file-backed JetStream, the collector and the subscriber each in a process
of their own on this machine. `received` is stamped right after the socket read; `made` is the
exchange's own time of the event, in whole milliseconds, so it includes up to 1 ms of rounding and
the exchange's own sending.

    python -m benchmarks.wire_to_subscriber [MESSAGES_PER_S] [SYMBOLS] [SECONDS]
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import nats
import psutil
from nats.aio.msg import Msg

import config
from benchmarks._machine import table
from benchmarks._running import COINS, environment, program
from config.settings import ROOT, Settings
from workers.bus.streams import ensure_streams
from workers.local.servers import NatsServer, free_ports

RUNS = 3
WARM_UP_S = 8.0


class _Head(msgspec.Struct):
    exchange_ns: int
    received_ns: int


def main(rate: float = 5000.0, symbols: int = 20, seconds: float = 15.0) -> None:
    """Print delays and memory, the median of the runs."""
    runs = [_run(rate, symbols, seconds) for _ in range(RUNS)]
    rows = [
        (name, *(f"{statistics.median(run[name][i] for run in runs):.2f}" for i in range(3)))
        for name in ("received to subscriber, ms", "made to subscriber, ms")
    ]
    load = statistics.median(run["load"][0] for run in runs)
    memory = statistics.median(run["memory"][0] for run in runs)
    cpu = statistics.median(run["cpu"][0] for run in runs)
    table(
        f"Wire to NATS subscriber, {symbols} symbols, {load:,.0f} events/s (asked {rate:,.0f}), "
        f"median of {RUNS} runs of {seconds:g} s",
        ("trades and deltas", "p50", "p99", "max"),
        rows,
    )
    print(f"collector: {memory:.0f} MB resident, {cpu:.0f} % of a core", flush=True)


def _run(rate: float, symbols: int, seconds: float) -> dict[str, tuple[float, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        nats_port, monitoring, simulator_port = free_ports(3)
        server = NatsServer(Path(folder), nats_port, monitoring)
        server.start()
        env = environment(folder, server.url, simulator_port, COINS[:symbols])
        settings = config.load(env=env)
        asyncio.run(
            ensure_streams(settings.nats.servers, ROOT / "config" / settings.nats.streams_file)
        )
        simulated = ("--dialect", "binance_spot", "--rate", str(rate))
        try:
            with (
                program(env, "workers.simulator", *simulated),
                program(env, "workers.runtime", "collector.binance_spot") as collector,
            ):
                return asyncio.run(_listen(settings, collector, seconds))
        finally:
            server.stop()


async def _listen(
    settings: Settings, collector: psutil.Process, seconds: float
) -> dict[str, tuple[float, ...]]:
    decoder = msgspec.json.Decoder(_Head)
    since_received: list[int] = []
    since_made: list[int] = []
    measuring = False

    async def take(message: Msg) -> None:
        now_ns = time.time_ns()
        if measuring:
            head = decoder.decode(message.data)
            since_received.append(now_ns - head.received_ns)
            since_made.append(now_ns - head.exchange_ns)

    client = await nats.connect(settings.nats.servers[0])
    for subject in ("trade-data.>", "orderbook-delta-data.>"):
        await client.subscribe(subject, cb=take, pending_bytes_limit=1 << 30)
    await asyncio.sleep(WARM_UP_S)
    collector.cpu_percent()
    measuring = True
    await asyncio.sleep(seconds)
    measuring = False
    facts = {
        "received to subscriber, ms": _figures(since_received),
        "made to subscriber, ms": _figures(since_made),
        "load": (len(since_received) / seconds,),
        "memory": (collector.memory_info().rss / 2**20,),
        "cpu": (collector.cpu_percent(),),
    }
    await client.close()
    return facts


def _figures(delays_ns: list[int]) -> tuple[float, float, float]:
    ordered = sorted(delays_ns)
    return (
        ordered[len(ordered) // 2] / 1e6,
        ordered[int(len(ordered) * 0.99)] / 1e6,
        ordered[-1] / 1e6,
    )


if __name__ == "__main__":
    main(*(float(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])) if len(sys.argv) > 3 else ())
