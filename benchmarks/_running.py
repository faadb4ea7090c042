"""The product's own processes against a simulated Binance spot, started for a benchmark."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

from config.settings import ROOT
from workers.local.bound import bound

COINS = (
    *("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "AVAX", "DOT", "LINK", "LTC"),
    *("BCH", "ATOM", "UNI", "XLM", "ETC", "FIL", "APT", "NEAR", "ARB", "OP"),
)


def environment(folder: str, url: str, port: int, coins: tuple[str, ...]) -> dict[str, str]:
    """Settings of all processes: the demo's, with NATS at `url` and the exchange at `port`."""
    names = ",".join(f"{coin}-USDT" for coin in coins)
    return {
        **os.environ,
        "MARKETPRISM_CONFIG": str(ROOT / "config" / "demo.yaml"),
        "MARKETPRISM_DATA_DIR": f"{folder}/data",
        "MARKETPRISM_NATS_SERVERS": url,
        "MARKETPRISM_LOG_LEVEL": "error",
        "MARKETPRISM_SIMULATOR__PORT": str(port),
        "MARKETPRISM_SIMULATOR__SYMBOLS": names,
        "MARKETPRISM_EXCHANGES__BINANCE_SPOT__SYMBOLS": names,
        "MARKETPRISM_EXCHANGES__BINANCE_SPOT__WS_URL": f"ws://127.0.0.1:{port}",
        "MARKETPRISM_EXCHANGES__BINANCE_SPOT__REST_URL": f"http://127.0.0.1:{port}",
    }


@contextmanager
def program(env: Mapping[str, str], module: str, *arguments: str) -> Iterator[psutil.Process]:
    """`python -m module`, ended with the block."""
    process = subprocess.Popen(
        bound([sys.executable, "-m", module, *arguments]),
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(25)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_s(process: psutil.Process) -> float:
    """Seconds of CPU it has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def listener(port: int) -> psutil.Process:
    """The process that listens on a port of this machine.

    Raises:
        RuntimeError: nobody does.
    """
    for each in psutil.net_connections("tcp"):
        if each.status == psutil.CONN_LISTEN and each.laddr.port == port and each.pid:
            return psutil.Process(each.pid)
    raise RuntimeError(f"nobody listens on port {port}")
