"""Many symbols on one collector, from nothing to every book SYNCED, within the exchange's limits.

    python -m benchmarks.cold_start [SYMBOLS]        500 take four to five minutes

A simulated Binance spot that enforces its limits as documented: REST weight by the minute, messages
a second on a connection, connects in five minutes. Wanted: not one 429, 418 or 1008, and the
expected time shown all the while. The least time there could be follows from the weights alone: a
first book of 1,000 levels costs 50 of the 6,000 a minute, and a minute here is one of the clock.
"""

import asyncio
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

import config
from benchmarks._machine import table
from config.logging import configure
from config.settings import ROOT, LogSettings, Settings
from workers.bus.streams import ensure_streams
from workers.collector.books.snapshots import FIRST_LEVELS
from workers.collector.service import CollectorService
from workers.exchanges.registry import exchange
from workers.local.bound import bound
from workers.local.servers import NatsServer, RedisServer, free_ports
from workers.runtime.host import ServiceThread
from workers.transport.shared import HEADROOM

SYMBOLS = 500
RATE = 2_000.0
LEVELS = 1_500
"""Of the simulated books, so that one of 1,000 is not all of it."""
SHOW_EVERY_S = 5.0
UP_WITHIN_S = 300.0
"""The simulated exchange makes all its books first: on a busy machine 500 take over a minute."""
GIVE_UP_S = 900.0

SPOT = exchange("binance_spot")


def main(symbols: int = SYMBOLS) -> None:
    """Run it once and print what happened."""
    configure(LogSettings(level="error"))
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        settings = stack.enter_context(_surroundings(folder, symbols))
        service = CollectorService(settings, SPOT.name)
        host = ServiceThread(service)
        stack.callback(host.stop, 15)
        least_s = [_least_s(symbols, limit) for limit in _limits()]
        host.start()
        synced_s, expected = _watch(service, symbols, GIVE_UP_S)
        _report(settings, service, symbols, least_s, synced_s, expected)


@contextmanager
def _surroundings(folder: Path, symbols: int) -> Iterator[Settings]:
    """NATS, Redis and the simulated exchange; the settings of a collector between them."""
    nats_port, monitoring, redis_port, port = free_ports(4)
    nats, redis = NatsServer(folder, nats_port, monitoring), RedisServer(folder, redis_port)
    names = ",".join(f"C{number}-USDT" for number in range(symbols))
    arguments = {
        "dialect": "binance_spot",
        "port": port,
        "symbols": names,
        "levels": LEVELS,
        "rate": RATE,
        "news-s": 0,
    }
    options = [each for name, value in arguments.items() for each in (f"--{name}", str(value))]
    nats.start()
    redis.start()
    simulator = subprocess.Popen(
        bound([sys.executable, "-m", "workers.simulator", *options]),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    section = f"MARKETPRISM_EXCHANGES__{SPOT.name.upper()}__"
    settings = config.load(
        env={
            "MARKETPRISM_CONFIG": str(ROOT / "config" / "marketprism.yaml"),
            "MARKETPRISM_DATA_DIR": str(folder / "data"),
            "MARKETPRISM_NATS__SERVERS": nats.url,
            "MARKETPRISM_REDIS__PORT": str(redis_port),
            "MARKETPRISM_NETWORK__EGRESS": f"simulated:{port}",
            f"{section}WS_URL": f"ws://127.0.0.1:{port}",
            f"{section}REST_URL": f"http://127.0.0.1:{port}",
            f"{section}SYMBOLS": names,
        }
    )
    try:
        asyncio.run(ensure_streams(settings.nats.servers, settings.nats.streams_file))
        _wait_for(settings)
        yield settings
    finally:
        simulator.terminate()
        simulator.wait(20)
        redis.stop()
        nats.stop()


def _wait_for(settings: Settings) -> None:
    deadline_s = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < deadline_s:
        try:
            _limited(settings)
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the simulated exchange did not come up within {UP_WITHIN_S:.0f} s")


def _limited(settings: Settings) -> dict[str, Any]:
    """What the exchange refused, by kind, and how connections ended."""
    url = f"{settings.exchanges[SPOT.name].rest_url}/sim/state"
    state: dict[str, Any] = requests.get(url, timeout=20).json()
    return {"limited": state["limited"], "ended": state["ended"]}


def _limits() -> tuple[int, int]:
    """Weight a minute: what the exchange allows, and what a collector uses of it at most."""
    allowed = SPOT.limits.weight
    return allowed, int(allowed * (1 - HEADROOM))


def _weight(symbols: int) -> int:
    """Of all first books and the list of instruments."""
    book = SPOT.snapshot_request("BTCUSDT", FIRST_LEVELS)
    return symbols * book.weight + SPOT.instruments_request().weight


def _least_s(symbols: int, limit: int) -> float:
    """Seconds that the weight takes at the very least, from this second of the minute on."""
    minutes = math.ceil(_weight(symbols) / limit)
    return max(0.0, (minutes - 1) * 60.0 - time.time() % 60.0)


def _watch(
    service: CollectorService, symbols: int, longest_s: float
) -> tuple[float | None, list[str]]:
    """Seconds until all were SYNCED, None if they were not; what was expected meanwhile."""
    started_s, shown_s, expected = time.monotonic(), 0.0, []
    while True:
        now_s = time.monotonic() - started_s
        status = service.status()
        synced = sum(book["state"] == "SYNCED" for book in status["books"].values())
        eta_s = status["snapshots"]["eta_s"]
        if now_s >= shown_s:
            more = "none waits" if eta_s is None else f"{eta_s:.0f} s more expected"
            print(f"   {now_s:5.0f} s: {synced} of {symbols} SYNCED, {more}", flush=True)
            if eta_s is not None:
                expected.append(f"{now_s + eta_s:.0f}")
            shown_s = now_s + SHOW_EVERY_S
        if synced == symbols:
            return now_s, expected
        if now_s > longest_s:
            return None, expected
        time.sleep(0.1)


def _report(
    settings: Settings,
    service: CollectorService,
    symbols: int,
    least_s: list[float],
    synced_s: float | None,
    expected: list[str],
) -> None:
    refused, counters, weight = _limited(settings), service.counters, _weight(symbols)
    at_once, with_headroom = _limits()
    some = expected[:: max(1, len(expected) // 6)]
    rows = [
        ("all books SYNCED", "not in time" if synced_s is None else f"{synced_s:.0f} s", ""),
        (f"least by weight: {weight:,} at {at_once:,} a minute", f"{least_s[0]:.0f} s", ""),
        (f"the same at {with_headroom:,}, the rest left to others", f"{least_s[1]:.0f} s", ""),
        ("expected end, as shown while it ran, s", " ".join(some), "near the first row"),
        ("refused by the exchange (429, 418, 1008)", refused["limited"] or "none", "none"),
        ("connections ended by the exchange", refused["ended"] or "none", "none"),
        ("failed REST calls", counters.total("rest_errors_total"), "0"),
        ("connections", len(service.status()["connections"]), ""),
        ("resident memory of this process", f"{psutil.Process().memory_info().rss >> 20} MB", ""),
    ]
    title = f"Cold start, {symbols} symbols on one collector, {RATE:,.0f} messages/s meanwhile"
    table(title, ("what", "measured", "wanted"), rows)
    print(f"load average {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
