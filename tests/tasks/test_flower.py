"""Flower with the options the settings give it: prefix, users, metrics, memory across restarts."""

import base64
import urllib.error
import urllib.request
from pathlib import Path

from tests.runtime.children import Child, environment
from tests.waiting import wait_until
from workers.local.ports import answers, free_port
from workers.local.servers import RedisServer


def status(address: str, user: str | None = None) -> int:
    """HTTP status of a page; 0 while nobody answers."""
    request = urllib.request.Request(address)
    if user is not None:
        token = base64.b64encode(user.encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_a_prefix_users_and_metrics_come_from_the_settings(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    port = free_port()
    env = environment(
        tmp_path / "data",
        redis_server.port,
        {
            "MARKETPRISM_FLOWER__PORT": str(port),
            "MARKETPRISM_FLOWER__URL_PREFIX": "/flower/",
            "MARKETPRISM_FLOWER__BASIC_AUTH": "ann:pearl-grey, bob:two",
        },
    )
    root = f"http://127.0.0.1:{port}/flower"
    with Child(["celery", "-A", "tasks", "flower"], env, tmp_path / "flower.log") as flower:
        wait_until(lambda: status(f"{root}/healthcheck") == 200, 30, "Flower up below its prefix")
        assert status(f"{root}/workers") == 401
        assert status(f"{root}/workers", "ann:two") == 401
        assert (
            status(f"{root}/workers", "ann:pearl-grey")
            == status(f"{root}/workers", "bob:two")
            == 200
        )
        assert status(f"{root}/metrics") == 200
        assert "pearl-grey" not in flower.output


def test_what_it_knew_survives_a_restart(redis_server: RedisServer, tmp_path: Path) -> None:
    port = free_port()
    more = {"MARKETPRISM_FLOWER__PORT": str(port)}
    env = environment(tmp_path / "data", redis_server.port, more)
    kept = tmp_path / "data" / "run"
    with Child(["celery", "-A", "tasks", "flower"], env, tmp_path / "flower.log") as flower:
        wait_until(lambda: answers(port), 30, "Flower up")
        flower.terminate()
        assert flower.exit_code(15) == 0
    assert [each.name for each in kept.glob("flower*")], "its state is in the data directory"
