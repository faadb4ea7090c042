"""An exchange split by symbols while it is collected: nothing is missed, nothing named in vain."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import msgspec
import nats
import pytest
import redis
from nats.js.api import ConsumerConfig, DeliverPolicy

from config.load import Loaded
from config.settings import Settings
from config.shards import by_shard
from tests.collector.conftest import Running
from tests.collector.dialects import OKX_SPOT, SPOT, Dialect
from tests.waiting import wait_until
from workers.collector.service import CollectorService
from workers.local.servers import RedisServer
from workers.model.names import UnknownName
from workers.runtime.host import ServiceThread

Run = Callable[..., Running]


class Shards:
    """All shards of one exchange, with settings that can be written anew."""

    def __init__(self, running: Running, stack: ExitStack) -> None:
        self.running, self._stack = running, stack
        self.settings = running.settings
        running.host.stop(10)
        self.hosts: list[ServiceThread] = []

    def start(self) -> CollectorService:
        """One more."""
        service = CollectorService(
            self.settings, self.running.name, read=self.read, shard=len(self.hosts)
        )
        host = ServiceThread(service)
        self._stack.callback(host.stop, 15)
        self.hosts.append(host)
        host.start()
        return service

    def read(self) -> Loaded:
        return Loaded(self.settings, {}, [])

    def split(self, shards: int) -> list[Any]:
        """Say that there are so many; what each running one answers."""
        self.settings = written(self.settings, self.running.name, shards)
        return [host.call(lambda each: each.reload_config(), 10) for host in self.hosts]

    def books(self) -> list[set[str]]:
        return [set(host.service.status()["books"]) for host in self.hosts]

    def held(self) -> dict[str, str]:
        return {k: v for host in self.hosts for k, v in host.service.status()["held_for"].items()}

    def settled(self, shards: int) -> bool:
        """Every book with its own shard alone, all SYNCED."""
        symbols = by_shard(self.running.dialect.symbols, shards)
        wanted = [set(symbols.get(number, [])) for number in range(len(self.hosts))]
        states = [
            book["state"] for host in self.hosts for book in host.service.status()["books"].values()
        ]
        return self.books() == wanted and set(states) == {"SYNCED"} and not self.held()


def written(settings: Settings, exchange: str, shards: int) -> Settings:
    section = settings.exchanges[exchange].model_copy(update={"shards": shards})
    return settings.model_copy(update={"exchanges": settings.exchanges | {exchange: section}})


def stored(running: Running, subject: str) -> list[dict[str, Any]]:
    """What JetStream keeps of a subject, each message id once."""

    async def read() -> list[dict[str, Any]]:
        client = await nats.connect(running.settings.nats.servers[0])
        try:
            stream = await client.jetstream().find_stream_name_by_subject(subject)
            last = await client.jetstream().get_last_msg(stream, subject)
            terms = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
            inbox = await client.jetstream().subscribe(subject, ordered_consumer=True, config=terms)
            found = []
            while True:
                message = await inbox.next_msg(10)
                found.append(msgspec.json.decode(message.data))
                if message.metadata.sequence.stream >= (last.seq or 0):
                    return found
        finally:
            await client.close()

    return asyncio.run(read())


def assert_whole(running: Running) -> None:
    """Every trade the exchange made since the first stored one is there, once; no gap is named."""
    for symbol in running.dialect.symbols:
        trades = stored(running, f"trade-data.{running.name}.{symbol}")
        ids = [each["trade_id"] for each in trades]
        assert sorted(ids) == list(range(min(ids), max(ids) + 1)), symbol
        made = running.dialect.trades_made(running.exchange, symbol, min(ids), max(ids))
        assert len(made) == len(ids), symbol
    assert running.subscriber.of(f"gap-data.{running.name}") == []


def wait_more(running: Running) -> None:
    for symbol in running.dialect.symbols:
        seen = len(running.of("trade", symbol))
        wait_until(lambda: len(running.of("trade", symbol)) > seen + 30, 30, f"trades of {symbol}")  # noqa: B023


@pytest.fixture
def shards(run_collector: Run, redis_server: RedisServer) -> Iterator[Callable[..., Shards]]:
    with ExitStack() as stack, redis.Redis(port=redis_server.port) as client:

        def make(dialect: Dialect = SPOT) -> Shards:
            stack.callback(client.delete, f"marketprism:symbols:{dialect.exchange}")
            return Shards(run_collector(dialect=dialect), stack)

        yield make


@pytest.mark.parametrize("dialect", [SPOT, OKX_SPOT], ids=lambda each: each.exchange)
def test_symbols_move_to_a_new_shard_and_back_without_a_hole(
    shards: Callable[..., Shards], dialect: Dialect
):
    all_of = shards(dialect)
    all_of.start()
    wait_until(lambda: all_of.settled(1), 30, "one shard with everything")
    wait_more(all_of.running)
    (answer,) = all_of.split(2)
    assert answer["applied"] == {f"exchanges.{dialect.exchange}.shards": [1, 2]}
    moving = set(by_shard(dialect.symbols, 2)[1])
    assert moving
    assert all_of.held() == dict.fromkeys(moving, f"collector.{dialect.exchange}.1")
    wait_more(all_of.running)  # nobody else is there yet
    all_of.start()
    wait_until(lambda: all_of.settled(2), 40, "two shards, each with its own")
    wait_more(all_of.running)
    assert_whole(all_of.running)
    all_of.split(1)
    wait_until(lambda: all_of.settled(1), 40, "one shard with everything again")
    all_of.hosts[1].stop(10)
    wait_more(all_of.running)
    assert_whole(all_of.running)


def test_each_shard_remembers_its_own_symbols_and_leaves_the_others_alone(
    shards: Callable[..., Shards], redis_server: RedisServer
):
    both = shards()
    both.split(2)
    first, second = both.start(), both.start()
    wait_until(lambda: both.settled(2), 30, "two shards")
    with pytest.raises(UnknownName, match=r"SOL-USDT belongs to collector\.binance_spot\.1"):
        both.hosts[0].call(lambda each: each.unsubscribe(["SOL-USDT"]), 10)
    both.hosts[0].call(lambda each: each.unsubscribe(["BTC-USDT"]), 10)
    both.hosts[1].call(lambda each: each.unsubscribe(["SOL-USDT"]), 10)
    key = "marketprism:symbols:binance_spot"
    with redis.Redis(port=redis_server.port, decode_responses=True) as client:
        assert client.hgetall(key) == {"BTC-USDT": "[]", "SOL-USDT": "[]"}
        client.delete(key)
        wait_until(lambda: len(client.hgetall(key)) == 2, 20, "both written anew")
    assert (set(first.status()["books"]), set(second.status()["books"])) == (set(), {"ETH-USDT"})
    both.split(1)
    wait_until(lambda: both.books() == [{"ETH-USDT"}, set()], 40, "what was removed stays so")
