"""cryptofeed: its exchange class's `message_handler`, with a callback, as its connections call it.

Its own defaults: no checksums, no check for crossed books. The snapshot that it would fetch comes
from the tape. It reads text, which its WebSocket library has made of the bytes before.
"""

import asyncio
import json
import time
from collections.abc import Callable
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from cryptofeed.defines import L2_BOOK, TRADES
from cryptofeed.exchanges import OKX, Binance, BinanceFutures
from cryptofeed.symbols import Symbols

from benchmarks._peers.tapes import Instrument, Tape

VERSIONS = {each: version(each) for each in ("cryptofeed", "order_book", "yapic.json")}

CLASSES = {"binance_spot": Binance, "binance_derivatives": BinanceFutures, "okx_spot": OKX}


class Recording:
    """Answers the one REST call, the snapshot."""

    def __init__(self, snapshot: dict[str, Any] | None) -> None:
        self._body = json.dumps(snapshot)

    async def read(self, url: str) -> str:
        """The snapshot, whatever is asked for."""
        return self._body


def feed(tape: Tape, callback: Callable[..., Any]) -> Any:
    """A feed of the tape's symbol."""
    instrument, kind = tape.instrument, CLASSES[tape.instrument.exchange]
    symbol = _symbol(instrument)
    Symbols.set(
        kind.id,
        {symbol: instrument.raw_symbol},
        {"tick_size": {symbol: instrument.tick_size}, "instrument_type": {symbol: "spot"}},
    )
    channel = L2_BOOK if tape.kind == "book" else TRADES
    made = kind(symbols=[symbol], channels=[channel], callbacks={channel: callback})
    made.http_conn = Recording(tape.snapshot)
    return made


def _symbol(instrument: Instrument) -> str:
    name = f"{instrument.base}-{instrument.quote}"
    return f"{name}-PERP" if instrument.exchange == "binance_derivatives" else name


async def _nothing(item: Any, received_s: float) -> None:
    """What a user's callback would do is not measured."""


async def _measure(tape: Tape) -> float:
    spent_s, frames = 0.0, [frame.decode() for frame in tape.frames]
    for _ in range(tape.repeat):
        handle = feed(tape, _nothing).message_handler
        for frame in tape.opening:
            await handle(frame.decode(), None, 0.0)
        started_s = time.process_time()
        for frame in frames:
            await handle(frame, None, 0.0)
        spent_s += time.process_time() - started_s
    return spent_s / (tape.repeat * len(frames))


def measure(tape: Tape) -> float:
    """CPU seconds a message."""
    return asyncio.run(_measure(tape))


async def _outcome(tape: Tape) -> dict[str, Any]:
    seen: list[Any] = []

    async def keep(item: Any, received_s: float) -> None:
        seen[:] = [item] if tape.kind == "book" else [*seen, (item.id, item.price, item.amount)]

    made = feed(tape, keep)
    for frame in (*tape.opening, *tape.frames):
        await made.message_handler(frame.decode(), None, 0.0)
    if tape.kind == "trade":
        notional = sum((price * amount for _, price, amount in seen), Decimal(0))
        return {"count": len(seen), "notional": str(notional), "last_id": str(seen[-1][0])}
    book = seen[-1].book
    return {
        name: [[str(price), str(side[price])] for price in side.keys()]  # noqa: SIM118 - no dict
        for name, side in (("bids", book.bids), ("asks", book.asks))
    }


def outcome(tape: Tape) -> dict[str, Any]:
    """What stands at the end."""
    return asyncio.run(_outcome(tape))
