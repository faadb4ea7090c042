"""`marketprism status`: on real servers without services, on none, and over made-up services."""

import json
import os
import signal
import threading
import time
from typing import Any

import pytest
from rich.console import Console

import config
from cli import limits_view, probes
from cli.status import drawn
from cli.survey import by_name, shortcomings, survey
from config.settings import Settings
from tests.alone import BINANCE_SPOT_ALONE
from tests.cli.conftest import Run, run_process
from workers.local.servers import NatsServer, free_ports
from workers.store.migrate import migrate

LIMIT_S = 10.0
"""Far above the survey's own 2.2 s, far below for ever: machines that run tests are slow."""
DEMO = config.load("config/demo.yaml", BINANCE_SPOT_ALONE)


def text_of(seen: dict[str, Any]) -> str:
    console = Console(width=100, color_system=None)
    with console.capture() as text:
        console.print(drawn(seen))
    return text.get()


def healthy() -> dict[str, Any]:
    """A survey of a system in order, as survey.py describes it."""
    server = {"address": "127.0.0.1:1", "reachable": True, "latency_ms": 0.4, "error": None}
    service = {
        "node": "writer@host",
        "state": "running",
        "pid": 7,
        "uptime_s": 65.0,
        "memory_mb": 98.2,
        "error": None,
    }
    symbols = DEMO.exchanges["binance_spot"].symbols
    book = {
        "exchange": "binance_spot",
        "state": "SYNCED",
        "verified_depth": 4937,
        "best_bid": ["96023.10000000", "1"],
        "best_ask": ["96024.00000000", "1"],
        "last_update_id": 9,
        "age_s": 0.05,
        "bids": 5000,
        "asks": 5000,
        "updates": 3,
        "gaps": 2,
        "resyncs": 2,
    }
    stream = {
        "exchange": "binance_spot",
        "channel": "trade",
        "messages": 9,
        "rate": 2.5,
        "age_s": 0.1,
    }
    connection = {
        "exchange": "binance_spot",
        "index": 0,
        "state": "connected",
        "url": "ws://h",
        "age_s": 5.0,
        "frames": 3,
        "attempts": 0,
        "handovers": 2,
        "last_error": None,
    }
    return {
        "ok": True,
        "reasons": [],
        "running": True,
        "stack": {
            "pid": 4711,
            "data_dir": "/data",
            "started_ns": time.time_ns(),
            "ready": True,
            "simulated": True,
        },
        "servers": {"redis": server, "nats": server, "clickhouse": server},
        "services": dict.fromkeys(("collector.binance_spot", "writer", "worker"), service),
        "symbols": [],
        "books": [book | {"symbol": symbol} for symbol in symbols],
        "connections": [connection],
        "streams": [stream | {"symbol": symbol} for symbol in symbols],
        "limits": [],
        "breakers": [],
        "writer": {
            "connected": True,
            "lag_s": 0.4,
            "streams": {"TRADES": {"table": "trades", "lag_s": 0.4, "error": None}},
        },
        "jetstream": [
            {"stream": "TRADES", "messages": 7939, "bytes": 3_900_000, "writer_pending": 159}
        ],
        "rows": {"trades": 7780, "gaps": 0},
        "pages": {"flower": "http://f", "nats": "http://n", "clickhouse": "http://c"},
    }


def test_a_system_in_order_has_no_reasons_and_is_drawn_whole() -> None:
    seen = healthy()
    assert shortcomings(DEMO, seen) == []
    lines = [" ".join(line.split()) for line in text_of(seen).splitlines()]
    assert "binance_spot BTC-USDT SYNCED 4937 96023.1 96024.0 2 50 ms" in lines
    assert "● binance_spot 1 of 1 connected, 3 frames, 2 handed over, oldest 5.0 s" in lines
    assert f"trade {2.5 * len(seen['books'])}/s 0.1s" in lines
    assert "TRADES 7,939 3.7 MB 159 0.4 s trades 7,780" in lines
    assert lines[-1] == "all is well"


def test_types_that_share_a_stream_have_a_line_each() -> None:
    seen = healthy()
    sinks = {"FACTS": "gaps", "FACTS book-audit": "book_audits"}
    seen["writer"]["streams"] = {
        name: {"table": table, "lag_s": 0.4, "error": None} for name, table in sinks.items()
    }
    seen["jetstream"] = [seen["jetstream"][0] | {"stream": "FACTS"}]
    seen["rows"] = {"gaps": 3, "book_audits": 70}
    lines = [" ".join(line.split()) for line in text_of(seen).splitlines()]
    assert "FACTS 7,939 3.7 MB 159 0.4 s gaps 3" in lines
    assert "0.4 s book_audits 70" in lines


def test_a_connection_that_carries_nothing_and_a_silent_stream_are_told_apart() -> None:
    seen = healthy()
    broken = seen["connections"][0] | {"index": 1, "state": "waiting", "last_error": "refused"}
    seen["connections"].append(broken)
    seen["streams"][-1] |= {"rate": None, "age_s": None}
    seen["streams"].append(seen["streams"][0] | {"exchange": "okx_spot", "channel": "ticker"})
    lines = [" ".join(line.split()) for line in text_of(seen).splitlines()]
    assert "● binance_spot 1 of 2 connected, 6 frames, 4 handed over, oldest 5.0 s" in lines
    assert "1 waiting: refused" in lines
    assert f"trade {2.5 * (len(seen['books']) - 1)}/s 0.1s 1 silent ·" in lines
    assert "ticker · 2.5/s 0.1s" in lines


def test_a_connection_that_is_being_replaced_and_an_index_without_a_book_are_in_order() -> None:
    seen = healthy()
    seen["connections"][0] |= {"state": "replacing"}
    exchange = DEMO.exchanges["deribit"].model_copy(
        update={"enabled": True, "symbols": ["BTC-DVOL"]}
    )
    settings = DEMO.model_copy(update={"exchanges": DEMO.exchanges | {"deribit": exchange}})
    seen["services"]["collector.deribit"] = seen["services"]["writer"]
    assert shortcomings(settings, seen) == []


@pytest.mark.parametrize(
    ("where", "change", "reason"),
    [
        (["books", 1], {"state": "STALE"}, "binance_spot ETH-USDT: the book is STALE"),
        (["books", 1], {"symbol": "X-Y"}, "binance_spot ETH-USDT: the book is not there"),
        (["services", "writer"], {"state": "crashed", "error": "E"}, "writer is crashed: E"),
        (
            ["connections", 0],
            {"state": "waiting", "last_error": "refused"},
            "binance_spot: connection 0 is waiting: refused",
        ),
        (["connections", 0], {"state": "stopped"}, "connection 0 is stopped: no error yet"),
        (["writer", "streams", "TRADES"], {"lag_s": 11.0}, "writer: TRADES is 11 s behind"),
        (["writer", "streams", "TRADES"], {"error": "full"}, "writer: TRADES: full"),
        (
            ["servers", "nats"],
            {"reachable": False, "error": "timed out"},
            "nats does not answer at 127.0.0.1:1: timed out",
        ),
    ],
    ids=lambda value: "" if not isinstance(value, str) else value[:30],
)
def test_what_is_wrong_is_a_reason(
    where: list[str | int], change: dict[str, Any], reason: str
) -> None:
    seen: Any = json.loads(json.dumps(healthy()))
    here = seen
    for key in where:
        here = here[key]
    here.update(change)
    assert [each for each in shortcomings(DEMO, seen) if reason in each]


def test_a_symbol_somebody_removed_needs_no_book() -> None:
    seen = healthy()
    gone = seen["books"].pop()["symbol"]
    assert any(gone in each for each in shortcomings(DEMO, seen))
    seen["symbols"] = [{"exchange": "binance_spot", "symbol": gone, "origin": "removed"}]
    assert shortcomings(DEMO, seen) == []


@pytest.mark.parametrize("last", ["running", "standby"])
def test_of_two_collectors_of_one_name_the_one_at_work_is_shown(last: str) -> None:
    first = "standby" if last == "running" else "running"
    views = {
        "collector@host": {"name": "collector", "state": first},
        "collector-7@host": {"name": "collector", "state": last},
    }
    node, view = by_name(views)["collector"]
    assert view["state"] == "running"
    assert len(by_name(views)) == 2
    assert node in views


def test_a_service_that_is_missing_is_a_reason_unless_redis_is_the_cause() -> None:
    seen = healthy()
    del seen["services"]["writer"]
    assert shortcomings(DEMO, seen) == ["writer does not answer"]
    seen["servers"]["redis"] = seen["servers"]["redis"] | {"reachable": False, "error": "gone"}
    assert shortcomings(DEMO, seen) == [
        "redis does not answer at 127.0.0.1:1: gone",
        "the services cannot be asked without redis; they may well be running",
    ]


def test_real_servers_are_reached_and_their_contents_told(
    run: Run, settings: Settings, settings_env: dict[str, str]
) -> None:
    migrate(settings.clickhouse)
    result = run("status", "--json", env=settings_env)
    seen = json.loads(result.stdout)
    assert result.exit_code == 1
    assert set(seen) == set(healthy())
    assert [each["reachable"] for each in seen["servers"].values()] == [True, True, True]
    assert all(each["latency_ms"] > 0 for each in seen["servers"].values())
    assert (seen["running"], seen["stack"], seen["jetstream"]) == (False, None, [])
    assert seen["rows"]["trades"] == 0
    assert seen["reasons"] == [
        "collector.binance_spot does not answer",
        "writer does not answer",
        "worker does not answer",
    ]


def test_without_servers_it_says_so_at_once_and_without_a_trace() -> None:
    ports = {"REDIS__PORT": "9", "CLICKHOUSE__PORT": "7", "NATS__SERVERS": "nats://127.0.0.1:8"}
    result = run_process("status", env={f"MARKETPRISM_{k}": v for k, v in ports.items()})
    assert result.returncode == 1
    assert "does not run; start it: marketprism up" in result.stdout
    assert "! redis does not answer at 127.0.0.1:9: Connection refused" in result.stdout
    assert "! nats does not answer at nats://127.0.0.1:8: Connection refused" in result.stdout
    assert "! clickhouse does not answer at 127.0.0.1:7: Connection refused" in result.stdout
    assert result.stderr == ""


def test_servers_that_hang_cost_their_deadline_only(settings: Settings, tmp_path: Any) -> None:
    server = NatsServer(tmp_path, *free_ports(2))
    server.start()
    nats = settings.nats.model_copy(
        update={"servers": [server.url], "monitoring_port": server.monitoring_port}
    )
    settings = settings.model_copy(update={"nats": nats})
    assert server.pid
    os.kill(server.pid, signal.SIGSTOP)
    try:
        begun_s = time.monotonic()
        seen = survey(settings)
        assert time.monotonic() - begun_s < LIMIT_S
    finally:
        os.kill(server.pid, signal.SIGCONT)
        server.stop()
    assert not seen["servers"]["nats"]["reachable"]
    assert seen["servers"]["redis"]["reachable"]
    assert seen["jetstream"] is None


def test_questions_are_asked_at_the_same_time_and_a_hanging_one_is_left_behind() -> None:
    never, met = threading.Event(), threading.Barrier(2)
    answers = probes.all_at_once(
        {
            "left": lambda: met.wait(5),
            "right": lambda: met.wait(5),
            "wrong": lambda: int("x"),
            "hanging": lambda: never.wait(60),
        },
        timeout_s=1.0,
    )
    never.set()
    assert {answers["left"], answers["right"]} == {0, 1}
    assert isinstance(answers["wrong"], ValueError)
    assert isinstance(answers["hanging"], TimeoutError)


def line_of(used: int, **changes: Any) -> dict[str, Any]:
    """One budget, as services tell it."""
    line = {
        "used": used,
        "usable": 4800,
        "limit": 6000,
        "window_s": 60.0,
        "wait_s": 0.0,
        "paused_until": None,
        "source": "redis",
    }
    return {**line, **changes}


def test_a_budget_is_told_once_and_a_breaker_where_it_is() -> None:
    pause = {"paused_until": "2026-11-23T04:00:00+00:00", "wait_s": 30.0}
    collector = {
        "binance_spot": {
            "budgets": {"weight": line_of(120), "connects": line_of(1, **pause)},
            "breakers": {"/api/v3/depth": "open"},
        }
    }
    worker = {
        "binance_spot": {
            "budgets": {"weight": line_of(120)},
            "breakers": {"/api/v3/depth": "closed"},
        },
        "deribit": {"budgets": {"weight": line_of(7, source="local share")}, "breakers": {}},
    }
    views = [("collector.binance_spot", collector), ("worker", worker)]
    rows = limits_view.budgets(views)
    assert [(each["exchange"], each["budget"], each["used"]) for each in rows] == [
        ("binance_spot", "weight", 120),
        ("binance_spot", "connects", 1),
        ("deribit", "weight", 7),
    ]
    seen = healthy() | {"limits": rows, "breakers": limits_view.breakers(views)}
    lines = [" ".join(line.split()) for line in text_of(seen).splitlines()]
    assert "binance_spot weight 120 4,800 6,000 60 s redis" in lines
    assert "deribit weight 7 4,800 6,000 60 s local share" in lines
    paused = "binance_spot connects 1 4,800 6,000 60 s 30 s 2026-11-23T04:00:00+00:00 redis"
    assert paused in lines
    assert [each for each in lines if "breaker" in each] == [
        "! binance_spot /api/v3/depth: breaker open"
    ]
