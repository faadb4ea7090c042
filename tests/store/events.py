"""Events of every table, as plain JSON objects, with the values their rows must have."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from workers.store.fields import Field
from workers.store.tables import TABLES, Table

COMMON: dict[str, Any] = {
    "exchange": "binance_spot",
    "market_type": "spot",
    "symbol": "BTC-USDT",
    "raw_symbol": "BTCUSDT",
    "exchange_ns": 1_723_161_255_342_000_001,
    "received_ns": 1_723_161_254_087_896_568,
    "published_ns": 1_723_161_254_087_995_568,
    "source": "live",
}
SAMPLES: dict[str, dict[str, Any]] = {
    "trades": {
        "trade_id": 3735683259,
        "price": "61837.63000000",
        "quantity": "0.02",
        "side": "buy",
        "aggregate": False,
    },
    "orderbook_deltas": {
        "first_update_id": 1,
        "last_update_id": 3,
        "bids": [["1.5", "2"], ["1.4", "0.00000000"]],
        "asks": [],
    },
    "orderbook_snapshots": {
        "last_update_id": 4,
        "bids": [["1.5", "2"]],
        "asks": [["1.6", "3"]],
        "depth": 5000,
        "state": "SYNCED",
        "verified_depth": 4000,
    },
    "tickers": {"best_bid_price": "1.5", "last_price": None},
    "klines": {
        "interval": "1m",
        "open_time_ns": 1_723_161_240_000_000_000,
        "open": "1",
        "high": "3",
        "low": "0.5",
        "close": "2",
        "closed": False,
    },
    "funding_rates": {"funding_rate": "-0.0001", "mark_price": None},
    "open_interest": {"open_interest": "1234.5", "open_interest_value": None},
    "liquidations": {"side": "sell", "price": None, "quantity": "0.014", "sampled": True},
    "long_short_ratios": {"kind": "top_accounts", "period": "5m", "long_short_ratio": "1.4"},
    "volatility_index": {"close": "44.87", "resolution": None},
    "instruments": {
        "status": "halted",
        "raw_status": "BREAK",
        "base": "BTC",
        "quote": "USDT",
        "tick_size": "0.01",
    },
    "book_audits": {
        "result": "equal",
        "method": "rest",
        "last_update_id": 9,
        "levels_compared": 2000,
        "levels_different": 0,
    },
    "quality_events": {"check": "price_is_zero", "data_type": "trade", "count": 3},
    "gaps": {"data_type": "orderbook", "cause": "sequence", "first_id": 5, "last_id": 9},
}


def sample(table: str, **changes: Any) -> dict[str, Any]:
    """A good event of a table, changed; a change to `...` removes the field."""
    event = {"type": TABLES[table].event_type} | COMMON | SAMPLES[table] | changes
    return {name: value for name, value in event.items() if value is not ...}


def decimals() -> st.SearchStrategy[str]:
    """Decimals as exchanges write them, up to 20 digits before and 18 after the point."""
    sign = st.sampled_from(["", "-"])  # funding rates, and prices of some futures
    whole = st.integers(0, 10**20 - 1).map(str)
    part = st.text("0123456789", min_size=1, max_size=18).map(lambda digits: f".{digits}")
    return st.tuples(sign, whole, st.just("") | part).map("".join)


def values(field: Field) -> st.SearchStrategy[Any]:
    """Values a field may have."""
    match field.kind:
        case "text":
            choices = st.sampled_from(field.choices) if field.choices else st.text(max_size=20)
            known = choices
        case "integer":
            known = st.integers(0, 2**62)
        case "natural":
            known = st.integers(0, 2**64 - 1)
        case "decimal":
            known = decimals()
        case "flag":
            known = st.booleans()
        case "levels":
            known = st.lists(st.tuples(decimals(), decimals()).map(list), max_size=5)
    return st.none() | known if field.optional else known


def events(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    """Good events of a table."""
    fields = {field.name: values(field) for field in table.fields}
    return st.fixed_dictionaries({"type": st.just(table.event_type), **fields})


def row(table: Table, event: dict[str, Any]) -> list[Any]:
    """What the event's row must hold, in the order of the table's fields."""
    return [_cell(field, event.get(field.name)) for field in table.fields]


def _cell(field: Field, value: Any) -> Any:
    if value is None:
        return None
    if field.kind == "decimal":
        return Decimal(value)
    if field.kind == "levels":
        return [(Decimal(price), Decimal(quantity)) for price, quantity in value]
    return value
