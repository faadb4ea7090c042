import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from nats.aio.client import Client

from config import ROOT, ConfigError
from config.settings import NatsSettings, Settings
from tests.bus.running import ask
from workers.bus.streams import StreamError, ensure_streams, load_streams, parse_size
from workers.local.nats import NatsServer
from workers.model.errors import TransportError

FILE = NatsSettings().streams_file


def streams_file(folder: Path, **changes: object) -> Path:
    """One stream in a file of its own, changed."""
    stream: dict[str, object] = {
        "subjects": ["test-data.>"],
        "max_age": "1h",
        "max_bytes": "1MB",
        "duplicate_window": "1m",
    }
    file = folder / "streams.yaml"
    file.write_text(yaml.safe_dump({"streams": {"TEST": stream | changes}}))
    return file


def ensure(settings: Settings, file: Path | str = FILE) -> list[str]:
    return asyncio.run(ensure_streams(settings.nats.servers, file))


def config_of(url: str, stream: str) -> dict[str, Any]:
    async def read(client: Client) -> dict[str, Any]:
        return (await client.jetstream().stream_info(stream)).config.as_dict()

    return ask(url, read)


def test_missing_streams_and_consumers_are_made_and_a_second_run_changes_nothing(
    settings: Settings, nats_server: NatsServer
) -> None:
    changes = ensure(settings)
    assert "stream TRADES: created for trade-data.>" in changes
    assert "stream TRADES, consumer writer: created" in changes
    assert ensure(settings) == []
    assert config_of(nats_server.url, "TRADES")["duplicate_window"] == 120 * 10**9


def test_every_type_of_event_has_its_stream() -> None:
    subjects = [s for stream in load_streams(FILE).values() for s in stream.subjects]
    assert set(subjects) >= {
        "trade-data.>",
        "orderbook-data.>",
        "orderbook-delta-data.>",
        "ticker-data.>",
        "gap-data.>",
        "dead-letter.>",
    }


def test_a_changed_limit_is_applied_and_reported_with_both_values(
    settings: Settings, nats_server: NatsServer, tmp_path: Path
) -> None:
    ensure(settings, streams_file(tmp_path))
    changes = ensure(settings, streams_file(tmp_path, max_bytes="2MB"))
    assert changes == ["stream TEST: max_bytes 1048576, declared 2097152"]
    assert config_of(nats_server.url, "TEST")["max_bytes"] == 2 << 20


def test_a_changed_consumer_is_applied_and_reported(settings: Settings, tmp_path: Path) -> None:
    ensure(settings, streams_file(tmp_path, consumers={"writer": {"ack_wait": "10s"}}))
    changed = streams_file(tmp_path, consumers={"writer": {"ack_wait": "20s"}})
    assert ensure(settings, changed) == [
        "stream TEST, consumer writer: ack_wait 10000000000, declared 20000000000"
    ]
    assert ensure(settings, changed) == []


def test_a_change_nats_refuses_names_stream_field_and_both_values(
    settings: Settings, tmp_path: Path
) -> None:
    ensure(settings, streams_file(tmp_path))
    with pytest.raises(StreamError, match=r"stream TEST.*storage 'file', declared 'memory'"):
        ensure(settings, streams_file(tmp_path, storage="memory"))


def test_a_stream_nats_refuses_to_make_is_named(settings: Settings, tmp_path: Path) -> None:
    ensure(settings, streams_file(tmp_path))
    other = tmp_path / "other.yaml"
    other.write_text(streams_file(tmp_path).read_text().replace("TEST", "OTHER"))
    with pytest.raises(StreamError, match="stream OTHER cannot be created: subjects overlap"):
        ensure(settings, other)


def test_two_processes_may_make_the_streams_together(settings: Settings) -> None:
    async def both() -> list[list[str]]:
        servers = settings.nats.servers
        return await asyncio.gather(*(ensure_streams(servers, FILE) for _ in range(4)))

    asyncio.run(both())
    assert ensure(settings) == []


def test_nats_away_is_an_error_that_names_the_server_without_its_password() -> None:
    with pytest.raises(TransportError, match=r"127\.0\.0\.1:9") as caught:
        asyncio.run(ensure_streams(["nats://user:secret@127.0.0.1:9"], FILE))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        pytest.param({"max_age": "soon"}, "streams.TEST.max_age", id="duration"),
        pytest.param({"max_bytes": "1 lot"}, "streams.TEST.max_bytes", id="size"),
        pytest.param({"discard": "some"}, "streams.TEST.discard", id="policy"),
        pytest.param({"max_ages": "1h"}, "streams.TEST.max_ages", id="unknown-field"),
        pytest.param({"subjects": []}, "streams.TEST.subjects", id="no-subjects"),
    ],
)
def test_a_wrong_declaration_is_named_by_its_path(
    tmp_path: Path, changes: dict[str, object], path: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_streams(streams_file(tmp_path, **changes))
    assert [problem.path for problem in caught.value.problems] == [path]


def test_a_missing_file_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        load_streams(tmp_path / "none.yaml")


def test_the_file_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_streams(FILE) == load_streams(ROOT / "config" / FILE)


@pytest.mark.parametrize(
    ("text", "size"),
    [("512MB", 512 << 20), ("2GB", 2 << 30), ("100", 100), (100, 100), ("1 KB", 1024)],
)
def test_sizes_are_powers_of_1024(text: object, size: int) -> None:
    assert parse_size(text) == size
