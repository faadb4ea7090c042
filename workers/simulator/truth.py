"""What really happened in the markets, for tests: `/sim/<exchange>/truth/*`."""

from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from workers.simulator.market.engine import Engine
from workers.simulator.market.journal import TooOld
from workers.simulator.market.marks import Marks

MOST_TRADES = 1_000_000

Row = dict[str, object]


class Unknown(Exception):
    """There is no such truth; `status` is 400, 404 or 410 (too old to be rebuilt)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Streams(Protocol):
    """One symbol's market and what is published of it."""

    engine: Engine

    @property
    def fast_id(self) -> int:
        """Update id up to which the 100 ms stream has been published."""
        ...

    def step(self) -> None:
        """One step of the market, and what follows from it."""
        ...

    def settled(self) -> bool:
        """Whether every book change has been published."""
        ...


class Marked(Streams, Protocol):
    """Streams whose ids are not the engine's.

    Attributes:
        marks: which id stands for which state of the book.
    """

    marks: Marks

    @property
    def last_told(self) -> int:
        """The id that the 100 ms stream ended with."""
        ...


S = TypeVar("S", bound=Streams)
M = TypeVar("M", bound=Marked)


class Truth(Generic[S]):
    """The markets, asked from the side.

    Args:
        publishers: the markets by the exchange's symbol.
        find: the exchange's symbol of one that is written in some way, None if there is none.
    """

    def __init__(
        self, publishers: Mapping[str, S], find: Callable[[str], str | None] = lambda _: None
    ) -> None:
        self._publishers, self._find = publishers, find

    def book(self, symbol: str, number: int | None, depth: int | None) -> Row:
        """All levels right after an update id (default: now), or the best `depth` a side."""
        name = self._name(symbol)
        streams = self._publishers[name]
        if number is None:
            number = self.last_id(streams)
        try:
            totals = streams.engine.book.totals_at(self.update_id(streams, number))
        except TooOld as error:
            raise Unknown(410, str(error)) from error
        except ValueError as error:
            raise Unknown(404, str(error)) from error
        keys = sorted(totals, reverse=True)
        bids = [key for key in keys if key > 0][:depth]
        asks = [key for key in keys if key < 0][:depth]
        price, size = self.price, self.quantity
        return {
            "symbol": name,
            "update_id": number,
            **self.facts(streams),
            "bids": [(price(streams, key), size(streams, totals[key])) for key in bids],
            "asks": [(price(streams, -key), size(streams, totals[key])) for key in asks],
        }

    def trades(self, symbol: str, from_id: int | None, to_id: int | None) -> Row:
        """Trades with ids in a range, both ends inclusive; times in milliseconds."""
        name = self._name(symbol)
        streams = self._publishers[name]
        tape = streams.engine.tape
        first = tape.first_id if from_id is None else max(from_id, tape.first_id)
        last = tape.next_id - 1 if to_id is None else min(to_id, tape.next_id - 1)
        if last - first >= MOST_TRADES:
            raise Unknown(400, f"{last - first + 1} trades; ask for at most {MOST_TRADES}")
        rows = [
            {
                "id": fill.trade_id,
                "price": self.price(streams, fill.ticks),
                "quantity": self.quantity(streams, fill.lots),
                "side": "sell" if fill.buyer_is_maker else "buy",
                "time": fill.time_us // 1000,
            }
            for fill in tape.fills(first, max(0, last - first + 1))
        ]
        return {"symbol": name, **self.facts(streams), "trades": rows}

    def summary(self) -> Row:
        """Per symbol: ids and counts."""
        return {name: self._summary(name, each) for name, each in self._publishers.items()}

    def price(self, streams: S, ticks: int) -> str:
        """A price as it stands on the wire."""
        return streams.engine.instrument.price(ticks)

    def quantity(self, streams: S, lots: int) -> str:
        """A quantity in the exchange's own unit."""
        return streams.engine.instrument.quantity(lots)

    def ours(self, name: str, streams: S) -> str:
        """The symbol as we write it."""
        return f"{streams.engine.instrument.base}-{streams.engine.instrument.quote}"

    def facts(self, streams: S) -> Row:
        """What else is told of a symbol everywhere."""
        return {}

    def update_id(self, streams: S, number: int) -> int:
        """The engine's own id of one of the exchange's. Raises Unknown."""
        return number

    def last_id(self, streams: S) -> int:
        """The exchange's id of the book as it is."""
        return streams.engine.book.update_id

    def oldest_id(self, streams: S) -> int:
        """The oldest that may be asked for."""
        return streams.engine.book.oldest_id

    def published_id(self, streams: S) -> int:
        """The id that the 100 ms stream ended with."""
        return streams.fast_id

    def _summary(self, name: str, streams: S) -> Row:
        engine = streams.engine
        tape, book = engine.tape, engine.book
        return {
            "symbol": self.ours(name, streams),
            **self.facts(streams),
            "trades": len(tape),
            "first_trade_id": tape.first_id,
            "last_trade_id": tape.next_id - 1,
            "first_aggregate_id": tape.first_aggregate_id,
            "last_aggregate_id": tape.next_aggregate_id - 1,
            "oldest_update_id": self.oldest_id(streams),
            "last_update_id": self.last_id(streams),
            "last_published_update_id": self.published_id(streams),
            "bids": len(book.bids),
            "asks": len(book.asks),
            "time": engine.now_us // 1000,
            "active": engine.active,
            "rate": engine.rate,
        }

    def _name(self, symbol: str) -> str:
        name = symbol if symbol in self._publishers else self._find(symbol)
        if name is None:
            raise Unknown(404, f"no symbol {symbol}; there are {', '.join(self._publishers)}")
        return name


class MarkedTruth(Truth[M]):
    """By ids that all symbols of an exchange share: each book has only some of them."""

    def update_id(self, streams: M, number: int) -> int:
        """The engine's own id. Raises Unknown where this book never had the number."""
        marks = streams.marks
        own = marks.update_of(number)
        if own is None:
            status = 410 if number < marks.oldest else 404
            raise Unknown(
                status,
                f"never had id {number}; there are some of {marks.oldest}..{marks.change_id}",
            )
        return own

    def last_id(self, streams: M) -> int:
        """The shared counter at the book's last change."""
        return streams.marks.change_id

    def oldest_id(self, streams: M) -> int:
        """The oldest that is remembered."""
        return streams.marks.oldest

    def published_id(self, streams: M) -> int:
        """The id that the 100 ms stream ended with."""
        return streams.last_told
