import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_driver import Client

from config.settings import Settings
from tests.waiting import wait_until
from workers.local.ports import LocalStackError, PortTaken, free_ports, holder, is_free
from workers.local.server import program
from workers.local.servers import ClickHouseServer, NatsServer, RedisServer


@pytest.fixture
def clickhouse(tmp_path: Path) -> Iterator[ClickHouseServer]:
    # A blank in the path: generated configuration must quote it.
    server = ClickHouseServer(tmp_path / "my data", *free_ports(2), max_mb=1024)
    server.start()
    yield server
    server.stop()


def test_clickhouse_keeps_rows_over_kill_and_restart(clickhouse: ClickHouseServer) -> None:
    with Client("127.0.0.1", clickhouse.port) as client:
        client.execute("CREATE DATABASE kept")
        client.execute("CREATE TABLE kept.numbers (n UInt64) ENGINE = MergeTree ORDER BY n")
        client.execute("INSERT INTO kept.numbers VALUES", [(n,) for n in range(1000)])
    clickhouse.kill()
    wait_until(lambda: is_free(clickhouse.port), what="the engine died with its parent")
    clickhouse.start()
    with Client("127.0.0.1", clickhouse.port) as client:
        assert client.execute("SELECT count(), sum(n) FROM kept.numbers") == [(1000, 499500)]


def test_clickhouse_ends_cleanly_on_sigterm(clickhouse: ClickHouseServer) -> None:
    assert clickhouse.pid is not None
    process = clickhouse._process
    assert process is not None
    os.kill(clickhouse.pid, signal.SIGTERM)
    assert process.wait(clickhouse.stop_timeout_s) == 0
    assert "killed" not in clickhouse.log_tail()


def test_taken_port_makes_start_fail_with_the_servers_own_words(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    second = NatsServer(tmp_path, nats_server.port, *free_ports(1))
    with pytest.raises(LocalStackError, match=r"nats ended with 1:[\s\S]*address already in use"):
        second.start()


def test_taken_port_error_names_port_setting_and_holder(redis_server: RedisServer) -> None:
    error = PortTaken(redis_server.port, "redis.port", "MARKETPRISM_REDIS__PORT")
    assert str(error) == (
        f"port {redis_server.port} (redis.port) is taken by redis-server (pid {redis_server.pid});"
        " end that process, or choose another port: MARKETPRISM_REDIS__PORT=<port>"
    )


def test_holder_of_a_free_port_is_not_invented() -> None:
    assert "cannot be seen" in holder(*free_ports(1))


def test_settings_point_at_the_running_servers(
    settings: Settings, redis_server: RedisServer
) -> None:
    assert settings.redis.port == redis_server.port
    with Client(settings.clickhouse.host, settings.clickhouse.port) as client:
        assert client.execute("SELECT 1") == [(1,)]


def test_a_program_that_is_missing_is_named_with_the_remedy() -> None:
    with pytest.raises(LocalStackError, match=r"no-such-server is neither in .* put it on PATH"):
        program("no-such-server", "put it on PATH")
