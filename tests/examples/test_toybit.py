"""The example package, built and installed as a user would, seen by processes that never met it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from config.settings import ROOT
from tests.bus.running import stored
from tests.examples.toy_server import Toybit, toybit
from tests.runtime.children import Child, environment, run
from tests.waiting import wait_until
from workers.local.nats import NatsServer
from workers.local.redis import RedisServer

EXAMPLE = ROOT / "examples" / "toybit"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder the package was installed into; nothing of it is in the environment."""
    folder = tmp_path_factory.mktemp("example")
    source, target = folder / "source", folder / "site"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("build", "*.egg-info"))
    install = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    done = run([*install, "--target", str(target), str(source)], os.environ)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def exchange() -> Iterator[Toybit]:
    with toybit() as server:
        yield server


@pytest.fixture
def env(
    installed: Path,
    exchange: Toybit,
    redis_server: RedisServer,
    nats_server: NatsServer,
    tmp_path: Path,
) -> dict[str, str]:
    """Settings that name the example's exchange and no other."""
    section = "MARKETPRISM_EXCHANGES__TOYBIT__"
    return environment(
        tmp_path / "data",
        redis_server.port,
        {
            "PYTHONPATH": str(installed),
            "MARKETPRISM_NATS__SERVERS": nats_server.url,
            f"{section}WS_URL": exchange.urls["ws"],
            f"{section}REST_URL": exchange.urls["rest"],
            f"{section}SYMBOLS": "BTC-USD",
            "LARGE_TRADES_FILE": str(tmp_path / "large.jsonl"),
            "LARGE_TRADES_FROM": "500",
        },
    )


def test_the_package_names_its_exchange_and_its_processor(env: Mapping[str, str]) -> None:
    names = "from workers.exchanges.registry import EXCHANGES; print(*EXCHANGES)"
    found = subprocess.run(
        [sys.executable, "-c", names], cwd=ROOT, env=dict(env), capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    assert found.stdout.split()[-1] == "toybit"
    assert run(["cli.main", "process"], env).stdout.split() == ["large_trades"]
    without = {**env, "PYTHONPATH": ""}
    assert "no installed package" in run(["cli.main", "process"], without).stdout


def test_its_exchange_passes_the_suite_of_every_exchange(env: Mapping[str, str]) -> None:
    suite = ["pytest", "tests/contract/test_every_exchange.py", "-k", "toybit", "-p"]
    done = run([*suite, "no:cacheprovider"], env)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_its_settings_are_checked_like_all_others(env: Mapping[str, str]) -> None:
    assert run(["cli.main", "config", "check"], env).returncode == 0
    channels = {**env, "MARKETPRISM_EXCHANGES__TOYBIT__CHANNELS": "trade,liquidation"}
    wrong = run(["cli.main", "config", "check"], channels)
    assert wrong.returncode == 1
    assert "toybit has no such channel" in wrong.stdout + wrong.stderr


def test_its_exchange_is_collected_and_its_processor_is_fed(
    env: Mapping[str, str], exchange: Toybit, nats_server: NatsServer, tmp_path: Path
) -> None:
    large = tmp_path / "large.jsonl"
    collector = ["workers.runtime", "collector.toybit"]
    with (
        Child(["cli.main", "process", "large_trades"], env, tmp_path / "process.log") as mine,
        Child(collector, env, tmp_path / "collector.log") as collecting,
    ):
        wait_until(lambda: large.exists() and large.read_text().count("\n") > 4, 60, "large trades")
        wait_until(lambda: "SYNCED" in books(nats_server), 30, "a synced book")
        mine.terminate()
        assert mine.exit_code(30) == 0, mine.output
        collecting.terminate()
        assert collecting.exit_code(30) == 0, collecting.output
    trades = [json.loads(line) for line in large.read_text().splitlines()]
    sizes = [int(each["quantity"]) for each in trades]
    assert sizes == list(range(50, 50 + len(sizes))), "each trade of 500 or more, once, in order"
    assert {(each["exchange"], each["symbol"]) for each in trades} == {("toybit", "BTC-USD")}


def books(nats: NatsServer) -> list[Any]:
    found = stored(nats.url, "ORDERBOOKS")
    return [each["state"] for each in found if each["exchange"] == "toybit"]
