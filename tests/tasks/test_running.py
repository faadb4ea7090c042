"""The tasks and inspections in a running system on the simulated exchange."""

import asyncio
import json
import socket
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

import nats
import pytest

from tests.cli.conftest import run_process
from tests.runtime.children import Child
from tests.tasks.conftest import System
from tests.waiting import wait_until
from workers.local.ports import answers, free_port

pytestmark = pytest.mark.e2e

POLLING, COLLECTOR = "polling", "collector.binance_spot"


async def last_polled(url: str) -> dict[str, Any]:
    """The last polled book of BTC-USDT in its stream."""
    client = await nats.connect(url)
    try:
        stream = client.jetstream()
        subscription = await stream.subscribe("orderbook-data.binance_spot.BTC-USDT")
        while True:
            event: dict[str, Any] = json.loads((await subscription.next_msg(10)).data)
            if event["source"] == "poll":
                return event
    finally:
        await client.close()


def test_a_polled_book_reaches_nats(system: System) -> None:
    done = system.call(
        "polling.orderbook_snapshot", POLLING, exchange="binance_spot", symbol="BTC-USDT"
    )
    assert done["state"] == "SUCCESS", done
    result = done["result"]
    assert (result["bids"], result["asks"], result["published"]) == (400, 400, True)
    event = asyncio.run(last_polled(system.nats.url))
    assert event["last_update_id"] == result["last_update_id"]
    assert (len(event["bids"]), event["verified_depth"], event["state"]) == (400, 400, "SYNCED")
    best_bid, best_ask = event["bids"][0][0], event["asks"][0][0]
    assert Decimal(result["spread"]) == Decimal(best_ask) - Decimal(best_bid) > 0


def test_commands_reach_the_collector(system: System) -> None:
    there = {"exchange": "binance_spot", "symbol": "ETH-USDT"}
    read = system.call("collector.read_book", COLLECTOR, **there, depth=3)
    assert read["state"] == "SUCCESS", read
    assert len(read["result"]["bids"]) == len(read["result"]["asks"]) == 3
    assert system.call("collector.resync_book", COLLECTOR, **there)["state"] == "SUCCESS"
    memory = system.call("collector.check_memory", COLLECTOR, exchange="binance_spot")
    assert memory["result"]["level"] == "ok", memory
    cleaned = system.call("collector.clean_idle_books", COLLECTOR, exchange="binance_spot")
    assert cleaned["result"]["dropped"] == []


def test_a_symbol_is_unsubscribed_and_subscribed_again_and_its_book_read(system: System) -> None:
    there: dict[str, object] = {"exchange": "binance_spot", "symbols": ["ETH-USDT"]}
    gone = system.call("collector.unsubscribe", COLLECTOR, **there)
    assert gone["state"] == "SUCCESS", gone
    assert "orderbook ETH-USDT" in gone["result"]["ended"]
    read = {"exchange": "binance_spot", "symbol": "ETH-USDT"}
    refused = system.call("collector.read_book", COLLECTOR, **read)
    assert "no symbol of binance_spot is called 'ETH-USDT'" in refused["result"]
    back = system.call("collector.subscribe", COLLECTOR, **there)
    assert back["result"]["begun"] == gone["result"]["ended"]
    assert back["result"]["remembered"] is True
    wait_until(
        lambda: system.call("collector.read_book", COLLECTOR, **read)["result"]["bids"],
        20,
        "the book again",
    )


def test_the_log_level_is_changed_and_changed_back(system: System) -> None:
    for before, now in (("info", "debug"), ("debug", "info")):
        done = system.call("collector.set_log_level", COLLECTOR, exchange="binance_spot", level=now)
        assert done["state"] == "SUCCESS", done
        assert done["result"] == {"exchange": "binance_spot", "before": before, "now": now}


def test_changed_settings_are_taken_over(system: System) -> None:
    there: dict[str, object] = {"exchange": "binance_spot"}
    first = system.call("collector.check_memory", COLLECTOR, **there)["result"]
    assert first["max_mb"] == 512
    more = "stability:\n  memory:\n    max_mb: 777\nnats:\n  publish_window: 77\n"
    system.config.write_text(system.config.read_text() + more)
    done = system.call("collector.reload_config", COLLECTOR, **there)
    assert done["state"] == "SUCCESS", done
    assert set(done["result"]) == {"applied", "next_session", "restart"}
    assert system.call("collector.check_memory", COLLECTOR, **there)["result"]["max_mb"] == 777
    status = system.call("collector.status", COLLECTOR, **there)["result"]
    assert status["settings"]["error"] is None
    assert status["settings"]["restart_for"] == ["nats.publish_window"]


def test_a_collector_tells_its_status(system: System) -> None:
    status = system.call("collector.status", COLLECTOR, exchange="binance_spot")["result"]
    assert (status["state"], status["phase"]) == ("running", "running")
    assert set(status["books"]) == {"BTC-USDT", "ETH-USDT", "SOL-USDT"}
    assert status["streams_by_channel"]["orderbook"] == 3
    assert status["limits"]["binance_spot"]["budgets"]["weight"]["limit"] == 6000


@pytest.mark.parametrize(
    ("task", "kwargs", "words"),
    [
        (
            "collector.read_book",
            {"symbol": "BTC-USD"},
            "no symbol of binance_spot is called 'BTC-USD'; nearest: BTC-USDT",
        ),
        (
            "collector.read_book",
            {"symbol": "BTC-USDT", "depth": 0},
            "depth 0; choose a whole number from 1 to 5000",
        ),
        (
            "polling.orderbook_snapshot",
            {"symbol": "DOGE"},
            "no symbol of binance_spot is called 'DOGE'",
        ),
    ],
    ids=["symbol", "depth", "polled-symbol"],
)
def test_a_wrong_argument_is_answered_with_a_right_one(
    system: System, task: str, kwargs: dict[str, object], words: str
) -> None:
    queue = COLLECTOR if task.startswith("collector.") else POLLING
    done = system.call(task, queue, exchange="binance_spot", **kwargs)
    assert done["state"] == "FAILURE"
    assert words in done["result"]


def test_a_command_in_the_wrong_queue_says_what_to_start(system: System) -> None:
    done = system.call("collector.check_memory", POLLING, exchange="binance_spot")
    assert done["state"] == "FAILURE"
    assert (
        "start one that does: celery -A tasks worker --service collector.binance_spot"
        in done["result"]
    )


def test_inspection_shows_the_service_and_says_where_there_is_none(system: System) -> None:
    books = system.inspect("books")
    assert "hosts no service" in books["worker"]["error"]
    book = books[COLLECTOR][COLLECTOR]["BTC-USDT"]
    assert book["state"] == "SYNCED"
    assert book["verified_depth"] >= 400
    found = system.inspect("connections")[COLLECTOR][COLLECTOR]
    assert len(found["connections"]) >= 1
    rates = system.inspect("rates")[COLLECTOR][COLLECTOR]
    assert set(rates["streams"]) >= {"trade", "orderbook", "ticker"}
    connects = rates["limits"]["binance_spot"]["budgets"]["connects"]
    assert (connects["limit"], connects["source"]) == (300, "redis")
    assert set(connects) == set(found["connects"]["binance_spot"])
    stats = system.inspect("stats")
    assert stats[COLLECTOR]["service"]["state"] == "running"
    assert "service" not in stats["worker"]


def test_budgets_and_breakers_are_told_alike_everywhere(system: System) -> None:
    polled = system.call("polling.tickers", POLLING, exchange="binance_spot", symbol="BTC-USDT")
    assert polled["state"] == "SUCCESS", polled
    rates = system.inspect("rates")
    collector = rates[COLLECTOR][COLLECTOR]["limits"]["binance_spot"]
    worker = rates["worker"]["worker"]["limits"]["binance_spot"]
    assert collector["breakers"] == {"/api/v3/depth": "closed", "/api/v3/exchangeInfo": "closed"}
    assert worker["breakers"]["/api/v3/ticker/24hr"] == "closed"
    polls = system.inspect("polls")["worker"]
    assert polls["breakers"] == {"binance_spot": worker["breakers"]}
    seen = json.loads(run_process("status", "--json", env=system.env).stdout)
    budgets = {each["budget"]: each for each in seen["limits"]}
    assert set(budgets) == {"weight", "connects"}
    assert set(collector["budgets"]["weight"]) < set(budgets["weight"])
    assert budgets["weight"]["source"] == "redis"
    endpoints = {(each["service"], each["endpoint"]) for each in seen["breakers"]}
    assert {(COLLECTOR, "/api/v3/depth"), ("worker", "/api/v3/ticker/24hr")} <= endpoints


def test_a_shell_can_inspect(system: System) -> None:
    done = system.celery("inspect", "books", "--json", "-t", "2")
    replies = {node.split("@")[0]: reply for node, reply in json.loads(done.stdout).items()}
    assert replies[COLLECTOR][COLLECTOR]["ETH-USDT"]["symbol"] == "ETH-USDT"


def test_flower_shows_the_workers_by_name_on_the_settings_port(
    system: System, tmp_path: Path
) -> None:
    port = free_port()
    env = {**system.env, "MARKETPRISM_FLOWER__PORT": str(port)}

    def page(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
            text: str = reply.read().decode()
        return text

    def shown() -> set[str]:
        if not answers(port):
            return set()
        workers = json.loads(page("/workers?json=1"))["data"]
        return {each["hostname"].split("@")[0] for each in workers if each["status"]}

    with Child(["celery", "-A", "tasks", "flower"], env, tmp_path / "flower.log"):
        wait_until(lambda: shown() == {"worker", COLLECTOR}, 30, "Flower shows both workers")
        name = next(
            each["hostname"]
            for each in json.loads(page("/workers?json=1"))["data"]
            if each["hostname"].startswith(COLLECTOR)
        )
        wait_until(lambda: "verified_depth" in page(f"/worker/{name}"), 20, "the service's status")


def test_a_second_flower_takes_the_next_free_port_and_says_so(
    system: System, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        env = {**system.env, "MARKETPRISM_FLOWER__PORT": str(port)}
        log, other = tmp_path / "flower.log", tmp_path / "report.log"
        with Child(["celery", "-A", "tasks", "report"], env, other):
            wait_until(lambda: "software ->" in other.read_text(), 30, "another command")
        with Child(["celery", "-A", "tasks", "flower"], env, log):
            wait_until(lambda: "Visit me at" in log.read_text(), 30, "Flower up")
    assert "is taken" not in other.read_text()
    text = log.read_text()
    assert f"port {port} (flower.port) is taken" in text
    assert f"Visit me at http://127.0.0.1:{port}" not in text.splitlines()
