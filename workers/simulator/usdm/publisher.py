"""Turns one contract's market into events on its streams, at the exchange's times.

trade and bookTicker as they happen; aggTrade each 100 ms; depth each 100, 250 and 500 ms, each
speed with its own chain of `pu`; candles each 250 ms; mark price each second and each three;
liquidations sampled each second; tickers each two seconds. Nothing is encoded that nobody hears.
"""

from collections.abc import Callable, Sequence
from functools import partial

from workers.simulator.binance.klines import KlineStreams
from workers.simulator.binance.payloads import encode_json
from workers.simulator.hub import Hub
from workers.simulator.market.candles import INTERVALS_US
from workers.simulator.market.engine import STEP_US, Engine
from workers.simulator.market.marks import Marks
from workers.simulator.market.tape import Fill
from workers.simulator.usdm import payloads
from workers.simulator.usdm.figures import Figures
from workers.simulator.usdm.switches import Switches

SECOND_STEPS = 1_000_000 // STEP_US
GATHER_STEPS = 50_000 // STEP_US
FAST_STEPS = 100_000 // STEP_US
KLINE_STEPS = 250_000 // STEP_US
SPEEDS = {"": 250_000 // STEP_US, "@100ms": FAST_STEPS, "@500ms": 500_000 // STEP_US}
PARTIAL = (5, 10, 20)
MOST_LIQUIDATED = 3
"""Liquidations of one second, of which one is told."""


class Chain:
    """The depth stream of one speed.

    Attributes:
        update_id: of the engine, up to which it has been told.
        last_id: `u` of its latest event.
    """

    def __init__(self, stream: str, marks: Marks) -> None:
        self.stream = stream
        self.update_id, self.last_id = marks.update_id, marks.change_id
        self.changed: set[int] = set()


class UsdmPublisher:
    """The streams of one symbol.

    Attributes:
        liquidated, told: liquidations made, and those that the sampling let through.

    Args:
        engine: its market.
        marks: its ids.
        figures: mark, index, funding.
        hub: where events go.
        switches: how often there are liquidations.
        phase: steps by which its windows are shifted.
    """

    def __init__(
        self,
        engine: Engine,
        marks: Marks,
        figures: Figures,
        *,
        hub: Hub,
        switches: Switches,
        phase: int,
    ) -> None:
        self.engine, self.marks, self.figures, self.hub = engine, marks, figures, hub
        self.symbol = engine.instrument.name
        self.liquidated = self.told = 0
        self.latest_liquidation: Fill | None = None
        lower = self.symbol.lower()
        self._lower = lower
        self._trade, self._aggregate = f"{lower}@trade", f"{lower}@aggTrade"
        self._quote = f"{lower}@bookTicker"
        streams = {(each, 0): f"{lower}@kline_{each}" for each in INTERVALS_US if each != "1s"}
        self.klines = KlineStreams(engine, hub, streams)
        self._chains = {each: Chain(f"{lower}@depth{each}", marks) for each in SPEEDS}
        self._liquidation_steps = max(1, int(switches.liquidation_s)) * SECOND_STEPS
        self._told_aggregate = engine.tape.next_aggregate_id
        self._best: tuple[int, int, int, int] = (0, 0, 0, 0)
        self._tops: dict[str, tuple[object, ...]] = {}
        self._steps = phase
        engine.book.fast.clear()
        engine.book.slow.clear()

    @property
    def fast_id(self) -> int:
        """The engine's update id up to which the 100 ms stream has been published."""
        return self._chains["@100ms"].update_id

    @property
    def last_told(self) -> int:
        """`u` of the latest event of the 100 ms stream."""
        return self._chains["@100ms"].last_id

    def settled(self) -> bool:
        """Whether every book change has been published on the 100 ms stream."""
        return self.fast_id == self.engine.book.update_id

    def step(self) -> None:
        """One step of the market, and what follows from it."""
        self.engine.step(self)
        self._steps += 1
        book = self.engine.book
        if book.update_id != self.marks.update_id:
            self.marks.note(book.update_id, self.engine.now_us // 1000)
        if self._steps % GATHER_STEPS == 0:
            self._gather()
        if self._steps % FAST_STEPS == 0:
            self._aggregates()
        if self._steps % KLINE_STEPS == 0:
            self.klines.push(lambda _: True)
        if self._steps % SECOND_STEPS == 0:
            self._each_second(self._steps // SECOND_STEPS)

    def traded(self, first_id: int, last_id: int) -> None:
        """One taker order traded at one price."""
        hub, tape = self.hub, self.engine.tape
        if hub.wanted(self._trade):
            for trade_id in range(first_id, last_id + 1):
                self._publish(self._trade, payloads.trade, tape.fill(trade_id))

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
            self.hub.publish(self._quote, lambda _: self.quote())

    def quote(self) -> bytes:
        """Best bid and ask now."""
        engine = self.engine
        # Ids of changes within this step are not given yet: the last one is the latest known.
        return payloads.book_ticker(
            engine.instrument, engine.book, self.marks.change_id, engine.now_us
        )

    def ticker(self) -> dict[str, object]:
        """The rolling day."""
        engine = self.engine
        day = engine.candles.day(engine.now_us)
        return payloads.day_ticker(engine.instrument, day, engine.now_us)

    def mini(self) -> dict[str, object]:
        """The rolling day, in short."""
        engine = self.engine
        day = engine.candles.day(engine.now_us)
        return payloads.mini_ticker(engine.instrument, day, engine.now_us)

    def forced_order(self) -> dict[str, object] | None:
        """The liquidation that this second tells of, None if there was none."""
        fill, engine = self.latest_liquidation, self.engine
        if fill is None:
            return None
        return payloads.forced_order(engine.instrument, fill, engine.now_us)

    def _gather(self) -> None:
        """Hand changes to the chains, and let those speak that are due."""
        book = self.engine.book
        changed, book.fast = book.fast, set()
        book.slow.clear()
        for suffix, chain in self._chains.items():
            chain.changed |= changed
            if self._steps % SPEEDS[suffix] == 0:
                self._depth(chain)
                self._partial(suffix)

    def _depth(self, chain: Chain) -> None:
        if not chain.changed:
            return
        engine, marks = self.engine, self.marks
        ids = (marks.first_after(chain.update_id), marks.change_id, chain.last_id)
        keys, chain.changed = sorted(chain.changed, reverse=True), set()
        chain.update_id, chain.last_id = marks.update_id, marks.change_id
        self.hub.publish(
            chain.stream,
            lambda _: payloads.depth(
                engine.instrument, keys, engine.book.totals, ids, engine.now_us
            ),
        )

    def _partial(self, suffix: str) -> None:
        engine, marks = self.engine, self.marks
        book = engine.book
        for count in PARTIAL:
            stream = f"{self._lower}@depth{count}{suffix}"
            if not self.hub.wanted(stream):
                continue
            keys = book.bids[: -count - 1 : -1] + book.asks[: -count - 1 : -1]
            top = tuple((key, book.totals[key]) for key in keys)
            if self._tops.get(stream) == top:
                continue
            self._tops[stream] = top
            ids = (marks.change_id, marks.change_id, self.last_told)
            self.hub.publish(
                stream,
                partial(_depth, engine, keys, ids),
            )

    def _aggregates(self) -> None:
        """Tell the aggregates of this window; they do not grow any more."""
        tape = self.engine.tape
        first, self._told_aggregate = self._told_aggregate, tape.next_aggregate_id
        tape.cut()
        if self.hub.wanted(self._aggregate):
            for number in range(first, self._told_aggregate):
                self._publish(self._aggregate, payloads.aggregate_trade, tape.aggregate(number))

    def _each_second(self, second: int) -> None:
        mark = self.figures.mark
        self._encoded("markPrice@1s", mark)
        if second % 3 == 0:
            self._encoded("markPrice", mark)
        if second % 2 == 0:
            self._encoded("ticker", self.ticker)
            self._encoded("miniTicker", self.mini)
        self._liquidate()

    def _liquidate(self) -> None:
        """Some of this second's trades were liquidations; the latest is told."""
        self.latest_liquidation = None
        tape, engine = self.engine.tape, self.engine
        if self._steps % self._liquidation_steps or not engine.active:
            return
        begin_us = engine.now_us - 1_000_000
        fills = tape.fills(tape.next_id - MOST_LIQUIDATED, MOST_LIQUIDATED)
        fills = [each for each in fills if each.time_us >= begin_us]
        if not fills:
            return
        self.liquidated += len(fills)
        self.told += 1
        self.latest_liquidation = fills[-1]
        self._encoded("forceOrder", lambda: self.forced_order() or {})

    def _encoded(self, kind: str, make: Callable[[], dict[str, object]]) -> None:
        stream = f"{self._lower}@{kind}"
        if self.hub.wanted(stream):
            self.hub.publish(stream, lambda _: encode_json(make()))

    def _publish(self, stream: str, make: Callable[..., bytes], what: object) -> None:
        at, now_us = self.engine.instrument, self.engine.now_us
        self.hub.publish(stream, lambda _: make(at, what, now_us))


def _depth(engine: Engine, keys: Sequence[int], ids: tuple[int, int, int], _micro: bool) -> bytes:
    return payloads.depth(engine.instrument, list(keys), engine.book.totals, ids, engine.now_us)
