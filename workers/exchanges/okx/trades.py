"""Trades of OKX at speed: the decoder refuses what is unusual, so that nothing else has to look.

Only for frames of a stream whose frames were read with care before; whatever is odd about one sends
it back there. What the events mean is in rows.py; tests hold both ways to the same events.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from workers.book.fast import positive, whole
from workers.exchanges.okx.contracts import Contract
from workers.exchanges.okx.messages import UNREADABLE
from workers.exchanges.okx.rows import MICROSECONDS_FROM
from workers.model.events import Trade

STRANGE = (*UNREADABLE, ValueError, ArithmeticError)
"""What sends a frame back to be read with care."""

Lane = Callable[[bytes, int], list[Trade]]
"""Events of a frame; raises one of STRANGE."""


class StrictTrade(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """OkxTrade with nothing that we do not know in it; seqId and source are not read."""

    instId: str
    tradeId: str
    px: str
    sz: str
    side: Literal["buy", "sell"]
    ts: str
    count: str | None = None
    source: msgspec.Raw = msgspec.Raw()
    seqId: msgspec.Raw = msgspec.Raw()


class StrictPush(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A data message without anything else in it."""

    arg: msgspec.Raw
    data: list[StrictTrade]


_decode = msgspec.json.Decoder(StrictPush).decode


def trade_lane(contract: Contract) -> Lane:
    """What reads frames of one instrument's trades."""
    instrument, base = contract.instrument, contract.base
    exchange, kind, symbol = instrument.exchange, instrument.market_type, instrument.symbol
    raw_symbol, spot = instrument.raw_symbol, instrument.market_type == "spot"

    def read(frame: bytes, received_ns: int) -> list[Trade]:
        (row,) = _decode(frame).data  # they come one by one; more of them are read with care
        price, quantity, count = row.px, row.sz, row.count
        if count is None:
            last, time_ms = whole(row.tradeId, row.ts)
            first = None
        else:
            last, time_ms, fills = whole(row.tradeId, row.ts, count)
            first = last - fills + 1
            if not 0 <= first <= last:
                raise ValueError(count)
        if (
            row.instId != raw_symbol
            or not 0 < time_ms < MICROSECONDS_FROM
            or not positive(price, quantity)
        ):
            raise ValueError(raw_symbol)
        return [
            Trade(
                exchange=exchange,
                market_type=kind,
                symbol=symbol,
                raw_symbol=raw_symbol,
                exchange_ns=time_ms * 1_000_000,
                received_ns=received_ns,
                trade_id=last,
                price=price,
                quantity=quantity if spot else base(quantity, price),
                side=row.side,
                aggregate=first is not None,
                first_trade_id=first,
                last_trade_id=None if first is None else last,
                raw_quantity=None if spot else quantity,
            )
        ]

    return read
