"""Binance spot against messages others recorded, with results two other programs agree on.

Its sibling `binance_us` speaks the same language.
"""

import gzip
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.captures import FOLDER
from tests.contract.binance_facts import assert_events, assert_instrument, polled, query
from tests.contract.recorded import (
    NEEDS_CAPTURES,
    Session,
    Vector,
    assert_levels,
    assert_same_course,
    exact,
    lines,
    play,
    read_session,
    rules,
    session_id,
    session_paths,
    vectors,
)
from tests.exchanges.frames import BINANCE, instrument
from workers.book.book import Book
from workers.book.sequence import Snapshot
from workers.book.sync import BookSync, PublishGap
from workers.exchanges.base import Acknowledged, Poll
from workers.exchanges.binance.spot import polls
from workers.model.errors import WireError
from workers.model.events import Event, Trade
from workers.model.instrument import Instrument

pytestmark = NEEDS_CAPTURES

VENUES = ("binance_spot", "binance_us")
RECORDED_DEPTH = 1000
"""What the recorded snapshots were asked for."""


def mapper(*symbols: str) -> Any:
    return BINANCE.mapper([instrument(each, each, "?") for each in symbols])


def map_one(frame: bytes) -> list[Event]:
    """Events in a frame, for whatever symbol it speaks of."""
    message = msgspec.json.decode(frame)
    symbol = message.get("data", message).get("s", "NONE")
    return list(mapper(symbol).map(frame, 0))


def read_snapshot(body: bytes, depth: int = RECORDED_DEPTH) -> Snapshot:
    return BINANCE.read_snapshot(body, depth)


def map_frame(symbol: str) -> Any:
    mapped = mapper(symbol)
    return lambda frame: mapped.map(frame, 0)


def poll_of(vector: Vector) -> Callable[[str], Poll]:
    """The question a recorded reply answers."""
    makers: dict[str, Callable[[Instrument], Poll]] = {
        "klines": lambda each: polls.klines(each, query(vector, "interval", "1m")),
        "trades": polls.trades,
        "aggTrades": lambda each: polls.aggregate_trades(each, 0),
        "24hr": polls.ticker,
        "bookTicker": polls.book_ticker,
    }
    make = makers[vector.endpoint.rpartition("/")[2]]
    return lambda symbol: make(instrument(symbol, symbol, "?"))


@pytest.mark.parametrize("vector", vectors("vectors/dev.jsonl", VENUES), ids=lambda each: each.id)
def test_a_recorded_message_means_what_others_say_it_means(vector):
    raw, expect, endpoint = vector.body, vector.expect, vector.endpoint
    if endpoint == "ws:24hrMiniTicker":
        assert map_one(raw) == []
    elif endpoint.startswith("ws:depth<"):
        assert map_one(raw) == []
        message = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        assert_snapshot(bytes(message.get("data", raw)), expect)
    elif endpoint == "rest:/api/v3/depth":
        assert_snapshot(raw, expect)
    elif endpoint == "rest:/api/v3/exchangeInfo":
        for each, facts in zip(BINANCE.read_instruments(raw), expect["items"], strict=True):
            assert_instrument(each, facts)
    elif endpoint.startswith("rest:"):
        assert_events(polled(vector, poll_of(vector)), vector)
    else:
        assert_events(map_one(raw), vector)


def assert_snapshot(body: bytes, expect: dict[str, Any]) -> None:
    snapshot = BINANCE.read_snapshot(body, RECORDED_DEPTH)
    assert snapshot.last_update_id == expect["seq"]["last"]
    assert exact(snapshot.bids) == exact(expect["bids"])
    assert exact(snapshot.asks) == exact(expect["asks"])


@pytest.mark.parametrize(
    "control",
    [
        each
        for each in map(Vector.read, lines("control.jsonl"))
        if each.venue in VENUES or (each.venue.startswith("binance") and each.expect == "ack")
    ],
    ids=lambda control: control.id,
)
def test_what_is_no_event_does_not_become_one(control):
    if control.expect == "ack":
        assert [type(each) for each in map_one(bytes(control.raw))] == [Acknowledged]
    else:
        with pytest.raises(WireError) as caught:
            map_one(bytes(control.raw))
        assert caught.value.kind == (
            "unknown_event" if control.expect == "no_record" else "missing_field"
        )


def book_sync(session: Session) -> BookSync:
    return BookSync(session.symbol, Book(5000), BINANCE.sequencer)


@pytest.mark.parametrize("path", session_paths(VENUES), ids=session_id)
def test_a_recorded_session_ends_with_the_reference_book(path):
    session = read_session(path)
    gaps = assert_same_course(session, book_sync(session), map_frame(session.symbol), read_snapshot)
    assert [
        (index, "sequence", int(want.removeprefix("U<=")), got[0] - 1)
        for index, want, got in session.expected["gaps"]
    ] == [(index, gap.cause, gap.first_id, gap.last_id) for index, gap in gaps]


@pytest.mark.parametrize(
    "path",
    [each for each in session_paths(VENUES) if "first400" in each.name],
    ids=lambda path: path.name,
)
def test_what_a_cut_snapshot_proves_is_true_of_the_fuller_one(path):
    session = read_session(path)
    body = msgspec.json.decode(bytes(session.snapshot))
    body |= {"bids": body["bids"][:100], "asks": body["asks"][:100]}
    cut = Session(**msgspec.structs.asdict(session) | {"snapshot": msgspec.json.encode(body)})
    full, part = book_sync(session), book_sync(session)
    courses = (
        play(session, full, map_frame(session.symbol), read_snapshot),
        play(cut, part, map_frame(session.symbol), lambda body: read_snapshot(body, 100)),
    )
    compared = 0
    for _ in zip(*courses, strict=True):
        if part.state != "SYNCED":
            continue
        depth = part.book.verified_depth
        compared += depth
        assert part.book.levels(depth) == tuple(side[:depth] for side in full.book.levels())
        assert part.book.top(depth) == full.book.top(depth)
    assert compared > 10_000


@pytest.mark.parametrize(
    "rule", [each for each in rules(VENUES) if "event" in each], ids=lambda r: r["id"]
)
def test_one_update_against_a_book(rule):
    state, event = rule["state"], rule["event"]
    sync = BookSync(event["s"], Book(100), BINANCE.sequencer)
    sync.subscribed()
    body = {"lastUpdateId": state["last_id"], "bids": state["bids"], "asks": state["asks"]}
    sync.snapshot(BINANCE.read_snapshot(msgspec.json.encode(body), 100))
    gaps: tuple = ()
    outcome = rule["expect"]["outcome"]
    try:
        (delta,) = mapper(event["s"]).map(msgspec.json.encode(event), 0)
    except WireError:
        assert outcome == "not_applied"
    else:
        gaps = tuple(each for each in sync.delta(delta) if isinstance(each, PublishGap))
    assert sync.applied == (1 if outcome == "apply" else 0)
    assert len(gaps) == (1 if outcome == "gap" else 0)
    if rule["expect"]["last_id"] is not None:
        assert sync.last_id == rule["expect"]["last_id"]
    if rule["expect"]["book"] is not None:
        assert_levels(sync, rule["expect"]["book"])


@pytest.mark.parametrize(
    "rule", [each for each in rules(VENUES) if "session" in each], ids=lambda rule: rule["id"]
)
def test_a_short_sequence_of_updates(rule):
    expect = rule["expect"]
    session = msgspec.json.decode(
        msgspec.json.encode(rule["session"] | {"expected": expect}), type=Session
    )
    sync = BookSync(session.symbol, Book(100), BINANCE.sequencer)
    course = play(session, sync, map_frame(session.symbol), read_snapshot)
    assert len(list(course)) == len(session.updates)
    assert (sync.applied, sync.ignored, sync.gaps) == (
        expect["applied"],
        expect["ignored"],
        len(expect["gaps"]),
    )
    assert sync.last_id == expect["final"]["last_id"]
    assert_levels(sync, expect["final"])


@pytest.mark.parametrize("day", ["20240808", "20240809"])
def test_a_recorded_tape_has_every_trade_and_the_totals(day):
    name = f"hftbacktest_spot_btcusdt_{day}.gz"
    tapes = msgspec.json.decode((FOLDER / "streams" / "tapes.json").read_bytes())
    (facts,) = [each for each in tapes if each["file"].endswith(name)]
    mapped, kinds, trades = mapper("BTCUSDT"), dict[str, int](), list[Trade]()
    with gzip.open(FOLDER / "streams" / name) as file:
        for line in file:
            if not line.strip():
                continue
            for event in mapped.map(line.strip().partition(b" ")[2], 0):
                kinds[type(event).__name__] = kinds.get(type(event).__name__, 0) + 1
                if isinstance(event, Trade):
                    trades.append(event)
    tape = facts["trade_tape"]
    assert kinds == {
        "BookDelta": facts["messages"]["depth@100ms"],
        "Ticker": facts["messages"]["bookTicker"],
        "Trade": facts["messages"]["trade"],
    }
    ids = [each.trade_id for each in trades]
    assert ids == list(range(tape["first_id"], tape["last_id"] + 1))
    for side in ("buy", "sell"):
        total = sum(Decimal(each.quantity) for each in trades if each.side == side)
        assert total == Decimal(tape[f"{side}_qty"])
    notional = sum(Decimal(each.price) * Decimal(each.quantity) for each in trades)
    assert notional == Decimal(tape["notional"])
    assert mapped.extra_fields == {}
