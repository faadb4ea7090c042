"""`python -m workers.simulator`: the command line."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from config import ConfigError, load
from config.settings import SimulatorSettings
from workers.simulator.binance.connection import ConnectionOptions
from workers.simulator.binance.limits import LimitOptions
from workers.simulator.options import ALL, DIALECTS, Options
from workers.simulator.recorder import dump
from workers.simulator.recordings import RecordingError
from workers.simulator.server import FIRST, Simulator
from workers.simulator.tls import ca_file


def parser(defaults: SimulatorSettings) -> argparse.ArgumentParser:
    """All options, with defaults from the settings."""
    limits, connections = LimitOptions(), ConnectionOptions()
    made = argparse.ArgumentParser(
        prog="python -m workers.simulator",
        description="A simulated exchange, with a true book and faults on request.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = made.add_argument
    add("--address", default=defaults.address, help="address to listen on")
    add("--port", type=int, default=defaults.port, help="port to listen on; 0 picks a free one")
    add("--seed", type=int, default=defaults.seed, help="of everything random in the market")
    add("--rate", type=float, default=defaults.rate, help="messages/s on trade+depth+ticker, all")
    add("--symbols", default=",".join(defaults.symbols), help="BASE-QUOTE names, with commas")
    add("--start-ms", type=int, default=None, help="engine time at the start; default now")
    add("--levels", type=int, default=6500, help="price levels a side")
    add("--journal", type=int, default=1_000_000, help="book changes kept per symbol")
    add("--record", type=Path, default=None, help="write every event to this file (.gz: gzipped)")
    add("--dump", type=Path, default=None, help="record engine time to this file and exit")
    add("--dump-seconds", type=float, default=30.0, help="engine time that --dump records")
    add("--play", type=Path, action="append", default=[], help="play a recording; repeatable")
    add("--http", type=Path, action="append", default=[], help="recorded REST replies for --play")
    add("--speed", type=float, default=1.0, help="of --play; 1 is the original pace")
    add("--settle-s", type=float, default=1.5, help="--play starts this long after SUBSCRIBE")
    add("--instrument", action="append", default=[], help="BTCUSDT=BTC-USDT, for --play")
    add("--dialect", choices=(ALL, *DIALECTS), default=ALL, help="whose protocol to speak")
    add(
        "--switch",
        action="append",
        default=[],
        help="NAME=NUMBER of the dialect, DIALECT.NAME=NUMBER with all of them; repeatable",
    )
    add("--news-s", type=float, default=30.0, help="between changes of instruments; 0: none")
    add("--tls", action="store_true", help="speak TLS with a certificate made for this run")
    add("--ca-file", type=Path, default=None, help="where --tls writes its CA; printed")
    add("--tls-cert", type=Path, default=None, help="speak TLS with this certificate chain")
    add("--tls-key", type=Path, default=None, help="its key, if it is not in the same file")
    add("--weight-limit", type=int, default=limits.weight, help="REST weight a minute")
    add("--ban-s", type=float, default=limits.ban_s, help="length of the first 418 ban")
    add("--connect-limit", type=int, default=limits.connects, help="connects in 5 minutes")
    add("--message-limit", type=int, default=limits.messages, help="client messages a second")
    add("--ping-s", type=float, default=connections.ping_s, help="between pings")
    add("--pong-s", type=float, default=connections.pong_s, help="time for a pong")
    add("--max-age-s", type=float, default=connections.max_age_s, help="of a connection")
    add("--nested-errors", action="store_true", help="wrap errors of control messages in 'error'")
    return made


def options_of(given: argparse.Namespace) -> Options:
    """The command line as one value; recordings are those of Binance spot alone."""
    recorded = given.play or given.record or given.dump
    return Options(
        address=given.address,
        port=given.port,
        seed=given.seed,
        rate=given.rate,
        symbols=tuple(each.strip() for each in given.symbols.split(",") if each.strip()),
        levels=given.levels,
        journal=given.journal,
        record=given.record,
        play=tuple(given.play),
        http=tuple(given.http),
        speed=given.speed,
        settle_s=given.settle_s,
        names=tuple(given.instrument),
        dialect=FIRST if recorded and given.dialect == ALL else given.dialect,
        switches=tuple(given.switch),
        news_s=given.news_s,
        tls=given.tls,
        ca_file=given.ca_file,
        tls_cert=given.tls_cert,
        tls_key=given.tls_key,
        limits=LimitOptions(
            weight=given.weight_limit,
            ban_s=given.ban_s,
            connects=given.connect_limit,
            messages=given.message_limit,
        ),
        connections=ConnectionOptions(
            ping_s=given.ping_s,
            pong_s=given.pong_s,
            max_age_s=given.max_age_s,
            nested_errors=given.nested_errors,
        ),
        start_ms=given.start_ms,
    )


async def serve(options: Options) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Simulator(options).running() as address:
        if options.tls and options.tls_cert is None:
            print(f"simulator: verify with {ca_file(options)}", flush=True)
        print(f"simulator: {address}", flush=True)
        await stop.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the exit code."""
    try:
        given = parser(load().simulator).parse_args(arguments)
        options = options_of(given)
        if given.dump:
            if options.dialect not in (ALL, FIRST):
                raise ValueError(f"--dump: the {options.dialect} dialect makes no recordings")
            print(dump(options, given.dump, given.dump_seconds).decode())
            return 0
        asyncio.run(serve(options))
    except (ConfigError, RecordingError, ValueError, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
