import configparser
from pathlib import Path

import pytest

import config
from config.exchanges import EXCHANGES_AVAILABLE
from config.settings import Settings
from workers.local.programs import Program, programs
from workers.local.supervisor_conf import SOCKET_PATH_LIMIT, socket_path, supervisor_conf


@pytest.fixture
def demo() -> Settings:
    return config.load(config.ROOT / "config" / "demo.yaml", env={})


def parsed(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return parser


def test_every_process_of_the_demo_is_a_program(demo: Settings) -> None:
    conf = parsed(supervisor_conf(Path("/data"), programs(demo)))
    names = [name.removeprefix("program:") for name in conf.sections() if "program:" in name]
    assert names == [
        *("redis", "nats", "clickhouse", "simulator"),
        *(f"collector.{name}" for name in EXCHANGES_AVAILABLE),
        *("writer", "worker", "beat", "flower"),
    ]


def test_nothing_is_simulated_unless_asked_for() -> None:
    real = config.load(config.ROOT / "config" / "marketprism.yaml", env={})
    assert "simulator" not in [each.name for each in programs(real)]


def test_a_server_elsewhere_is_not_started(demo: Settings) -> None:
    env = {"MARKETPRISM_CLICKHOUSE__HOST": "db.example"}
    elsewhere = config.load(config.ROOT / "config" / "demo.yaml", env=env)
    assert {each.name for each in programs(demo)} - {each.name for each in programs(elsewhere)} == {
        "clickhouse"
    }


def test_programs_are_restarted_for_ever_and_log_on_their_own(demo: Settings) -> None:
    conf = parsed(supervisor_conf(Path("/data"), programs(demo)))
    redis = conf["program:redis"]
    assert redis["autorestart"] == "true"
    assert int(redis["startretries"]) >= 1_000_000
    assert (redis["stopsignal"], redis["killasgroup"]) == ("TERM", "true")
    assert redis["stdout_logfile"] == "log/redis.log"


def test_percent_signs_and_blanks_reach_the_program_as_they_are() -> None:
    program = Program("worker", ["celery", "-n", "worker@%h", "a b"], "celery", 5.0)
    conf = parsed(supervisor_conf(Path("/data"), [program]))
    # The parser of supervisord expands %% to % as this one does.
    assert conf["program:worker"]["command"] == "celery -n worker@%h 'a b'"


def test_a_deep_directory_gets_a_short_socket_path(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    assert len(str(socket_path(deep))) <= SOCKET_PATH_LIMIT
    assert socket_path(deep) != socket_path(deep / "other")
    assert socket_path(Path("/data")) == Path("/data/run/supervisor.sock")
