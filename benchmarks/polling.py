"""Two general workers poll many symbols on every exchange under one budget: is anything refused?

    python -m benchmarks.polling [SYMBOLS] [SECONDS]      500 symbols, 180 s

Beat, two `celery -A tasks worker`, Redis, NATS and ClickHouse, and simulated exchanges that enforce
their limits as documented. Wanted: not one 429, 418, 50011 or 10028, and every run a row.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests

import config
from benchmarks._machine import table
from config.settings import ROOT, Settings
from workers.bus.streams import ensure_streams
from workers.local.bound import bound
from workers.local.servers import ClickHouseServer, NatsServer, RedisServer, free_ports
from workers.store.migrate import migrate
from workers.store.queries import query

SYMBOLS, SECONDS = 500, 180.0
SPOT, PERPETUALS = ("binance_spot", "okx_spot"), ("binance_derivatives", "okx_derivatives")
DIALECTS = ("binance_spot", "binance_derivatives", "okx", "deribit")
RUNS = """
SELECT name, state, count(), any(error) FROM task_results GROUP BY name, state ORDER BY name, state
"""


def main(symbols: int = SYMBOLS, seconds: float = SECONDS) -> None:
    """Run it once and print what happened."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        settings, env = stack.enter_context(_surroundings(Path(name), symbols))
        for command in ("worker -n one@%h", "worker -n two@%h", "beat"):
            stack.enter_context(_program(["celery", "-A", "tasks", *command.split()], env))
        began_s = time.monotonic()
        while (passed_s := time.monotonic() - began_s) < seconds:
            print(f"{passed_s:4.0f} of {seconds:.0f} s, refused {_refused(settings)}", flush=True)
            time.sleep(min(15.0, seconds - passed_s))
        rows = query(settings.clickhouse, RUNS).rows
        title = f"{symbols} symbols of four markets, two workers, {seconds:.0f} s"
        table(title, ["task", "state", "runs", "an error"], rows)
        print(f"\nrefused by the exchanges: {_refused(settings) or 'nothing'}")


@contextmanager
def _program(arguments: list[str], env: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        bound([sys.executable, "-m", *arguments]),
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(25)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _surroundings(folder: Path, symbols: int) -> Iterator[tuple[Settings, dict[str, str]]]:
    nats_port, monitoring, redis_port, tcp, http, port = free_ports(6)
    coins = [f"C{number}" for number in range(symbols)]
    given = {
        "CONFIG": str(ROOT / "config" / "demo.yaml"),
        "DATA_DIR": str(folder / "data"),
        "NATS__SERVERS": f"nats://127.0.0.1:{nats_port}",
        "REDIS__PORT": str(redis_port),
        "CLICKHOUSE__PORT": str(tcp),
        "CLICKHOUSE__HTTP_PORT": str(http),
        "SIMULATOR__PORT": str(port),
        "NETWORK__EGRESS": f"simulated:{port}",
        **{
            f"EXCHANGES__{name.upper()}__SYMBOLS": ",".join(f"{coin}-USDT{end}" for coin in coins)
            for names, end in ((SPOT, ""), (PERPETUALS, "-PERP"))
            for name in names
        },
    }
    kept = {key: value for key, value in os.environ.items() if "MARKETPRISM" not in key}
    env = kept | {f"MARKETPRISM_{key}": value for key, value in given.items()}
    settings = config.load(env=env)
    with ExitStack() as stack:
        for server in (
            RedisServer(folder, redis_port),
            NatsServer(folder, nats_port, monitoring),
            ClickHouseServer(folder, tcp, http),
        ):
            server.start()
            stack.callback(server.stop)
        names = ",".join(f"{coin}-USDT" for coin in ("BTC", "ETH", *coins))
        options = ["--port", str(port), "--symbols", names, "--rate", "50", "--levels", "100"]
        stack.enter_context(_program(["workers.simulator", *options], env))
        asyncio.run(ensure_streams(settings.nats.servers, settings.nats.streams_file))
        migrate(settings.clickhouse)
        _wait_for(settings)
        yield settings, env


def _wait_for(settings: Settings) -> None:
    deadline_s = time.monotonic() + 120
    while time.monotonic() < deadline_s:
        try:
            _refused(settings)
        except requests.RequestException:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("the simulated exchanges did not come up within 120 s")


def _refused(settings: Settings) -> dict[str, Any]:
    """Limits hit, by dialect; empty: none."""
    root = settings.exchanges["deribit"].rest_url
    found = {
        name: requests.get(f"{root}/sim/{name}/state", timeout=30).json()["limited"]
        for name in DIALECTS
    }
    return {name: limited for name, limited in found.items() if limited}


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:2]), *(float(each) for each in sys.argv[2:3]))
