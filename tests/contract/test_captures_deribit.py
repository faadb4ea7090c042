"""Deribit against messages others recorded, with results two other programs agree on.

Expected quantities are the wire's own: dollars for inverse futures. Those are compared with
`raw_quantity`, or with our coins times the price. There are no recorded rules for one change; see
tests/book/test_deribit_books.py.
"""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.contract.recorded import (
    NEEDS_CAPTURES,
    Vector,
    assert_same_course,
    exact,
    lines,
    ns,
    number,
    read_session,
    session_id,
    session_paths,
    vectors,
)
from workers.book.book import Book
from workers.book.sequence import Snapshot
from workers.book.sync import BookSync
from workers.exchanges.base import Acknowledged, BookReset, Reply
from workers.exchanges.deribit import polls
from workers.exchanges.deribit.exchange import DERIBIT
from workers.exchanges.deribit.names import INTERVALS, instrument_named
from workers.exchanges.deribit.numbers import is_inverse
from workers.model.events import (
    BookDelta,
    Event,
    FundingRate,
    Kline,
    Liquidation,
    OpenInterest,
    Ticker,
    Trade,
    VolatilityIndex,
)
from workers.model.instrument import Instrument

pytestmark = NEEDS_CAPTURES

VENUES = ("deribit",)
CENT = Decimal("0.000001")


def instrument(raw_symbol: str) -> Instrument:
    """The instrument of a recorded name; combos keep theirs."""
    found = instrument_named("deribit", raw_symbol)
    if found is not None:
        return found
    base = raw_symbol.partition("-")[0]
    return Instrument(
        exchange="deribit",
        market_type="future" if "-FS-" in raw_symbol else "option",
        symbol=raw_symbol,
        raw_symbol=raw_symbol,
        status="trading",
        raw_status="open",
        base=base,
        quote="USD",
        settle=base,
    )


def map_one(frame: bytes, *raw_symbols: str) -> list[Any]:
    mapped = DERIBIT.mapper([instrument(each) for each in raw_symbols])
    found = list(mapped.map(frame, 0))
    assert mapped.extra_fields == {}
    return found


def only(events: list[Any], kind: type[Event]) -> Any:
    (found,) = [each for each in events if type(each) is kind]
    return found


def dollars(quantity: str | None, price: str | None, raw_symbol: str) -> Decimal | None:
    """Our quantity in the wire's unit."""
    if quantity is None or price is None:
        return None
    if not is_inverse(instrument(raw_symbol)):
        return Decimal(quantity)
    return (Decimal(quantity) * Decimal(price)).quantize(CENT)


def same_levels(ours: Any, theirs: Any, raw_symbol: str) -> None:
    found = [[Decimal(price), dollars(size, price, raw_symbol)] for price, size in ours]
    assert found == exact(theirs)


def nonzero(text: str | None) -> Decimal | None:
    """0 is how an empty side is sent."""
    return None if text is None else Decimal(text) or None


def poll_of(vector: Vector) -> polls.Poll:
    symbol = (
        vector.expect["symbol"]
        or vector.expect["items"][0].get("symbol")
        or (vector.ctx or {}).get("instrument")
    )
    names = [each.get("symbol") for each in vector.expect.get("items", ())]
    match vector.endpoint.removeprefix("rest:public/"):
        case "ticker":
            return polls.ticker(instrument(symbol))
        case "get_last_trades_by_instrument":
            return polls.trades(instrument(symbol), 1, 1000)
        case "get_funding_rate_history":
            return polls.funding_rates(instrument(symbol), 1, 2)
        case "get_volatility_index_data":
            return polls.volatility_index("deribit", f"{symbol}_usd".lower(), "1d", 1, 2)
        case "get_book_summary_by_currency" | "get_book_summary_by_instrument":
            return polls.book_summaries("deribit", "BTC", [instrument(each) for each in names])
    raise AssertionError(f"no poll for {vector.endpoint}")


def events_of(vector: Vector) -> list[Any]:
    if vector.endpoint.startswith("rest:"):
        return list(poll_of(vector).read(bytes(vector.raw), 0))
    items = vector.expect.get("items", ())
    names = {vector.expect["symbol"], *(each.get("symbol") for each in items)} - {None}
    return map_one(bytes(vector.raw), *names)


def recorded(*kinds: str) -> Any:
    found = [each for each in vectors("vectors/dev.jsonl", VENUES) if each.kind in kinds]
    return pytest.mark.parametrize("vector", found, ids=lambda vector: vector.id)


@recorded("trade", "liquidation")
def test_recorded_trades(vector):
    events = events_of(vector)
    trades = [each for each in events if isinstance(each, Trade)]
    assert len(trades) == len(vector.expect["items"])
    for trade, facts in zip(trades, vector.expect["items"], strict=True):
        assert trade.raw_symbol == facts["symbol"]
        assert trade.exchange_trade_id == facts.get("id", facts.get("trade_id"))
        assert trade.trade_id == facts.get("trade_seq", trade.trade_id)
        assert trade.side == facts.get("trade_side", facts["side"])
        assert number(trade.price) == Decimal(facts["price"])
        assert number(trade.raw_quantity or trade.quantity) == Decimal(facts["qty"])
        assert dollars(trade.quantity, trade.price, facts["symbol"]) == Decimal(facts["qty"])
        assert trade.exchange_ns == ns(facts["ts"])
    forced = [each for each in events if isinstance(each, Liquidation)]
    if vector.kind == "liquidation":
        assert [each.side for each in forced] == [each["side"] for each in vector.expect["items"]]
    else:
        flags = [each["liquidation"] or "" for each in vector.expect["items"]]
        assert len(forced) == sum(len(each) for each in flags)


@recorded("book_snapshot", "book_delta")
def test_recorded_books(vector):
    expect, raw = vector.expect, bytes(vector.raw)
    if vector.endpoint.startswith("rest:"):
        found: Snapshot | BookDelta = DERIBIT.read_snapshot(raw, 10_000)
    else:
        (item,) = map_one(raw, expect["symbol"])
        assert isinstance(item, BookReset) == expect["is_snapshot"]
        assert item.exchange_ns == ns(expect["ts"])
        found = item.snapshot if isinstance(item, BookReset) else item
    assert found.last_update_id == expect["seq"]["last"]
    if isinstance(found, BookDelta):
        assert found.prev_update_id == expect["seq"]["prev"]
    same_levels(found.bids, expect["bids"], expect["symbol"])
    same_levels(found.asks, expect["asks"], expect["symbol"])


@recorded("ticker")
def test_recorded_tickers(vector):
    expect, ticker = vector.expect, only(events_of(vector), Ticker)
    symbol = expect["symbol"]
    assert ticker.raw_symbol == symbol
    assert ticker.exchange_ns == ns(expect["ts"])
    for ours, quantity, theirs in (
        (ticker.best_bid_price, ticker.best_bid_quantity, "bid"),
        (ticker.best_ask_price, ticker.best_ask_quantity, "ask"),
    ):
        assert number(ours) == nonzero(expect[theirs])
        assert dollars(quantity, ours, symbol) == nonzero(expect[f"{theirs}_qty"])
    for mine, named in (
        ("last_price", "last"),
        ("high_24h", "high"),
        ("low_24h", "low"),
        ("volume_24h", "volume"),
    ):
        assert number(getattr(ticker, mine)) == number(expect.get(named)), named


@recorded("funding")
def test_recorded_funding(vector):
    found = [each for each in events_of(vector) if isinstance(each, FundingRate)]
    assert len(found) == len(vector.expect["items"])
    for event, facts in zip(found, vector.expect["items"], strict=True):
        assert number(event.funding_rate) == Decimal(facts["rate"])
        assert event.funding_time_ns == ns(facts["funding_ts"])
        assert number(event.mark_price) == number(facts["mark"])
        assert number(event.index_price) == number(facts["index"])
        assert event.exchange_ns == ns(facts["ts"])


@recorded("open_interest")
def test_recorded_open_interest(vector):
    found = [each for each in events_of(vector) if isinstance(each, OpenInterest)]
    assert len(found) == len(vector.expect["items"])
    for event, facts in zip(found, vector.expect["items"], strict=True):
        assert number(event.raw_open_interest or event.open_interest) == Decimal(facts["oi"])
        assert event.exchange_ns == ns(facts["ts"])


@recorded("candle")
def test_recorded_candles(vector):
    (facts,) = vector.expect["items"]
    (kline,) = events_of(vector)
    assert isinstance(kline, Kline)
    assert kline.interval == INTERVALS[vector.expect["interval"]]
    assert kline.open_time_ns == ns(facts["open_ts"])
    for name in ("open", "high", "low", "close", "volume", "quote_volume"):
        assert number(getattr(kline, name)) == Decimal(facts[name]), name


@recorded("volatility_index")
def test_recorded_volatility(vector):
    found = events_of(vector)
    assert len(found) == len(vector.expect["items"])
    for event, facts in zip(found, vector.expect["items"], strict=True):
        assert isinstance(event, VolatilityIndex)
        assert event.exchange_ns == ns(facts["ts"])
        assert number(event.close) == Decimal(facts["value"])
        for name in ("open", "high", "low"):
            assert number(getattr(event, name)) == number(facts.get(name))


@recorded("instrument")
def test_recorded_instruments(vector):
    """The quote of an inverse option is its counter currency, not the coin of its premium."""
    body = bytes(vector.raw)
    if vector.endpoint.endswith("get_instrument"):
        message = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        body = b'{"result":[' + bytes(message["result"]) + b"]}"
    found = DERIBIT.read_instruments(body)
    assert len(found) == len(vector.expect["items"])
    for each, facts in zip(found, vector.expect["items"], strict=True):
        assert (each.raw_symbol, each.base, each.settle, each.raw_status) == (
            facts["symbol"],
            facts["base"],
            facts["settle"],
            facts["status"],
        )
        assert each.quote == ("USD" if facts["kind"] == "option" else facts["quote"])
        assert number(each.tick_size) == Decimal(facts["tick_size"])
        assert number(each.lot_size) == Decimal(facts["min_qty"])
        assert number(each.contract_size) == Decimal(facts["contract_size"])
        perpetual = each.symbol.endswith("-PERP")
        assert each.expiry_ns == (None if perpetual else ns(facts["expiry_ts"]))
        if facts["strike"] is not None:
            right = {"call": "C", "put": "P"}[facts["option_type"]]
            assert each.symbol.endswith(f"-{Decimal(facts['strike']).normalize():f}-{right}")


def test_every_kind_of_recorded_message_is_compared():
    kinds = {each.kind for each in vectors("vectors/dev.jsonl", VENUES)}
    assert kinds <= {
        "trade", "liquidation", "book_snapshot", "book_delta", "ticker", "funding",
        "open_interest", "candle", "volatility_index", "instrument",
    }  # fmt: skip


@pytest.mark.parametrize(
    "control",
    [each for each in map(Vector.read, lines("control.jsonl")) if each.venue in VENUES],
    ids=lambda control: control.id,
)
def test_what_is_no_event_does_not_become_one(control):
    (found,) = map_one(bytes(control.raw))
    if control.expect == "heartbeat":
        assert isinstance(found, Reply)
        return
    assert isinstance(found, Acknowledged)
    assert (found.error is not None) == (control.expect == "error")
    assert (found.accepted is None) == (control.expect == "error")


def no_rest(body: bytes) -> Snapshot:
    raise AssertionError("these books come on the stream")


@pytest.mark.parametrize("path", session_paths(VENUES), ids=session_id)
def test_a_recorded_session_ends_with_the_reference_book(path):
    session = read_session(path)
    sync = BookSync(session.symbol, Book(5000), DERIBIT.sequencer)
    gaps = assert_same_course(session, sync, lambda frame: map_one(frame, session.symbol), no_rest)
    assert [(index, gap.cause) for index, gap in gaps] == [
        (index, "sequence") for index, *_ in session.expected["gaps"]
    ]
    for (_, want, (prev, _)), (_, gap) in zip(session.expected["gaps"], gaps, strict=True):
        last_id = int(want.rpartition("==")[2])
        missing = (last_id + 1, prev) if prev > last_id else (None, None)
        assert (gap.first_id, gap.last_id) == missing
