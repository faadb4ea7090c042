"""Trades of OKX at speed: the decoder refuses what is unusual, so that nothing else has to look.

Only for frames of a stream whose frames were read with care before; whatever is odd about one sends
it back there. What the events mean is in rows.py; tests hold both ways to the same events.
"""

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

import msgspec

from workers.book.fast import traded, whole
from workers.exchanges.okx.contracts import Contract
from workers.exchanges.okx.messages import UNREADABLE
from workers.model.events import Trade

STRANGE = (*UNREADABLE, ValueError, ArithmeticError)
"""What sends a frame back to be read with care."""

Id = TypeVar("Id")
"""The one instrument's id, as a Literal: the decoder compares it and makes no text of it."""

Lane = Callable[[bytes, int], list[Trade]]
"""Events of a frame; raises one of STRANGE."""


ONE = "1"
"""The count of most trades: their id is the first and the last one, which needs no arithmetic."""


class StrictTrade(msgspec.Struct, Generic[Id], forbid_unknown_fields=True, gc=False):
    """OkxTrade of one instrument with nothing that we do not know in it; see `trade_lane`.

    Fields are in the order in which they come. Of seqId and source only the kind is looked at.
    """

    instId: Id
    tradeId: str
    px: str
    sz: str
    side: Literal["buy", "sell"]
    ts: str
    count: str | None = None
    source: Literal["0", "1"] = "0"
    seqId: int | None = None


class StrictPush(msgspec.Struct, Generic[Id], forbid_unknown_fields=True, gc=False):
    """A data message without anything else in it, and with one trade: that is how they come."""

    arg: msgspec.Raw
    data: tuple[StrictTrade[Id]]


def trade_lane(contract: Contract) -> Lane:
    """What reads frames of one instrument's trades."""
    instrument, base = contract.instrument, contract.base
    exchange, kind, symbol = instrument.exchange, instrument.market_type, instrument.symbol
    raw_symbol, spot = instrument.raw_symbol, instrument.market_type == "spot"
    usual: Any = StrictPush[Literal[raw_symbol]]  # type: ignore[valid-type]
    decode = msgspec.json.Decoder(usual).decode

    def read(frame: bytes, received_ns: int) -> list[Trade]:
        (row,) = decode(frame).data
        price, quantity, count = row.px, row.sz, row.count
        time_ns, last = traded(price, quantity, row.ts, row.tradeId)
        first: int | None = last
        covered: int | None = last
        if count is None:
            first = covered = None
        elif count != ONE:
            (fills,) = whole(count)
            first = last - fills + 1
            if not 0 <= first <= last:
                raise ValueError(count)
        return [
            Trade(
                exchange=exchange,
                market_type=kind,
                symbol=symbol,
                raw_symbol=raw_symbol,
                exchange_ns=time_ns,
                received_ns=received_ns,
                trade_id=last,
                price=price,
                quantity=quantity if spot else base(quantity, price),
                side=row.side,
                aggregate=covered is not None,
                first_trade_id=first,
                last_trade_id=covered,
                raw_quantity=None if spot else quantity,
            )
        ]

    return read
