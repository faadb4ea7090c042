"""OKX against messages others recorded, with results two other programs agree on.

Their quantities are contracts, so most frames are read by a mapper that leaves them as they are;
one recorded session is read in base units, too.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.captures import FOLDER
from tests.contract.okx_facts import assert_best, assert_book, assert_instruments, assert_rows
from tests.contract.recorded import (
    NEEDS_CAPTURES,
    Session,
    Vector,
    assert_levels,
    digest,
    exact,
    lines,
    play,
    read_session,
    rules,
    session_id,
    session_paths,
    vectors,
)
from workers.book.book import Book
from workers.book.sync import BookSync, Phase, PublishGap
from workers.exchanges.base import Acknowledged, BookReset, Mapped
from workers.exchanges.okx import polls, requests, statistics
from workers.exchanges.okx.mapper import OkxMapper
from workers.exchanges.okx.sequence import OkxSequencer
from workers.exchanges.okx.symbols import guess, market_type
from workers.exchanges.registry import exchange
from workers.model.errors import ExchangeError, WireError
from workers.model.events import (
    BookDelta,
    Trade,
)
from workers.model.instrument import Instrument

pytestmark = NEEDS_CAPTURES

VENUES = ("okx_spot", "okx_swap", "okx_futures", "okx_option", "okcoin")
EXCHANGE_OF = {"okx_spot": "okx_spot", "okcoin": "okx_spot"}
RECORDED_DEPTH = 400


def reader(venue: str, guessed: Sequence[Instrument] = ()) -> OkxMapper:
    name = EXCHANGE_OF.get(venue, "okx_derivatives")
    return OkxMapper(name, guessed, guessing=True)


def mapped(vector: Vector) -> list[Mapped]:
    """The frame's events, the same when its kind was seen before."""
    first = reader(vector.venue)
    found = list(first.map(vector.body, 5))
    again = reader(vector.venue)
    again.map(vector.body, 5)
    assert first.extra_fields == {}
    if not any(isinstance(each, BookDelta | BookReset) for each in found):
        assert list(again.map(vector.body, 5)) == found
    return found


STREAMED = [each for each in vectors("vectors/dev.jsonl", VENUES) if each.endpoint[:3] == "ws:"]
POLLED = [each for each in vectors("vectors/dev.jsonl", VENUES) if each.endpoint[:5] == "rest:"]


@pytest.mark.parametrize("vector", STREAMED, ids=lambda vector: vector.id)
def test_a_recorded_message_means_what_others_say_it_means(vector):
    found, expect = mapped(vector), vector.expect
    if vector.endpoint == "ws:books5":
        assert found == []
    elif vector.endpoint == "ws:bbo-tbt":
        (event,) = found
        assert_best(event, expect)
    elif vector.kind in ("book_snapshot", "book_delta"):
        (event,) = found
        assert_book(event, expect)
    elif vector.kind == "instrument":
        assert_instruments(found, expect)
    else:
        assert_rows(found, expect, vector.kind)


def listed(inst_id: str) -> Instrument:
    """An instrument with a contract size of 1: contracts stay what they are."""
    name = EXCHANGE_OF.get(f"okx_{market_type(inst_id)}", "okx_derivatives")
    return msgspec.structs.replace(guess(name, inst_id), contract_size="1")


POLLS = {
    "rest:/api/v5/market/trades": polls.trades,
    "rest:/api/v5/market/tickers": lambda instrument: polls.tickers("SPOT", [instrument]),
    "rest:/api/v5/market/index-tickers": polls.index_price,
    "rest:/api/v5/market/candles": polls.klines,
    "rest:/api/v5/market/history-candles": polls.kline_history,
    "rest:/api/v5/public/mark-price": polls.mark_price,
    "rest:/api/v5/public/funding-rate": lambda instrument: polls.funding_rates([instrument]),
    "rest:/api/v5/public/funding-rate-history": polls.funding_history,
    "rest:/api/v5/public/open-interest": (
        lambda instrument: polls.open_interests("SWAP", [instrument])
    ),
    "rest:/api/v5/rubik/stat/contracts/open-interest-history": statistics.open_interest_history,
    "rest:/api/v5/rubik/stat/contracts/long-short-account-ratio": statistics.currency_ratio,
} | {
    f"rest:{path}": lambda instrument, kind=kind: statistics.long_short_ratio(instrument, kind)
    for kind, path in statistics.RATIOS.items()
}


@pytest.mark.parametrize("vector", POLLED, ids=lambda vector: vector.id)
def test_a_recorded_reply_means_what_others_say_it_means(vector):
    expect, body = vector.expect, vector.body
    items = expect.get("items") or expect.get("messages") or [expect]
    if vector.kind == "instrument":
        assert_instruments(exchange("okx_derivatives").read_instruments(body), expect)
        return
    if vector.kind == "book_snapshot":
        with pytest.raises(WireError, match="no seqId"):
            requests.read_snapshot("okx_spot", body, RECORDED_DEPTH, None)
        numbered = body.replace(b'"ts":', b'"seqId":7,"ts":')
        snapshot = requests.read_snapshot("okx_spot", numbered, RECORDED_DEPTH, None)
        assert exact(snapshot.bids) == exact(expect["bids"])
        assert exact(snapshot.asks) == exact(expect["asks"])
        return
    ctx = (vector.ctx or {}).get("inst")
    default = "BTC-USDT" if vector.venue == "okx_spot" else "BTC-USDT-SWAP"
    symbols = {expect.get("symbol") or each.get("symbol") or ctx for each in items}
    for inst_id in sorted(each or default for each in symbols):
        ours = [
            each
            for each in items
            if (each.get("symbol") or expect.get("symbol")) in (inst_id, None)
        ]
        poll = POLLS[vector.endpoint](listed(inst_id))
        assert_rows(poll.read(body, 5), expect | {"items": ours}, vector.kind)


CONTROLS = vectors("control.jsonl", VENUES)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_what_is_no_event_does_not_become_one(control):
    frame = msgspec.json.decode(control.raw) if control.body[:1] == b'"' else control.body
    frame = frame.encode() if isinstance(frame, str) else frame
    ours = reader(control.venue)
    if control.expect == "no_record":
        with pytest.raises(WireError):
            ours.map(frame, 5)
        return
    found = list(ours.map(frame, 5))
    if control.expect == "heartbeat":
        assert found == []
    elif control.expect == "no_change":
        (event,) = found
        assert (event.bids, event.asks) == ([], [])
    else:
        (answer,) = found
        assert isinstance(answer, Acknowledged)
        assert (answer.error is not None) == (control.expect == "error")


def read_snapshot(body: bytes) -> Any:
    raise AssertionError("OKX books come from the stream")


def play_whole(session: Session, ours: OkxMapper) -> tuple[BookSync, list[tuple[int, PublishGap]]]:
    """Play a session, comparing every checkpoint while the book is synced."""
    checkpoints = {each["after_update"]: each for each in session.expected["checkpoints"]}
    sync = BookSync(session.symbol, Book(RECORDED_DEPTH), OkxSequencer)
    gaps = []
    for index, actions in play(session, sync, lambda frame: ours.map(frame, 5), read_snapshot):
        gaps += [(index, each) for each in actions if isinstance(each, PublishGap)]
        if index in checkpoints and sync.phase is Phase.SYNCED:
            bids, asks = sync.book.levels()
            assert digest(bids, asks) == checkpoints[index]["sha256"], f"after {index}"
            assert checkpoints[index]["last_id"] in (None, sync.last_id)
            assert sync.book.verified_depth == min(len(bids), len(asks))
    return sync, gaps


def session_named(part: str) -> Session:
    (path,) = (each for each in session_paths(VENUES) if part in each.name)
    return read_session(path)


WHOLE = [each for each in session_paths(VENUES) if "drop" not in each.name]


@pytest.mark.parametrize("path", WHOLE, ids=session_id)
def test_a_recorded_session_ends_with_the_reference_book(path):
    session = read_session(path)
    expected, checksums = session.expected, session.expected["checksums"]
    ours = reader(session.venue)
    sync, gaps = play_whole(session, ours)
    assert (sync.state, gaps) == ("SYNCED", [])
    assert (sync.applied, sync.ignored) == (expected["applied"], expected["ignored"])
    assert expected["final"]["last_id"] in (None, sync.last_id)
    assert_levels(sync, expected["final"])
    assert ours.recorded.results == (
        {"matched": checksums["matched"]} if checksums["matched"] else {}
    )


def test_a_lost_update_shows_in_the_chain():
    session = session_named("seq2026-drop")
    sync, gaps = play_whole(session, reader(session.venue))
    (index, want, got) = session.expected["gaps"][0]
    first = int(want.removeprefix("prevSeqId==")) + 1
    assert gaps == [(index, PublishGap("sequence", first, got[0]))]
    assert sync.applied == session.expected["applied"]
    assert sync.ignored + sync.buffered - len(gaps) == session.expected["ignored"]
    assert_levels(sync, session.expected["final"])


def test_a_lost_update_without_ids_shows_in_the_checksum():
    session = session_named("drop-one-checksum")
    ours = reader(session.venue)
    sync, gaps = play_whole(session, ours)
    failed = session.expected["checksums"]["failed"]
    assert [index for index, _ in gaps] == [failed[0][0]]
    assert sync.state == "SYNCING"
    assert sync.applied == failed[0][0]
    assert ours.recorded.results == {
        "matched": session.expected["checksums"]["matched"],
        "failed": 1,
        "unknown": len(failed) - 1,
    }


def test_a_recorded_book_in_base_units_has_the_recorded_contracts():
    session = session_named("seq2026-clean")
    ten_dollars = Instrument(
        exchange="okx_derivatives",
        market_type="perpetual",
        symbol="UNI-USD-PERP",
        raw_symbol="UNI-USD-SWAP",
        status="trading",
        raw_status="live",
        base="UNI",
        quote="USD",
        settle="UNI",
        contract_size="10",
    )
    sync = BookSync(session.symbol, Book(RECORDED_DEPTH), OkxSequencer)
    ours = OkxMapper("okx_derivatives", [ten_dollars])
    for _ in play(session, sync, lambda frame: ours.map(frame, 5), read_snapshot):
        pass
    final = session.expected["final"]
    for side, contracts in zip(sync.book.levels(), (final["bids"], final["asks"]), strict=True):
        assert len(side) == len(contracts)
        for (price, coins), (their_price, their_size) in zip(side, contracts, strict=True):
            assert Decimal(price) == Decimal(their_price)
            back = Decimal(coins) * Decimal(price) / 10
            assert abs(back - Decimal(their_size)) < Decimal("1e-15")


RULES = rules(VENUES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["id"])
def test_one_update_against_a_book(rule):
    state, event, expect = rule["state"], rule["event"], rule["expect"]
    arg, last_id = event["arg"], state["last_id"]

    def frame(action: str, before: int, last: int, bids: Any, asks: Any) -> bytes:
        data = {"asks": asks, "bids": bids, "ts": "1659792392000", "checksum": 0}
        data |= {"prevSeqId": before, "seqId": last}
        return msgspec.json.encode({"arg": arg, "action": action, "data": [data]})

    ours, sync = reader(rule["venue"]), BookSync(arg["instId"], Book(100), OkxSequencer)
    bids, asks = ([[*level, "0", "1"] for level in state[side]] for side in ("bids", "asks"))
    start = last_id if state["first_event_after_snapshot"] else last_id - 1
    (reset,) = ours.map(frame("snapshot", -1, start, bids, asks), 5)
    sync.reset(reset.snapshot)
    if start != last_id:
        (step,) = ours.map(frame("update", start, last_id, [], []), 5)
        sync.delta(step)
    applied, ignored = sync.applied, sync.ignored
    (delta,) = ours.map(msgspec.json.encode(event), 5)
    gaps = [each for each in sync.delta(delta) if isinstance(each, PublishGap)]
    outcome = expect["outcome"]
    assert sync.applied - applied == (outcome == "apply")
    assert sync.ignored - ignored == (outcome == "ignore")
    assert len(gaps) == (outcome == "gap")
    if expect["last_id"] is not None:
        assert sync.last_id == expect["last_id"]
    if expect["book"] is not None:
        assert_levels(sync, expect["book"])


def test_the_recorded_stream_has_every_message_and_every_trade():
    tapes = msgspec.json.decode((FOLDER / "streams" / "tapes.json").read_bytes())
    (facts,) = [each for each in tapes if each["file"].endswith("cryptofeed_OKX.ws.1.0")]
    ours, kinds, trades = reader("okx_swap"), dict[str, int](), list[Trade]()
    for line in lines("streams/cryptofeed_OKX.ws.1.0"):
        if line.startswith(b"wss://"):
            continue
        for event in ours.map(line.partition(b": ")[2], 5):
            kinds[type(event).__name__] = kinds.get(type(event).__name__, 0) + 1
            if isinstance(event, Trade):
                trades.append(event)
    count = facts["messages"]
    assert kinds == {
        "Acknowledged": count["event/ack"],
        "Ticker": count["tickers"],
        "Trade": count["trades"],
        "BookReset": count["books.snapshot"],
        "BookDelta": count["books.update"],
    }
    assert ours.recorded.results == {"matched": count["books.snapshot"] + count["books.update"]}
    for raw_symbol, tape in facts["trade_tapes"].items():
        own = [each for each in trades if each.raw_symbol == raw_symbol]
        assert [each.trade_id for each in own] == list(range(tape["first_id"], tape["last_id"] + 1))
        for side in ("buy", "sell"):
            total = sum(Decimal(each.quantity) for each in own if each.side == side)
            assert total == Decimal(tape[f"{side}_qty"])
    assert ours.extra_fields == {}


def test_a_refusal_with_status_200_is_an_error():
    with pytest.raises(ExchangeError):
        polls.trades(listed("BTC-USDT")).read(b'{"code":"51001","msg":"no","data":[]}', 5)
