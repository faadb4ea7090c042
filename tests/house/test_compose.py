"""docker-compose.yml describes the system the settings tree describes."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import Settings, load, queues
from config.settings import ROOT
from workers.local.programs import programs
from workers.runtime.services import service_names

SERVERS = {"redis", "nats", "clickhouse"}
VARIABLE = re.compile(r"\$\{(\w+):-(.*?)\}")


def interpolate(value: Any, environment: dict[str, str]) -> Any:
    """What Compose makes of `${NAME:-default}`."""
    if isinstance(value, dict):
        return {key: interpolate(each, environment) for key, each in value.items()}
    if isinstance(value, list):
        return [interpolate(each, environment) for each in value]
    if isinstance(value, str):
        filled = VARIABLE.sub(lambda found: environment.get(found[1]) or found[2], value)
        assert "${" not in filled, f"{value}: write ${{NAME:-default}}"
        return filled
    return value


def read(environment: dict[str, str] | None = None) -> dict[str, Any]:
    text = (ROOT / "docker-compose.yml").read_text()
    return interpolate(yaml.safe_load(text), environment or {})


COMPOSE = read()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if name not in SERVERS}
DEFAULTS = load(ROOT / "config" / "marketprism.yaml", env={})


def settings_of(service: dict[str, Any]) -> Settings:
    return load(ROOT / "config" / "marketprism.yaml", env=service["environment"])


def hosted(service: dict[str, Any]) -> str | None:
    """The service a worker hosts by `--service`."""
    command = service["command"]
    return command[command.index("--service") + 1] if "--service" in command else None


def published(service: dict[str, Any]) -> dict[int, int]:
    """Container port to port on 127.0.0.1."""
    ports = {}
    for entry in service.get("ports", []):
        address, outside, inside = entry.split(":")
        assert address == "127.0.0.1", f"{entry} is open to other machines"
        ports[int(inside)] = int(outside)
    return ports


@pytest.mark.parametrize("name", sorted(OURS))
def test_environment_is_settings_and_nothing_else(name):
    environment = OURS[name]["environment"]
    assert all(variable.startswith("MARKETPRISM_") for variable in environment)
    assert all(isinstance(value, str) for value in environment.values())
    settings_of(OURS[name])


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_process_finds_the_servers_of_the_compose_network(name):
    settings = settings_of(OURS[name])
    assert settings.redis.host == "redis"
    assert settings.redis.port in published(SERVICES["redis"])
    assert settings.nats.servers == ["nats://nats:4222"]
    assert {4222, settings.nats.monitoring_port} == set(published(SERVICES["nats"]))
    assert settings.clickhouse.host == "clickhouse"
    assert {settings.clickhouse.port, settings.clickhouse.http_port} == set(
        published(SERVICES["clickhouse"])
    )


def test_published_ports_are_those_a_checkout_looks_for():
    settings = settings_of(OURS["flower"])
    nats_port = int(DEFAULTS.nats.servers[0].rpartition(":")[2])
    assert published(SERVICES["redis"]) == {settings.redis.port: DEFAULTS.redis.port}
    assert published(SERVICES["nats"]) == {
        4222: nats_port,
        settings.nats.monitoring_port: DEFAULTS.nats.monitoring_port,
    }
    assert published(SERVICES["clickhouse"]) == {
        settings.clickhouse.port: DEFAULTS.clickhouse.port,
        settings.clickhouse.http_port: DEFAULTS.clickhouse.http_port,
    }
    assert published(SERVICES["flower"]) == {settings.flower.port: DEFAULTS.flower.port}
    assert settings.flower.address == "0.0.0.0"


def test_the_configuration_of_nats_listens_where_clients_look():
    content = COMPOSE["configs"]["nats"]["content"]
    assert 'listen: "0.0.0.0:4222"' in content
    assert 'http: "0.0.0.0:8222"' in content
    assert 'jetstream { store_dir: "/data" }' in content
    assert "nats:/data" in SERVICES["nats"]["volumes"]


def test_one_password_reaches_clickhouse_and_everyone_who_talks_to_it():
    given = read({"MARKETPRISM_CLICKHOUSE__PASSWORD": "geheim"})["services"]
    assert given["clickhouse"]["environment"]["CLICKHOUSE_PASSWORD"] == "geheim"
    for name in OURS:
        assert settings_of(given[name]).clickhouse.password.get_secret_value() == "geheim"


def test_a_log_level_given_to_compose_reaches_every_process():
    given = read({"MARKETPRISM_LOG_LEVEL": "debug"})["services"]
    assert {settings_of(given[name]).log.level for name in OURS} == {"debug"}


def test_every_enabled_exchange_has_exactly_one_collector():
    collectors = [name for name in map(hosted, OURS.values()) if name != queues.WRITER and name]
    expected = [queues.collector(name) for name in DEFAULTS.enabled_exchanges()]
    assert sorted(collectors) == sorted(expected)


def test_hosted_services_exist_and_name_their_compose_service_and_node():
    for name, service in OURS.items():
        if hosted(service):
            assert hosted(service) == name
            assert name in service_names(DEFAULTS)
            assert f"{name}@%h" in service["command"]


def test_commands_are_those_of_the_single_machine_stack():
    local = {
        each.name: each.command[each.command.index("-A") :]
        for each in programs(DEFAULTS)
        if "celery" in each.command
    }
    here = {
        name: service["command"][service["command"].index("-A") :]
        for name, service in OURS.items()
        if service["command"][0] == "celery"
    }
    assert here == local


def test_the_database_is_migrated_before_anything_that_uses_it():
    assert SERVICES["migrate"]["command"] == ["marketprism", "migrate"]
    assert SERVICES["migrate"]["depends_on"] == {"clickhouse": {"condition": "service_healthy"}}
    for name in ("writer", "worker"):
        condition = SERVICES[name]["depends_on"]["migrate"]["condition"]
        assert condition == "service_completed_successfully"


def test_a_collector_starts_without_redis_and_without_clickhouse():
    for name, service in OURS.items():
        if name.startswith("collector."):
            assert set(service["depends_on"]) == {"nats"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_dependencies_exist_and_can_become_healthy(name):
    for other, terms in OURS[name].get("depends_on", {}).items():
        if terms["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]


def test_liveness_is_the_age_of_the_service_s_own_file_never_the_broker():
    for name, service in OURS.items():
        if hosted(service):
            test = service["healthcheck"]["test"]
            assert test == ["CMD", "python", "-m", "workers.runtime.health", name]
    assert "inspect" not in str(SERVICES)


def test_servers_and_flower_have_health_checks():
    assert all("healthcheck" in SERVICES[name] for name in [*SERVERS, "flower"])


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_everything_comes_back_after_a_crash_and_may_drain_before_it_ends(name):
    service = SERVICES[name]
    one_shot = name == "migrate"
    assert service["restart"] == ("on-failure" if one_shot else "unless-stopped")
    if name in OURS:
        assert service["stop_grace_period"] == "30s"


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_servers_are_official_images_of_a_pinned_version_and_keep_their_data(name):
    service = SERVICES[name]
    repository, _, tag = service["image"].rpartition(":")
    assert repository in {"redis", "nats", "clickhouse/clickhouse-server"}
    assert re.match(r"\d+\.\d+\.\d+", tag), f"{tag}: name a full version"
    volumes = [volume.split(":")[0] for volume in service["volumes"]]
    assert volumes
    assert set(volumes) <= set(COMPOSE["volumes"])


def test_the_image_keeps_data_where_the_process_may_write():
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "MARKETPRISM_DATA_DIR=/data" in dockerfile
    assert "install -d -o marketprism /data" in dockerfile
    assert "USER marketprism" in dockerfile
    settings = load(DEFAULTS_FILE, env={"MARKETPRISM_DATA_DIR": "/data"})
    assert settings.data_path == Path("/data")
    assert "beat:/data" in SERVICES["beat"]["volumes"]


DEFAULTS_FILE = ROOT / "config" / "marketprism.yaml"


def test_the_image_is_built_from_checked_files_only():
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes -r /wheels/requirements.lock" in dockerfile
    assert "--no-index --find-links /wheels" in dockerfile
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", ".marketprism", "tests"} <= set(ignored)
    needed = {"requirements.lock", "pyproject.toml", "config", "workers", "tasks", "beat", "cli"}
    assert not needed & set(ignored)
