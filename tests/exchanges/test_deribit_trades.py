"""Numbers, quantities and trades of Deribit: exact, in coins, and marked as what they are."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges.deribit_frames import (
    LINEAR_SNAPSHOT,
    RECEIVED_NS,
    TICKER,
    mapper,
    notification,
)
from workers.model.address import message_id
from workers.model.checks import implausible
from workers.model.events import (
    Liquidation,
    Trade,
)


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


SHARED = mapper()


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
