"""What OKX declares: addresses, subscriptions, symbols, instruments, contract sizes."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges.okx_frames import (
    BTC,
    DERIVATIVES,
    FUTURE,
    INVERSE,
    INVERSE_ROW,
    LISTED,
    OPTION,
    SPOT,
    SWAP,
    SWAP_ROW,
    UNIFIED,
    reply,
)
from workers.exchanges.base import Stream
from workers.exchanges.okx.checksum import checksum
from workers.exchanges.okx.contracts import PLACES, Contract, contract_size
from workers.exchanges.okx.symbols import guess, index_of, market_type, symbol
from workers.model.errors import WireError

PUBLIC, BUSINESS = "wss://ws.okx.com:8443/ws/v5/public", "wss://ws.okx.com:8443/ws/v5/business"


@pytest.mark.parametrize("configured", [PUBLIC, BUSINESS, PUBLIC.removesuffix("public")])
def test_a_channel_has_its_own_address(configured):
    for exchange in (SPOT, DERIVATIVES):
        assert "kline-5m" in exchange.channels
        for channel in exchange.channels:
            business = channel == "trade" or channel.startswith("kline")
            expected = BUSINESS if business else PUBLIC
            assert exchange.stream_url(configured, channel) == expected


def test_spot_has_no_channels_of_derivatives():
    for channel in ("funding-rate", "liquidation", "open-interest", "no-such"):
        with pytest.raises(KeyError):
            SPOT.stream_url(PUBLIC, channel)


def streams(channel: str, *instruments) -> list[Stream]:
    return [Stream(channel, each.symbol, each.raw_symbol) for each in instruments]


def test_a_subscription_names_its_instrument():
    (message,) = SPOT.subscribe([*streams("orderbook", BTC), *streams("kline-1h", BTC)], 7)
    assert message == (
        b'{"id":"7","op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"},'
        b'{"channel":"candle1H","instId":"BTC-USDT"}]}'
    )
    (message,) = SPOT.unsubscribe(streams("orderbook", BTC), 8)
    assert message == (
        b'{"id":"8","op":"unsubscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}'
    )


def test_an_answer_names_the_stream_it_is_for():
    wanted = [*streams("orderbook", SWAP), *streams("liquidation", SWAP)]
    wanted += streams("index-price", INVERSE)
    (message,) = DERIVATIVES.subscribe(wanted, 1)
    for stream, arg in zip(wanted, msgspec.json.decode(message)["args"], strict=True):
        frame = msgspec.json.encode({"id": "1", "event": "subscribe", "arg": arg, "connId": "a4"})
        (answer,) = DERIVATIVES.mapper(LISTED).map(frame, 5)
        assert answer.accepted == (DERIVATIVES.channel_name(stream),)


def test_what_serves_several_instruments_is_subscribed_once_and_kept():
    wanted = [
        *streams("liquidation", SWAP, INVERSE, FUTURE),
        *streams("index-price", SWAP, FUTURE, UNIFIED),
        *streams("instrument", SWAP, OPTION),
    ]
    (message,) = DERIVATIVES.subscribe(wanted, 1)
    assert msgspec.json.decode(message)["args"] == [
        {"channel": "liquidation-orders", "instType": "SWAP"},
        {"channel": "liquidation-orders", "instType": "FUTURES"},
        {"channel": "index-tickers", "instId": "BTC-USDT"},
        {"channel": "index-tickers", "instId": "BTC-USD"},
        {"channel": "instruments", "instType": "SWAP"},
        {"channel": "instruments", "instType": "OPTION"},
    ]
    assert DERIVATIVES.unsubscribe(wanted, 1) == []


def test_many_streams_stay_below_64_kb_a_message_and_cost_few_of_480():
    wanted = [Stream("orderbook", f"C{n}-USDT-PERP", f"C{n}-USDT-SWAP") for n in range(1000)]
    messages = DERIVATIVES.subscribe(wanted, 5)
    assert len(messages) == 4
    assert max(map(len, messages)) < 64_000
    found = [msgspec.json.decode(each) for each in messages]
    assert [each["id"] for each in found] == ["5", "6", "7", "8"]
    assert sum(len(each["args"]) for each in found) == 1000


def test_silence_is_answered_with_the_text_ping_before_30_s():
    assert (SPOT.heartbeat.message, SPOT.heartbeat.after_s) == (b"ping", 25.0)
    assert SPOT.books_from_stream


@pytest.mark.parametrize(
    ("inst_id", "kind", "ours", "index"),
    [
        ("BTC-USDT", "spot", "BTC-USDT", "BTC-USDT"),
        ("BTC-USDT-SWAP", "perpetual", "BTC-USDT-PERP", "BTC-USDT"),
        ("BTC-USD-SWAP", "perpetual", "BTC-USD-PERP", "BTC-USD"),
        ("BTC-USD_UM-SWAP", "perpetual", "BTC-USD_UM-PERP", "BTC-USD"),
        ("BTC-USDT-250808", "future", "BTC-USDT-250808", "BTC-USDT"),
        ("BTC-USD-250808-60000-C", "option", "BTC-USD-250808-60000-C", "BTC-USD"),
        ("1INCH-USDT-SWAP", "perpetual", "1INCH-USDT-PERP", "1INCH-USDT"),
    ],
)
def test_an_instrument_id_tells_what_it_is(inst_id, kind, ours, index):
    assert (market_type(inst_id), symbol(inst_id), index_of(inst_id)) == (kind, ours, index)
    assert guess("okx_spot", inst_id).symbol == ours


@pytest.mark.parametrize("inst_id", ["", "BTC", "BTC-USDT-SWAP-1", "BTC--SWAP", "A-B-25080", "-"])
def test_what_is_no_instrument_id_is_not_guessed(inst_id):
    with pytest.raises(ValueError, match="no instrument id"):
        market_type(inst_id)


def test_instruments_are_read_with_their_facts():
    facts = {
        each.symbol: (each.market_type, each.base, each.quote, each.settle, each.contract_size)
        for each in LISTED
    }
    assert facts == {
        "BTC-USDT": ("spot", "BTC", "USDT", None, None),
        "BTC-USDT-PERP": ("perpetual", "BTC", "USDT", "USDT", "0.01"),
        "BTC-USD-PERP": ("perpetual", "BTC", "USD", "BTC", "100"),
        "BTC-USD_UM-PERP": ("perpetual", "BTC", "USD", "USD", "0.01"),
        "BTC-USDT-260327": ("future", "BTC", "USDT", "USDT", "0.01"),
        "BTC-USD-260327-60000-C": ("option", "BTC", "USD", "BTC", "0.01"),
    }
    assert [each.symbol for each in LISTED if Contract(each).inverse] == ["BTC-USD-PERP"]
    assert FUTURE.expiry_ns == OPTION.expiry_ns == 1774598400000_000_000
    assert (SWAP.expiry_ns, SWAP.tick_size, SWAP.lot_size) == (None, "0.1", "0.01")


@pytest.mark.parametrize(
    "row", [INVERSE_ROW | {"ctType": "linear"}, SWAP_ROW | {"ctType": "inverse"}]
)
def test_a_contract_whose_kind_contradicts_its_coin_has_no_size(row):
    (found,) = DERIVATIVES.read_instruments(reply(row))
    assert found.contract_size is None
    with pytest.raises(ValueError, match="unknown"):
        Contract(found)


def test_a_new_listing_has_no_ticks_yet():
    (found,) = DERIVATIVES.read_instruments(reply(SWAP_ROW | {"tickSz": "", "lotSz": "0"}))
    assert (found.tick_size, found.lot_size) == (None, None)


@pytest.mark.parametrize("field", ["tickSz", "lotSz", "ctVal", "ctMult", "expTime"])
def test_an_instrument_with_an_absurd_fact_is_refused(field):
    with pytest.raises(WireError) as caught:
        DERIVATIVES.read_instruments(reply(SWAP_ROW | {field: "1,5"}))
    assert caught.value.kind == "absurd_number"


@pytest.mark.parametrize(
    ("value", "multiplier", "size"),
    [("0.01", "1", "0.01"), ("0.1", "10", "1.0"), ("100", "", "100"), ("", "1", None)],
)
def test_a_contract_size_is_value_times_multiplier(value, multiplier, size):
    assert contract_size(value, multiplier) == size


@pytest.mark.parametrize(
    ("instrument", "contracts", "price", "base"),
    [
        pytest.param(BTC, "0.25", "9", "0.25", id="spot"),
        pytest.param(SWAP, "34.95", "63913.4", "0.3495", id="linear"),
        pytest.param(SWAP, "0", "63913.4", "0.00", id="linear-removed"),
        pytest.param(SWAP, "2216113.01000000309", "1", "22161.1301000000309", id="17-decimals"),
        pytest.param(OPTION, "85", "0.001", "0.85", id="option"),
        pytest.param(INVERSE, "3", "20000", "0.015", id="inverse"),
        pytest.param(INVERSE, "0.1", "30000", "0.000333333333333333", id="inverse-rounded"),
        pytest.param(INVERSE, "200", "30000", "0.666666666666666667", id="inverse-rounded-up"),
        pytest.param(INVERSE, "0", "0", "0", id="inverse-removed"),
    ],
)
def test_contracts_become_base_units(instrument, contracts, price, base):
    contract = Contract(instrument)
    for _ in range(2):
        assert contract.base(contracts, price) == base
    assert contract.raw(contracts) == (None if instrument is BTC else contracts)


@pytest.mark.parametrize(("contracts", "price"), [("1", "0"), ("0.1", "1" + "0" * 22)])
def test_an_inverse_contract_needs_a_price_that_can_be(contracts, price):
    with pytest.raises(ArithmeticError):
        Contract(INVERSE).base(contracts, price)


plain = st.decimals("0.00000001", "1000000000", places=8).map(lambda each: format(each, "f"))


@given(plain, plain)
def test_conversion_is_exact_or_rounded_at_the_18th_place(contracts, price):
    linear = Decimal(Contract(SWAP).base(contracts, price))
    assert linear == Decimal(contracts) * Decimal("0.01")
    coins = Contract(INVERSE).base(contracts, price)
    assert abs(Decimal(coins) * Decimal(price) - Decimal(contracts) * 100) <= PLACES * Decimal(
        price
    )
    assert set(coins) <= set("0123456789.")


@pytest.mark.parametrize(
    ("bids", "asks", "expected"),
    [
        (
            [("3366.1", "7"), ("3366", "6")],
            [("3366.8", "9"), ("3368", "8")],
            -1881014294,
        ),
        ([("3366.1", "7")], [("3366.8", "9"), ("3368", "8"), ("3372", "8")], 831078360),
        ([("3366.1", "7"), ("3366", "6"), ("3365.5", "2")], [("3366.8", "9")], 168259878),
        ([], [("3366.8", "9"), ("3368", "8")], -1786096438),
    ],
    ids=["even", "more-asks", "more-bids", "asks-alone"],
)
def test_a_checksum_is_the_documented_one(bids, asks, expected):
    assert checksum(bids, asks) == expected


def test_a_checksum_covers_25_levels_a_side_in_their_spelling():
    asks = [(str(price), "1") for price in range(100, 140)]
    bids = [(str(price), "1") for price in range(99, 59, -1)]
    assert checksum(bids, asks) == checksum(bids[:25], asks[:25])
    assert checksum(bids, asks) != checksum(bids[:24], asks[:25])
    assert checksum([("99.0", "1")], []) != checksum([("99", "1")], [])


def test_every_limit_is_a_window_of_two_seconds():
    buckets = SPOT.limits.buckets
    assert {each.window_s for each in buckets.values()} == {2.0}
    assert (buckets["books"].calls, buckets["history-trades"].calls) == (40, 20)
    by_instrument = {name: each.calls for name, each in buckets.items() if each.per == "instId"}
    assert by_instrument == {
        "funding-rate": 10,
        "funding-rate-history": 10,
        "open-interest": 20,
        "mark-price": 10,
        "open-interest-history": 10,
        "long-short-account-ratio-contract": 5,
        "long-short-account-ratio-contract-top-trader": 5,
        "long-short-position-ratio-contract-top-trader": 5,
        "taker-volume-contract": 5,
    }
    assert (buckets["instruments"].calls, buckets["instruments"].per) == (20, "instType")
