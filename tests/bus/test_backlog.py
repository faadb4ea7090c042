"""The publisher with its spool: what NATS being away, a kill -9 and a full disk cost."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from config.settings import ROOT, NatsSettings
from tests.bus.running import running, same, stored_ids, trades
from tests.waiting import wait_until
from workers.bus.publisher import Publisher
from workers.bus.streams import ensure_streams
from workers.local.nats import NatsServer
from workers.telemetry.metrics import Counters

FILE = NatsSettings().streams_file

SUBMITS = """
import asyncio, sys
from pathlib import Path
from config.settings import NatsSettings
from tests.bus.running import trades
from workers.bus.publisher import Publisher
from workers.telemetry.metrics import Counters

async def main(url, folder):
    publisher = Publisher(
        NatsSettings(servers=[url], spool_after=0), Counters(), "child", spool_dir=Path(folder)
    )
    running = asyncio.create_task(publisher.run())
    for first in range(1, 5001, 100):
        publisher.submit(trades(first, first + 99))
        await asyncio.sleep(0.001)
    while publisher.status()["queued"] or publisher.status()["spooled"] < 5000:
        await asyncio.sleep(0.01)
    print("on disk", flush=True)
    await running

asyncio.run(main(*sys.argv[1:]))
"""


def publisher_at(url: str, folder: Path, **changes: object) -> Publisher:
    given = {"servers": [url], "spool_after": "50ms", **changes}
    return Publisher(NatsSettings.model_validate(given), Counters(), "test", spool_dir=folder)


def begin(server: NatsServer) -> None:
    server.start()
    asyncio.run(ensure_streams([server.url], FILE))


def test_what_waits_while_nats_is_away_goes_to_disk_and_comes_back_in_order(
    own_nats: NatsServer, tmp_path: Path
) -> None:
    publisher = publisher_at(own_nats.url, tmp_path / "spool", queue_max_mb=1)
    with running(publisher) as loop:
        for first in range(1, 20_001, 500):  # far more than the queue's megabyte holds
            publisher.submit(trades(first, first + 499))
            wait_until(lambda: publisher.status()["queued"] == 0, what="moved to disk")
        assert publisher.status()["spooled"] == 20_000
        begin(own_nats)
        publisher.submit(trades(20_001, 20_100))
        wait_until(lambda: publisher.unsent == 0, 30, "all delivered")
        assert loop.call(publisher.drain(5)) == 0
    assert same(stored_ids(own_nats.url), 1, 20_100)
    assert publisher.status()["dropped"] == 0
    assert list((tmp_path / "spool").iterdir()) == []


def test_messages_on_their_way_when_nats_is_killed_go_to_disk_too(
    own_nats: NatsServer, tmp_path: Path
) -> None:
    begin(own_nats)
    publisher = publisher_at(own_nats.url, tmp_path / "spool")
    with running(publisher):
        wait_until(lambda: publisher.connected, what="connected")
        assert own_nats.pid is not None
        os.kill(own_nats.pid, signal.SIGSTOP)
        publisher.submit(trades(1, 500))
        wait_until(lambda: publisher.status()["unacknowledged"] > 0, what="on their way")
        own_nats.kill()
        wait_until(lambda: publisher.status()["spooled"] == 500, 30, "all on disk")
        own_nats.start()
        wait_until(lambda: publisher.unsent == 0, 30, "all delivered")
    assert same(stored_ids(own_nats.url), 1, 500)


def test_a_killed_process_leaves_its_messages_to_the_next(
    own_nats: NatsServer, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    child = subprocess.Popen(
        [sys.executable, "-c", SUBMITS, own_nats.url, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert any(line == "on disk\n" for line in child.stdout), "the child ended before"
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    begin(own_nats)
    publisher = publisher_at(own_nats.url, folder)
    publisher.submit(trades(5001, 5010))
    with running(publisher):
        wait_until(lambda: publisher.unsent == 0, 30, "all delivered")
    assert same(stored_ids(own_nats.url), 1, 5010)


def test_what_a_drain_cannot_deliver_waits_on_disk(own_nats: NatsServer, tmp_path: Path) -> None:
    publisher = publisher_at(own_nats.url, tmp_path / "spool", spool_after="1m")
    publisher.submit(trades(1, 7))
    assert asyncio.run(publisher.drain(0.3)) == 0
    begin(own_nats)
    following = publisher_at(own_nats.url, tmp_path / "spool")
    with running(following):
        wait_until(lambda: following.unsent == 0, 30, "all delivered")
    assert same(stored_ids(own_nats.url), 1, 7)


def test_without_a_disk_the_queue_keeps_what_it_can(own_nats: NatsServer, tmp_path: Path) -> None:
    publisher = publisher_at(own_nats.url, tmp_path / "spool")
    (tmp_path / "spool").rmdir()  # every write fails from now on
    with running(publisher):
        publisher.submit(trades(1, 100))
        wait_until(lambda: publisher.status()["spool_error"], 10, "the disk refused")
        begin(own_nats)
        wait_until(lambda: publisher.unsent == 0, 30, "all delivered")
    assert same(stored_ids(own_nats.url), 1, 100)
