"""`marketprism up` as a person runs it: a process, its words, its exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import config
from config.settings import ROOT
from workers.local.port_list import check_ports, stack_ports
from workers.local.ports import PortTaken, is_free
from workers.local.redis import RedisServer


def marketprism(env: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=90,
    )


def test_mode_test_passes_with_the_simulated_exchange(stack_env: dict[str, str]) -> None:
    result = marketprism(stack_env, "up", "--mode", "test")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "✗" not in result.stdout
    for item in ("configuration", "redis.port", "binance_spot REST", "binance_spot WebSocket"):
        assert f"✓ {item}" in result.stdout
    assert is_free(int(stack_env["MARKETPRISM_SIMULATOR__PORT"])), "the simulator was left behind"


def test_mode_test_fails_when_a_port_is_taken_and_the_exchange_away(
    stack_env: dict[str, str], redis_server: RedisServer
) -> None:
    stack_env["MARKETPRISM_REDIS__PORT"] = str(redis_server.port)
    stack_env["MARKETPRISM_CONFIG"] = str(ROOT / "config" / "marketprism.yaml")
    stack_env["MARKETPRISM_EXCHANGES__BINANCE_SPOT__REST_URL"] = "http://127.0.0.1:9"
    stack_env["MARKETPRISM_EXCHANGES__BINANCE_SPOT__WS_URL"] = "ws://127.0.0.1:9"
    result = marketprism(stack_env, "up", "--mode", "test")
    assert result.returncode == 1
    assert "✗ redis.port" in result.stdout
    assert f"redis-server (pid {redis_server.pid})" in result.stdout
    assert "✗ binance_spot REST" in result.stdout
    assert "✗ binance_spot WebSocket" in result.stdout
    assert "✓ nats.servers" in result.stdout


def test_a_taken_port_ends_up_at_once_and_leaves_nothing(
    stack_env: dict[str, str], redis_server: RedisServer
) -> None:
    stack_env["MARKETPRISM_REDIS__PORT"] = str(redis_server.port)
    result = marketprism(stack_env, "up")
    assert result.returncode == 1
    assert f"port {redis_server.port} (redis.port) is taken by redis-server" in result.stderr
    assert "MARKETPRISM_REDIS__PORT" in result.stderr
    assert "Traceback" not in result.stderr
    assert list((Path(stack_env["MARKETPRISM_DATA_DIR"]) / "run").iterdir()) == []


def test_a_wrong_setting_is_refused_with_its_path(stack_env: dict[str, str]) -> None:
    result = marketprism(stack_env | {"MARKETPRISM_REDIS__PORT": "99999"}, "up")
    assert result.returncode == 1
    assert "redis.port" in result.stderr


def test_down_is_fine_when_nothing_runs(stack_env: dict[str, str]) -> None:
    result = marketprism(stack_env, "down")
    assert result.returncode == 0
    assert "nothing runs in" in result.stdout


def test_every_port_of_the_stack_is_checked(
    stack_env: dict[str, str], redis_server: RedisServer
) -> None:
    settings = config.load(env=stack_env)
    checked = {each.variable: each.port for each in stack_ports(settings)}
    assert checked == {
        "MARKETPRISM_NATS__SERVERS": int(stack_env["MARKETPRISM_NATS__SERVERS"].rsplit(":")[-1]),
        **{name: int(value) for name, value in stack_env.items() if name.endswith("PORT")},
    }
    check_ports(settings)
    taken = stack_env | {"MARKETPRISM_FLOWER__PORT": str(redis_server.port)}
    with pytest.raises(PortTaken, match="MARKETPRISM_FLOWER__PORT"):
        check_ports(config.load(env=taken))
