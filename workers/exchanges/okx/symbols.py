"""Instrument ids of OKX: their market type and our symbol. Pure.

`BTC-USDT` spot, `BTC-USDT-SWAP` perpetual, `BTC-USDT-250808` future, `BTC-USD-250808-60000-C`
option. What margins the contract stays in the name: `BTC-USD_UM-SWAP` is not `BTC-USD-SWAP`.
Source: OKX API v5 guide, "Get instruments"; the ids are documented to divide at "-".
"""

import re

from workers.model.instrument import Instrument, MarketType

MARKET_TYPES: dict[str, MarketType] = {
    "SPOT": "spot",
    "MARGIN": "spot",
    "SWAP": "perpetual",
    "FUTURES": "future",
    "OPTION": "option",
}
"""Their `instType` is our market type."""

INST_TYPES: dict[MarketType, str] = {
    "spot": "SPOT",
    "perpetual": "SWAP",
    "future": "FUTURES",
    "option": "OPTION",
}

_ID = re.compile(
    r"(?P<base>[^-]+)-(?P<quote>[^-]+)"
    r"(-((?P<perpetual>SWAP)|(?P<future>\d{6})|(?P<option>\d{6}-\d+(\.\d+)?-[CP])))?",
    re.ASCII,
)


def market_type(inst_id: str) -> MarketType:
    """What kind of instrument an id names.

    Raises:
        ValueError: it is no instrument id.
    """
    found = _ID.fullmatch(inst_id)
    if found is None:
        raise ValueError(f"{inst_id[:40]!r} is no instrument id")
    kinds: tuple[MarketType, ...] = ("perpetual", "future", "option")
    return next((kind for kind in kinds if found[kind]), "spot")


def symbol(inst_id: str) -> str:
    """Our name of an instrument: `BTC-USDT-SWAP` is `BTC-USDT-PERP`, the others are the same."""
    stem = inst_id.removesuffix("-SWAP")
    return inst_id if stem == inst_id else f"{stem}-PERP"


def index_of(inst_id: str) -> str:
    """The index below a derivative: `BTC-USD` for `BTC-USD_UM-SWAP`, `BTC-USD-250808`, ..."""
    base, _, rest = inst_id.partition("-")
    return f"{base}-{rest.partition('-')[0].partition('_')[0]}"


def guess(exchange: str, inst_id: str) -> Instrument:
    """An instrument of which nothing but its id is known.

    Raises:
        ValueError: it is no instrument id.
    """
    kind = market_type(inst_id)
    base, _, quote = index_of(inst_id).partition("-")
    return Instrument(
        exchange=exchange,
        market_type=kind,
        symbol=symbol(inst_id),
        raw_symbol=inst_id,
        status="trading",
        raw_status="",
        base=base,
        quote=quote,
    )
