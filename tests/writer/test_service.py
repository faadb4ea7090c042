"""The writer between a real JetStream and a real ClickHouse."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from config.settings import ROOT, Settings
from tests.bus.running import ask, stored
from tests.store.events import SAMPLES, sample
from tests.waiting import wait_until
from tests.writer.running import publish, writing
from workers.bus.outgoing import Outgoing
from workers.bus.streams import ensure_streams, load_streams
from workers.local.clickhouse import ClickHouseServer
from workers.local.nats import NatsServer
from workers.local.ports import free_ports
from workers.model.errors import StoreError
from workers.store.migrate import migrate
from workers.store.queries import query
from workers.store.tables import TABLES
from workers.writer.routes import routes

ROUTES = routes(load_streams("nats_unified_streams.yaml"), "nats_unified_streams.yaml")


@pytest.fixture
def ready(settings: Settings) -> Settings:
    """Streams and tables exist."""
    asyncio.run(ensure_streams(settings.nats.servers, settings.nats.streams_file))
    migrate(settings.clickhouse)
    return settings


def message(table: str, number: int, **changes: Any) -> Outgoing:
    kind = TABLES[table].event_type
    payload = json.dumps(sample(table, **changes)).encode()
    return Outgoing(f"{kind}-data.binance_spot.BTC-USDT", payload, f"{kind}:{number}", kind)


def trade(number: int, **changes: Any) -> Outgoing:
    return message("trades", number, trade_id=number, **changes)


def one(settings: Settings, sql: str, *, final: bool = True) -> Any:
    return query(settings.clickhouse, sql, final=final).rows[0][0]


def count(settings: Settings, *, final: bool = True) -> int:
    """Trades in the table; -1 while ClickHouse is away."""
    try:
        return int(one(settings, "SELECT count() FROM trades", final=final))
    except StoreError:
        return -1


def complete(settings: Settings, last: int) -> bool:
    """Whether trades 1 to `last` are there, each once."""
    sql = "SELECT count(), uniqExact(trade_id), min(trade_id), max(trade_id) FROM trades"
    return query(settings.clickhouse, sql).rows[0] == (last, last, 1, last)


def unacknowledged(settings: Settings) -> int:
    async def read(client: Client) -> int:
        info = await client.jetstream().consumer_info("TRADES", "writer")
        return (info.num_ack_pending or 0) + (info.num_pending or 0)

    return ask(settings.nats.servers[0], read)


def faster(settings: Settings, folder: Path, **consumer: str) -> Settings:
    """The same streams, with another `ack_wait` or size."""
    text = (ROOT / "config" / settings.nats.streams_file).read_text()
    for name, value in consumer.items():
        before = next(line for line in text.splitlines() if line.strip().startswith(f"{name}:"))
        text = text.replace(before.strip(), f"{name}: {value}")
    file = folder / "streams.yaml"
    file.write_text(text)
    return settings.model_copy(
        update={"nats": settings.nats.model_copy(update={"streams_file": str(file)})}
    )


def test_every_type_of_event_reaches_its_table_and_is_acknowledged(ready: Settings) -> None:
    publish(ready, [message(table, number) for number, table in enumerate(SAMPLES)])
    with writing(ready) as writer:
        for route in ROUTES:
            table = route.table.name
            wait_until(lambda table=table: writer.rows(table) == 1, what=f"a row in {table}")
            assert writer.stream(route.name)["table"] == table
            assert one(ready, f"SELECT count() FROM {table}") == 1
        wait_until(lambda: unacknowledged(ready) == 0, what="all acknowledged")


def test_many_trades_arrive_once_each_and_the_status_tells(ready: Settings) -> None:
    publish(ready, [trade(number) for number in range(1, 20_001)])
    with writing(ready) as writer:
        wait_until(lambda: writer.rows() == 20_000, 30, what="rows stored")
        status = wait_until(lambda: (s := writer.stream())["in_hand"] == 0 and s, what="idle")
        assert status["stored_rows"] == 20_000
        assert status["batches"] >= 2
        assert (status["pending"], status["refused"], status["error"]) == (0, 0, None)
        assert status["last_stored_age_s"] >= 0
        assert writer.service.status()["lag_s"] > 0
        json.dumps(writer.service.status())
    assert complete(ready, 20_000)
    assert count(ready, final=False) == 20_000


def test_a_single_trade_waits_no_longer_than_the_batch_age(ready: Settings) -> None:
    with writing(ready) as writer:
        wait_until(lambda: writer.service.status()["connected"], what="connected")
        publish(ready, [trade(1)])
        wait_until(lambda: writer.rows() == 1, 5, what="the row")
        assert writer.stream()["lag_s"] < 4


def test_refused_rows_become_dead_letters_and_the_others_are_stored(ready: Settings) -> None:
    bad = {
        3: {"price": "cheap"},
        500: {"side": "both"},
        501: {"received_ns": ...},
        1000: {"quantity": "1.0000000000000000001"},
    }
    publish(ready, [trade(number, **bad.get(number, {})) for number in range(1, 1001)])
    publish(ready, [trade(1001)._replace(payload=b"\xff not json", message_id="odd")])
    with writing(ready) as writer:
        wait_until(lambda: unacknowledged(ready) == 0, 20, what="all acknowledged")
        assert writer.rows() == 996
        assert writer.stream()["refused"] == 5
    assert count(ready, final=False) == 996
    letters = stored(ready.nats.servers[0], "DEAD_LETTERS")
    assert [letter["reason"].partition(":")[0] for letter in letters] == [
        "price",
        "side",
        "received_ns",
        "quantity",
        "type",
    ]
    assert json.loads(letters[0]["payload"]) == sample("trades", trade_id=3, price="cheap")
    assert {letter["table"] for letter in letters} == {"trades"}


def test_a_flood_of_refused_rows_does_not_hold_up_the_good_ones_after_it(ready: Settings) -> None:
    publish(ready, [trade(number, price="x") for number in range(1, 1001)])
    publish(ready, [trade(1001)])
    with writing(ready) as writer:
        wait_until(lambda: writer.rows() == 1, 30, what="the good row")
        assert writer.stream()["refused"] == 1000


def test_clickhouse_away_delays_and_loses_nothing(settings: Settings, tmp_path: Path) -> None:
    server = ClickHouseServer(tmp_path / "store", *free_ports(2), max_mb=2048)
    store = settings.clickhouse.model_copy(
        update={"port": server.port, "http_port": server.http_port}
    )
    # messages in hand become due again while ClickHouse is away; they must not be stored twice
    here = faster(settings.model_copy(update={"clickhouse": store}), tmp_path, ack_wait="1s")
    publish_after = [trade(number) for number in range(1, 501)]
    asyncio.run(ensure_streams(here.nats.servers, here.nats.streams_file))
    with writing(here) as writer:
        publish(here, publish_after)
        wait_until(lambda: writer.stream()["retries"] > 0, what="inserts tried again")
        assert writer.stream()["error"]
        try:
            server.start()
            migrate(store)
            wait_until(lambda: writer.rows() == 500, 30, what="rows after the start")
            server.kill()
            publish(here, [trade(number) for number in range(501, 1001)])
            retries = writer.stream()["retries"]
            wait_until(lambda: writer.stream()["retries"] > retries, what="tried again")
            server.start()
            wait_until(lambda: complete(here, 1000), 30, what="rows after the restart")
            wait_until(lambda: unacknowledged(here) == 0, 20, what="all acknowledged")
            wait_until(lambda: writer.stream()["error"] is None, what="no error any more")
            assert complete(here, 1000)
            assert count(here, final=False) == 1000
        finally:
            server.stop()


def test_nats_killed_and_started_again_loses_nothing(settings: Settings, tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "bus", *free_ports(2))
    nats = settings.nats.model_copy(update={"servers": [server.url]})
    here = faster(settings.model_copy(update={"nats": nats}), tmp_path, ack_wait="2s")
    migrate(here.clickhouse)
    with writing(here) as writer:
        server.start()
        try:
            wait_until(lambda: writer.service.status()["connected"], 20, what="connected")
            publish(here, [trade(number) for number in range(1, 3001)])
            wait_until(lambda: writer.rows() > 0, 20, what="some rows")
            server.kill()
            server.start()
            publish(here, [trade(number) for number in range(3001, 4001)])
            wait_until(lambda: complete(here, 4000), 30, what="all rows")
            wait_until(lambda: unacknowledged(here) == 0, 20, what="all acknowledged")
        finally:
            writer.drain()
            server.stop()


KILLED = """
import asyncio, sys
import config
from workers.writer.service import WriterService
asyncio.run(WriterService(config.load()).run())
"""


def test_a_killed_writer_s_messages_are_stored_by_the_next_one(
    ready: Settings, settings_env: dict[str, str], tmp_path: Path
) -> None:
    quick = faster(ready, tmp_path, ack_wait="2s")
    asyncio.run(ensure_streams(quick.nats.servers, quick.nats.streams_file))
    env = {**os.environ, **settings_env}
    env["MARKETPRISM_NATS__STREAMS_FILE"] = quick.nats.streams_file
    env["MARKETPRISM_WRITER__BATCH_ROWS"] = "200"
    last = 0
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", KILLED], env=env, cwd=ROOT) as process:
            before = count(quick)
            publish(quick, [trade(number) for number in range(last + 1, last + 3001)])
            last += 3000
            wait_until(lambda least=before: count(quick) > least, 30, what="some rows")
            process.send_signal(signal.SIGKILL)
    with writing(quick):
        wait_until(lambda: complete(quick, last), 30, what="every trade once")
        wait_until(lambda: unacknowledged(quick) == 0, 20, what="all acknowledged")


def test_drain_stores_and_acknowledges_what_was_pulled(ready: Settings) -> None:
    slow = ready.model_copy(
        update={"writer": ready.writer.model_copy(update={"batch_age": 4.0, "batch_rows": 50})}
    )
    publish(slow, [trade(number) for number in range(1, 31)])
    with writing(slow) as writer:
        sink = next(sink for sink in writer.service._sinks if sink.stream == "TRADES")
        wait_until(lambda: len(sink._subscription._messages) == 30, what="messages are in hand")
        assert writer.rows() == 0
        writer.drain()
        assert writer.rows() == 30
    assert complete(slow, 30)
    wait_until(lambda: unacknowledged(slow) == 0, what="all acknowledged")


def test_drain_under_load_ends_in_time_and_leaves_the_rest_in_the_stream(
    ready: Settings,
) -> None:
    small = ready.model_copy(update={"writer": ready.writer.model_copy(update={"batch_rows": 100})})
    publish(small, [trade(number) for number in range(1, 10_001)])
    with writing(small) as writer:
        wait_until(lambda: writer.rows() > 0, what="it works")
        writer.drain()
    done = count(small)
    wait_until(lambda: unacknowledged(small) == 10_000 - done, what="what is not stored waits")
    with writing(small):
        wait_until(lambda: complete(small, 10_000), 30, what="the next writer stores it")


def test_drain_does_not_wait_for_a_clickhouse_that_is_away(settings: Settings) -> None:
    store = settings.clickhouse.model_copy(update={"port": free_ports(1)[0]})
    here = settings.model_copy(update={"clickhouse": store})
    asyncio.run(ensure_streams(here.nats.servers, here.nats.streams_file))
    publish(here, [trade(1)])
    with writing(here) as writer:
        wait_until(lambda: writer.stream()["retries"] > 0, what="an insert tried again")
    assert unacknowledged(here) == 1


def test_messages_a_full_stream_dropped_before_they_were_stored_are_counted(
    ready: Settings, tmp_path: Path
) -> None:
    small = faster(ready, tmp_path, max_bytes="100KB")
    asyncio.run(ensure_streams(small.nats.servers, small.nats.streams_file))
    publish(small, [trade(1)])
    with writing(small) as writer:
        wait_until(lambda: writer.rows() == 1, what="the first row")
    publish(small, [trade(number) for number in range(2, 2001)])
    with writing(small) as writer:
        wait_until(lambda: unacknowledged(small) == 0, 20, what="all acknowledged")
        kept = writer.rows()
        lost = writer.service.counters.get("events_dropped_total", "trade", "stream_limit")
        assert kept < 1999
        assert kept + lost == 1999
