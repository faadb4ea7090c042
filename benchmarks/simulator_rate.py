"""How fast the simulated exchange can speak: messages a second on one connection, and its CPU.

Asks for a rate on trade, depth@100ms and ticker of three symbols, counts what arrives, checks that
trade ids are contiguous, and reads the simulator's CPU time. Its client shares the machine.
"""

import asyncio
import statistics
import sys
import time
from pathlib import Path

import aiohttp
import msgspec
import psutil

from benchmarks import _machine

SYMBOLS = ("BTC-USDT", "ETH-USDT", "SOL-USDT")
CHANNELS = ("trade", "depth@100ms", "ticker")
RATES = (300.0, 5_000.0, 20_000.0)
RUNS = 3
SECONDS = 4.0


class Data(msgspec.Struct):
    """Event time in microseconds, symbol, trade id (0: no trade)."""

    E: int
    s: str
    t: int = 0


class Message(msgspec.Struct):
    """One combined frame."""

    stream: str
    data: Data


async def measure(rate: float, seconds: float) -> list[float]:
    command = [sys.executable, "-m", "workers.simulator", "--port", "0", "--rate", str(rate)]
    command += ["--dialect", "binance_spot", "--symbols", ",".join(SYMBOLS)]
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parent.parent
    )
    assert child.stdout is not None
    try:
        address = (await child.stdout.readline()).decode().split()[-1].replace("http", "ws")
        async with aiohttp.ClientSession() as session:
            return await count(session, address, psutil.Process(child.pid), rate, seconds)
    finally:
        child.terminate()
        await child.wait()


async def count(
    session: aiohttp.ClientSession,
    address: str,
    simulator: psutil.Process,
    rate: float,
    seconds: float,
) -> list[float]:
    """Messages a second, trades lost, share of a core, p50 and p99 from event to client in ms."""
    names = [f"{each.replace('-', '').lower()}@{chan}" for each in SYMBOLS for chan in CHANNELS]
    path = f"/stream?streams={'/'.join(names)}&timeUnit=MICROSECOND"
    decode = msgspec.json.Decoder(Message).decode
    last: dict[str, int] = {}
    lost = messages = 0
    late_ms: list[float] = []
    async with session.ws_connect(address + path, max_msg_size=0) as socket:
        end = time.monotonic() + 1.0
        begun: tuple[float, float] | None = None
        async for message in socket:
            now = time.monotonic()
            if begun is None and now >= end:
                begun, end, messages = (now, cpu(simulator)), now + seconds, 0
            elif begun is not None and now >= end:
                break
            messages += 1
            data = decode(message.data).data
            if data.t:
                lost += data.t - last.get(data.s, data.t - 1) - 1
                last[data.s] = data.t
            if messages % 50 == 0:
                late_ms.append(time.time() * 1000 - data.E / 1000)
    assert begun is not None
    took = time.monotonic() - begun[0]
    share = (cpu(simulator) - begun[1]) / took
    cuts = statistics.quantiles(late_ms, n=100)
    return [messages / took, float(lost), share, cuts[49], cuts[98]]


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def main() -> None:
    """Each rate several times; medians, and every lost trade."""
    rows = []
    for rate in RATES:
        runs = [asyncio.run(measure(rate, SECONDS)) for _ in range(RUNS)]
        received, _, share, p50, p99 = (statistics.median(each) for each in zip(*runs, strict=True))
        lost = sum(run[1] for run in runs)
        rows.append(
            (
                f"{rate:g}",
                f"{received:.0f}",
                f"{lost:.0f}",
                f"{share:.0%}",
                f"{share / received * 1e6:.0f}",
                f"{p50:.1f}",
                f"{p99:.1f}",
            )
        )
    header = ("asked /s", "received /s", "trades lost", "core", "us each", "p50 ms", "p99 ms")
    _machine.table("Simulated exchange to one client, median of 3 runs of 4 s", header, rows)


if __name__ == "__main__":
    main()
