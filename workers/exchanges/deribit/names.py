"""Names: our symbols for Deribit's instruments and indices, its intervals, its words for states.

Symbols are made from the facts in get_instruments; the point of a strike stays their `d`, as a
point would divide a NATS subject. A name is read by its grammar only where a
message comes without those facts: a REST book (its unit depends on the kind of instrument), a state
of an instrument that was listed a moment ago, a frame given to `normalize`.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from workers.exchanges.deribit.messages import DeribitInstrument
from workers.exchanges.deribit.numbers import nanoseconds, plain
from workers.model.instrument import Instrument, MarketType

Status = Literal["trading", "halted", "delisted"]

PERPETUAL_EXPIRY_MS = 32_503_708_800_000
"""The year 3000: does not expire."""

EXPIRY_HOUR = 8
"""Everything expires at 08:00 UTC."""

STATES: dict[str, Status] = {
    "open": "trading",
    "settlement": "halted",
    "delivered": "delisted",
    "inactive": "halted",
    "locked": "halted",
    "halted": "halted",
    "archivized": "delisted",
    # Until 2026-01-13, and what is_active alone says.
    "created": "halted",
    "started": "trading",
    "settled": "delisted",
    "closed": "delisted",
    "terminated": "delisted",
    "active": "trading",
}
"""Their word for a state; one that is not here is `halted`."""

RESOLUTIONS = {
    "1m": "1",
    "3m": "3",
    "5m": "5",
    "10m": "10",
    "15m": "15",
    "30m": "30",
    "1h": "60",
    "2h": "120",
    "3h": "180",
    "6h": "360",
    "12h": "720",
    "1d": "1D",
}
"""Our interval of a candle and theirs."""

INTERVALS = {theirs: ours for ours, theirs in RESOLUTIONS.items()}

INDEX_RESOLUTIONS = {"1s": "1", "1m": "60", "1h": "3600", "12h": "43200", "1d": "1D"}
"""Our interval of a volatility index's candle and theirs, in seconds."""

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NAME = re.compile(
    r"(?P<base>[A-Z0-9]+)(?:_(?P<quote>[A-Z0-9]+))?"
    r"(?:-(?:(?P<perpetual>PERPETUAL)|(?P<day>[0-9]{1,2})(?P<month>[A-Z]{3})(?P<year>[0-9]{2})"
    r"(?:-(?P<strike>[0-9]+(?:d[0-9]+)?)-(?P<right>[CP]))?))?"
)


def status_of(state: str) -> Status:
    """Only what we know to trade does."""
    return STATES.get(state, "halted")


def instrument_of(exchange: str, row: DeribitInstrument) -> Instrument:
    """The instrument a row of get_instruments describes.

    `tick_size`, `lot_size` and `contract_size` are the exchange's own numbers: dollars for inverse
    futures. Combos keep their native name as symbol.

    Raises:
        ValueError: a number is absurd, or the kind is unknown.
    """
    quote = row.counter_currency or row.quote_currency
    expiry_ms = row.expiration_timestamp
    if row.settlement_period == "perpetual" or expiry_ms == PERPETUAL_EXPIRY_MS:
        expiry_ms = None
    pair = f"{row.base_currency}-{quote}"
    market: MarketType
    match row.kind:
        case "spot":
            market, symbol = "spot", pair
        case "future" if expiry_ms is None:
            market, symbol = "perpetual", f"{pair}-PERP"
        case "future":
            market, symbol = "future", f"{pair}-{_date(expiry_ms)}"
        case "option":
            market, symbol = "option", f"{pair}-{_date(expiry_ms)}-{_right(row)}"
        case "future_combo":
            market, symbol = "future", row.instrument_name
        case "option_combo":
            market, symbol = "option", row.instrument_name
        case _:
            raise ValueError(f"{row.instrument_name[:60]}: kind {row.kind[:40]!r} is unknown")
    raw_status = row.state or ("active" if row.is_active else "inactive")
    return Instrument(
        exchange=exchange,
        market_type=market,
        symbol=symbol,
        raw_symbol=row.instrument_name,
        status=status_of(raw_status),
        raw_status=raw_status,
        base=row.base_currency,
        quote=quote,
        settle=row.settlement_currency,
        tick_size=plain(row.tick_size),
        lot_size=plain(row.min_trade_amount),
        contract_size=plain(row.contract_size),
        expiry_ns=None if expiry_ms is None or market == "spot" else nanoseconds(expiry_ms),
    )


def instrument_named(exchange: str, raw_symbol: str) -> Instrument | None:
    """What a name alone tells of its instrument; None for combos and what we cannot read.

    Without a second currency the instrument is quoted in USD and, if it is no spot pair, settled in
    its base.
    """
    found = _NAME.fullmatch(raw_symbol)
    if found is None or (found["quote"] is None and "-" not in raw_symbol):
        return None
    base, quote = found["base"], found["quote"] or "USD"
    market: MarketType = "spot"
    symbol, expiry = f"{base}-{quote}", None
    if found["perpetual"]:
        market, symbol = "perpetual", f"{symbol}-PERP"
    elif found["day"]:
        try:
            month = _MONTHS.index(found["month"]) + 1
            day, year = int(found["day"]), 2000 + int(found["year"])
            expiry = datetime(year, month, day, EXPIRY_HOUR, tzinfo=UTC)
        except ValueError:
            return None
        market, symbol = "future", f"{symbol}-{expiry:%y%m%d}"
        if found["strike"]:
            market, symbol = "option", f"{symbol}-{found['strike']}-{found['right']}"
    return Instrument(
        exchange=exchange,
        market_type=market,
        symbol=symbol,
        raw_symbol=raw_symbol,
        status="trading",
        raw_status="unknown",
        base=base,
        quote=quote,
        settle=None if market == "spot" else found["quote"] or base,
        expiry_ns=None if expiry is None else int(expiry.timestamp()) * 1_000_000_000,
    )


def index_of(base: str, quote: str) -> str:
    """The index an instrument follows: `btc_usd`."""
    return f"{base}_{quote}".lower()


def volatility_symbol(index: str) -> str:
    """Our symbol of a volatility index: `btc_usd` is `BTC-DVOL`."""
    return f"{index.partition('_')[0].upper()}-DVOL"


def _date(expiry_ms: int | None) -> str:
    if expiry_ms is None:
        raise ValueError("an option without expiration_timestamp")
    try:
        return f"{datetime.fromtimestamp(nanoseconds(expiry_ms) // 10**9, tz=UTC):%y%m%d}"
    except (OverflowError, OSError) as error:
        raise ValueError(f"expiration_timestamp {expiry_ms}: {error}") from error


def _right(row: DeribitInstrument) -> str:
    right = {"call": "C", "put": "P"}.get(row.option_type or "")
    if right is None or row.strike is None:
        raise ValueError(f"{row.instrument_name[:60]}: an option without strike or option_type")
    strike = plain(row.strike.normalize() if row.strike else Decimal(0))
    return f"{strike.replace('.', 'd')}-{right}"
