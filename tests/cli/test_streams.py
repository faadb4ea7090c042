"""The streams file beside a real NATS."""

import asyncio
import json
from pathlib import Path

import pytest
import yaml

from config.settings import Settings
from tests.bus.running import trades
from tests.cli.conftest import Run
from tests.writer.running import publish
from workers.bus.streams import ensure_streams

DECLARED = {
    "subjects": ["trade-data.>"],
    "max_age": "1h",
    "max_bytes": "1MB",
    "duplicate_window": "1m",
    "consumers": {"writer": {"ack_wait": "10s"}},
}


@pytest.fixture
def env(settings_env: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """One stream in a file of its own."""
    declare(tmp_path)
    return settings_env | {"MARKETPRISM_NATS__STREAMS_FILE": str(tmp_path / "streams.yaml")}


def declare(folder: Path, **changes: object) -> Path:
    file = folder / "streams.yaml"
    file.write_text(yaml.safe_dump({"streams": {"TEST": DECLARED | changes}}))
    return file


def test_what_is_missing_is_told_made_and_then_as_declared(run: Run, env: dict[str, str]) -> None:
    assert "has no streams" in run("streams", "list", env=env).stdout
    told = run("streams", "diff", "--json", env=env)
    assert told.exit_code == 1
    missing = json.loads(told.stdout)["differences"]
    assert [(each["stream"], each["consumer"], each["kind"]) for each in missing] == [
        ("TEST", None, "missing"),
        ("TEST", "writer", "missing"),
    ]
    assert run("streams", "apply", "--dry-run", env=env).exit_code == 0
    assert run("streams", "diff", env=env).exit_code == 1
    assert "stream TEST, consumer writer: made" in run("streams", "apply", env=env).stdout
    same = run("streams", "diff", env=env)
    assert same.exit_code == 0
    assert "declares them" in same.stdout
    listed = json.loads(run("streams", "list", "--json", env=env).stdout)["TEST"]
    assert (listed["declared"], listed["max_bytes"], listed["messages"]) == (True, 1 << 20, 0)
    assert listed["consumers"]["writer"]["declared"]


def test_a_refused_change_has_its_reason_and_holds_up_no_other(
    run: Run, env: dict[str, str], tmp_path: Path
) -> None:
    run("streams", "apply", env=env)
    declare(tmp_path, storage="memory", consumers={"writer": {"ack_wait": "20s"}})
    told = run("streams", "diff", env=env).stdout
    assert "does not move a stream" in told
    assert "10s" in told
    assert "20s" in told
    refused = run("streams", "apply", "--json", env=env)
    assert refused.exit_code == 1
    stream, consumer = json.loads(refused.stdout)
    assert (stream["applied"], consumer["applied"]) == (False, True)
    assert "storage" in stream["error"]
    (left,) = json.loads(run("streams", "diff", "--json", env=env).stdout)["differences"]
    assert left["fields"] == {"storage": {"found": "file", "declared": "memory"}}


def test_where_a_consumer_begins_cannot_be_changed(
    run: Run, env: dict[str, str], tmp_path: Path
) -> None:
    run("streams", "apply", env=env)
    declare(tmp_path, consumers={"writer": {"ack_wait": "10s", "deliver": "new"}})
    assert "began" in run("streams", "diff", env=env).stdout
    (refused,) = json.loads(run("streams", "apply", "--json", env=env).stdout)
    assert "deliver" in refused["error"]
    assert not refused["applied"]


def test_a_limit_that_throws_messages_away_asks_first(
    run: Run, env: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    run("streams", "apply", env=env)
    publish(settings, trades(1, 200))
    declare(tmp_path, max_bytes="10KB")
    assert "and would keep 10240" in run("streams", "diff", env=env).stdout
    asked = run("streams", "apply", "--json", env=env)
    assert asked.exit_code == 1
    assert "say --yes" in asked.stderr

    def kept() -> int:
        listed = json.loads(run("streams", "list", "--json", env=env).stdout)
        return int(listed["TEST"]["messages"])

    assert kept() == 200
    assert run("streams", "apply", "--yes", env=env).exit_code == 0
    assert 0 < kept() < 100


def test_what_nobody_declares_is_named_and_left_alone(
    run: Run, env: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    stream = DECLARED | {"subjects": ["other-data.>"], "consumers": {}}
    extra = DECLARED | {"consumers": {"writer": {"ack_wait": "10s"}, "mine": {}}}
    other.write_text(yaml.safe_dump({"streams": {"OTHER": stream, "TEST": extra}}))
    asyncio.run(ensure_streams(settings.nats.servers, other))
    told = json.loads(run("streams", "diff", "--json", env=env).stdout)
    assert told == {
        "equal": True,
        "differences": [],
        "undeclared": ["stream OTHER", "stream TEST, consumer mine"],
    }
    assert "OTHER (not declared)" in run("streams", "list", env=env).stdout
    assert run("streams", "apply", env=env).exit_code == 0
    assert "OTHER" in json.loads(run("streams", "list", "--json", env=env).stdout)
