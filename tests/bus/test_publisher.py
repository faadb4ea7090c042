import asyncio
import os
import signal
import threading
from collections.abc import Iterator

import pytest
from nats.aio.client import Client

from config.settings import NatsSettings, Settings
from tests.bus.running import ask, running, same, stored_ids, trade, trades
from tests.waiting import wait_until
from workers.bus.outgoing import Outgoing
from workers.bus.publisher import Publisher
from workers.bus.streams import ensure_streams
from workers.local.nats import NatsServer
from workers.telemetry.metrics import Counters

FILE = NatsSettings().streams_file


@pytest.fixture
def url(settings: Settings, nats_server: NatsServer) -> str:
    """The session's server with all streams, empty."""
    asyncio.run(ensure_streams(settings.nats.servers, FILE))
    return nats_server.url


@pytest.fixture
def own_url(own_nats: NatsServer) -> Iterator[str]:
    own_nats.start()
    asyncio.run(ensure_streams([own_nats.url], FILE))
    return own_nats.url


class Losses:
    """What `on_lost` was told, by (type, subject)."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}

    def __call__(self, event_type: str, count: int, subject: str) -> None:
        key = event_type, subject
        self.counts[key] = self.counts.get(key, 0) + count


def publisher_for(url: str, losses: Losses | None = None, **changes: object) -> Publisher:
    settings = NatsSettings.model_validate({"servers": [url], **changes})
    return Publisher(settings, Counters(), "test", on_lost=losses)


def count(publisher: Publisher, what: str) -> int:
    value = publisher.status()[what]
    assert isinstance(value, int)
    return value


def test_every_message_is_acknowledged_and_stored_in_order(url: str) -> None:
    publisher = publisher_for(url, publish_window=50)
    with running(publisher) as loop:
        for first in range(1, 5001, 100):
            publisher.submit(trades(first, first + 99))
        assert loop.call(publisher.drain(30)) == 0
    assert same(stored_ids(url), 1, 5000)
    assert count(publisher, "published") == 5000
    assert (count(publisher, "dropped"), count(publisher, "retries")) == (0, 0)


def test_threads_may_submit_at_once_and_each_keeps_its_order(url: str) -> None:
    publisher = publisher_for(url)

    def submit(first: int) -> None:
        for number in range(first, first + 500):
            publisher.submit([trade(number)])

    threads = [threading.Thread(target=submit, args=(n * 1000,)) for n in range(4)]
    with running(publisher) as loop:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert loop.call(publisher.drain(30)) == 0
    ids = stored_ids(url)
    assert len(ids) == 2000
    for n in range(4):
        assert same([each for each in ids if each // 1000 == n], n * 1000, n * 1000 + 499)


def test_a_message_submitted_to_an_idle_publisher_goes_out_at_once(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.bus.publisher.WATCH_S", 60.0)  # nothing else wakes it
    publisher = publisher_for(url, publish_ack_timeout=600.0)
    with running(publisher):
        wait_until(lambda: publisher.connected, what="connected")
        for number in range(1, 21):
            publisher.submit([trade(number)])
            wait_until(
                lambda expected=number: count(publisher, "published") == expected,
                what=f"message {number} acknowledged",
                every_s=0.002,
            )


def test_an_id_published_again_is_stored_once_and_counted(url: str) -> None:
    publisher = publisher_for(url)
    with running(publisher) as loop:
        publisher.submit([*trades(1, 10), *trades(1, 10)])
        assert loop.call(publisher.drain(30)) == 0
    assert same(stored_ids(url), 1, 10)
    assert count(publisher, "duplicates") == 10


def test_messages_wait_for_a_server_that_starts_later(own_nats: NatsServer) -> None:
    publisher = publisher_for(own_nats.url)
    with running(publisher) as loop:
        publisher.submit(trades(1, 100))
        own_nats.start()
        asyncio.run(ensure_streams([own_nats.url], FILE))
        assert loop.call(publisher.drain(30)) == 0
    assert same(stored_ids(own_nats.url), 1, 100)
    assert count(publisher, "dropped") == 0


def test_nothing_is_lost_or_stored_twice_when_nats_is_killed_under_load(
    own_nats: NatsServer, own_url: str
) -> None:
    # so long that only the reconnect can be the reason for sending again
    publisher = publisher_for(own_url, publish_ack_timeout=300.0)
    submitted = 0
    with running(publisher) as loop:
        for round_ in range(3):
            for _ in range(20):
                publisher.submit(trades(submitted + 1, submitted + 100))
                submitted += 100
            wait_until(
                lambda least=round_ * 2000: count(publisher, "published") > least,
                what="some of the round acknowledged",
                every_s=0.001,
            )
            own_nats.kill()
            publisher.submit(trades(submitted + 1, submitted + 100))
            submitted += 100
            own_nats.start()
        assert loop.call(publisher.drain(60), 70) == 0
    assert same(sorted(stored_ids(own_url)), 1, submitted)
    assert count(publisher, "dropped") == 0


def test_a_server_that_stops_answering_is_given_the_messages_again(
    own_nats: NatsServer, own_url: str
) -> None:
    publisher = publisher_for(own_url, publish_ack_timeout=0.3)
    with running(publisher) as loop:
        publisher.submit(trades(1, 10))
        wait_until(lambda: count(publisher, "published") == 10, what="the first ten")
        assert own_nats.pid is not None
        os.kill(own_nats.pid, signal.SIGSTOP)
        try:
            publisher.submit(trades(11, 20))
            wait_until(lambda: count(publisher, "retries") >= 10, what="sent again")
        finally:
            os.kill(own_nats.pid, signal.SIGCONT)
        assert loop.call(publisher.drain(30)) == 0
    assert same(sorted(stored_ids(own_url)), 1, 20)


def test_messages_wait_for_their_stream(settings: Settings, nats_server: NatsServer) -> None:
    publisher = publisher_for(nats_server.url)
    with running(publisher) as loop:
        publisher.submit(trades(1, 300))
        wait_until(lambda: count(publisher, "unacknowledged") > 0, what="refused messages")
        asyncio.run(ensure_streams(settings.nats.servers, FILE))
        assert loop.call(publisher.drain(30)) == 0
    assert sorted(stored_ids(nats_server.url)) == list(range(1, 301))
    assert count(publisher, "dropped") == 0


def test_messages_without_a_stream_do_not_hold_up_the_others(url: str) -> None:
    losses = Losses()
    publisher = publisher_for(url, losses, publish_window=20)
    stray = [Outgoing("nowhere.x", b"{}", f"stray:{n}", "trade") for n in range(60)]
    with running(publisher):
        for number in range(30):
            publisher.submit([*stray[number * 2 : number * 2 + 2], trade(number)])
        wait_until(lambda: count(publisher, "published") == 30, what="the others are stored")
        # more of them than a window may wait: the oldest are given up, counted and reported
        wait_until(lambda: sum(losses.counts.values()) >= 40, what="losses reported")
    assert set(losses.counts) == {("trade", "nowhere.x")}
    assert publisher._counters.get("events_dropped_total", "trade", "no_stream") >= 40


def test_a_message_larger_than_nats_takes_is_given_up_and_the_rest_goes_on(url: str) -> None:
    losses = Losses()
    publisher = publisher_for(url, losses)
    with running(publisher) as loop:
        publisher.submit([trade(1), trade(2, size=9 << 20), trade(3)])
        assert loop.call(publisher.drain(30)) == 0
        wait_until(lambda: losses.counts, what="the loss reported")
    assert stored_ids(url) == [1, 3]
    assert losses.counts == {("trade", "trade-data.test.BTC-USDT"): 1}
    assert publisher._counters.get("events_dropped_total", "trade", "too_large") == 1


def test_a_message_too_large_by_its_headers_alone_does_not_cost_the_connection(url: str) -> None:
    publisher = publisher_for(url)
    with running(publisher) as loop:
        publisher.submit([trade(1), trade(2)._replace(payload=b"x" * (8 << 20)), trade(3)])
        assert loop.call(publisher.drain(30)) == 0
    assert stored_ids(url) == [1, 3]
    assert publisher._counters.get("events_dropped_total", "trade", "too_large") == 1


def test_a_subject_nats_cannot_have_is_given_up_and_the_rest_goes_on(url: str) -> None:
    publisher = publisher_for(url)
    with running(publisher) as loop:
        bad = [trade(2)._replace(subject=subject) for subject in ("trade-data.a b", "a\r\nPUB b")]
        publisher.submit([trade(1), *bad, trade(3)])
        assert loop.call(publisher.drain(30)) == 0
    assert stored_ids(url) == [1, 3]
    assert publisher._counters.get("events_dropped_total", "trade", "bad_subject") == 2


def test_a_message_its_stream_refuses_for_good_is_given_up(url: str) -> None:
    async def limit(client: Client) -> None:
        jetstream = client.jetstream()
        config = (await jetstream.stream_info("TRADES")).config
        config.max_msg_size = 1000
        await jetstream.update_stream(config)

    ask(url, limit)
    publisher = publisher_for(url)
    with running(publisher) as loop:
        publisher.submit([trade(1), trade(2, size=2000), trade(3)])
        assert loop.call(publisher.drain(30)) == 0
    assert stored_ids(url) == [1, 3]
    assert publisher._counters.get("events_dropped_total", "trade", "refused") == 1


def test_while_nats_is_away_the_queue_is_bounded_and_says_what_it_lost(
    own_nats: NatsServer,
) -> None:
    losses = Losses()
    publisher = publisher_for(own_nats.url, losses, queue_max_mb=1)
    snapshot = Outgoing("orderbook-data.test.BTC-USDT", b"x" * 20_000, "book:{}", "orderbook")
    with running(publisher) as loop:
        for number in range(200):
            publisher.submit([snapshot._replace(message_id=str(number)), trade(number)])
        assert publisher.status()["queued_mb"] <= 1.0
        assert losses.counts == {}
        own_nats.start()
        asyncio.run(ensure_streams([own_nats.url], FILE))
        assert loop.call(publisher.drain(30)) == 0
        wait_until(lambda: losses.counts, what="the loss reported")
    # Those that came before their stream was made waited, and are behind others.
    assert same(sorted(stored_ids(own_nats.url)), 0, 199)
    dropped = publisher._counters.get("events_dropped_total", "orderbook", "queue_full")
    assert losses.counts == {("orderbook", "orderbook-data.test.BTC-USDT"): dropped}
    assert 100 < dropped < 200


def test_drain_delivers_what_is_left_after_run_was_cancelled(url: str) -> None:
    publisher = publisher_for(url)
    with running(publisher) as loop:
        wait_until(lambda: publisher.connected, what="connected")
    publisher.submit(trades(1, 2000))
    assert asyncio.run(publisher.drain(30)) == 0
    assert same(stored_ids(url), 1, 2000)
    assert not publisher.connected
    assert not loop.loop.is_running()


def test_drain_tells_how_many_messages_it_could_not_deliver(own_nats: NatsServer) -> None:
    publisher = publisher_for(own_nats.url)
    publisher.submit(trades(1, 7))
    assert asyncio.run(publisher.drain(0.3)) == 7


def test_cancelling_run_under_load_ends_it_and_forgets_nothing(url: str) -> None:
    publisher = publisher_for(url)
    # large enough that a burst does not fit into nats-py's buffer: it is cancelled inside one
    publisher.submit([trade(number, size=8000) for number in range(1, 20_001)])
    for least in (1, 500, 1000, 1500):
        with running(publisher):
            wait_until(
                lambda least=least: count(publisher, "published") >= least,
                what="it runs",
                every_s=0.001,
            )
    assert publisher.unsent > 0
    assert asyncio.run(publisher.drain(60)) == 0
    assert same(sorted(stored_ids(url)), 1, 20_000)


def test_a_drain_right_after_the_start_leaves_the_work_to_run(url: str) -> None:
    async def start_and_drain(publisher: Publisher) -> tuple[int, list[str]]:
        run = asyncio.create_task(publisher.run())
        publisher.submit(trades(1, 10))
        # It begins after run did, and before the worker that run made.
        drain = asyncio.create_task(publisher.drain(30))
        await asyncio.wait({drain}, timeout=0.001)
        workers = [task.get_name() for task in asyncio.all_tasks()]
        left = await drain
        run.cancel()
        await asyncio.wait({run})
        return left, [name for name in workers if name in ("test publisher", "test drain")]

    publisher = publisher_for(url)
    assert asyncio.run(start_and_drain(publisher)) == (0, ["test publisher"])
    assert (count(publisher, "published"), count(publisher, "duplicates")) == (10, 0)
