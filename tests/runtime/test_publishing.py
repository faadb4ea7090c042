"""Publishing from a thread, against a real NATS that may be away."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest

from config.settings import NatsSettings
from tests.waiting import wait_until
from workers.bus.streams import ensure_streams
from workers.local.nats import NatsServer
from workers.local.ports import free_ports
from workers.model.events import OrderBook
from workers.runtime.publishing import EventPublisher


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path, *free_ports(2))
    server.start()
    asyncio.run(ensure_streams([server.url], NatsSettings().streams_file))
    yield server
    server.stop()


@pytest.fixture
def publisher(server: NatsServer) -> Iterator[EventPublisher]:
    publisher = EventPublisher(NatsSettings(servers=[server.url]))
    yield publisher
    publisher.stop(8)


def book(last_update_id: int) -> OrderBook:
    return OrderBook(
        exchange="binance_spot",
        market_type="spot",
        symbol="BTC-USDT",
        raw_symbol="BTCUSDT",
        exchange_ns=None,
        received_ns=1,
        source="poll",
        last_update_id=last_update_id,
        bids=[("1.0", "2")],
        asks=[("1.1", "3")],
        depth=1,
        state="SYNCED",
        verified_depth=1,
    )


def stored(server: NatsServer) -> list[dict[str, object]]:
    async def read() -> list[dict[str, object]]:
        client = await nats.connect(server.url)
        try:
            stream = client.jetstream()
            count = (await stream.stream_info("ORDERBOOKS")).state.messages
            found = [await stream.get_msg("ORDERBOOKS", seq) for seq in range(1, count + 1)]
            return [{"subject": each.subject, **json.loads(each.data or b"")} for each in found]
        finally:
            await client.close()

    return asyncio.run(read())


def test_true_means_jetstream_has_it(publisher: EventPublisher, server: NatsServer) -> None:
    assert publisher.publish(book(77), 5) is True
    (event,) = stored(server)
    assert event["subject"] == "orderbook-data.binance_spot.BTC-USDT"
    assert (event["source"], event["last_update_id"]) == ("poll", 77)
    assert isinstance(event["published_ns"], int)
    assert event["published_ns"] > 0


def test_asking_three_times_stores_once(publisher: EventPublisher, server: NatsServer) -> None:
    assert [publisher.publish(book(77), 5) for _ in range(3)] == [True] * 3
    assert len(stored(server)) == 1


def test_false_means_later_and_nothing_is_lost(
    publisher: EventPublisher, server: NatsServer
) -> None:
    server.stop()
    assert publisher.publish(book(78), 0.2) is False
    server.start()
    wait_until(lambda: [event["last_update_id"] for event in stored(server)] == [78], 20, "stored")


def test_stopping_delivers_what_waits(server: NatsServer) -> None:
    publisher = EventPublisher(NatsSettings(servers=[server.url]))
    publisher.publish(book(79), 0.0)
    publisher.stop(8)
    assert [event["last_update_id"] for event in stored(server)] == [79]


def test_nothing_is_started_for_nothing() -> None:
    publisher = EventPublisher(NatsSettings())
    publisher.stop(1)
    assert publisher._thread is None
