"""Books, tickers, candles, states and answers of Deribit, usual and unusual."""

import json

import pytest

from tests.exchanges.deribit_events import EXPECTED, FUTURE_FACTS
from tests.exchanges.deribit_frames import (
    CHANGE,
    CHART,
    HEARTBEAT,
    INDEX_PRICE,
    INSTRUMENTS,
    LOCKED,
    MAINTENANCE,
    QUOTE,
    RECEIVED_NS,
    SNAPSHOT,
    STATE,
    TEST_REQUEST,
    TICKER,
    TOP_BOOK,
    changed,
    mapper,
    notification,
)
from workers.exchanges.base import Acknowledged, BookReset, Reply
from workers.exchanges.deribit.mapper import IGNORED
from workers.model.events import (
    FundingRate,
    OpenInterest,
    Ticker,
)


@pytest.mark.parametrize("before", [None, 0, 20, "gone"])
def test_a_snapshots_prev_change_id_means_nothing(before):
    frame = SNAPSHOT
    if before != "gone":
        frame = changed(SNAPSHOT, prev_change_id=before)
    (reset,) = mapper().map(frame, RECEIVED_NS)
    assert isinstance(reset, BookReset)
    assert reset.snapshot.last_update_id == 136069961946


def test_books_of_2019_had_no_type():
    (reset,) = mapper().map(changed(SNAPSHOT, type="gone"), RECEIVED_NS)
    assert [reset] == EXPECTED["snapshot"]
    (delta,) = mapper().map(changed(CHANGE, type="gone"), RECEIVED_NS)
    assert [delta] == EXPECTED["change"]


def test_a_new_level_of_amount_0_is_removed_too():
    (delta,) = mapper().map(changed(CHANGE, bids=[["change", 2772.5, 0]]), RECEIVED_NS)
    assert delta.bids == [("2772.5", "0")]


@pytest.mark.parametrize(("depth", "complete"), [("1", False), ("2", False), ("10", True)])
def test_the_best_levels_alone_prove_a_side_only_if_it_is_shorter(depth, complete):
    (reset,) = mapper().map(TOP_BOOK.replace(b"none.10.", f"none.{depth}.".encode()), RECEIVED_NS)
    assert reset.snapshot.asks_complete == complete


def test_grouped_prices_are_no_levels():
    mapped = mapper()
    assert list(mapped.map(TOP_BOOK.replace(b"none.10", b"5.10"), RECEIVED_NS)) == []
    assert mapped.ignored == {"grouped book": 1}


def test_an_empty_side_has_no_quote():
    (ticker,) = mapper().map(changed(QUOTE, best_bid_price=None, best_ask_amount=0), RECEIVED_NS)
    assert ticker.best_bid_price is ticker.best_bid_quantity is None
    assert ticker.best_ask_price is ticker.best_ask_quantity is None


def test_an_untraded_day_has_no_figures():
    stats = dict.fromkeys(("volume_usd", "volume", "price_change", "low", "high"))
    ticker, *_ = mapper().map(changed(TICKER, stats=stats), RECEIVED_NS)
    assert (ticker.high_24h, ticker.volume_24h, ticker.quote_volume_24h) == (None, None, None)


def test_open_interest_in_dollars_needs_a_mark_price_to_become_coins():
    *_, interest = mapper().map(changed(TICKER, mark_price=None), RECEIVED_NS)
    assert interest.open_interest is None
    assert interest.open_interest_value == "1000000000.0"


def test_an_incremental_ticker_begins_with_a_whole_one_and_its_changes_are_counted():
    mapped = mapper()
    data = json.loads(TICKER)["params"]["data"]
    first = notification("incremental_ticker.BTC-PERPETUAL", data | {"type": "snapshot"})
    assert [type(each) for each in mapped.map(first, 0)] == [Ticker, FundingRate, OpenInterest]
    change = {"type": "change", "timestamp": 1, "instrument_name": "BTC-PERPETUAL"}
    rest = notification("incremental_ticker.BTC-PERPETUAL", change | {"stats": {"high": 1.5}})
    assert list(mapped.map(rest, 0)) == []
    assert mapped.ignored == {"incremental_ticker change": 1}


@pytest.mark.parametrize(
    ("resolution", "interval"), [("1", "1m"), ("60", "1h"), ("720", "12h"), ("1D", "1d")]
)
def test_candles_name_their_interval_as_we_do(resolution, interval):
    frame = CHART.replace(b"PERPETUAL.1", f"PERPETUAL.{resolution}".encode())
    (kline,) = mapper().map(frame, RECEIVED_NS)
    assert kline.interval == interval


def test_an_index_moves_every_perpetual_that_follows_it_and_none_is_counted():
    mapped = mapper()
    assert len(mapped.map(INDEX_PRICE, 0)) == 1
    assert list(mapped.map(INDEX_PRICE.replace(b"btc_usd", b"doge_usd"), 0)) == []
    assert mapped.ignored == {"index without a perpetual": 1}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("open", "trading"),
        ("settlement", "halted"),
        ("delivered", "delisted"),
        ("inactive", "halted"),
        ("locked", "halted"),
        ("halted", "halted"),
        ("archivized", "delisted"),
        ("created", "halted"),
        ("started", "trading"),
        ("settled", "delisted"),
        ("closed", "delisted"),
        ("terminated", "delisted"),
        ("something_new", "halted"),
    ],
)
def test_states_of_today_and_of_before_2026_are_understood(state, status):
    (change,) = mapper().map(changed(STATE, state=state), RECEIVED_NS)
    assert (change.status, change.raw_status) == (status, state)


def test_a_state_of_an_instrument_listed_since_is_read_from_its_name():
    frame = changed(STATE, instrument_name="ETH_USDC-26DEC25-4200-P", state="created")
    (change,) = mapper().map(frame, RECEIVED_NS)
    assert change.symbol == "ETH-USDC-251226-4200-P"
    assert (change.market_type, change.settle) == ("option", "USDC")


def test_a_state_of_a_combo_not_asked_for_is_counted():
    mapped = mapper()
    assert list(mapped.map(changed(STATE, instrument_name="ETH-FS-25DEC26_PERP"), 0)) == []
    assert mapped.ignored == {"state of a combo": 1}


def test_a_new_instrument_comes_with_its_facts():
    row = json.loads(INSTRUMENTS)["result"][3]
    (change,) = mapper().map(notification("instrument.creation.any.any", row), RECEIVED_NS)
    assert change.symbol == "BTC-USD-260605"
    assert (change.status, change.tick_size, change.expiry_ns) == (
        "halted",
        "2.5",
        FUTURE_FACTS["expiry_ns"],
    )


def test_platform_state_is_told_when_it_changes_only():
    mapped = mapper()
    free = LOCKED.replace(b"true", b"false")
    assert list(mapped.map(free, 0)) == []
    assert [each.status for each in mapped.map(LOCKED, 0)] == ["halted"]
    assert list(mapped.map(LOCKED, 0)) == []
    assert [(each.status, each.raw_status) for each in mapped.map(free, 0)] == [("trading", "open")]
    assert list(mapped.map(free, 0)) == []
    assert mapped.ignored == {"platform_state": 3}


def test_no_maintenance_is_no_notice():
    assert list(mapper().map(MAINTENANCE.replace(b"true", b"false"), 0)) == []


def test_a_test_request_is_answered_and_a_heartbeat_is_not():
    (reply,) = mapper().map(TEST_REQUEST, RECEIVED_NS)
    assert isinstance(reply, Reply)
    assert json.loads(reply.message)["method"] == "public/test"
    assert list(mapper().map(HEARTBEAT, RECEIVED_NS)) == []


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        (
            b'{"jsonrpc":"2.0","id":3,"result":["ticker.B.100ms","book.A.100ms"],'
            b'"usIn":1790133840888348,"usOut":1790133840889867,"usDiff":1519,"testnet":false}',
            Acknowledged(3, None, ("ticker.B.100ms", "book.A.100ms")),
        ),
        (b'{"jsonrpc":"2.0","id":1,"result":"ok","testnet":false}', Acknowledged(1)),
        (b'{"jsonrpc":"2.0","id":12,"result":{"version":"1.2.26"}}', Acknowledged(12)),
        (b'{"jsonrpc":"2.0","id":4,"result":[]}', Acknowledged(4, None, ())),
        (
            b'{"jsonrpc":"2.0","id":7,"error":{"code":10028,"message":"too_many_requests"}}',
            Acknowledged(7, "10028: too_many_requests", retry_after_s=10.0),
        ),
        (
            b'{"jsonrpc":"2.0","id":5,"error":{"code":13778,'
            b'"message":"raw_subscriptions_not_available_for_unauthorized"},"usIn":1}',
            Acknowledged(5, "13778: raw_subscriptions_not_available_for_unauthorized"),
        ),
        (
            b'{"jsonrpc":"2.0","error":{"code":11050,"message":"bad_request",'
            b'"data":"invalid json"}}',
            Acknowledged(None, "11050: bad_request (invalid json)"),
        ),
        (
            b'{"jsonrpc":"2.0","id":8,"error":{"code":11051,"message":"system_maintenance"}}',
            Acknowledged(8, "11051: system_maintenance", retry_after_s=60.0),
        ),
    ],
    ids=["list", "ok", "version", "none", "10028", "13778", "11050", "11051"],
)
def test_answers_are_acknowledgements(frame, answer):
    assert list(mapper().map(frame, RECEIVED_NS)) == [answer]


@pytest.mark.parametrize("word", sorted(IGNORED))
def test_channels_we_do_not_collect_are_counted(word):
    mapped = mapper()
    assert list(mapped.map(notification(f"{word}.btc_usd", {"a": 1}), 0)) == []
    assert mapped.ignored == {word: 1}


def test_the_platforms_public_methods_are_not_its_state():
    mapped = mapper()
    data = {"allow_unauthenticated_public_requests": True}
    assert list(mapped.map(notification("platform_state.public_methods_state", data), 0)) == []
    assert (mapped.ignored, mapped.extra_fields) == ({"platform_state": 1}, {})
