"""Polling tasks against simulated exchanges and a real NATS: what is asked, published and told."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nats
import pytest

from config import queues
from config.polls import POLLS
from config.settings import NatsSettings
from tests.runtime.polling import SYMBOLS, polls, simulated
from tests.simulated import SideDoor
from workers.bus.streams import ensure_streams
from workers.local.servers import NatsServer, RedisServer
from workers.model.address import message_id
from workers.model.events import FundingRate, InstrumentChange, Kline, LongShortRatio, OrderBook
from workers.model.names import UnknownName
from workers.runtime.publishing import EventPublisher

PAST = {"start": "2026-11-20", "end": "2026-11-20T06:00"}
ONCE = frozenset(
    {queues.ORDERBOOK_SNAPSHOT, queues.POLL_TICKERS, queues.POLL_FUNDING_RATE}
    | {queues.POLL_MARK_PRICE, queues.POLL_OPEN_INTEREST, queues.POLL_INSTRUMENTS}
)
"""What is asked for now is another datum a moment later; the others are of a period."""


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Every exchange that can be simulated, by its name."""
    with simulated(tmp_path_factory.mktemp("polled")) as running:
        yield dict.fromkeys(SYMBOLS, running.rest_url)


CASES = [
    pytest.param(task.name, target, id=f"{task.name.partition('.')[2]}-{name}-{number}")
    for task in POLLS.values()
    for name, symbols in SYMBOLS.items()
    for number, target in enumerate(task.targets(name, symbols))
    if target.get("symbol", symbols[0]) == symbols[0] and target.get("currency", "BTC") == "BTC"
]


@pytest.mark.parametrize(("name", "target"), CASES)
def test_every_task_publishes_what_the_table_says_and_a_period_but_once(
    addresses: dict[str, str], redis_server: RedisServer, name: str, target: dict[str, Any]
) -> None:
    run, taken, _ = polls(addresses, redis_server.port)
    result = run.run(name, (), target)
    task = POLLS[name]
    assert result["events"] == len(taken.events)
    if name != queues.POLL_KLINES:  # a market that has just begun may have no candle yet
        assert taken.events
    tags = {each.__struct_config__.tag for each in taken.events}
    assert tags <= set(task.events)
    assert {each.source for each in taken.events} <= {"poll"}
    assert {each.exchange for each in taken.events} <= {target["exchange"]}
    assert "missing" not in result
    first = [message_id(each) for each in taken.events]
    assert len(set(first)) == len(first)
    if name not in ONCE:
        run.run(name, (), target)
        again = {message_id(each) for each in taken.events[len(first) :]}
        # At the turn of a period one more may have come, and one have gone.
        assert len(again ^ set(first)) <= 2 * result["calls"]


def test_the_time_of_a_datum_is_the_exchanges_and_its_lag_is_told(
    addresses: dict[str, str], redis_server: RedisServer
) -> None:
    run, taken, _ = polls(addresses, redis_server.port)
    result = run.run(queues.POLL_OPEN_INTEREST_HISTORY, (), okx())
    newest = max(each.exchange_ns or 0 for each in taken.events)
    assert newest % (300 * 10**9) == 0
    assert result["newest"].endswith("+00:00")
    received = max(each.received_ns for each in taken.events)
    assert result["lag_s"] == pytest.approx((received - newest) / 1e9, abs=60)


def okx(**more: Any) -> dict[str, Any]:
    return {"exchange": "okx_derivatives", "symbol": "BTC-USDT-PERP"} | more


def test_a_past_span_is_fetched_page_by_page_as_backfill(
    addresses: dict[str, str], redis_server: RedisServer
) -> None:
    run, taken, _ = polls(addresses, redis_server.port)
    result = run.run(queues.POLL_OPEN_INTEREST_HISTORY, (), okx(**PAST | {"end": "2026-11-21"}))
    assert (result["calls"], result["events"]) == (3, 289)
    times = sorted(each.exchange_ns or 0 for each in taken.events)
    assert [b - a for a, b in itertools.pairwise(times)] == [300 * 10**9] * 288
    assert {each.source for each in taken.events} == {"backfill"}
    result = run.run(queues.POLL_VOLATILITY_INDEX, (), {"currency": "ETH", **PAST})
    assert result["events"] == 361


def test_one_kind_of_ratio_can_be_asked_for(
    addresses: dict[str, str], redis_server: RedisServer
) -> None:
    run, taken, _ = polls(addresses, redis_server.port)
    kinds = []
    for kind in ("top_accounts", "taker_volume"):
        run.run(queues.POLL_LONG_SHORT_RATIO, (), okx(kind=kind, limit=3))
        kinds += [each.kind for each in taken.events if isinstance(each, LongShortRatio)]
        taken.events.clear()
    assert kinds == ["top_accounts"] * 3 + ["taker_volume"] * 3
    coin = {"exchange": "okx_derivatives", "currency": "BTC"}
    with pytest.raises(ValueError, match="a currency of OKX has no top_accounts"):
        run.run(queues.POLL_LONG_SHORT_RATIO, (), coin | {"kind": "top_accounts"})


def test_candles_that_still_run_are_left_for_the_next_time(
    addresses: dict[str, str], redis_server: RedisServer
) -> None:
    run, taken, _ = polls(addresses, redis_server.port)
    for name, symbol in (("okx_spot", "BTC-USDT"), ("deribit", "BTC-USD-PERP")):
        run.run(queues.POLL_KLINES, (name, symbol), {})
    assert {each.closed for each in taken.events if isinstance(each, Kline)} <= {True}


def test_a_book_of_contracts_is_in_base_units(
    addresses: dict[str, str], redis_server: RedisServer
) -> None:
    run, taken, _ = polls(addresses, redis_server.port)
    result = run.run(queues.ORDERBOOK_SNAPSHOT, (), okx(depth=5))
    (book,) = taken.events
    assert isinstance(book, OrderBook)
    assert (result["bids"], result["asks"], book.verified_depth) == (5, 5, 5)
    # A contract is 0.01 BTC and can be divided by 100.
    assert all(len(quantity.partition(".")[2]) > 2 for _, quantity in book.bids[:1])
    assert all(float(quantity) < 10 for _, quantity in book.bids)


def test_mark_and_index_price_come_for_every_symbol_in_two_calls(
    addresses: dict[str, str], redis_server: RedisServer
) -> None:
    run, taken, _ = polls(addresses, redis_server.port)
    result = run.run(queues.POLL_MARK_PRICE, ("okx_derivatives",), {})
    found = [each for each in taken.events if isinstance(each, FundingRate)]
    assert (result["calls"], len(found)) == (2, 4)
    assert sum(each.mark_price is not None for each in found) == 2
    assert sum(each.index_price is not None for each in found) == 2


@pytest.mark.parametrize("name", ["binance_spot", "okx_derivatives"])
def test_a_delisting_is_told_once_and_so_is_the_listing_after_it(
    addresses: dict[str, str], redis_server: RedisServer, name: str
) -> None:
    """Not Deribit: it may be asked for its list but five times in a minute."""
    door, symbol = SideDoor(addresses[name], f"/sim/{name}"), SYMBOLS[name][1]
    run, taken, _ = polls(addresses, redis_server.port)
    run.run(queues.POLL_INSTRUMENTS, (name,), {})
    taken.events.clear()
    told = []
    for _ in range(2):
        told.append(run.run(queues.POLL_INSTRUMENTS, (name,), {})["delisted"])
        door.fault("delist", symbol=symbol)
    told.append(run.run(queues.POLL_INSTRUMENTS, (name,), {})["delisted"])
    door.clear_faults()
    run.run(queues.POLL_INSTRUMENTS, (name,), {})
    assert told == [0, 1, 0]
    changes = [each for each in taken.events if isinstance(each, InstrumentChange)]
    assert [(each.symbol, each.status) for each in changes] == [
        (symbol, "delisted"),
        (symbol, "trading"),
    ]


def test_a_symbol_that_an_answer_lacks_is_missing_and_takes_no_other_down(
    addresses: dict[str, str], redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SYMBOLS, "okx_spot", ["BTC-USDT", "OLD-USDT"])
    run, taken, counters = polls(addresses, redis_server.port)
    result = run.run(queues.POLL_TICKERS, ("okx_spot",), {})
    assert (result["missing"], [each.symbol for each in taken.events]) == (
        ["OLD-USDT"],
        ["BTC-USDT"],
    )
    assert counters.get("polls_missing_total", "okx_spot", queues.POLL_TICKERS) == 1


@pytest.mark.parametrize(
    ("name", "kwargs", "words"),
    [
        (queues.POLL_TICKERS, {"exchange": "okx"}, "nearest: okx_spot"),
        (queues.POLL_KLINES, {"exchange": "okx_spot", "symbol": "BTC-USD"}, "nearest: BTC-USDT"),
    ],
)
def test_a_wrong_name_is_refused_before_anything_is_asked(
    addresses: dict[str, str],
    redis_server: RedisServer,
    name: str,
    kwargs: dict[str, Any],
    words: str,
) -> None:
    run, taken, counters = polls(addresses, redis_server.port)
    with pytest.raises(UnknownName) as refused:
        run.run(name, (), kwargs)
    assert words in str(refused.value)
    assert not taken.events
    assert counters.total("rest_outcomes_total") == 0
    assert [labels[-1] for metric, labels, _ in counters.items()] == ["invalid"]


def test_the_same_period_asked_again_is_one_message_in_the_stream(
    addresses: dict[str, str], redis_server: RedisServer, tmp_path: Path, nats_server: NatsServer
) -> None:
    publisher = EventPublisher(NatsSettings(servers=[nats_server.url]))
    asyncio.run(renew(nats_server.url))
    try:
        run, _, _ = polls(addresses, redis_server.port, publisher)
        results = [
            run.run(queues.POLL_VOLATILITY_INDEX, (), {"currency": "BTC", **PAST}) for _ in range(2)
        ]
    finally:
        publisher.stop(8)
    assert [(each["events"], each["published"]) for each in results] == [(361, True)] * 2
    first = asyncio.run(stored(nats_server.url))
    assert len(first) == 361
    assert {each["symbol"] for each in first} == {"BTC-DVOL"}


async def renew(url: str) -> None:
    await ensure_streams([url], NatsSettings().streams_file)
    client = await nats.connect(url)
    try:
        await client.jetstream().purge_stream("VOLATILITY_INDEX")
    finally:
        await client.close()


async def stored(url: str) -> list[dict[str, Any]]:
    client = await nats.connect(url)
    try:
        stream = client.jetstream()
        state = (await stream.stream_info("VOLATILITY_INDEX")).state
        numbers = range(state.first_seq, state.last_seq + 1)
        found = [await stream.get_msg("VOLATILITY_INDEX", number) for number in numbers]
        return [json.loads(each.data or b"{}") for each in found]
    finally:
        await client.close()
