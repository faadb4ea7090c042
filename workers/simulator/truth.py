"""What really happened in the market, for tests: `/sim/truth/*`."""

from collections.abc import Mapping
from typing import Protocol

from workers.simulator.binance.payloads import encode_json
from workers.simulator.market.engine import Engine
from workers.simulator.market.journal import TooOld

MOST_TRADES = 1_000_000


class Unknown(Exception):
    """There is no such truth; `status` is 400, 404 or 410 (too old to be rebuilt)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Streams(Protocol):
    """One symbol's market and what is published of it.

    Attributes:
        fast_id: update id up to which the 100 ms stream has been published.
    """

    engine: Engine
    fast_id: int

    def settled(self) -> bool:
        """Whether every book change has been published."""
        ...


class Truth:
    """The markets, asked from the side.

    Args:
        publishers: the markets by the exchange's symbol.
    """

    def __init__(self, publishers: Mapping[str, Streams]) -> None:
        self._publishers = publishers

    def book(self, symbol: str, update_id: int | None, depth: int | None) -> bytes:
        """All levels right after an update id (default: now), or the best `depth` a side."""
        engine = self._publisher(symbol).engine
        book, at = engine.book, engine.instrument
        wanted = book.update_id if update_id is None else update_id
        try:
            totals = book.totals_at(wanted)
        except TooOld as error:
            raise Unknown(410, str(error)) from error
        except ValueError as error:
            raise Unknown(404, str(error)) from error
        keys = sorted(totals, reverse=True)
        bids = [key for key in keys if key > 0][:depth]
        asks = [key for key in keys if key < 0][:depth]
        return encode_json(
            {
                "symbol": symbol,
                "update_id": wanted,
                "bids": [(at.price(key), at.quantity(totals[key])) for key in bids],
                "asks": [(at.price(-key), at.quantity(totals[key])) for key in asks],
            }
        )

    def trades(self, symbol: str, from_id: int | None, to_id: int | None) -> bytes:
        """Trades with ids in a range, both ends inclusive; times in milliseconds."""
        engine = self._publisher(symbol).engine
        tape, at = engine.tape, engine.instrument
        first = tape.first_id if from_id is None else max(from_id, tape.first_id)
        last = tape.next_id - 1 if to_id is None else min(to_id, tape.next_id - 1)
        if last - first >= MOST_TRADES:
            raise Unknown(400, f"{last - first + 1} trades; ask for at most {MOST_TRADES}")
        rows = [
            {
                "id": fill.trade_id,
                "price": at.price(fill.ticks),
                "quantity": at.quantity(fill.lots),
                "side": "sell" if fill.buyer_is_maker else "buy",
                "time": fill.time_us // 1000,
            }
            for fill in tape.fills(first, max(0, last - first + 1))
        ]
        return encode_json({"symbol": symbol, "trades": rows})

    def summary(self) -> dict[str, object]:
        """Per symbol: ids and counts."""
        return {name: self._summary(each) for name, each in self._publishers.items()}

    def _summary(self, publisher: Streams) -> dict[str, object]:
        engine = publisher.engine
        tape, book = engine.tape, engine.book
        return {
            "symbol": f"{engine.instrument.base}-{engine.instrument.quote}",
            "trades": len(tape),
            "first_trade_id": tape.first_id,
            "last_trade_id": tape.next_id - 1,
            "first_aggregate_id": tape.first_aggregate_id,
            "last_aggregate_id": tape.next_aggregate_id - 1,
            "oldest_update_id": book.oldest_id,
            "last_update_id": book.update_id,
            "last_published_update_id": publisher.fast_id,
            "bids": len(book.bids),
            "asks": len(book.asks),
            "time": engine.now_us // 1000,
            "active": engine.active,
            "rate": engine.rate,
        }

    def _publisher(self, symbol: str) -> Streams:
        publisher = self._publishers.get(symbol) or self._publishers.get(symbol.replace("-", ""))
        if publisher is None:
            raise Unknown(404, f"no symbol {symbol}; there are {', '.join(self._publishers)}")
        return publisher
