import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from config.settings import RedisSettings
from tests.waiting import wait_until
from workers.local.ports import LocalStackError
from workers.local.presence import AlreadyRunning, DataDirUnusable, Presence, running
from workers.local.servers import RedisServer
from workers.local.simulated import forget_run, separate


def test_a_claimed_directory_is_running_until_released(tmp_path: Path) -> None:
    presence = Presence(tmp_path)
    assert running(tmp_path) is None
    presence.claim()
    presence.announce({"MARKETPRISM_LOG_LEVEL": "info"}, 5, ready=True)
    found = running(tmp_path)
    assert found is not None
    assert (found.pid, found.ready) == (os.getpid(), True)
    assert found.environment == {"MARKETPRISM_LOG_LEVEL": "info"}
    presence.release()
    assert running(tmp_path) is None
    assert [each.name for each in (tmp_path / "run").iterdir()] == []


def test_a_second_stack_is_refused_and_told_the_first_ones_pid(tmp_path: Path) -> None:
    first = Presence(tmp_path)
    first.claim()
    first.announce({}, 5, ready=False)
    with pytest.raises(AlreadyRunning, match=rf"pid {os.getpid()}.*marketprism down"):
        Presence(tmp_path).claim()
    first.release()


def test_a_data_directory_that_cannot_be_used_is_named_with_its_setting(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for use in (Presence(file).claim, lambda: running(file)):
        with pytest.raises(DataDirUnusable, match=rf"data_dir {file} .*MARKETPRISM_DATA_DIR"):
            use()


def test_a_killed_stack_leaves_no_lock_but_is_noticed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from workers.local.presence import Presence;"
        f"p = Presence(Path({str(tmp_path)!r})); p.claim(); p.announce({{}}, 5, ready=True);"
        "time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    wait_until(lambda: running(tmp_path), what="the other claims it")
    process.kill()
    process.wait()
    assert running(tmp_path) is None
    presence = Presence(tmp_path)
    presence.claim()
    assert presence.left_behind
    presence.release()


def test_only_data_in_the_checkout_is_found_by_plain_shells(tmp_path: Path) -> None:
    current = tmp_path / ".marketprism" / "current.json"
    inside = Presence(tmp_path / ".marketprism" / "demo", current)
    inside.claim()
    inside.announce({"A": "1"}, 7, ready=True)
    assert json.loads(current.read_text())["environment"] == {"A": "1"}
    assert current.stat().st_mode & 0o077 == 0

    outside = Presence(tmp_path / "elsewhere", current)
    outside.claim()
    outside.announce({"A": "2"}, 8, ready=True)
    assert json.loads(current.read_text())["environment"] == {"A": "1"}
    outside.release()
    inside.release()
    assert not current.exists()


def test_simulated_data_begins_anew_and_never_meets_real_data(tmp_path: Path) -> None:
    assert separate(tmp_path, simulate=True) is False
    (tmp_path / "clickhouse").mkdir()
    (tmp_path / "clickhouse" / "rows").touch()
    (tmp_path / "redis").mkdir()
    assert separate(tmp_path, simulate=True) is True
    assert not (tmp_path / "clickhouse").exists()
    assert (tmp_path / "redis").exists(), "people's edits are in it"
    (tmp_path / "nats").mkdir()
    with pytest.raises(LocalStackError, match="holds simulated data and must not take real data"):
        separate(tmp_path, simulate=False)


def test_real_data_is_kept_and_refused_to_the_simulation(tmp_path: Path) -> None:
    (tmp_path / "clickhouse").mkdir()
    assert separate(tmp_path, simulate=False) is False
    with pytest.raises(LocalStackError, match="holds real data and must not take simulated data"):
        separate(tmp_path, simulate=True)
    assert (tmp_path / "clickhouse").exists()


def test_of_a_run_before_only_what_people_changed_stays_in_redis(
    redis_server: RedisServer,
) -> None:
    kept = ("demo:beat:edits", "demo:beat:revision", "marketprism:symbols:deribit")
    with Redis(port=redis_server.port, decode_responses=True) as redis:
        redis.flushdb()
        for key in (*kept, "demo:beat:entry:poll", "polling", "marketprism:lease:x"):
            redis.set(key, "1")
        assert forget_run(RedisSettings(port=redis_server.port)) == 3
        assert sorted(redis.scan_iter()) == sorted(kept)
        redis.flushdb()
