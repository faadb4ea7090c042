"""Two general workers poll many symbols of an exchange under one budget: is anything refused?

    python -m benchmarks.polling [SYMBOLS] [SECONDS] [EXCHANGE ...]

500 symbols, 180 s, and binance_derivatives, then okx_derivatives, each alone. Beat with the default
schedule, two `celery -A tasks worker`, Redis, NATS and ClickHouse, and a quiet simulated exchange
that enforces its limits as documented. Halfway the books of all symbols are asked for at once,
which is more than a minute's weight on Binance: the workers must wait for it, beside the schedule.
Wanted: not one 429, 418 or 50011, as the exchange itself counts them, and every run a row.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests
from celery import Celery

import config
from benchmarks._machine import table
from benchmarks._running import program
from config import queues
from config.settings import Settings
from workers.bus.streams import ensure_streams
from workers.exchanges.registry import exchange as declared
from workers.local.servers import ClickHouseServer, NatsServer, RedisServer, free_ports
from workers.store.migrate import migrate
from workers.store.queries import query
from workers.transport.shared import HEADROOM

SYMBOLS, SECONDS = 500, 180.0
EXCHANGES = ("binance_derivatives", "okx_derivatives")
DIALECTS = {"okx_spot": "okx", "okx_derivatives": "okx"}
UP_WITHIN_S = 300.0
"""The simulated exchange makes all its markets first: 500 take about a minute of CPU."""
ASKED_DEPTH = 500
LOOK_S = 1.0

RUNS = f"""
WITH JSONExtractInt(arguments, 'depth') = {ASKED_DEPTH} AS at_once
SELECT
    concat(name, if(at_once, ', all at once', '')) AS task,
    count() AS runs,
    countIf(state = 'SUCCESS') AS done,
    uniqExactIf(JSONExtractString(arguments, 'symbol'), state = 'SUCCESS') AS symbols,
    if(at_once, (max(finished_ns) - min(started_ns)) / 1e9, NULL) AS took_s,
    quantileExact(0.5)(runtime_s) AS half,
    max(runtime_s) AS longest,
    anyIf(error, state != 'SUCCESS') AS an_error
FROM task_results FINAL GROUP BY name, at_once ORDER BY task
"""


def main(symbols: int = SYMBOLS, seconds: float = SECONDS, *exchanges: str) -> None:
    """Run each exchange once and print what happened."""
    for name in exchanges or EXCHANGES:
        _one(name, symbols, seconds)


def _one(name: str, symbols: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        settings, env = stack.enter_context(_surroundings(Path(folder), name, symbols))
        for command in ("worker -n one@%h", "worker -n two@%h", "beat"):
            stack.enter_context(program(env, "celery", "-A", "tasks", *command.split()))
        weights = _watch(settings, name, seconds)
        state = _state(settings, name)
        rows = [
            [each if each is not None else "" for each in row]
            for row in query(settings.clickhouse, RUNS).rows
        ]
    table(
        f"{name}: {symbols} symbols, two workers, {seconds:.0f} s",
        ("task", "runs", "done", "symbols", "took s", "median s", "longest s", "an error"),
        [[f"{each:.1f}" if isinstance(each, float) else each for each in row] for row in rows],
    )
    limit = declared(name).limits.weight
    allowed = f" of {limit:,}, ours to use {int(limit * (1 - HEADROOM)):,}" if limit else ""
    calls = sum(state["requests"].values())
    print(f"calls the exchange counted: {calls:,}, {calls / seconds:.1f}/s")
    if weights:
        print(f"weight used, by minute: {', '.join(map(str, weights.values()))}{allowed}")
    print(f"refused by the exchange: {state['limited'] or 'nothing'}")
    print(f"load average {os.getloadavg()[0]:.1f}", flush=True)


def _watch(settings: Settings, name: str, seconds: float) -> dict[int, int]:
    """Let it run; the most weight that was seen used in each clock minute, where there is any."""
    began_s, asked, weights, shown_s = time.monotonic(), False, dict[int, int](), 0.0
    while (passed_s := time.monotonic() - began_s) < seconds:
        minute, state = int(time.time() // 60), _state(settings, name)
        for used in state["used_weight"].values():
            weights[minute] = max(weights.get(minute, 0), used)
        if passed_s >= seconds / 2 and not asked:
            asked = True
            _ask_all(settings, name)
        if passed_s >= shown_s:
            calls = sum(state["requests"].values())
            print(f"{passed_s:4.0f} s: {calls:,} calls, refused {state['limited']}", flush=True)
            shown_s += 15.0
        time.sleep(LOOK_S)
    return weights


def _ask_all(settings: Settings, name: str) -> None:
    """A book of every symbol, all in the queue at once."""
    with Celery(broker=settings.redis.url) as app:
        for symbol in settings.exchanges[name].symbols:
            app.send_task(
                queues.ORDERBOOK_SNAPSHOT,
                kwargs={"exchange": name, "symbol": symbol, "depth": ASKED_DEPTH},
                queue=queues.DEFAULT_QUEUE,
            )


@contextmanager
def _surroundings(
    folder: Path, name: str, symbols: int
) -> Iterator[tuple[Settings, dict[str, str]]]:
    nats_port, monitoring, redis_port, tcp, http, port = free_ports(6)
    coins = [f"C{number}" for number in range(symbols)]
    end = "-PERP" if name.endswith("derivatives") else ""
    given = {
        "CONFIG": str(config.ROOT / "config" / "demo.yaml"),
        "DATA_DIR": str(folder / "data"),
        "NATS__SERVERS": f"nats://127.0.0.1:{nats_port}",
        "REDIS__PORT": str(redis_port),
        "CLICKHOUSE__PORT": str(tcp),
        "CLICKHOUSE__HTTP_PORT": str(http),
        "SIMULATOR__PORT": str(port),
        "NETWORK__EGRESS": f"simulated:{port}",
        "LOG_LEVEL": "error",
    }
    for each in config.load(env=_environment(given)).exchanges:
        if each == name:
            given[f"EXCHANGES__{each.upper()}__SYMBOLS"] = ",".join(
                f"{coin}-USDT{end}" for coin in coins
            )
        else:
            given[f"EXCHANGES__{each.upper()}__ENABLED"] = "false"
    env = _environment(given)
    settings = config.load(env=env)
    with ExitStack() as stack:
        for server in (
            RedisServer(folder, redis_port),
            NatsServer(folder, nats_port, monitoring),
            ClickHouseServer(folder, tcp, http),
        ):
            server.start()
            stack.callback(server.stop)
        options = {
            "port": port,
            "dialect": DIALECTS.get(name, name),
            "symbols": ",".join(f"{coin}-USDT" for coin in coins),
            "rate": 5,
            "levels": 60,
            "news-s": 0,
        }
        words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        stack.enter_context(program(env, "workers.simulator", *words))
        asyncio.run(ensure_streams(settings.nats.servers, settings.nats.streams_file))
        migrate(settings.clickhouse)
        _wait_for(settings, name)
        yield settings, env


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if "MARKETPRISM" not in key}
    return kept | {f"MARKETPRISM_{key}": value for key, value in given.items()}


def _wait_for(settings: Settings, name: str) -> None:
    deadline_s = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < deadline_s:
        try:
            _state(settings, name)
        except requests.RequestException:
            time.sleep(0.5)
        else:
            return
    raise RuntimeError(f"the simulated exchange did not come up within {UP_WITHIN_S:.0f} s")


def _state(settings: Settings, name: str) -> dict[str, Any]:
    """What the exchange counted: requests by path, weight used, what it refused."""
    root = settings.exchanges[name].rest_url
    state: dict[str, Any] = requests.get(f"{root}/sim/state", timeout=60).json()
    return state


if __name__ == "__main__":
    main(
        *(int(each) for each in sys.argv[1:2]),
        *(float(each) for each in sys.argv[2:3]),
        *sys.argv[3:],
    )
