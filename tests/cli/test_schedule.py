import json
from collections.abc import Iterator

import pytest
from redis import Redis

from tests.beat.spot import SPOT
from tests.cli.conftest import Run
from workers.local.servers import RedisServer

KLINES = "poll-klines.binance_spot"


@pytest.fixture
def env(redis_server: RedisServer) -> Iterator[dict[str, str]]:
    with Redis(port=redis_server.port) as client:
        client.flushall()
    return SPOT | {"MARKETPRISM_REDIS__PORT": str(redis_server.port)}


def test_the_list_shows_groups_and_that_nobody_sends(run: Run, env: dict[str, str]) -> None:
    shown = run("schedule", "list", env=env)
    assert shown.exit_code == 0
    (line,) = [each for each in shown.stdout.splitlines() if KLINES in each]
    assert line.split()[:3] == [KLINES, "3", "5m"]
    assert "default" in line
    assert "no beat is active: nothing is sent" in shown.stdout


def test_a_set_is_shown_stored_and_listed(run: Run, env: dict[str, str]) -> None:
    done = run("schedule", "set", "poll-klines", "--every", "30s", env=env)
    assert done.exit_code == 0, done.stderr
    assert f"{KLINES}.BTC-USDT" in done.stdout
    assert "stored; no beat is active, so it counts when one starts" in done.stdout
    listed = json.loads(run("schedule", "list", "poll-klines", "--json", env=env).stdout)
    assert [(each["every_s"], each["origin"]) for each in listed["entries"]] == [
        (30.0, "edited")
    ] * 3
    assert [each["offset_s"] for each in listed["entries"]] == [0.0, 10.0, 20.0]


def test_a_dry_run_changes_nothing(run: Run, env: dict[str, str]) -> None:
    done = run("schedule", "disable", KLINES, "--dry-run", "--json", env=env)
    change = json.loads(done.stdout)
    assert (change["changed"], change["dry_run"], len(change["entries"])) == (False, True, 3)
    listed = json.loads(run("schedule", "list", "poll-klines", "--json", env=env).stdout)
    assert all(each["enabled"] for each in listed["entries"])


def test_an_entry_is_added_shown_and_removed(run: Run, env: dict[str, str]) -> None:
    given = ("--arg", "exchange=binance_spot", "--arg", "symbol=BTC-USDT", "--arg", "limit=5")
    when = ("--crontab", "0 3 * * mon", "--timezone", "Europe/Berlin", "--expires", "10m")
    done = run("schedule", "add", "mine", "--task", "klines", *given, *when, env=env)
    assert done.exit_code == 0, done.stderr
    (entry,) = json.loads(run("schedule", "show", "mine", "--json", env=env).stdout)
    assert entry["kwargs"] == {"exchange": "binance_spot", "symbol": "BTC-USDT", "limit": 5}
    assert (entry["crontab"], entry["timezone"]) == ("0 3 * * mon", "Europe/Berlin")
    assert (entry["expires_s"], entry["origin"], entry["task"]) == (
        600.0,
        "added",
        "polling.klines",
    )
    assert "0 3 * * mon Europe/Berlin" in run("schedule", "show", "mine", env=env).stdout
    assert run("schedule", "remove", "mine", env=env).exit_code == 0
    assert run("schedule", "show", "mine", env=env).exit_code == 1


def test_reset_and_enable_go_back(run: Run, env: dict[str, str]) -> None:
    run("schedule", "disable", "check-memory", env=env)
    assert "disabled" in run("schedule", "list", "check-memory", env=env).stdout
    assert run("schedule", "enable", "check-memory", env=env).exit_code == 0
    run("schedule", "set", "poll-tickers", "--queue", "mine", env=env)
    assert run("schedule", "reset", "--all", env=env).exit_code == 0
    listed = json.loads(run("schedule", "list", "--json", env=env).stdout)
    assert {each["origin"] for each in listed["entries"]} == {"default"}


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("set", "poll-kline", "--every", "30s"), "nearest: poll-klines"),
        (("set", "poll-klines"), "say what to change"),
        (("set", "poll-klines", "--every", "often"), "write a duration such as"),
        (("set", "poll-klines", "--every", "30s", "--crontab", "* * * * *"), "choose one of"),
        (("set", "poll-klines", "--arg", "interval=7m"), "nearest: 5m"),
        (("set", "poll-klines", "--arg", "intervall=5m"), "nearest: interval"),
        (("set", "poll-klines", "--arg", "limit=many"), "write a whole number"),
        (("set", "poll-klines", "--kwargs", "[1]"), "--kwargs is an object"),
        (("add", "mine", "--task", "kline", "--every", "5s"), "nearest: polling.klines"),
        (("add", "mine", "--task", "klines", "--every", "5s"), "name the exchange"),
        (("remove", "poll-klines"), "marketprism schedule disable poll-klines"),
        (("reset",), "name an entry or a group, or say --all"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(
    run: Run, env: dict[str, str], words: tuple[str, ...], remedy: str
) -> None:
    done = run("schedule", *words, env=env)
    assert done.exit_code == 1
    assert remedy in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_without_redis_a_line_says_so(run: Run) -> None:
    done = run("schedule", "list", "--json", env=SPOT | {"MARKETPRISM_REDIS__PORT": "9"})
    assert done.exit_code == 1
    assert "Redis does not answer at 127.0.0.1:9" in json.loads(done.stdout)["error"]
