"""`marketprism config check` and `config show`."""

import json
from pathlib import Path

import pytest
import yaml

import config
from tests.cli.conftest import Run, run_process


def test_check_of_a_right_file_says_ok_and_what_it_will_do(run: Run) -> None:
    result = run("config", "check", "config/demo.yaml")
    assert result.exit_code == 0
    assert result.stdout.startswith("ok: config/demo.yaml over config/marketprism.yaml\n")
    assert "deribit: BTC-USD-PERP, ETH-USD-PERP, BTC-DVOL; trade, orderbook" in result.stdout
    assert "marketprism_demo" in result.stdout


def test_check_names_every_problem_and_fails(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("redis:\n  prot: 1\nlog:\n  level: loud\n")
    result = run("config", "check", str(file))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"log.level: found 'loud' ({file}:4); choose debug, info, warning or error",
        f"redis.prot: found 1 ({file}:2); no such setting (did you mean port?)",
        "2 problems",
    ]


def test_check_as_json(run: Run, tmp_path: Path) -> None:
    good = run("config", "check", "--json")
    assert (good.exit_code, json.loads(good.stdout)["ok"]) == (0, True)
    bad = run("config", "check", "--json", env={"MARKETPRISM_REDIS__PORT": "x"})
    assert bad.exit_code == 1
    assert json.loads(bad.stdout) == {
        "ok": False,
        "problems": [
            {
                "path": "redis.port",
                "found": "'x'",
                "remedy": "write a whole number from 1 to 65535 (default 16379)",
                "origin": "environment MARKETPRISM_REDIS__PORT",
            }
        ],
    }


def test_check_of_a_file_ignores_a_stack_that_runs(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = tmp_path / "current.json"
    current.write_text('{"pid": 1, "environment": {"MARKETPRISM_REDIS__PORT": "x"}}')
    monkeypatch.setattr("config.environment.CURRENT_STACK", current)
    monkeypatch.delenv("MARKETPRISM_CONFIG")
    assert config.load("config/marketprism.yaml").redis.port == 16379


@pytest.mark.parametrize("option", ["before", "after"])
def test_the_file_is_named_before_or_after_the_command(
    run: Run, tmp_path: Path, option: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("redis: {port: 1234}\n")
    command = ["config", "show", "--section", "redis.port"]
    named = ["--config", str(file)]
    result = run(*([*named, *command] if option == "before" else [*command, *named]))
    assert result.stdout == f"redis:\n  port: 1234  # {file}:1\n"


def test_what_is_shown_loads_again_to_the_same_settings(run: Run, tmp_path: Path) -> None:
    env = {
        "MARKETPRISM_NATS_SERVERS": "nats://a:4222,nats://b:4222",
        "MARKETPRISM_LOG_LEVEL": "debug",
        "MARKETPRISM_STABILITY__PERFORMANCE__MAX_LATENCY": "1500us".replace("us", "ms"),
        "MARKETPRISM_TELEMETRY__PORTS": '{"collector.binance_spot": 9101}',
    }
    shown = run("config", "show", env=env).stdout
    file = tmp_path / "shown.yaml"
    file.write_text(shown)
    assert config.load(file, {}) == config.load(env=env)
    assert "max_latency: 1.5s  # environment MARKETPRISM_STABILITY" in shown
    assert "level: debug  # environment MARKETPRISM_LOG_LEVEL" in shown
    assert "symbols: [BTC-USDT, ETH-USDT, SOL-USDT]  # config/marketprism.yaml:11" in shown


def test_secrets_are_masked_wherever_they_stand(run: Run) -> None:
    env = {
        "MARKETPRISM_REDIS__PASSWORD": "hunter2",
        "MARKETPRISM_CLICKHOUSE__PASSWORD": "hunter3",
        "MARKETPRISM_NATS_SERVERS": "nats://user:hunter4@a:4222",
    }
    text = run("config", "show", env=env).stdout
    whole = text + run("config", "show", "--json", env=env).stdout
    assert "hunter" not in whole
    assert "  # password: ********" in text
    assert "nats://***@a:4222" in whole
    assert yaml.safe_load(text)["redis"].get("password") is None


def test_show_as_json_has_tree_and_origins(run: Run) -> None:
    env = {"MARKETPRISM_REDIS__PORT": "1234"}
    shown = json.loads(run("config", "show", "--json", env=env).stdout)
    assert shown["files"] == ["config/marketprism.yaml"]
    assert shown["settings"]["stability"]["heartbeat"]["okx"] == {"interval": "25s"}
    assert shown["origins"]["redis.port"] == "environment MARKETPRISM_REDIS__PORT"
    assert "redis.host" not in shown["origins"]


def test_an_unknown_section_suggests_the_nearest(run: Run) -> None:
    result = run("config", "show", "--section", "stability.memroy")
    assert result.exit_code == 1
    assert result.stderr == (
        "marketprism: no setting of stability is called 'memroy'; nearest: memory, errors\n"
    )


def test_a_wrong_configuration_stops_any_command_without_a_trace() -> None:
    result = run_process("migrate", "--json", env={"MARKETPRISM_REDIS__PORT": "x"})
    assert result.returncode == 1
    assert json.loads(result.stdout)["problems"][0]["path"] == "redis.port"
    assert "Traceback" not in result.stderr
    assert result.stderr.splitlines()[0] == "marketprism: the configuration is wrong"


@pytest.mark.parametrize("command", [[], ["config"], ["config", "check"], ["config", "show"]])
def test_help_has_words_and_examples(run: Run, command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert len(command) < 2 or "Examples:" in result.stdout
