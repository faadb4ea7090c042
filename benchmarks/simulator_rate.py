"""How fast the simulated exchange can speak: messages a second on one connection, and its CPU.

    python benchmarks/simulator_rate.py [RATE] [SECONDS]

Asks for RATE messages a second on trade, depth@100ms and ticker of three symbols, counts what
arrives, checks that trade ids are contiguous, and reads the simulator's CPU time.
"""

import asyncio
import statistics
import sys
import time
from pathlib import Path

import aiohttp
import msgspec
import psutil

SYMBOLS = ("BTC-USDT", "ETH-USDT", "SOL-USDT")
CHANNELS = ("trade", "depth@100ms", "ticker")


class Data(msgspec.Struct):
    """Event time in microseconds, symbol, trade id (0: no trade)."""

    E: int
    s: str
    t: int = 0


class Message(msgspec.Struct):
    """One combined frame."""

    stream: str
    data: Data


async def measure(rate: float, seconds: float) -> None:
    command = [sys.executable, "-m", "workers.simulator", "--port", "0", "--rate", str(rate)]
    command += ["--symbols", ",".join(SYMBOLS)]
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parent.parent
    )
    assert child.stdout is not None
    try:
        address = (await child.stdout.readline()).decode().split()[-1].replace("http", "ws")
        async with aiohttp.ClientSession() as session:
            await count(session, address, psutil.Process(child.pid), rate, seconds)
    finally:
        child.terminate()
        await child.wait()


async def count(
    session: aiohttp.ClientSession,
    address: str,
    simulator: psutil.Process,
    rate: float,
    seconds: float,
) -> None:
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
    print(
        f"asked {rate:g}/s, received {messages / took:.0f}/s in {took:.1f} s, {lost} trades lost, "
        f"simulator {share:.0%} of a core, {share / (messages / took) * 1e6:.1f} us a message, "
        f"event to client p50 {cuts[49]:.1f} ms p99 {cuts[98]:.1f} ms"
    )


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    chosen = float(sys.argv[1]) if len(sys.argv) > 1 else 20_000.0
    asyncio.run(measure(chosen, float(sys.argv[2]) if len(sys.argv) > 2 else 10.0))
