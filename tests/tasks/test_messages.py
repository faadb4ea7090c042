"""What reaches the broker: every message expires and goes to the right queue."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from config import ROOT
from tests.runtime.children import environment
from workers.local.servers import RedisServer

Shell = Callable[..., Any]
SNAPSHOT = '{"exchange": "binance_spot", "symbol": "BTC-USDT"}'
MEMORY = '{"exchange": "binance_spot"}'


def messages(broker: "Redis[bytes]", queue: str) -> list[dict[str, Any]]:
    return [json.loads(raw) for raw in broker.lrange(queue, 0, -1)]


def lifetime_s(message: dict[str, Any]) -> float:
    """Seconds from now until a message expires."""
    expires = datetime.fromisoformat(message["headers"]["expires"])
    return (expires - datetime.now(UTC)).total_seconds()


@pytest.mark.parametrize(
    ("arguments", "queue"),
    [
        (["polling.orderbook_snapshot", "--kwargs", SNAPSHOT], "polling"),
        (["collector.check_memory", "--kwargs", MEMORY], "collector.binance_spot"),
        (
            ["collector.resync_book", "--args", '["binance_spot", "BTC-USDT"]'],
            "collector.binance_spot",
        ),
        (["collector.check_memory", "--kwargs", MEMORY, "--queue", "other"], "other"),
    ],
    ids=["poll", "command", "positional", "typed-queue"],
)
def test_a_call_expires_and_goes_to_its_queue(
    shell: Shell, broker: "Redis[bytes]", arguments: list[str], queue: str
) -> None:
    done = shell("call", *arguments)
    assert done.returncode == 0, done.stderr
    (message,) = messages(broker, queue)
    assert message["content-type"] == "application/json"
    assert message["headers"]["task"] == arguments[0]
    assert 50 < lifetime_s(message) <= 60


@pytest.mark.parametrize(
    ("options", "least_s", "most_s"),
    [(["--expires", "5"], 0, 5), (["--countdown", "30"], 80, 90)],
    ids=["own-expiry", "due-later"],
)
def test_the_expiry_is_the_callers_or_counts_from_when_it_is_due(
    shell: Shell, broker: "Redis[bytes]", options: list[str], least_s: float, most_s: float
) -> None:
    shell("call", "polling.orderbook_snapshot", "--kwargs", SNAPSHOT, *options)
    (message,) = messages(broker, "polling")
    assert least_s < lifetime_s(message) <= most_s


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (
            ["polling.orderbook_snapshots"],
            "no task is called 'polling.orderbook_snapshots'; nearest: polling.orderbook_snapshot,",
        ),
        (
            ["collector.check_memory", "--kwargs", '{"exchange": "binance"}'],
            "no exchange is called 'binance'; nearest: binance_spot",
        ),
        (["collector.check_memory"], "no exchange is called None; known: binance_derivatives,"),
    ],
    ids=["task", "exchange", "no-exchange"],
)
def test_a_call_nobody_would_answer_is_refused_in_one_line(
    shell: Shell, broker: "Redis[bytes]", arguments: list[str], remedy: str
) -> None:
    done = shell("call", *arguments)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith(f"Error: {remedy}")
    assert broker.keys("*polling*") + broker.keys("*collector*") == []


def test_an_applied_task_expires_too(
    broker: "Redis[bytes]", redis_server: RedisServer, tmp_path: Path
) -> None:
    """Flower's button and other tasks use apply_async."""
    code = "import tasks; tasks.collector.check_memory.apply_async(args=['binance_spot'])"
    env = environment(tmp_path, redis_server.port)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True, timeout=30)
    (message,) = messages(broker, "collector.binance_spot")
    assert 50 < lifetime_s(message) <= 60


def test_a_wrong_setting_is_refused_with_its_path_and_no_traceback(shell: Shell) -> None:
    done = shell("worker", MARKETPRISM_CELERY__TASK_EXPIRES="soon")
    assert done.returncode == 1
    assert "celery.task_expires: found 'soon'" in done.stderr
    assert "Traceback" not in done.stderr
