"""From the exchange's send to the row a reader sees in ClickHouse, at a given load.

The simulated exchange, a file-backed JetStream, the collector, the writer and ClickHouse, each in a
process of its own on this machine. A row is visible when a query finds it: one asks every 20 ms for
what was not there before and takes the time when the answer is complete. `sent` is the exchange's
own time of the event, in whole milliseconds. Every row of the measured seconds is counted again at
the end: one that was missed or seen twice is an error.

    python -m benchmarks.wire_to_row [EVENTS_PER_S] [SYMBOLS] [SECONDS] [RUNS]
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import config
from benchmarks._machine import table
from benchmarks._running import COINS, cpu_s, environment, listener, program
from config.settings import ROOT, Settings
from workers.bus.streams import ensure_streams
from workers.local.servers import ClickHouseServer, NatsServer, free_ports
from workers.store.client import connect
from workers.store.migrate import migrate

RUNS = 3
WARM_UP_S, SETTLE_S, LOOK_S = 10.0, 3.0, 0.02
TABLES = ("trades", "orderbook_deltas")
STEPS = (
    "sent -> read from the socket",
    "read -> handed to the publisher",
    "handed over -> insert begins",
    "insert begins -> seen by a query",
    "sent -> seen by a query",
)

Row = tuple[int, int, int, int]
"""exchange_ns, received_ns, published_ns, stored_ns."""


def main(rate: float = 5000.0, symbols: int = 20, seconds: float = 20.0, runs: int = RUNS) -> None:
    """Print delays and CPU, the median of the runs."""
    found = [_run(rate, symbols, seconds) for _ in range(runs)]
    rows = [
        (step, *(f"{statistics.median(run[step][i] for run in found):,.1f}" for i in range(3)))
        for step in STEPS
    ]
    events = statistics.median(run["events"][0] for run in found)
    cores = ("simulator", "collector", "NATS", "writer", "ClickHouse")
    use = [statistics.median(run["cpu"][n] for run in found) for n in range(len(cores))]
    table(
        f"Wire to row, {symbols} symbols, {events:,.0f} trades and deltas/s (asked {rate:,.0f}), "
        f"ms, median of {runs} runs of {seconds:g} s",
        ("trades and deltas", "p50", "p99", "max"),
        rows,
    )
    print("% of a core: " + ", ".join(f"{n} {u:.0f}" for n, u in zip(cores, use, strict=True)))
    print(f"load average {os.getloadavg()[0]:.1f}", flush=True)


def _run(rate: float, symbols: int, seconds: float) -> dict[str, tuple[float, ...]]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        nats_port, monitoring, port, tcp, http = free_ports(5)
        nats = NatsServer(Path(folder), nats_port, monitoring)
        store = ClickHouseServer(Path(folder), tcp, http)
        for server in (nats, store):
            server.start()
            stack.callback(server.stop)
        env = environment(folder, nats.url, port, COINS[:symbols]) | {
            "MARKETPRISM_CLICKHOUSE__PORT": str(tcp),
            "MARKETPRISM_CLICKHOUSE__HTTP_PORT": str(http),
        }
        settings = config.load(env=env)
        streams = ROOT / "config" / settings.nats.streams_file
        asyncio.run(ensure_streams(settings.nats.servers, streams))
        migrate(settings.clickhouse)
        simulated = ("--dialect", "binance_spot", "--rate", str(rate))
        processes = [
            stack.enter_context(program(env, *command))
            for command in (
                ("workers.simulator", *simulated),
                ("workers.runtime", "collector.binance_spot"),
                ("workers.runtime", "writer"),
            )
        ]
        processes = [*processes[:2], listener(nats_port), processes[2], listener(tcp)]
        time.sleep(WARM_UP_S)
        before = [cpu_s(each) for each in processes]
        seen = _watch(settings, seconds)
        cpu = [cpu_s(each) - spent for each, spent in zip(processes, before, strict=True)]
    shares = tuple(each / (seconds + SETTLE_S) * 100 for each in cpu)
    return {"cpu": shares, "events": (len(seen) / seconds,), **_figures(seen)}


def _watch(settings: Settings, seconds: float) -> list[tuple[Row, int]]:
    """Rows of what was received within `seconds` from now, each with when it was seen, in ns."""
    begin_ns = time.time_ns()
    end_ns = begin_ns + round(seconds * 1e9)
    until_ns = end_ns + round(SETTLE_S * 1e9)
    newest = dict.fromkeys(TABLES, begin_ns - 5_000_000_000)
    seen: list[tuple[Row, int]] = []
    with connect(settings.clickhouse) as client:
        while time.time_ns() < until_ns:
            for name in TABLES:
                # rows of one insert share stored_ns and become visible together
                rows = client.execute(
                    f"SELECT exchange_ns, received_ns, published_ns, stored_ns FROM {name}"
                    " WHERE stored_ns > %(newest)s AND received_ns >= %(since)s",
                    {"newest": newest[name], "since": begin_ns - 10_000_000_000},
                )
                now_ns = time.time_ns()
                if rows:
                    newest[name] = max(row[3] for row in rows)
                    seen += [(row, now_ns) for row in rows if begin_ns <= row[1] < end_ns]
            time.sleep(LOOK_S)
        stored = sum(
            client.execute(
                f"SELECT count() FROM {name} WHERE received_ns >= %(a)s AND received_ns < %(b)s",
                {"a": begin_ns, "b": end_ns},
            )[0][0]
            for name in TABLES
        )
    if stored != len(seen) or not stored:
        raise RuntimeError(f"{len(seen)} rows were seen to appear, {stored} are stored")
    return seen


def _figures(seen: list[tuple[Row, int]]) -> dict[str, tuple[float, ...]]:
    delays: dict[str, list[int]] = {step: [] for step in STEPS}
    for row, seen_ns in seen:
        instants = (*row, seen_ns)
        for step, (first, then) in enumerate(((0, 1), (1, 2), (2, 3), (3, 4), (0, 4))):
            delays[STEPS[step]].append(instants[then] - instants[first])
    return {step: _percentiles(each) for step, each in delays.items()}


def _percentiles(delays_ns: list[int]) -> tuple[float, ...]:
    ordered = sorted(delays_ns)
    last = len(ordered) - 1
    return tuple(ordered[int(last * share)] / 1e6 for share in (0.5, 0.99, 1.0))


if __name__ == "__main__":
    numbers = [float(each) for each in sys.argv[1:5]]
    main(*(kind(each) for kind, each in zip((float, int, float, int), numbers, strict=False)))  # type: ignore[arg-type]
