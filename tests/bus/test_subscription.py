import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from nats.aio.client import Client

from config.settings import NatsSettings, Settings
from tests.bus.running import LoopThread, ask, running, trades
from tests.waiting import wait_until
from workers.bus.connection import end
from workers.bus.link import Link
from workers.bus.outgoing import Outgoing
from workers.bus.publisher import Publisher
from workers.bus.streams import ensure_streams
from workers.bus.subscription import Delivery, PullRefused, PullSubscription
from workers.local.nats import NatsServer
from workers.model.errors import TransportError
from workers.telemetry.metrics import Counters

MB = 1 << 20


def declare(folder: Path, ack_wait: str = "10s") -> Path:
    stream = {
        "subjects": ["trade-data.>"],
        "max_age": "1h",
        "max_bytes": "64MB",
        "consumers": {"writer": {"ack_wait": ack_wait}},
    }
    file = folder / "streams.yaml"
    file.write_text(yaml.safe_dump({"streams": {"TRADES": stream}}))
    return file


def publish(url: str, messages: list[Outgoing]) -> None:
    publisher = Publisher(NatsSettings(servers=[url]), Counters(), "test")
    with running(publisher) as loop:
        publisher.submit(messages)
        assert loop.call(publisher.drain(30)) == 0


@pytest.fixture
def url(settings: Settings, nats_server: NatsServer, tmp_path: Path) -> str:
    asyncio.run(ensure_streams(settings.nats.servers, declare(tmp_path)))
    return nats_server.url


@asynccontextmanager
async def subscribed(url: str, durable: str = "writer") -> AsyncIterator[PullSubscription]:
    link = Link([url], "test")
    task = asyncio.create_task(link.run())
    try:
        yield PullSubscription(link, "TRADES", durable)
    finally:
        await end(task)


def sequences(deliveries: list[Delivery]) -> list[int]:
    return [each.sequence for each in deliveries]


def test_a_pull_ends_with_as_many_messages_as_asked_for(url: str) -> None:
    publish(url, trades(1, 25))

    async def pull() -> list[list[Delivery]]:
        async with subscribed(url) as subscription:
            return [await subscription.pull(10, MB, 1.0) for _ in range(4)]

    batches = asyncio.run(pull())
    assert [sequences(batch) for batch in batches] == [
        list(range(1, 11)),
        list(range(11, 21)),
        list(range(21, 26)),
        [],
    ]
    assert batches[0][0].data.startswith(b'{"type": "trade", "trade_id": 1,')
    assert batches[0][0].subject == "trade-data.test.BTC-USDT"
    assert batches[0][-1].pending == 15


def test_a_pull_ends_at_its_bytes_and_a_larger_message_comes_alone(url: str) -> None:
    big = Outgoing("trade-data.test.X", b"y" * 5000, "big", "trade")
    publish(url, [*trades(1, 4), big, *trades(5, 6)])

    async def pull() -> list[int]:
        sizes = []
        async with subscribed(url) as subscription:
            while sum(sizes) < 7:
                sizes.append(len(await subscription.pull(100, 1000, 1.0)))
        return sizes

    sizes = asyncio.run(pull())
    assert max(sizes) < 7
    assert sum(sizes) == 7


def test_an_acknowledged_message_does_not_come_again_and_another_does(
    settings: Settings, nats_server: NatsServer, tmp_path: Path
) -> None:
    asyncio.run(ensure_streams(settings.nats.servers, declare(tmp_path, ack_wait="1s")))
    publish(nats_server.url, trades(1, 10))

    async def pull() -> list[Delivery]:
        async with subscribed(nats_server.url) as subscription:
            batch = await subscription.pull(100, MB, 0.5)
            # acknowledging a later message says nothing about an earlier one
            await subscription.ack([each for each in batch if each.sequence in (2, 5, 9, 10)])
            again: list[Delivery] = []
            while len(again) < 6:
                again += await subscription.pull(100, MB, 0.5)
            return again

    again = asyncio.run(pull())
    assert sorted(sequences(again)) == [1, 3, 4, 6, 7, 8]
    assert {each.deliveries for each in again} == {2}


def test_acknowledgements_of_a_large_batch_all_arrive(url: str) -> None:
    publish(url, trades(1, 5000))

    async def pull() -> None:
        async with subscribed(url) as subscription:
            batch = await subscription.pull(5000, 64 * MB, 4.0)
            assert len(batch) == 5000
            await subscription.ack(batch)
            await subscription.pull(1, MB, 0.1)

    asyncio.run(pull())

    async def waiting(client: Client) -> int | None:
        return (await client.jetstream().consumer_info("TRADES", "writer")).num_ack_pending

    wait_until(lambda: ask(url, waiting) == 0, what="no message waits for its acknowledgement")


def test_a_missing_consumer_is_refused_with_its_name(url: str) -> None:
    async def pull() -> None:
        async with subscribed(url, "nobody") as subscription:
            await subscription.pull(1, MB, 1.0)

    with pytest.raises(PullRefused, match="TRADES, consumer nobody: 503"):
        asyncio.run(pull())


def test_messages_that_arrived_before_a_pull_was_cancelled_can_be_taken(url: str) -> None:
    publish(url, trades(1, 5))

    async def pull() -> list[Delivery]:
        async with subscribed(url) as subscription:
            task = asyncio.create_task(subscription.pull(100, MB, 4.0))
            await asyncio.to_thread(
                wait_until, lambda: len(subscription._messages) == 5, what="messages arrive"
            )
            await end(task)
            return subscription.take()

    assert sequences(asyncio.run(pull())) == [1, 2, 3, 4, 5]


def test_pulling_goes_on_after_nats_was_killed_and_started_again(
    own_nats: NatsServer, tmp_path: Path
) -> None:
    own_nats.start()
    asyncio.run(ensure_streams([own_nats.url], declare(tmp_path, ack_wait="1s")))
    publish(own_nats.url, trades(1, 10))
    thread = LoopThread()
    got: list[int] = []

    async def consume() -> None:
        async with subscribed(own_nats.url) as subscription:
            while True:
                try:
                    batch = await subscription.pull(3, MB, 0.2)
                    await subscription.ack(batch)
                except TransportError:
                    continue
                got.extend(sequences(batch))

    task = thread.start(consume())
    try:
        wait_until(lambda: len(set(got)) == 10, what="the first ten")
        own_nats.kill()
        own_nats.start()
        publish(own_nats.url, trades(11, 20))
        wait_until(lambda: set(range(1, 21)) <= set(got), 20, what="the next ten")
    finally:
        task.cancel()
        thread.close()
