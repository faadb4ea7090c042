"""A user's processor between a real JetStream and its own code, which does what it likes."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from config.settings import Settings
from tests.bus.running import LoopThread, ask, stored_ids
from tests.waiting import wait_until
from tests.writer.running import publish
from workers.bus.outgoing import Outgoing
from workers.bus.streams import ensure_streams
from workers.model.codec import encode
from workers.model.events import Ticker, Trade
from workers.processor import intake
from workers.processor.service import ERRORS_IN_A_ROW, ProcessorFailed, ProcessorService

Act = Callable[[Any], None]


class Mine:
    def __init__(self, events: Sequence[str], act: Act | None = None) -> None:
        self.events, self.seen, self._act = events, [], act

    def on_event(self, event: Any) -> None:
        if self._act is not None:
            self._act(event)
        self.seen.append(event)

    @property
    def ids(self) -> list[int]:
        return [each.trade_id for each in self.seen]


@pytest.fixture
def ready(settings: Settings) -> Settings:
    asyncio.run(ensure_streams(settings.nats.servers, settings.nats.streams_file))
    return settings


@contextmanager
def processing(settings: Settings, mine: Mine) -> Iterator[ProcessorService]:
    """The service at work, its consumers there; drained at the end."""
    service, thread = ProcessorService(settings, "mine", mine), LoopThread()
    task = thread.start(service.run())
    try:
        for kind in mine.events:
            wait_until(lambda kind=kind: waiting(settings, kind) is not None, what="its consumer")
        yield service
    finally:
        task.cancel()
        thread.call(service.drain(), 12)
        thread.close()


def waiting(settings: Settings, kind: str) -> int | None:
    """Events the consumer has not got an acknowledgement for; None before there is one."""

    async def read(client: Any) -> int | None:
        stream = {"trade": "TRADES", "ticker": "TICKERS"}[kind]
        try:
            info = await client.jetstream().consumer_info(stream, f"processor-mine-{kind}")
        except Exception as error:
            if "not found" in str(error):
                return None
            raise
        return (info.num_ack_pending or 0) + (info.num_pending or 0)

    return ask(settings.nats.servers[0], read)


def trade(number: int) -> Outgoing:
    event = Trade(
        exchange="binance_spot", market_type="spot", symbol="BTC-USDT", raw_symbol="BTCUSDT",
        exchange_ns=1, received_ns=2, trade_id=number, price="1.50", quantity="2", side="buy",
    )  # fmt: skip
    return Outgoing("trade-data.binance_spot.BTC-USDT", encode(event), f"t:{number}", "trade")


def ticker() -> Outgoing:
    event = Ticker(
        exchange="okx_spot", market_type="spot", symbol="BTC-USDT", raw_symbol="BTC-USDT",
        exchange_ns=1, received_ns=2, last_price="1.5",
    )  # fmt: skip
    return Outgoing("ticker-data.okx_spot.BTC-USDT", encode(event), "k:1", "ticker")


def test_it_gets_the_events_it_wants_and_no_others(ready: Settings) -> None:
    mine = Mine(["trade"])
    with processing(ready, mine) as service:
        publish(ready, [ticker(), *map(trade, range(1, 1001))])
        wait_until(lambda: len(mine.seen) == 1000, what="all trades")
        assert mine.ids == list(range(1, 1001))
        assert mine.seen[0].price == "1.50"
        wait_until(lambda: waiting(ready, "trade") == 0, what="all acknowledged")
        status = service.status()
        assert (status["events"], status["errors"], status["busy_s"]) == (1000, 0, None)
        assert status["intakes"]["trade"]["stream"] == "TRADES"


def test_it_may_want_several_types_and_is_called_in_one_thread(ready: Settings) -> None:
    threads = set()
    mine = Mine(["trade", "ticker"], lambda _: threads.add(threading.get_ident()))
    with processing(ready, mine):
        publish(ready, [ticker(), trade(1), trade(2)])
        wait_until(lambda: len(mine.seen) == 3, what="all events")
    assert {type(each) for each in mine.seen} == {Trade, Ticker}
    assert len(threads) == 1


def test_what_it_raises_is_counted_and_the_next_event_comes(ready: Settings) -> None:
    def act(event: Trade) -> None:
        if event.trade_id % 2:
            raise ValueError(f"odd {event.trade_id}")

    mine = Mine(["trade"], act)
    with processing(ready, mine) as service:
        publish(ready, [*map(trade, range(1, 11)), trade(12)._replace(payload=b"\xff")])
        wait_until(lambda: service.status()["errors"] == 6, what="errors counted")
        wait_until(lambda: waiting(ready, "trade") == 0, what="all acknowledged")
        assert mine.ids == [2, 4, 6, 8, 10]
        assert service.counters.get("processor_errors_total", "trade", "raised") == 5
        assert service.counters.get("processor_errors_total", "trade", "unreadable") == 1
        assert service.status()["last_error"].startswith("trade-data.binance_spot.BTC-USDT: ")


def test_one_that_only_raises_ends_and_goes_on_behind_what_it_failed_at(ready: Settings) -> None:
    def act(event: Trade) -> None:
        raise RuntimeError("no")

    service, thread = ProcessorService(ready, "mine", Mine(["trade"], act)), LoopThread()
    task = thread.start(service.run())
    wait_until(lambda: waiting(ready, "trade") is not None, what="its consumer")
    publish(ready, [*map(trade, range(1, ERRORS_IN_A_ROW + 11))])
    with pytest.raises(ProcessorFailed, match=f"{ERRORS_IN_A_ROW} events in a row failed"):
        task.result(30)
    thread.call(service.drain(), 12)
    thread.close()
    assert waiting(ready, "trade") == 10


def test_a_slow_one_delays_nobody_and_resumes_where_it_was(
    ready: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "TURN_S", 0.0)
    free = threading.Event()

    def act(event: Trade) -> None:
        if event.trade_id == 3:
            assert free.wait(60)

    slow = Mine(["trade"], act)
    with processing(ready, slow) as service:
        publish(ready, [*map(trade, range(1, 11))])
        wait_until(lambda: slow.ids == [1, 2], what="two taken")
        publish(ready, [*map(trade, range(11, 2001))])  # acknowledged by JetStream meanwhile
        assert stored_ids(ready.nats.servers[0]) == list(range(1, 2001))
        wait_until(lambda: (service.status()["busy_s"] or 0) > 0.1, what="busy with the third")
        assert waiting(ready, "trade") == 1998
        free.set()
    next_one = Mine(["trade"])
    with processing(ready, next_one):
        wait_until(
            lambda: sorted({*slow.ids, *next_one.ids}) == list(range(1, 2001)), what="the rest"
        )
    assert 1 not in next_one.ids


def test_an_unknown_stream_layout_still_feeds_types_that_share_one(ready: Settings) -> None:
    mine = Mine(["gap"])
    service = ProcessorService(ready, "mine", mine)
    assert service.status()["intakes"]["gap"]["stream"] == "FACTS"
    asyncio.run(service.drain())
