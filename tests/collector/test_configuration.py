"""Settings that change while the collector runs, and memory that runs out."""

import dataclasses
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import config
from config.load import Loaded, load_with_origins
from config.settings import ROOT, Settings
from tests.collector.conftest import Running
from tests.waiting import wait_until
from workers.collector import memory
from workers.collector.configuration import BrokenConfiguration
from workers.collector.reloading import compare
from workers.collector.service import CollectorService
from workers.model.names import UnknownName
from workers.runtime.host import ServiceThread

Run = Callable[..., Running]
Change = Callable[..., Settings]
BTC, ETH, SOL = "BTC-USDT", "ETH-USDT", "SOL-USDT"


def tree(**env: str) -> Settings:
    named = {f"MARKETPRISM_{name}": value for name, value in env.items()}
    return config.load(ROOT / "config" / "marketprism.yaml", env=named)


def test_what_differs_is_divided_into_what_applies_and_what_waits():
    old = tree()
    new = tree(
        EXCHANGES__BINANCE_SPOT__PUBLISH_DEPTH="50",
        EXCHANGES__BINANCE_SPOT__DEPTH="1000",
        EXCHANGES__OKX_SPOT__PUBLISH_DEPTH="50",
        STABILITY__ERRORS__MAX_SEQUENCE="9",
        STABILITY__HEARTBEAT__TIMEOUT="90s",
        CLICKHOUSE__USER="somebody",
        NATS__SERVERS="nats://127.0.0.1:1",
    )
    found = compare(old, new, "binance_spot")
    assert found.applied == {
        "exchanges.binance_spot.publish_depth": [400, 50],
        "stability.errors.max_sequence": [3, 9],
    }
    assert found.next_session == {"stability.heartbeat.timeout": [60.0, 90.0]}
    assert set(found.restart) == {"exchanges.binance_spot.depth", "nats.servers"}
    own = found.settings.exchanges["binance_spot"]
    assert (own.publish_depth, own.depth) == (50, 5000)
    assert found.settings.nats == old.nats
    assert compare(old, old, "binance_spot") == dataclasses.replace(
        found, **{"settings": old, "applied": {}, "next_session": {}, "restart": {}}
    )


def test_secrets_are_not_told():
    new = tree(REDIS__PASSWORD="very-secret")
    assert "very-secret" not in str(compare(tree(), new, "binance_spot").restart)


class File:
    """A settings file that the collector reads besides what the test gave it."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path, self._settings = path, settings
        self.path.write_text("{}\n")

    def read(self) -> Loaded:
        own = {"MARKETPRISM_DATA_DIR": str(self.path.parent)}
        loaded = load_with_origins(self.path, env=own)
        new, old = loaded.settings.exchanges["binance_spot"], self._settings
        written = {"symbols", "publish_depth"}
        section = old.exchanges["binance_spot"].model_copy(
            update={name: getattr(new, name) for name in written}
        )
        exchanges = old.exchanges | {"binance_spot": section}
        return dataclasses.replace(loaded, settings=old.model_copy(update={"exchanges": exchanges}))

    def write(self, symbols: str, depth: object = 400) -> None:
        base = ROOT / "config" / "marketprism.yaml"
        section = f"{{symbols: [{symbols}], publish_depth: {depth}}}"
        self.path.write_text(f"extends: {base}\nexchanges: {{binance_spot: {section}}}\n")


class Reloading:
    """A collector with a file of its own."""

    def __init__(self, running: Running, path: Path) -> None:
        self.running, self.file = running, File(path, running.settings)
        self.file.write(f"{BTC}, {ETH}")
        running.host.stop(10)
        running.service = CollectorService(running.settings, "binance_spot", read=self.file.read)
        running.host = ServiceThread(running.service)
        running.host.start()


@pytest.fixture
def reloading(run_collector: Run, tmp_path: Path) -> Iterator[Reloading]:
    running = run_collector(EXCHANGES__BINANCE_SPOT__SYMBOLS=f"{BTC},{ETH}")
    with ExitStack() as stack:
        made = Reloading(running, tmp_path / "own.yaml")
        stack.callback(lambda: made.running.host.stop(10))
        running.wait_synced()
        yield made


def status(running: Running) -> dict[str, Any]:
    return dict(running.service.status())


def test_a_changed_file_applies_by_itself_and_a_broken_one_changes_nothing(reloading: Reloading):
    running, file = reloading.running, reloading.file
    file.write(f"{BTC}, {SOL}", 5)
    wait_until(lambda: running.synced(SOL), 30, "the new symbol's book")
    assert set(running.books()) == {BTC, SOL}
    wait_until(
        lambda: [len(each["bids"]) for each in running.of("orderbook", BTC)][-1] == 5,
        10,
        "snapshots of five levels",
    )
    file.write(f"{BTC}, {SOL}", "plenty")
    wait_until(lambda: status(running)["settings"]["error"], 20, "the broken file noticed")
    assert "publish_depth" in status(running)["settings"]["error"]
    with pytest.raises(BrokenConfiguration, match="nothing has changed"):
        running.call(lambda service: service.reload_config())
    assert set(running.books()) == {BTC, SOL}
    file.write(f"{BTC}, {SOL}", 6)
    wait_until(lambda: status(running)["settings"]["error"] is None, 20, "the file right again")
    assert running.service.counters.total("reconnects_total") == 0


def test_the_log_level_is_set_at_run_time(run_collector: Run):
    running = run_collector()
    running.wait_synced()
    root = logging.getLogger()
    before = root.level
    try:
        answer = running.call(lambda service: service.set_log_level("debug"))
        assert (root.level, answer["now"]) == (logging.DEBUG, "debug")
        with pytest.raises(UnknownName, match="nearest: debug"):
            running.call(lambda service: service.set_log_level("debugg"))
    finally:
        root.setLevel(before)


def test_too_much_memory_sheds_books_and_ends_the_process_with_the_reason(
    run_collector: Run, monkeypatch: pytest.MonkeyPatch
):
    running = run_collector(STABILITY__MEMORY__MAX_MB="64", STABILITY__MEMORY__INACTIVE_AFTER="1s")
    running.wait_synced()
    young = running.call(lambda service: service.check_memory())
    assert (young["level"], young["restart"]) == ("over", None)
    assert running.host.state == "running"
    monkeypatch.setattr(memory, "YOUNG_S", 0.0)
    old = running.call(lambda service: service.check_memory())
    assert "over stability.memory.max_mb 64" in old["restart"]
    assert running.host.wait(20)
    assert running.host.exit_code == 70
    wait_until(lambda: running.subscriber.of("quality-data.binance_spot.ALL"), 10, "the event")
    (event,) = running.subscriber.of("quality-data.binance_spot.ALL")
    assert (event["check"], event["limit"], event["detail"]) == ("restart", "64", old["restart"])
    assert running.service.counters.total("restarts_wanted_total") == 1
    assert status(running)["phase"] == "stopped"
