"""Instruments of OKX and their life cycle, from REST and from the channel `instruments`. Pure.

Source: OKX API v5 guide, "Get instruments" and "Instruments channel", snapshot of 2026-07-28.
"""

from typing import Literal

from workers.exchanges.okx.contracts import contract_size, is_inverse
from workers.exchanges.okx.messages import OkxInstrument
from workers.exchanges.okx.rows import time_or_none
from workers.exchanges.okx.symbols import MARKET_TYPES, index_of, symbol
from workers.model.events import InstrumentChange
from workers.model.instrument import Instrument
from workers.model.level import read_decimals

Status = Literal["trading", "halted", "delisted"]

STATUSES: dict[str, Status] = {"live": "trading", "expired": "delisted"}


def status(state: str) -> Status:
    """Only `live` trades; `expired` ended; suspend, preopen, rebase, test, what is new: halted."""
    return STATUSES.get(state, "halted")


def read_row(exchange: str, row: OkxInstrument) -> Instrument:
    """One instrument.

    Derivatives have no baseCcy and quoteCcy; their `uly` (older: the id's head) names both. A
    contract whose `ctType` contradicts what it is settled in has no contract size: it would be
    converted wrongly. `lot_size` is in the exchange's own unit, contracts or base.

    Raises:
        ValueError: a value cannot be, or an instType nobody knows.
        ArithmeticError: a contract size is no number.
    """
    kind = MARKET_TYPES.get(row.instType)
    if kind is None:
        raise ValueError(f"instType {row.instType[:40]!r} of {row.instId[:40]!r}")
    pair = row.uly or row.instFamily or index_of(row.instId)
    base, _, quote = pair.partition("-")
    base, quote = row.baseCcy or base, row.quoteCcy or quote.partition("_")[0]
    size = None if kind == "spot" else _nonzero(contract_size(row.ctVal, row.ctMult))
    if row.ctType and is_inverse(kind, base, row.settleCcy) != (row.ctType == "inverse"):
        size = None
    return Instrument(
        exchange=exchange,
        market_type=kind,
        symbol=symbol(row.instId),
        raw_symbol=row.instId,
        status=status(row.state),
        raw_status=row.state,
        base=base,
        quote=quote,
        settle=row.settleCcy or None,
        tick_size=_nonzero(row.tickSz),
        lot_size=_nonzero(row.lotSz),
        contract_size=size,
        expiry_ns=time_or_none(row.expTime),
    )


def change(found: Instrument, received_ns: int) -> InstrumentChange:
    """The facts of an instrument as an event; the channel gives no time."""
    return InstrumentChange(
        exchange=found.exchange,
        market_type=found.market_type,
        symbol=found.symbol,
        raw_symbol=found.raw_symbol,
        exchange_ns=None,
        received_ns=received_ns,
        status=found.status,
        raw_status=found.raw_status,
        base=found.base,
        quote=found.quote,
        settle=found.settle,
        tick_size=found.tick_size,
        lot_size=found.lot_size,
        contract_size=found.contract_size,
        expiry_ns=found.expiry_ns,
    )


def _nonzero(text: str | None) -> str | None:
    """A size; empty and zero mean that it is not known yet."""
    if not text or not read_decimals((text,))[0]:
        return None
    return text
