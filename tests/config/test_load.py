"""Files and environment to one tree: order, short forms, deep paths, YAML's own traps."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import config
from config.load import DEFAULT_FILE, load_with_origins
from config.problem import ConfigError, Problem
from config.settings import ROOT, Settings

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a YAML file beside the others of the test."""

    def write_file(text: str, name: str = "settings.yaml") -> Path:
        file = tmp_path / name
        file.write_text(text)
        return file

    return write_file


def problems_of(file: Path | None = None, **env: str) -> list[Problem]:
    """The problems of a file and `MARKETPRISM_` variables named without their prefix."""
    with pytest.raises(ConfigError) as caught:
        load_env(file, **env)
    return caught.value.problems


def load_env(file: Path | None = None, **env: str) -> Settings:
    return config.load(file, {f"MARKETPRISM_{name}": value for name, value in env.items()})


def test_the_package_is_the_one_of_this_repository() -> None:
    assert Path(config.__file__).parent == ROOT / "config"
    assert Path(__file__).resolve().parents[2] == ROOT


@pytest.mark.parametrize("name", ["marketprism.yaml", "demo.yaml"])
def test_a_file_we_ship_is_right(name: str) -> None:
    assert config.load(ROOT / "config" / name, {}).enabled_exchanges()


def test_the_demo_shares_neither_database_nor_directory_nor_exchange_with_real_data() -> None:
    demo, live = config.load(ROOT / "config" / "demo.yaml", {}), config.load(DEFAULT_FILE, {})
    assert demo.local.simulate
    assert not live.local.simulate
    assert demo.clickhouse.database != live.clickhouse.database
    assert demo.data_path != live.data_path
    urls = [url for each in demo.exchanges.values() for url in (each.ws_url, each.rest_url)]
    assert all("://127.0.0.1:18080" in url for url in urls)


def test_an_empty_file_gives_the_defaults(write: Write) -> None:
    assert config.load(write(""), {}) == Settings()


def test_a_file_overrides_its_base_and_the_environment_overrides_both(write: Write) -> None:
    write("redis: {port: 1001, database: 1, host: below}\nlog: {level: debug}\n", "base.yaml")
    file = write("extends: base.yaml\nredis: {port: 1002, database: 2}\n", "upper.yaml")
    settings = load_env(file, REDIS__PORT="1003")
    assert (settings.redis.host, settings.redis.database) == ("below", 2)
    assert settings.redis.port == 1003
    assert settings.log.level == "debug"


@pytest.mark.parametrize(
    ("variable", "value", "read"),
    [
        ("NATS_SERVERS", "nats://a:4222,nats://b:4222", lambda s: s.nats.servers[1]),
        ("LOG_LEVEL", "WARNING", lambda s: s.log.level),
        ("MEMORY_MAX_MB", "768", lambda s: str(s.stability.memory.max_mb)),
        (
            "HEARTBEAT_BINANCE_SPOT_INTERVAL",
            "15s",
            lambda s: f"{s.stability.heartbeat.binance_spot.interval:g}s",
        ),
    ],
)
def test_a_short_form_sets_its_setting(
    variable: str, value: str, read: Callable[[Settings], str]
) -> None:
    assert read(load_env(**{variable: value})) == value.split(",")[-1].lower()


def test_lists_in_the_environment_are_separated_by_commas() -> None:
    settings = load_env(NATS__SERVERS="nats://a:4222, nats://b:4222")
    assert settings.nats.servers == ["nats://a:4222", "nats://b:4222"]


def test_an_exchange_is_reached_through_the_environment() -> None:
    settings = load_env(
        EXCHANGES__BINANCE_SPOT__SYMBOLS="BTC-USDT,ETH-USDT",
        EXCHANGES__BINANCE_SPOT__WS_URL="ws://127.0.0.1:9/",
        EXCHANGES__BINANCE_SPOT__CHANNELS="trade",
    )
    spot = settings.exchanges["binance_spot"]
    assert spot.symbols == ["BTC-USDT", "ETH-USDT"]
    assert spot.ws_url == "ws://127.0.0.1:9"
    assert spot.channels == ["trade"]
    assert spot.rest_url == "https://api.binance.com"


def test_one_table_s_ttl_leaves_the_others_at_their_defaults() -> None:
    ttl_days = load_env(CLICKHOUSE__TTL_DAYS__TRADES="3").clickhouse.ttl_days
    assert ttl_days == Settings().clickhouse.ttl_days | {"trades": 3}


def test_names_with_dots_are_given_as_one_mapping() -> None:
    settings = load_env(TELEMETRY__PORTS='{"collector.binance_spot": 9101, "writer": 9102}')
    assert settings.telemetry.ports == {"collector.binance_spot": 9101, "writer": 9102}


@pytest.mark.parametrize("word", ["unlimited", "null", "none", ""])
def test_unlimited_attempts_can_be_written_as_a_word(word: str) -> None:
    assert (
        load_env(STABILITY__RECONNECT__MAX_ATTEMPTS=word).stability.reconnect.max_attempts is None
    )


def test_secrets_are_not_in_what_is_printed() -> None:
    settings = load_env(REDIS__PASSWORD="hunter2", CLICKHOUSE__PASSWORD="hunter3")
    assert "hunter" not in f"{settings!r} {settings.model_dump()}"
    assert "hunter2" in settings.redis.url


def test_the_running_stack_s_environment_is_the_base_of_a_plain_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = tmp_path / "current.json"
    environment = {"MARKETPRISM_REDIS__PORT": "2001", "MARKETPRISM_NATS__SERVERS": "x"}
    current.write_text(json.dumps({"pid": os.getpid(), "environment": environment}))
    monkeypatch.setattr("config.environment.CURRENT_STACK", current)
    monkeypatch.delenv("MARKETPRISM_CONFIG", raising=False)
    monkeypatch.setenv("MARKETPRISM_NATS_SERVERS", "nats://mine:4222")
    settings = config.load()
    assert settings.redis.port == 2001
    assert settings.nats.servers == ["nats://mine:4222"]


def test_a_stack_that_was_killed_has_no_influence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    current = tmp_path / "current.json"
    environment = {"MARKETPRISM_REDIS__PORT": "2001"}
    current.write_text(json.dumps({"pid": gone.pid, "environment": environment}))
    monkeypatch.setattr("config.environment.CURRENT_STACK", current)
    monkeypatch.delenv("MARKETPRISM_CONFIG", raising=False)
    assert config.load().redis.port == 16379


def test_a_named_file_ends_the_running_stack_s_influence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = tmp_path / "current.json"
    current.write_text('{"environment": {"MARKETPRISM_REDIS__PORT": "2001"}}')
    monkeypatch.setattr("config.environment.CURRENT_STACK", current)
    monkeypatch.setenv("MARKETPRISM_CONFIG", str(DEFAULT_FILE))
    assert config.load().redis.port == 16379


def test_a_broken_file_of_the_running_stack_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = tmp_path / "current.json"
    current.write_text('{"environ')
    monkeypatch.setattr("config.environment.CURRENT_STACK", current)
    monkeypatch.delenv("MARKETPRISM_CONFIG", raising=False)
    with pytest.raises(ConfigError, match=r"current\.json.*remove the file"):
        config.load()


def test_every_setting_knows_where_it_was_written(write: Write) -> None:
    file = write("redis:\n  port: 1001\nnats:\n  servers:\n    - nats://a:1\n")
    origins = load_with_origins(file, {"MARKETPRISM_LOG_LEVEL": "debug"}).origins
    assert origins.of(("redis", "port")) == f"{file}:2"
    assert origins.of(("nats", "servers", 0)) == f"{file}:5"
    assert origins.of(("log", "level")) == "environment MARKETPRISM_LOG_LEVEL"
    assert origins.of(("redis", "host")) == "default"


def test_a_key_written_twice_is_a_problem_with_both_lines(write: Write) -> None:
    [problem] = problems_of(write("redis:\n  port: 1001\n  host: a\n  port: 1002\n"))
    assert problem.path == "redis.port"
    assert problem.found == "it twice, on lines 2 and 4"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("redis:\n  port: [1\n", "line 3, column 1", id="unclosed-list"),
        pytest.param("redis:\n\tport: 1\n", "indent with spaces, not tabs", id="tab"),
        pytest.param("redis: {port: 1\n  a: b: c\n", "line 2", id="broken-mapping"),
        pytest.param("- redis\n", "a list", id="a-list"),
        pytest.param("text", "a str", id="plain-text"),
        pytest.param("log: !!python/object:os.system {}\n", "line 1, column 6", id="python-tag"),
        pytest.param("log: {level: 2024-13-45}\n", "put the value in quotes", id="no-such-date"),
        pytest.param("a: \x00\n", "valid YAML", id="control-character"),
        pytest.param("extends: settings.yaml\n", "cannot extend itself", id="extends-itself"),
        pytest.param("extends: [a]\n", "name one YAML file", id="extends-a-list"),
        pytest.param("redis: &a {port: *a}\n", "redis.port", id="anchor-in-itself"),
        pytest.param("1: {}\n", "names are text", id="number-as-a-name"),
    ],
)
def test_what_is_no_settings_file_is_one_problem(write: Write, text: str, said: str) -> None:
    [problem] = problems_of(write(text))
    assert said in str(problem)


def test_a_missing_file_suggests_its_neighbour(write: Write) -> None:
    file = write("")
    [problem] = problems_of(file.with_name("setings.yaml"))
    assert problem.remedy == f"did you mean {file}?"


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_bytes(b"log: \xff")
    [problem] = problems_of(file)
    assert problem.found == "byte 5 is not UTF-8"


def test_a_simulator_moved_to_another_port_takes_its_exchanges_along() -> None:
    demo = ROOT / "config" / "demo.yaml"
    settings = config.load(demo, {"MARKETPRISM_SIMULATOR__PORT": "28080"})
    assert settings.exchanges["binance_spot"].ws_url == "ws://127.0.0.1:28080"
    assert settings.exchanges["binance_spot"].rest_url == "http://127.0.0.1:28080"
