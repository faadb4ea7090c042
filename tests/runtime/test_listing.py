"""Changes of instrument lists, against a real Redis: none is told twice, none is missed."""

from collections.abc import Sequence

import msgspec
import pytest
from redis import Redis

from workers.local.ports import free_port
from workers.local.servers import RedisServer
from workers.model.address import message_id
from workers.model.events import InstrumentChange
from workers.model.instrument import Instrument
from workers.runtime.listing import KEY, Listing
from workers.runtime.poll_errors import PollMalformed, PollNotSent

HERE = "http://here"


def instrument(symbol: str, **facts: object) -> Instrument:
    known = {"status": "trading", "raw_status": "TRADING", "tick_size": "0.1"}
    raw = symbol.replace("-", "")
    base, quote = symbol.split("-")[:2]
    same = {"exchange": "binance_spot", "market_type": "spot", "base": base, "quote": quote}
    return msgspec.convert(same | known | {"symbol": symbol, "raw_symbol": raw} | facts, Instrument)


BTC, ETH, SOL = (instrument(f"{base}-USDT") for base in ("BTC", "ETH", "SOL"))


class Reader:
    """Asks for lists one after another and keeps what is published."""

    def __init__(self, port: int) -> None:
        self._port, self._now_ns = port, 1000
        self.published: list[InstrumentChange] = []
        self.acknowledges = True
        self.restart()

    def restart(self) -> None:
        self.listing = Listing(f"redis://127.0.0.1:{self._port}/0")

    def __call__(self, *found: Instrument, address: str = HERE) -> list[tuple[str, str]]:
        """What the list changes, as (symbol, status)."""
        self._now_ns += 1
        changes = self.listing.update(
            "binance_spot",
            address,
            lambda: found,
            {"BTC-USDT", "SOL-USDT"},
            lambda: self._now_ns,
            self._publish,
        )
        return [(each.symbol, each.raw_status) for each in changes]

    def _publish(self, changes: Sequence[InstrumentChange]) -> bool:
        self.published += changes
        return self.acknowledges


@pytest.fixture
def read(redis_server: RedisServer) -> Reader:
    with Redis(port=redis_server.port) as client:
        client.flushall()
    return Reader(redis_server.port)


def test_the_first_list_tells_the_state_of_what_is_collected(read: Reader) -> None:
    assert read(BTC, ETH) == [("BTC-USDT", "TRADING")]
    assert read(BTC, ETH) == []


def test_listings_halts_filters_and_delistings_are_changes(read: Reader) -> None:
    read(BTC, ETH)
    halted = msgspec.structs.replace(BTC, status="halted", raw_status="BREAK")
    assert read(halted, ETH) == [("BTC-USDT", "BREAK")]
    finer = msgspec.structs.replace(ETH, tick_size="0.01")
    assert read(halted, finer, SOL) == [("ETH-USDT", "TRADING"), ("SOL-USDT", "TRADING")]
    assert read.published[-2].tick_size == "0.01"
    assert read(halted, SOL) == [("ETH-USDT", "not listed")]
    assert read.published[-1].status == "delisted"
    assert {each.source for each in read.published} == {"poll"}


def test_what_has_expired_is_told_so_and_what_was_delisted_is_not_told_again(read: Reader) -> None:
    future = instrument("BTC-USDT-261225", market_type="future", expiry_ns=500)
    gone = instrument("OLD-USDT", status="delisted", raw_status="CLOSE")
    read(BTC, future, gone)
    assert read(BTC) == [("BTC-USDT-261225", "expired")]


def test_a_restart_neither_repeats_nor_misses(read: Reader) -> None:
    read(BTC)
    read.restart()
    assert read(BTC, SOL) == [("SOL-USDT", "TRADING")]
    read.restart()
    assert read(BTC, SOL) == []


def test_what_was_not_acknowledged_is_published_again_under_its_id(read: Reader) -> None:
    read(BTC)
    read.acknowledges = False
    read(BTC, SOL)
    read.restart()
    read.acknowledges = True
    assert read(BTC, SOL, ETH) == [("SOL-USDT", "TRADING"), ("ETH-USDT", "TRADING")]
    first, again = (message_id(each) for each in read.published if each.symbol == "SOL-USDT")
    assert first == again
    assert read(BTC, SOL, ETH) == []


def test_another_address_begins_anew(read: Reader) -> None:
    read(BTC, ETH)
    assert read(ETH, SOL, address="http://there") == [("SOL-USDT", "TRADING")]


def test_a_list_that_lost_most_of_itself_is_believed_the_third_time(read: Reader) -> None:
    many = [instrument(f"C{number}-USDT") for number in range(30)]
    read(BTC, *many)
    for number in (1, 2):
        with pytest.raises(PollMalformed, match=f"lost 30 of 31 instruments.*was number {number}"):
            read(BTC)
    assert len(read(BTC)) == 30
    with pytest.raises(PollMalformed, match="an empty list"):
        read()


def test_two_workers_do_not_compare_at_once(read: Reader, redis_server: RedisServer) -> None:
    with Redis(port=redis_server.port) as client:
        client.set(f"{KEY}binance_spot:lock", "another", ex=60)
    with pytest.raises(PollNotSent, match="another worker compares this list"):
        read(BTC)


def test_without_redis_the_exchange_is_not_asked() -> None:
    with pytest.raises(PollNotSent, match="the last list of instruments is in Redis, which failed"):
        Reader(free_port())(BTC)
