"""Binance USD-M futures against messages others recorded.

Its sibling COIN-M has the same chain of depth updates, so its sessions are played too.
"""

import gzip
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.captures import FOLDER
from tests.contract.binance_facts import (
    assert_events,
    assert_instrument,
    polled,
    query,
    symbols_of,
)
from tests.contract.recorded import (
    NEEDS_CAPTURES,
    Session,
    Vector,
    assert_levels,
    assert_same_course,
    exact,
    lines,
    ns,
    play,
    read_session,
    rules,
    session_id,
    session_paths,
    vectors,
)
from tests.exchanges.frames import combined
from tests.exchanges.usdm_frames import USDM, contract
from workers.book.book import Book
from workers.book.sequence import Snapshot
from workers.book.sync import BookSync, PublishGap
from workers.exchanges.base import Acknowledged, Mapped, Poll, UnusedTradeId
from workers.exchanges.binance.usdm import polls
from workers.model.errors import WireError
from workers.model.events import BookDelta, Ticker, Trade
from workers.model.instrument import Instrument

pytestmark = NEEDS_CAPTURES

VENUE = ("binance_usdm",)
UNCOLLECTED = {"ws:24hrMiniTicker", "ws:continuous_kline"}
"""Streams we do not subscribe to."""
RECORDED_DEPTH = 1000


def mapper(*symbols: str) -> Any:
    return USDM.mapper([contract(each, each) for each in symbols])


def map_all(vector: Vector) -> list[Mapped]:
    """What is in a frame; a partial depth recorded without its stream's name gets it back."""
    stream = (vector.ctx or {}).get("stream")
    frame = combined(stream.encode(), vector.body) if stream else vector.body
    return list(mapper(*symbols_of(vector.expect)).map(frame, 0))


def read_snapshot(body: bytes, depth: int = RECORDED_DEPTH) -> Snapshot:
    return USDM.read_snapshot(body, depth)


def poll_of(vector: Vector) -> Callable[[str], Poll]:
    """The question a recorded reply answers."""
    period = query(vector, "period", "5m")
    ratios = {path: kind for kind, path in polls.RATIO_PATHS.items()}
    path = vector.endpoint.removeprefix("rest:")
    makers: dict[str, Callable[[Instrument], Poll]] = {
        "/fapi/v1/klines": lambda each: polls.klines(each, query(vector, "interval", "1m")),
        "/fapi/v1/trades": polls.trades,
        "/fapi/v1/aggTrades": lambda each: polls.aggregate_trades(each, 0),
        "/fapi/v1/ticker/24hr": polls.ticker,
        "/fapi/v1/ticker/bookTicker": polls.book_ticker,
        "/fapi/v1/premiumIndex": polls.premium_index,
        "/fapi/v1/fundingRate": polls.funding_history,
        "/fapi/v1/openInterest": polls.open_interest,
        "/futures/data/openInterestHist": lambda each: polls.open_interest_history(each, period),
    }
    if path in ratios:
        return lambda symbol: polls.long_short_ratio(contract(symbol, symbol), ratios[path], period)
    return lambda symbol: makers[path](contract(symbol, symbol))


@pytest.mark.parametrize("vector", vectors("vectors/dev.jsonl", VENUE), ids=lambda each: each.id)
def test_a_recorded_message_means_what_others_say_it_means(vector):
    endpoint, expect = vector.endpoint, vector.expect
    if endpoint in UNCOLLECTED or endpoint.startswith("ws:depth<"):
        assert map_all(vector) == []
    elif endpoint == "rest:/fapi/v1/depth":
        snapshot = read_snapshot(vector.body)
        assert snapshot.last_update_id == expect["seq"]["last"]
        assert exact(snapshot.bids) == exact(expect["bids"])
        assert exact(snapshot.asks) == exact(expect["asks"])
    elif endpoint == "rest:/fapi/v1/exchangeInfo":
        found = USDM.read_instruments(vector.body)
        for each, facts in zip(found, expect["items"], strict=True):
            assert_instrument(each, facts)
            assert each.market_type == "perpetual" == facts["contract_type"].lower()
            assert (each.expiry_ns, facts["expiry_ts"]) == (None, 4133404800000)
    elif endpoint.startswith("rest:"):
        assert_events(polled(vector, poll_of(vector)), vector)
    else:
        assert_events(map_all(vector), vector)


@pytest.mark.parametrize(
    "vector",
    [each for each in vectors("vectors/dev.jsonl", VENUE) if each.kind == "long_short_ratio"],
    ids=lambda each: each.id,
)
def test_a_recorded_ratio_has_the_kind_and_period_that_were_asked_for(vector):
    theirs = {
        "global_account": "all_accounts",
        "top_account": "top_accounts",
        "top_position": "top_positions",
        "taker_volume": "taker_volume",
    }
    for event in polled(vector, poll_of(vector)):
        assert event.kind == theirs[vector.expect["subtype"]]
        assert event.period == (vector.expect["period"] or "5m")


@pytest.mark.parametrize(
    "control",
    [each for each in map(Vector.read, lines("control.jsonl")) if "binance" in each.venue],
    ids=lambda control: control.id,
)
def test_what_is_no_event_does_not_become_one(control):
    mapped = mapper(msgspec.json.decode(control.body).get("s", "NONE"))
    if control.expect == "ack":
        assert [type(each) for each in mapped.map(control.body, 0)] == [Acknowledged]
    elif b'"X":"NA"' in control.body:
        (item,) = mapped.map(control.body, 0)
        assert type(item) is UnusedTradeId
        assert mapped.ignored == {"trade with X=NA": 1}
    else:
        with pytest.raises(WireError):
            mapped.map(control.body, 0)


def book_sync(session: Session) -> BookSync:
    return BookSync(session.symbol, Book(5000), USDM.sequencer)


def map_frame(symbol: str) -> Any:
    mapped = mapper(symbol)
    return lambda frame: mapped.map(frame, 0)


DUPLICATE = "mut.binance_usdm.CTKUSDT.duplicate"


@pytest.mark.parametrize(
    "path",
    [
        each
        for each in session_paths((*VENUE, "binance_coinm"))
        if not each.name.startswith(DUPLICATE)
    ],
    ids=session_id,
)
def test_a_recorded_session_ends_with_the_reference_book(path):
    session = read_session(path)
    gaps = assert_same_course(session, book_sync(session), map_frame(session.symbol), read_snapshot)
    assert [
        (index, "sequence", int(want.removeprefix("pu==")) + 1, got[2])
        for index, want, got in session.expected["gaps"]
    ] == [(index, gap.cause, gap.first_id, gap.last_id) for index, gap in gaps]


def test_an_update_that_came_twice_is_ignored_and_the_book_goes_on():
    """The literal rule calls it a gap; it ends where the book has been, so nothing is missing."""
    folder = FOLDER / "sessions"
    session = read_session(folder / f"{DUPLICATE}.json")
    whole = read_session(folder / "binance_usdm.CTKUSDT.cryptofeed.json")
    sync = book_sync(session)
    for _, actions in play(session, sync, map_frame(session.symbol), read_snapshot):
        assert not any(isinstance(each, PublishGap) for each in actions)
    assert (sync.applied, sync.ignored) == (
        whole.expected["applied"],
        whole.expected["ignored"] + 1,
    )
    assert_levels(sync, whole.expected["final"])


@pytest.mark.parametrize("rule", rules(VENUE), ids=lambda rule: rule["id"])
def test_one_update_against_a_book(rule):
    state, event = rule["state"], rule["event"]
    expect = rule["expect"]
    sync = BookSync(event["s"], Book(100), USDM.sequencer)
    sync.subscribed()
    last_id, bids, asks = state["last_id"], state["bids"], state["asks"]
    if not state["first_event_after_snapshot"]:
        # the book has applied one update and ended with it where the case begins
        sync.snapshot(Snapshot(last_id - 1, bids, asks, True, True))
        before = {"U": last_id - 1, "u": last_id, "pu": last_id - 2, "b": [], "a": []}
        sync.delta(mapper(event["s"]).map(msgspec.json.encode(event | before), 0)[0])
        assert sync.applied == 1
    else:
        body = {"lastUpdateId": last_id, "bids": bids, "asks": asks}
        sync.snapshot(USDM.read_snapshot(msgspec.json.encode(body), 100))
    applied, gaps = sync.applied, ()
    try:
        (delta,) = mapper(event["s"]).map(msgspec.json.encode(event), 0)
    except WireError:
        assert expect["outcome"] == "not_applied"
    else:
        gaps = tuple(each for each in sync.delta(delta) if isinstance(each, PublishGap))
    assert sync.applied - applied == (1 if expect["outcome"] == "apply" else 0)
    assert len(gaps) == (1 if expect["outcome"] == "gap" else 0)
    if expect["last_id"] is not None:
        assert sync.last_id == expect["last_id"]
    if expect["book"] is not None:
        assert_levels(sync, expect["book"])


def test_a_recorded_tape_has_every_trade_and_the_totals():
    name = "hftbacktest_usdm_ethusdt_20240808.gz"
    tapes = msgspec.json.decode((FOLDER / "streams" / "tapes.json").read_bytes())
    (facts,) = [each for each in tapes if each["file"].endswith(name)]
    mapped, kinds, trades = mapper("ETHUSDT"), dict[str, int](), list[Trade]()
    with gzip.open(FOLDER / "streams" / name) as file:
        for line in file:
            frame = line.strip().partition(b" ")[2]
            if not frame or frame.startswith(b'{"lastUpdateId"'):
                continue
            for event in mapped.map(frame, 0):
                kinds[type(event).__name__] = kinds.get(type(event).__name__, 0) + 1
                if isinstance(event, Trade):
                    trades.append(event)
    tape = facts["trade_tape"]
    assert kinds == {
        BookDelta.__name__: facts["messages"]["depth@0ms"],
        Ticker.__name__: facts["messages"]["bookTicker"],
        Trade.__name__: facts["messages"]["trade"],
    }
    assert [each.trade_id for each in trades] == list(range(tape["first_id"], tape["last_id"] + 1))
    for side in ("buy", "sell"):
        total = sum(Decimal(each.quantity) for each in trades if each.side == side)
        assert total == Decimal(tape[f"{side}_qty"])
    notional = sum(Decimal(each.price) * Decimal(each.quantity) for each in trades)
    assert notional == Decimal(tape["notional"])
    assert (trades[0].exchange_ns, trades[-1].exchange_ns) == (
        ns(tape["first_ts"]),
        ns(tape["last_ts"]),
    )
    assert mapped.extra_fields == {}
