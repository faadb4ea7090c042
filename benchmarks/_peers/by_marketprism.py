"""MarketPrism: the mapper to events, and deltas into the book through the machine that judges them.

Everything the collector checks before a delta counts is in it: numbers, order, crossed books.
"""

import time
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import msgspec

from benchmarks._peers.tapes import Tape
from workers.book.book import Book
from workers.book.sync import BookSync, Phase
from workers.exchanges.base import BookReset, Mapped
from workers.exchanges.registry import exchange
from workers.model.events import BookDelta, Trade
from workers.model.instrument import Instrument

VERSIONS = {"marketprism": version("marketprism"), "msgspec": version("msgspec")}

LEVELS = {"binance_spot": 5_000, "binance_derivatives": 1_000, "okx_spot": 400}
"""Kept a side, as the default settings have it."""

RECEIVED_NS = 1_700_000_000_000_000_000


class Feed:
    """A mapper and a book, ready for frames of the tape."""

    def __init__(self, tape: Tape) -> None:
        declared, known = exchange(tape.instrument.exchange), tape.instrument
        symbol = f"{known.base}-{known.quote}"
        instrument = Instrument(
            exchange=declared.name,
            market_type=declared.market_type,
            symbol=symbol,
            raw_symbol=known.raw_symbol,
            status="trading",
            raw_status="",
            base=known.base,
            quote=known.quote,
        )
        self.mapper = declared.mapper([instrument])
        self.sync = BookSync(symbol, Book(LEVELS[declared.name]), declared.sequencer)
        self.sync.subscribed()
        for frame in tape.opening:
            for item in self.mapper.map(frame, RECEIVED_NS):
                self.take(item)
        if tape.kind == "book" and tape.snapshot is not None:
            body = msgspec.json.encode(tape.snapshot)
            self.sync.snapshot(declared.read_snapshot(body, len(tape.snapshot["bids"])))

    def take(self, item: Mapped) -> None:
        """A delta or a whole book."""
        if isinstance(item, BookDelta):
            self.sync.delta(item)
        elif isinstance(item, BookReset):
            self.sync.reset(item.snapshot)


def measure(tape: Tape) -> float:
    """CPU seconds a message."""
    spent_s, frames = 0.0, tape.frames
    for _ in range(tape.repeat):
        feed = Feed(tape)
        read, take = feed.mapper.map, feed.sync.delta
        started_s = time.process_time()
        if tape.kind == "book":
            for frame in frames:
                for event in read(frame, RECEIVED_NS):
                    take(event)  # type: ignore[arg-type]
        else:
            for frame in frames:
                read(frame, RECEIVED_NS)
        spent_s += time.process_time() - started_s
        if tape.kind == "book" and feed.sync.phase is not Phase.SYNCED:
            raise AssertionError(f"{tape.name}: the book left its course")
    return spent_s / (tape.repeat * len(frames))


def outcome(tape: Tape) -> dict[str, Any]:
    """What stands at the end; of a book what is proven."""
    feed = Feed(tape)
    trades: list[Trade] = []
    frames = tape.frames if tape.kind == "book" else (*tape.opening, *tape.frames)
    for frame in frames:
        for item in feed.mapper.map(frame, RECEIVED_NS):
            if isinstance(item, Trade):
                trades.append(item)
            else:
                feed.take(item)
    if tape.kind == "trade":
        parts = (Decimal(each.price) * Decimal(each.quantity) for each in trades)
        return {
            "count": len(trades),
            "notional": str(sum(parts, Decimal(0))),
            "last_id": str(trades[-1].trade_id),
        }
    if feed.sync.gaps or feed.sync.phase is not Phase.SYNCED:
        raise AssertionError(f"{tape.name}: {feed.sync.gaps} gaps, {feed.sync.phase}")
    bids, asks = feed.sync.book.levels(10_000)
    return {"bids": bids, "asks": asks}
