"""What can be traded: our symbol, the exchange's own, and the facts of the contract."""

from typing import Literal

import msgspec

MarketType = Literal["spot", "perpetual", "future", "option"]


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument of one exchange. Decimals are the exchange's own strings.

    `status` is `trading`, `halted` or `delisted`; `raw_status` keeps the exchange's word.
    Absent facts (a spot instrument has no expiry) are None.
    """

    exchange: str
    market_type: MarketType
    symbol: str
    raw_symbol: str
    status: Literal["trading", "halted", "delisted"]
    raw_status: str
    base: str
    quote: str
    settle: str | None = None
    tick_size: str | None = None
    lot_size: str | None = None
    contract_size: str | None = None
    expiry_ns: int | None = None
