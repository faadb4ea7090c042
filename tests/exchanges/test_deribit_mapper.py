"""Frames of Deribit, usual and unusual: events, a notice, nothing, or a WireError."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges.deribit_frames import (
    CHANGE,
    CHART,
    DATA,
    HEARTBEAT,
    INDEX_PRICE,
    INSTRUMENTS,
    LINEAR_SNAPSHOT,
    LOCKED,
    MAINTENANCE,
    OPTION_TICKER,
    PERPETUAL,
    QUOTE,
    RECEIVED_NS,
    SNAPSHOT,
    STATE,
    TEST_REQUEST,
    TICKER,
    TOP_BOOK,
    TRADES,
    VOLATILITY,
    changed,
    mapper,
    notification,
)
from workers.book.sequence import Snapshot
from workers.exchanges.base import Acknowledged, BookReset, Reply, ShutdownNotice
from workers.exchanges.deribit.mapper import IGNORED
from workers.model.address import message_id
from workers.model.checks import implausible
from workers.model.codec import decode, encode
from workers.model.errors import WireError
from workers.model.events import (
    BookDelta,
    Event,
    FundingRate,
    InstrumentChange,
    Kline,
    Liquidation,
    OpenInterest,
    Ticker,
    Trade,
    VolatilityIndex,
)


def common(raw_symbol: str, symbol: str, exchange_ms: int | None, market: str = "perpetual"):
    return {
        "exchange": "deribit",
        "market_type": market,
        "symbol": symbol,
        "raw_symbol": raw_symbol,
        "exchange_ns": None if exchange_ms is None else exchange_ms * 1_000_000,
        "received_ns": RECEIVED_NS,
    }


BTC = ("BTC-PERPETUAL", "BTC-USD-PERP")
ETH = ("ETH-PERPETUAL", "ETH-USD-PERP")
OPTION = ("BTC-27MAR26-100000-C", "BTC-USD-260327-100000-C")
BEST = {
    "best_bid_price": "80000.0",
    "best_bid_quantity": "1.5",
    "best_ask_price": "100000.0",
    "best_ask_quantity": "2.5",
}
FUTURE_FACTS = {
    "base": "BTC",
    "quote": "USD",
    "settle": "BTC",
    "tick_size": "2.5",
    "lot_size": "10.0",
    "contract_size": "10.0",
    "expiry_ns": 1780646400000 * 1_000_000,
}

EXPECTED = {
    "snapshot": [
        BookReset(
            "ETH-USD-PERP",
            Snapshot(
                136069961946,
                [("2772.5", "1"), ("2772.0", "2.6")],
                [("2773.0", "0.019112874143526866"), ("2773.05", "1.514577811435062476")],
                True,
                True,
            ),
            1790133840638_000_000,
            RECEIVED_NS,
        )
    ],
    "change": [
        BookDelta(
            **common(*ETH, 1790133840738),
            first_update_id=136069961947,
            last_update_id=136069962101,
            prev_update_id=136069961946,
            bids=[
                ("2772.5", "0.901713255184851217"),
                ("2772.0", "0"),
                ("2772.55", "0.010820363924906674"),
            ],
            asks=[],
        )
    ],
    "linear-snapshot": [
        BookReset(
            "SOL-USDC-PERP",
            Snapshot(
                7,
                [("150", "25")],
                [("150.01", "0.1"), ("151.00", "0.00000655")],
                True,
                True,
            ),
            1790133840638_000_000,
            RECEIVED_NS,
        )
    ],
    "top-book": [
        BookReset(
            "SOL-USDC-PERP",
            Snapshot(
                136725664747,
                [("150.0", "2.5")],
                [("150.5", "9.1"), ("151.0", "10")],
                True,
                True,
            ),
            1769246173071_000_000,
            RECEIVED_NS,
        )
    ],
    "trades": [
        Trade(
            **common(*BTC, 1786740206308),
            trade_id=296244199,
            price="62500.0",
            quantity="0.004",
            side="buy",
            raw_quantity="250.0",
            exchange_trade_id="416203311",
        ),
        Trade(
            **common(*BTC, 1786740206309),
            trade_id=296244200,
            price="64000.0",
            quantity="0.015625",
            side="sell",
            raw_quantity="1000",
            exchange_trade_id="416203312",
        ),
    ],
    "ticker": [
        Ticker(
            **common(*BTC, 1765541474086),
            **BEST,
            last_price="92283.5",
            high_24h="93612.0",
            low_24h="89277.5",
            volume_24h="11897.27640428",
            quote_volume_24h="1092371540.0",
        ),
        FundingRate(
            **common(*BTC, 1765541474086),
            funding_rate="-0.00001742",
            mark_price="80000.0",
            index_price="92263.55",
        ),
        OpenInterest(
            **common(*BTC, 1765541474086),
            open_interest="12500",
            open_interest_value="1000000000.0",
            raw_open_interest="1000000000.0",
        ),
    ],
    "option-ticker": [
        Ticker(
            **common(*OPTION, 1765541474086, "option"),
            high_24h="0.011",
            low_24h="0.009",
            volume_24h="16.7",
        ),
        OpenInterest(**common(*OPTION, 1765541474086, "option"), open_interest="1767.5"),
    ],
    "quote": [Ticker(**common(*BTC, 1765541767174), **BEST)],
    "perpetual": [
        FundingRate(**common(*BTC, 1790133840887), funding_rate="0.0001423", index_price="86744.11")
    ],
    "chart": [
        Kline(
            **common(*BTC, None),
            interval="1m",
            open_time_ns=1767200040000_000_000,
            open="87490.0",
            high="87500.0",
            low="87465.0",
            close="87474.0",
            volume="0.95978896",
            quote_volume="83970.0",
            closed=None,
        )
    ],
    "volatility": [
        VolatilityIndex(
            **common("btc_usd", "BTC-DVOL", 1619777946007, "option"),
            close="129.36",
        )
    ],
    "index-price": [FundingRate(**common(*BTC, 1619777946007), index_price="86744.11")],
    "state": [
        InstrumentChange(
            **common("BTC-5JUN26", "BTC-USD-260605", 1768291200000, "future"),
            status="halted",
            raw_status="settlement",
            **FUTURE_FACTS,
        )
    ],
    "locked": [
        InstrumentChange(
            **common("SOL_USDC-PERPETUAL", "SOL-USDC-PERP", None),
            status="halted",
            raw_status="locked",
            base="SOL",
            quote="USDC",
            settle="USDC",
            tick_size="0.010",
            lot_size="0.1",
            contract_size="0.1",
        )
    ],
    "maintenance": [ShutdownNotice("platform_state: maintenance")],
}


@pytest.mark.parametrize("name", DATA)
def test_a_documented_message_becomes_its_events(name):
    mapped = mapper()
    assert list(mapped.map(DATA[name], RECEIVED_NS)) == EXPECTED[name]
    assert mapped.extra_fields == mapped.ignored == {}


@pytest.mark.parametrize("name", DATA)
def test_spaces_and_another_order_of_fields_change_nothing(name):
    def turned(value):
        if isinstance(value, dict):
            return {key: turned(each) for key, each in reversed(value.items())}
        return [turned(each) for each in value] if isinstance(value, list) else value

    message = json.loads(DATA[name], parse_float=lambda text: f"<{text}>")
    frame = json.dumps(turned(message), indent=1).encode()
    frame = frame.replace(b'"<', b"").replace(b'>"', b"")
    mapped = mapper()
    assert list(mapped.map(frame, RECEIVED_NS)) == EXPECTED[name]
    assert mapped.extra_fields == {}


@pytest.mark.parametrize("name", DATA)
def test_a_field_more_is_tolerated_and_counted(name):
    mapped = mapper()
    frame = changed(DATA[name], zz={"a": [1.5]})
    frame = frame.replace(b'{"jsonrpc"', b'{"extra":1,"jsonrpc"', 1)
    for _ in range(2):
        found = list(mapped.map(frame, RECEIVED_NS))
        assert len(found) == len(EXPECTED[name]) or name == "locked"
    counts = {name.partition(".")[2]: count for name, count in mapped.extra_fields.items()}
    assert counts == {"extra": 2, "zz": 4 if name == "trades" else 2}


def test_events_survive_the_way_through_the_bus_and_have_ids_of_their_own():
    events = [each for name in DATA for each in EXPECTED[name] if isinstance(each, Event)]
    assert [decode(encode(each)) for each in events] == events
    assert len({message_id(each) for each in events}) == len(events)
    assert {type(each) for each in events} >= {Trade, BookDelta, Ticker, FundingRate, OpenInterest}


def test_ids_beyond_2_to_the_53_are_exact():
    (event,) = mapper().map(
        changed(CHANGE, prev_change_id=2**60 + 1, change_id=2**60 + 3), RECEIVED_NS
    )
    assert (event.prev_update_id, event.last_update_id) == (2**60 + 1, 2**60 + 3)
    rows = json.loads(TRADES)["params"]["data"][:1]
    (trade,) = mapper().map(
        notification("trades.BTC-PERPETUAL.100ms", [rows[0] | {"trade_seq": 2**53 + 1}]), 0
    )
    assert trade.trade_id == 2**53 + 1


def test_starbase_fields_may_be_text_and_are_not_extra():
    mapped = mapper()
    mapped.map(changed(TRADES, starbase_match_id="213378943477100544"), RECEIVED_NS)
    assert mapped.extra_fields == {}


@pytest.mark.parametrize(
    ("text", "plainly"),
    [
        ("1.0e3", "1000"),
        ("2.2E+3", "2200"),
        ("6.55e-6", "0.00000655"),
        ("6.4e4", "64000"),
        ("1234567890.123456789012345678", "1234567890.123456789012345678"),
        ("0.10", "0.10"),
        ("5", "5"),
    ],
)
def test_numbers_keep_their_digits_and_lose_their_exponent(text, plainly):
    frame = LINEAR_SNAPSHOT.replace(b"2.5e1", text.encode())
    (reset,) = mapper().map(frame, RECEIVED_NS)
    assert reset.snapshot.bids == [("150", plainly)]


def trade(raw_symbol: str, **fields: object) -> bytes:
    row = {
        "timestamp": 1786740206308,
        "price": 2000.0,
        "direction": "buy",
        "instrument_name": raw_symbol,
        "trade_id": "USDC-1",
        "trade_seq": 9,
        "amount": 5.0,
    }
    return notification(f"trades.{raw_symbol}.100ms", [row | fields])


@pytest.mark.parametrize(
    ("raw_symbol", "quantity", "raw_quantity"),
    [
        ("BTC-PERPETUAL", "0.0025", "5.0"),
        ("BTC-5JUN26", "0.0025", "5.0"),
        ("SOL_USDC-PERPETUAL", "5.0", None),
        ("BTC-27MAR26-100000-C", "5.0", None),
        ("XRP_USDC-30JUN26-0d625-P", "5.0", None),
        ("BTC_USDC", "5.0", None),
        ("BTC-FS-25DEC26_PERP", "5.0", None),
    ],
)
def test_dollars_of_inverse_futures_become_coins_and_nothing_else_is_converted(
    raw_symbol, quantity, raw_quantity
):
    (event,) = mapper().map(trade(raw_symbol), RECEIVED_NS)
    assert (event.quantity, event.raw_quantity) == (quantity, raw_quantity)


@given(st.integers(1, 10**9), st.decimals("0.05", "200000", places=2))
def test_the_dollars_can_be_told_from_the_coins(amount, price):
    event = SHARED.map(trade("BTC-PERPETUAL", amount=amount, price=float(price)), 0)[0]
    assert event.raw_quantity == str(amount)
    dollars = Decimal(event.quantity) * Decimal(event.price)
    assert abs(dollars - amount) < Decimal("0.000001")


def test_a_combos_price_may_be_below_zero():
    (event,) = mapper().map(trade("BTC-FS-25DEC26_PERP", price=-7.5), RECEIVED_NS)
    assert event.price == "-7.5"
    assert event.symbol == "BTC-FS-25DEC26_PERP"


def test_a_combos_quotes_below_zero_are_read_and_can_be_checked():
    data = json.loads(TICKER)["params"]["data"] | {
        "instrument_name": "BTC-FS-25DEC26_PERP",
        "best_bid_price": -7.0,
        "best_ask_price": -5.0,
        "last_price": -13.5,
        "mark_price": 10.12,
        "implied_bid": 8.5,
        "combo_state": "active",
    }
    mapped = mapper()
    ticker, interest = mapped.map(notification("ticker.BTC-FS-25DEC26_PERP.100ms", data), 0)
    assert (ticker.best_bid_price, ticker.best_bid_quantity) == ("-7.0", "120000.0")
    assert (ticker.best_ask_price, ticker.last_price) == ("-5.0", "-13.5")
    assert "crossed_quote" not in implausible(ticker)
    assert interest.open_interest == "1000000000.0"
    assert mapped.extra_fields == {}


@pytest.mark.parametrize(
    ("fields", "off_book"),
    [
        ({}, None),
        ({"block_trade_id": "BLOCK-1", "block_trade_leg_count": 2}, "block"),
        ({"block_trade_id": "BLOCK-1", "block_rfq_id": 7}, "rfq"),
        ({"combo_id": "BTC-CS-1", "combo_trade_id": "244365193"}, "combo"),
    ],
)
def test_prints_away_from_the_book_are_marked(fields, off_book):
    mapped = mapper()
    (event,) = mapped.map(trade("BTC-27MAR26-100000-C", **fields), RECEIVED_NS)
    assert event.off_book == off_book
    assert mapped.extra_fields == {}


@pytest.mark.parametrize(
    ("flag", "direction", "sides"),
    [
        ("T", "sell", ["sell"]),
        ("M", "sell", ["buy"]),
        ("M", "buy", ["sell"]),
        ("MT", "buy", ["buy", "sell"]),
        (None, "buy", []),
    ],
)
def test_a_liquidation_is_on_the_side_that_was_liquidated(flag, direction, sides):
    frame = trade("BTC-PERPETUAL", liquidation=flag, direction=direction)
    event, *forced = mapper().map(frame, RECEIVED_NS)
    assert isinstance(event, Trade)
    assert [(type(each), each.side, each.sampled) for each in forced] == [
        (Liquidation, side, False) for side in sides
    ]
    assert {(each.trade_id, each.quantity, each.raw_quantity) for each in forced} <= {
        (9, "0.0025", "5.0")
    }
    assert len({message_id(each) for each in forced}) == len(sides)


def test_a_liquidation_word_we_do_not_know_is_counted_and_the_trade_kept():
    mapped = mapper()
    (event,) = mapped.map(trade("BTC-PERPETUAL", liquidation="X"), RECEIVED_NS)
    assert isinstance(event, Trade)
    assert mapped.ignored == {"liquidation X": 1}


def test_trades_of_a_whole_market_leave_out_what_was_not_asked_for():
    mapped = mapper()
    rows = [
        json.loads(trade(name))["params"]["data"][0] for name in ("BTC-PERPETUAL", "DOGE-PERPETUAL")
    ]
    found = mapped.map(notification("trades.future.any.100ms", rows), RECEIVED_NS)
    assert [each.raw_symbol for each in found] == ["BTC-PERPETUAL"]
    assert mapped.ignored == {"trades of other instruments": 1}


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
            Acknowledged(7, "10028: too_many_requests"),
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
            Acknowledged(8, "11051: system_maintenance"),
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


BAD = [
    pytest.param(b"", "broken_json", id="empty"),
    pytest.param(b"\xff", "broken_json", id="not-utf8"),
    pytest.param(TRADES[:-9], "broken_json", id="cut"),
    pytest.param(b"[" * 5000, "broken_json", id="nested-too-deep"),
    pytest.param(b'{"a":1e99999999999999999999}', "broken_json", id="exponent-beyond-decimals"),
    pytest.param(b"[]", "unknown_event", id="array"),
    pytest.param(b'{"jsonrpc":"2.0"}', "unknown_event", id="nothing"),
    pytest.param(b'{"method":"call","params":{}}', "unknown_event", id="method"),
    pytest.param(notification("weather.BTC", {}), "unknown_event", id="channel"),
    pytest.param(b'{"method":"subscription","params":{}}', "missing_field", id="no-data"),
    pytest.param(
        b'{"method":"subscription","params":{"data":1}}', "missing_field", id="no-channel"
    ),
    pytest.param(changed(TRADES, price="gone"), "missing_field", id="no-price"),
    pytest.param(changed(TRADES, direction="hold"), "missing_field", id="no-side"),
    pytest.param(changed(TRADES, trade_seq=None), "missing_field", id="no-seq"),
    pytest.param(changed(CHANGE, bids=[["new", 1.5]]), "missing_field", id="level-without-amount"),
    pytest.param(changed(CHANGE, type="later"), "missing_field", id="type"),
    pytest.param(changed(TRADES, price="x"), "absurd_number", id="price-is-a-word"),
    pytest.param(changed(TRADES, price=-1.5), "absurd_number", id="price-below-zero"),
    pytest.param(changed(TRADES, price=0), "absurd_number", id="dollars-for-nothing"),
    pytest.param(changed(TRADES, amount=1e20), "absurd_number", id="amount-1e20"),
    pytest.param(changed(TRADES, amount="NaN"), "absurd_number", id="amount-nan"),
    pytest.param(changed(TRADES, amount="sNaN"), "absurd_number", id="amount-signalling"),
    pytest.param(changed(TRADES, amount="Infinity"), "absurd_number", id="amount-infinite"),
    pytest.param(
        TRADES.replace(b"62500.0", b"1e999999999"), "absurd_number", id="exponent-without-end"
    ),
    pytest.param(
        LINEAR_SNAPSHOT.replace(b"6.55e-6", b"1e-999999999"), "absurd_number", id="exponent-tiny"
    ),
    pytest.param(changed(TRADES, trade_seq=-1), "absurd_number", id="seq-below-zero"),
    pytest.param(changed(TRADES, trade_seq=2**63), "absurd_number", id="seq-beyond-63-bits"),
    pytest.param(changed(TRADES, trade_seq=1.5), "absurd_number", id="seq-is-a-fraction"),
    pytest.param(
        changed(TRADES, timestamp=1786740206308000), "absurd_number", id="time-in-microseconds"
    ),
    pytest.param(changed(TRADES, timestamp=0), "absurd_number", id="time-zero"),
    pytest.param(changed(CHANGE, prev_change_id="gone"), "absurd_number", id="change-of-nothing"),
    pytest.param(
        changed(CHANGE, prev_change_id=136069962101), "absurd_number", id="change-of-itself"
    ),
    pytest.param(
        changed(CHANGE, bids=[["delete", 2772.5, 3]]), "absurd_number", id="delete-that-leaves"
    ),
    pytest.param(changed(CHANGE, bids=[["new", 1e20, 3]]), "absurd_number", id="level-too-dear"),
    pytest.param(
        changed(LINEAR_SNAPSHOT, bids=[["new", 1.5, -3]]), "absurd_number", id="level-below-zero"
    ),
    pytest.param(CHART.replace(b"PERPETUAL.1", b"PERPETUAL.7"), "absurd_number", id="resolution"),
    pytest.param(changed(TRADES, instrument_name="X-PERPETUAL"), "unknown_symbol", id="symbol"),
    pytest.param(
        PERPETUAL.replace(b"BTC-PERPETUAL", b"X-PERPETUAL"), "unknown_symbol", id="channel-symbol"
    ),
]


@pytest.mark.parametrize(("frame", "kind"), BAD)
def test_a_bad_message_says_why_it_is_bad(frame, kind):
    with pytest.raises(WireError) as caught:
        mapper().map(frame, RECEIVED_NS)
    assert caught.value.kind == kind
    assert caught.value.frame == frame[:1024]


def test_names_of_unknown_fields_are_bounded():
    mapped = mapper()
    for number in range(300):
        mapped.map(changed(VOLATILITY, **{f"x{number}": 1}), RECEIVED_NS)
    assert len(mapped.extra_fields) == 201
    assert mapped.extra_fields["other"] == 100


SHARED = mapper()
frames = st.sampled_from([*DATA.values(), TEST_REQUEST, HEARTBEAT])
numbers = st.sampled_from(
    (0, -1, 1.5, 1e300, 2**70, "1", "-1", "1e5", "NaN", "", "1.2.3", "9" * 25, None, True, [], {})
)
values = st.one_of(numbers, st.floats(), st.text(max_size=5), st.lists(st.lists(numbers)))


def assert_only_wire_errors(frame: bytes) -> None:
    try:
        found = SHARED.map(frame, RECEIVED_NS)
    except WireError:
        return
    for each in found:
        if isinstance(each, Event):
            assert decode(encode(each)) == each
            implausible(each)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(frame):
    assert_only_wire_errors(frame)


@given(frames, st.data())
def test_any_damage_to_a_frame_is_read_or_refused(frame, data):
    start = data.draw(st.integers(0, len(frame)))
    end = data.draw(st.integers(start, min(len(frame), start + 12)))
    assert_only_wire_errors(frame[:start] + data.draw(st.binary(max_size=6)) + frame[end:])


@given(frames, st.data())
def test_any_value_in_any_field_is_read_or_refused(frame, data):
    message = json.loads(frame)
    inner = message["params"].get("data", message["params"])
    row = inner[0] if isinstance(inner, list) else inner
    for name in data.draw(st.lists(st.sampled_from(sorted(row)), min_size=1, max_size=3)):
        row[name] = data.draw(values)
    assert_only_wire_errors(json.dumps(message, separators=(",", ":")).encode())


@given(
    st.recursive(values, lambda inner: st.dictionaries(st.text(max_size=4), inner), max_leaves=9)
)
def test_any_json_is_read_or_refused(message):
    assert_only_wire_errors(json.dumps(message).encode())
    assert_only_wire_errors(notification("book.BTC-PERPETUAL.100ms", message))
    assert_only_wire_errors(notification("trades.BTC-PERPETUAL.100ms", [message]))


def test_a_test_request_among_option_data_costs_nothing_else():
    mapped = mapper()
    found = [*mapped.map(OPTION_TICKER, 0), *mapped.map(TEST_REQUEST, 0)]
    assert [type(each) for each in found] == [Ticker, OpenInterest, Reply]
