"""How a polling task becomes questions: spans in pages, many symbols in one call."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

import pytest

from config import queues
from config.polls import POLLS
from tests.exchanges.okx_frames import FUTURE, INVERSE, SWAP
from workers.exchanges.asking import (
    HOUR_NS,
    MOST_PAGES,
    Asked,
    Page,
    asks_of,
    length_ns,
    pages,
    span,
)
from workers.exchanges.registry import EXCHANGES
from workers.model.errors import WireError
from workers.model.instrument import Instrument, MarketType

NOW_NS = 1_795_392_000 * 10**9


def asked(exchange: str = "binance_spot", **more: Any) -> Asked:
    return Asked(exchange=exchange, now_ns=NOW_NS, **more)


def instruments(
    exchange: str, count: int, kind: MarketType = "spot", settle: str = "USDT"
) -> list[Instrument]:
    return [
        Instrument(
            exchange=exchange,
            market_type=kind,
            symbol=f"C{n}-USDT",
            raw_symbol=f"C{n}USDT",
            status="trading",
            raw_status="",
            base=f"C{n}",
            quote="USDT",
            settle=settle,
        )
        for n in range(count)
    ]


def test_the_newest_rows_are_one_question() -> None:
    assert pages(asked(limit=24), HOUR_NS, 100) == [Page(None, None, 24)]
    assert pages(asked(limit=500), HOUR_NS, 100) == [Page(None, None, 100)]
    assert span(asked(limit=24), HOUR_NS, 100) == [(NOW_NS - 24 * HOUR_NS, NOW_NS)]


def test_a_span_is_cut_without_a_hole_and_without_an_overlap() -> None:
    start_ns = NOW_NS - 250 * HOUR_NS
    found = pages(asked(start_ns=start_ns), HOUR_NS, 100)
    assert [each.rows for each in found] == [100, 100, 100]
    assert (found[0].start_ns, found[-1].end_ns) == (start_ns, NOW_NS)
    for one, next_one in itertools.pairwise(found):
        assert one.end_ns is not None
        assert one.end_ns + 1 == next_one.start_ns


def test_a_span_of_too_many_questions_or_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match=rf"takes 101 questions of 1 rows, {MOST_PAGES} are"):
        pages(asked(start_ns=NOW_NS - 100 * HOUR_NS), HOUR_NS, 1)
    with pytest.raises(ValueError, match="end is before start"):
        pages(asked(start_ns=NOW_NS, end_ns=NOW_NS - 1), HOUR_NS, 100)


@pytest.mark.parametrize(
    ("period", "seconds"), [("1s", 1), ("5m", 300), ("1d", 86_400), ("1M", 28 * 86_400)]
)
def test_a_period_has_a_length(period: str, seconds: int) -> None:
    assert length_ns(period) == seconds * 10**9


@pytest.mark.parametrize("name", EXCHANGES)
def test_an_exchange_answers_exactly_the_tasks_that_the_table_gives_it(name: str) -> None:
    own = {queues.ORDERBOOK_SNAPSHOT, queues.POLL_INSTRUMENTS}
    listed = {each.name for each in POLLS.values() if name in each.exchanges}
    assert set(asks_of(EXCHANGES[name])) == listed - own


@pytest.mark.parametrize(
    ("count", "weight", "named"), [(20, 2, True), (21, 40, True), (100, 40, True), (101, 80, False)]
)
def test_many_tickers_of_binance_spot_cost_what_is_documented(
    count: int, weight: int, named: bool
) -> None:
    ask = asks_of(EXCHANGES["binance_spot"])[queues.POLL_TICKERS]
    (poll,) = ask(asked(instruments=instruments("binance_spot", count)))
    assert poll.request.weight == weight
    assert len(json.loads(poll.request.params.get("symbols", "[]"))) == (count if named else 0)


DAY = {
    "symbol": "C0USDT",
    "lastPrice": "2",
    "openPrice": "1",
    "highPrice": "3",
    "lowPrice": "1",
    "volume": "10",
    "quoteVolume": "20",
    "closeTime": 1_795_392_000_000,
}


def test_a_row_that_cannot_be_used_costs_its_symbol_alone() -> None:
    ask = asks_of(EXCHANGES["binance_derivatives"])[queues.POLL_TICKERS]
    (poll,) = ask(asked(instruments=instruments("binance_derivatives", 3)))
    rows: list[Mapping[str, object]] = [DAY, {"symbol": "C1USDT"}, DAY | {"symbol": "OTHER"}]
    (found,) = poll.read(json.dumps(rows).encode(), 1)
    assert found.symbol == "C0-USDT"
    with pytest.raises(WireError, match="missing_field"):
        poll.read(json.dumps(rows[1:]).encode(), 1)


def test_okx_is_asked_by_kind_and_by_the_quote_of_indices() -> None:
    asks = asks_of(EXCHANGES["okx_derivatives"])
    many = asked("okx_derivatives", instruments=[SWAP, INVERSE, FUTURE])
    tickers = asks[queues.POLL_TICKERS](many)
    assert [each.request.params["instType"] for each in tickers] == ["SWAP", "FUTURES"]
    marks = asks[queues.POLL_MARK_PRICE](many)
    assert [each.request.params.get("quoteCcy") for each in marks] == [None, None, "USDT", "USD"]


def test_many_instruments_of_deribit_are_one_summary_a_currency() -> None:
    ask = asks_of(EXCHANGES["deribit"])[queues.POLL_OPEN_INTEREST]
    few = instruments("deribit", 3, "perpetual", "USDC")
    many = instruments("deribit", 4, "perpetual", "BTC")
    found = ask(asked("deribit", instruments=few + many))
    paths = [each.request.path.rpartition("/")[2] for each in found]
    assert paths == ["ticker"] * 3 + ["get_book_summary_by_currency"]
