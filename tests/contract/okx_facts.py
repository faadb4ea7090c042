"""What OKX events must agree with in the expectations of recorded messages."""

from collections.abc import Sequence
from typing import Any

from tests.contract.recorded import exact, ns, number
from workers.exchanges.base import BookReset, Mapped
from workers.exchanges.okx.contracts import Contract
from workers.exchanges.okx.symbols import market_type, symbol
from workers.model.events import (
    BookDelta,
    FundingRate,
    InstrumentChange,
    Kline,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    Ticker,
    Trade,
)
from workers.model.instrument import Instrument

ROWS = (Trade, Ticker, Kline, FundingRate, OpenInterest, Liquidation, LongShortRatio)


def assert_best(event: Mapped, expect: dict[str, Any]) -> None:
    assert isinstance(event, Ticker)
    bid, ask = ([*side, [None, None]][0] for side in (expect["bids"], expect["asks"]))
    assert [event.best_bid_price, event.best_bid_quantity] == bid
    assert [event.best_ask_price, event.best_ask_quantity] == ask
    assert event.exchange_ns == ns(expect["ts"])
    assert event.raw_symbol == expect["symbol"]


def assert_book(event: Mapped, expect: dict[str, Any]) -> None:
    seq = expect["seq"]
    assert isinstance(event, BookReset if expect["is_snapshot"] else BookDelta)
    book = event.snapshot if isinstance(event, BookReset) else event
    assert exact(book.bids) == exact(expect["bids"])
    assert exact(book.asks) == exact(expect["asks"])
    assert event.exchange_ns == ns(expect["ts"])
    assert event.symbol == symbol(expect["symbol"])
    if seq["last"] is not None:
        assert book.last_update_id == seq["last"]
        if isinstance(event, BookDelta):
            assert event.prev_update_id == seq["prev"]


def assert_instruments(found: Sequence[Any], expect: dict[str, Any]) -> None:
    items = expect["items"]
    assert len(found) == len(items)
    for each, facts in zip(found, items, strict=True):
        assert isinstance(each, Instrument | InstrumentChange)
        assert each.raw_symbol == facts["symbol"]
        assert each.market_type == market_type(facts["symbol"])
        assert each.raw_status == facts["status"]
        assert each.status == ("trading" if facts["status"] == "live" else "halted")
        assert number(each.tick_size) == number(facts["tick_size"])
        assert number(each.lot_size) == number(facts["qty_step"])
        assert each.settle == facts["settle"]
        assert each.contract_size == facts["contract_size"]
        assert each.expiry_ns == ns(facts["expiry_ts"])
        if facts["base"] is not None:
            assert (each.base, each.quote) == (facts["base"], facts["quote"])
        if facts["contract_type"] is not None:
            assert each.settle is not None
            assert Contract(each).inverse == (facts["contract_type"] == "inverse")


def assert_rows(found: Sequence[Any], expect: dict[str, Any], kind: str) -> None:
    """Every item of the expectation has its event, in their order."""
    items = expect.get("items") or expect.get("messages") or [expect]
    assert len(found) == len(items)
    for event, item in zip(found, items, strict=True):
        facts = {name: expect[name] for name in ("symbol", "interval") if name in expect} | item
        assert isinstance(event, ROWS)
        FACTS[kind](event, facts)
        if facts.get("symbol") and facts.get("index") is None:
            assert event.raw_symbol == facts["symbol"]


def same(event: Any, facts: dict[str, Any], **names: str) -> None:
    """Decimals of ours by their name in the expectation; absent there, nothing is said."""
    for ours, theirs in names.items():
        if theirs in facts:
            assert number(getattr(event, ours)) == number(facts[theirs]), ours


def assert_trade(event: Trade, facts: dict[str, Any]) -> None:
    assert str(event.trade_id) == facts["id"]
    assert event.side == facts["side"]
    assert event.exchange_ns == ns(facts["ts"])
    assert event.aggregate == (facts["count"] is not None)
    if facts["count"] is not None:
        assert event.last_trade_id - event.first_trade_id + 1 == int(facts["count"])
    same(event, facts, price="price", quantity="qty")


def assert_ticker(event: Ticker | FundingRate, facts: dict[str, Any]) -> None:
    assert event.exchange_ns == ns(facts["ts"])
    if isinstance(event, FundingRate):
        same(event, facts, mark_price="mark", index_price="index")
        return
    spot = event.market_type == "spot"
    same(
        event,
        facts,
        best_bid_price="bid",
        best_bid_quantity="bid_qty",
        best_ask_price="ask",
        best_ask_quantity="ask_qty",
        last_price="last",
        open_24h="open",
        high_24h="high",
        low_24h="low",
        volume_24h="volume" if spot else "volume_ccy",
    )
    if spot:
        same(event, facts, quote_volume_24h="volume_ccy")


def assert_kline(event: Kline, facts: dict[str, Any]) -> None:
    spot = event.market_type == "spot"
    assert event.open_time_ns == ns(facts["open_ts"])
    assert event.closed == facts["closed"]
    if facts["interval"] is not None:
        assert event.interval == facts["interval"]
    same(event, facts, open="open", high="high", low="low", close="close")
    same(event, facts, volume="volume" if spot else "volume_ccy")
    if facts["quote_volume"] is not None:
        same(event, facts, quote_volume="quote_volume")


def assert_funding(event: FundingRate, facts: dict[str, Any]) -> None:
    settled = facts["realized_rate"] is not None
    assert number(event.funding_rate) == number(facts["realized_rate" if settled else "rate"])
    assert event.funding_time_ns == ns(facts["funding_ts"])
    assert event.next_funding_time_ns == ns(facts["next_funding_ts"])
    assert event.exchange_ns == ns(facts["funding_ts" if settled else "ts"])


def assert_open_interest(event: OpenInterest, facts: dict[str, Any]) -> None:
    assert event.exchange_ns == ns(facts["ts"])
    same(event, facts, raw_open_interest="oi", open_interest="oi_ccy")
    same(event, facts, open_interest_value="oi_value")


def assert_liquidation(event: Liquidation, facts: dict[str, Any]) -> None:
    assert (event.side, event.sampled) == (facts["side"], True)
    assert event.exchange_ns == ns(facts["ts"])
    same(event, facts, price="price", raw_quantity="qty")


def assert_ratio(event: LongShortRatio, facts: dict[str, Any]) -> None:
    assert event.exchange_ns == ns(facts["ts"])
    same(event, facts, long_short_ratio="ratio", long_ratio="long", short_ratio="short")


FACTS = {
    "trade": assert_trade,
    "ticker": assert_ticker,
    "candle": assert_kline,
    "funding": assert_funding,
    "open_interest": assert_open_interest,
    "liquidation": assert_liquidation,
    "long_short_ratio": assert_ratio,
}
