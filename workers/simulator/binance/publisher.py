"""Turns one market's doings into events on its streams, at the exchange's times.

trade, aggTrade and bookTicker as they happen; depth each 100 ms and each second; tickers each
second; candles each two seconds (one for 1s candles). Nothing is encoded that nobody hears.
"""

from collections.abc import Sequence
from functools import partial
from itertools import product

from workers.simulator.binance import payloads
from workers.simulator.binance.klines import KlineStreams
from workers.simulator.hub import Hub
from workers.simulator.market.candles import INTERVALS_US
from workers.simulator.market.engine import STEP_US, Engine

FAST_STEPS = 100_000 // STEP_US
SLOW_STEPS = 1_000_000 // STEP_US
KLINE_STEPS = 2_000_000 // STEP_US
PARTIAL = (5, 10, 20)
FAST = ("@100ms",)
SLOW = ("", "@1000ms")
"""Both names are served; the exchange's own client sends the second."""
OFFSETS_US = {"": 0, "@+08:00": 8 * 3_600_000_000}


class Publisher:
    """The streams of one symbol.

    Args:
        engine: its market.
        hub: where events go.
        phase: steps by which this symbol's windows are shifted, so that not all symbols speak at
            the same moment; 0 to 19.
    """

    def __init__(self, engine: Engine, hub: Hub, phase: int) -> None:
        self.engine, self.hub = engine, hub
        self.symbol = engine.instrument.name
        lower = self.symbol.lower()
        self._trade, self._aggregate = f"{lower}@trade", f"{lower}@aggTrade"
        self._quote = f"{lower}@bookTicker"
        self._fast, self._slow = f"{lower}@depth@100ms", [f"{lower}@depth{each}" for each in SLOW]
        self._ticker, self._mini = f"{lower}@ticker", f"{lower}@miniTicker"
        klines = {
            (name, east_us): f"{lower}@kline_{name}{suffix}"
            for name in INTERVALS_US
            for suffix, east_us in OFFSETS_US.items()
        }
        self.klines = KlineStreams(engine, hub, klines)
        self._steps = phase
        self._best: tuple[int, int, int, int] = (0, 0, 0, 0)
        self._tops: dict[str, bytes] = {}
        engine.book.fast.clear()
        engine.book.slow.clear()
        self.fast_id = self.slow_id = engine.book.update_id

    def step(self) -> None:
        """One step of the market, and what follows from it."""
        self.engine.step(self)
        self._steps += 1
        if self._steps % FAST_STEPS == 0:
            self._depth_fast()
        if self._steps % SLOW_STEPS == 0:
            self._each_second()

    def settled(self) -> bool:
        """Whether every book change has been published on the 100 ms stream."""
        return self.fast_id == self.engine.book.update_id

    def traded(self, first_id: int, last_id: int) -> None:
        """One aggregate was made."""
        hub, tape, at = self.hub, self.engine.tape, self.engine.instrument
        now_us = self.engine.now_us
        if hub.wanted(self._trade):
            for trade_id in range(first_id, last_id + 1):
                fill = tape.fill(trade_id)
                hub.publish(self._trade, partial(payloads.trade, at, fill, now_us))
        if hub.wanted(self._aggregate):
            whole = tape.aggregate(tape.next_aggregate_id - 1)
            hub.publish(self._aggregate, partial(payloads.aggregate_trade, at, whole, now_us))

    def quoted(self) -> None:
        """The best prices may have changed."""
        if not self.hub.wanted(self._quote):
            return
        book = self.engine.book
        bid = book.bids[-1] if book.bids else 0
        ask = book.asks[-1] if book.asks else 0
        best = (bid, book.totals.get(bid, 0), ask, book.totals.get(ask, 0))
        if best != self._best:
            self._best = best
            at = self.engine.instrument
            self.hub.publish(self._quote, lambda _: payloads.book_ticker(at, book))

    def _depth_fast(self) -> None:
        book = self.engine.book
        if book.fast:
            self._depth(self._fast, book.fast, self.fast_id + 1)
            book.fast = set()
            self.fast_id = book.update_id
        self._partial(FAST)

    def _each_second(self) -> None:
        engine, hub = self.engine, self.hub
        book, at, now_us = engine.book, engine.instrument, engine.now_us
        if book.slow:
            for stream in self._slow:
                self._depth(stream, book.slow, self.slow_id + 1)
            book.slow = set()
            self.slow_id = book.update_id
        self._partial(SLOW)
        day = engine.candles.day(now_us)
        hub.publish(self._ticker, partial(payloads.day_ticker, at, book, day, now_us))
        hub.publish(self._mini, partial(payloads.mini_ticker, at, day, now_us))
        self.klines.push(lambda name: name == "1s" or self._steps % KLINE_STEPS == 0)

    def _depth(self, stream: str, changed: set[int], first_id: int) -> None:
        engine = self.engine
        self.hub.publish(
            stream,
            partial(
                payloads.depth_update,
                engine.instrument,
                engine.book,
                changed,
                first_id,
                engine.now_us,
            ),
        )

    def _partial(self, suffixes: Sequence[str]) -> None:
        for count, suffix in product(PARTIAL, suffixes):
            stream = f"{self.symbol.lower()}@depth{count}{suffix}"
            if not self.hub.wanted(stream):
                continue
            top = payloads.partial_depth(self.engine.instrument, self.engine.book, count)
            if self._tops.get(stream) != top:
                self._tops[stream] = top
                self.hub.publish(stream, partial(_same, top))


def _same(payload: bytes, _micro: bool) -> bytes:
    """A payload without times."""
    return payload
