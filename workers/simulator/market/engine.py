"""One seeded market: orders come, go and trade, on engine time alone.

The same seed, instrument, start and rate give the same market on every machine. Nothing here
knows a dialect, a socket or the wall clock.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from workers.simulator.market.candles import Candles
from workers.simulator.market.fair import Worth
from workers.simulator.market.instruments import Instrument
from workers.simulator.market.orderbook import OrderBook
from workers.simulator.market.tape import Tape

STEP_US = 5_000
"""Engine time of one step."""

WINDOW_STEPS = 20
"""Steps of a 100 ms window."""

WARM_UP_STEPS = 12_000
WARM_UP_RATE = 40.0
"""A minute of history before the start, so that no list is empty and the day has a ticker."""


OPINION = 4e-6
"""Spread of the steps, each 100 ms, in which a market's own opinion leaves the coin's worth."""

AGREEMENT = 0.002
"""Share of the way back to the worth that it goes in each 100 ms."""

QUEUE = 6
"""Orders that wait at one price near the best before somebody gives up."""

LIMIT = 15.0
"""A taker goes no further than this many usual level distances from the believed price."""


class Sink(Protocol):
    """Who is told what happened, as it happens."""

    def traded(self, first_id: int, last_id: int) -> None:
        """One aggregate with the trades of these ids, both inclusive, was made."""
        ...

    def quoted(self) -> None:
        """The best price or quantity of a side may have changed."""
        ...


BIRTH_S = 1_704_067_200
UPDATES_A_SECOND, TRADES_A_SECOND = 100_000, 25_000
"""An exchange's ids never go back, not even when it is started again: a market that starts later
starts with higher ids, as if it had run since 2024 faster than any rate allows."""


@dataclass(frozen=True)
class EngineOptions:
    """What makes a market.

    Args:
        seed: of all random choices, together with the instrument's name.
        start_us: engine time of the first step, whole seconds in microseconds.
        rate: messages a second on trade, depth@100ms and ticker together.
        levels: price levels a side that the market keeps to.
        journal_size: book changes kept for the truth.
        merge_us: fills of one price and side that follow each other within this are one
            aggregate; 0 makes one of each taker order's.
    """

    seed: int | str
    start_us: int
    rate: float
    levels: int = 6500
    journal_size: int = 1_000_000
    merge_us: int = 0


class Engine:
    """The market of one instrument.

    Attributes:
        now_us: engine time.
        active: False while the market stands still (time goes on).

    Args:
        instrument: what is traded.
        options: how.
        worth: factor of the usual price at a time; None for a walk that nobody shares.
    """

    def __init__(
        self,
        instrument: Instrument,
        options: EngineOptions,
        worth: Callable[[int], float] | None = None,
    ) -> None:
        self.instrument = instrument
        self.options = options
        self.active = True
        self._rng = random.Random(f"{options.seed}:{instrument.name}")
        rng = self._rng
        self.now_us = options.start_us - WARM_UP_STEPS * STEP_US
        self.worth = worth or Worth(options.seed, instrument.name, self.now_us).at
        age_s = max(0, options.start_us // 10**6 - BIRTH_S)
        self.book = OrderBook(
            rng.randrange(10**9, 9 * 10**10) + age_s * UPDATES_A_SECOND, options.journal_size
        )
        self.tape = Tape(
            rng.randrange(10**8, 4 * 10**9) + age_s * TRADES_A_SECOND,
            rng.randrange(10**7, 3 * 10**9) + age_s * TRADES_A_SECOND,
            options.merge_us,
        )
        self._opinion = 0.0
        self._drift()
        self.last_ticks = max(1, int(self._believed))
        self.candles = Candles(self.now_us, self.last_ticks)
        self._spacing = max(1.0, instrument.price_ticks * 0.1 / options.levels)
        self._bid_levels = min(options.levels, int(instrument.price_ticks * 0.45))
        self._tables()
        self._seed_book()
        self._step_in_window = 0
        self._window_active = True
        self._trade_debt = self._change_debt = 0.0
        self._barred: str | None = None
        self.set_rate(WARM_UP_RATE)
        silent = _Silent()
        for _ in range(WARM_UP_STEPS):
            self.step(silent)
        self._trade_debt = self._change_debt = 0.0
        self.warm_id = self.book.update_id
        self.set_rate(options.rate)

    def set_rate(self, rate: float) -> None:
        """Messages a second from the next window on."""
        self.rate = rate
        depth = min(10.0, rate / 2)
        trades = max(0.0, rate - depth - 1.0)
        self._chance = depth / 10
        self._trades_per_step = trades / max(depth, 1e-9) * 10 * STEP_US / 1e6
        self._bold = int(4096 * min(1.0, 100.0 / (trades + 1.0)))
        self._changes_per_step = (200.0 + 0.5 * trades / self._chance) * STEP_US / 1e6

    def empty(self, side: str | None) -> None:
        """Cancel all `bids` or `asks` and let no new ones come; None: both may come again."""
        self._barred = side
        keys = {"bids": self.book.bids, "asks": self.book.asks}.get(side or "", [])
        while keys:
            self.book.cancel(keys[-1])

    def step(self, sink: Sink) -> None:
        """Let one step of engine time pass, and the market act in it."""
        begin = self.now_us
        self.now_us = begin + STEP_US
        if self._step_in_window == 0:
            self._drift()
            self._window_active = self.active and self._rng.random() < self._chance
        self._step_in_window = (self._step_in_window + 1) % WINDOW_STEPS
        if not (self._window_active and self.active):
            return
        self._trade_debt += self._trades_per_step
        self._change_debt += self._changes_per_step
        while self._change_debt >= 1.0:
            self._change_debt -= 1.0
            self._change()
            sink.quoted()
        span = max(1.0, self._trade_debt)
        while self._trade_debt >= 1.0:
            elapsed = STEP_US * (1.0 - self._trade_debt / (span + 1.0))
            self._trade_debt -= self._trade(begin + int(elapsed), sink)

    def mid_ticks(self) -> int:
        """Half way between the best prices, or the last price where a side is empty."""
        book = self.book
        if not (book.bids and book.asks):
            return self.last_ticks
        return (book.bids[-1] - book.asks[-1]) // 2

    def _tables(self) -> None:
        """Draw sizes and distances once; drawing from a table is what a fast market can afford."""
        rng, lot_value = self._rng, self.instrument.lot_value

        def lots(median: float) -> list[int]:
            draws = (rng.lognormvariate(math.log(median), 1.3) for _ in range(4096))
            return [min(2_000_000_000, 1 + int(value / lot_value)) for value in draws]

        self._order_lots = lots(900.0)
        self._far_lots = lots(3000.0)
        self._taker_lots = lots(400.0)
        near = self._spacing * 0.4
        self._near_ticks = [int(rng.expovariate(1.0) * 8 * near) for _ in range(4096)]
        self._near_index = [int(rng.expovariate(1.0) * 12) for _ in range(4096)]

    def _seed_book(self) -> None:
        rng = self._rng
        for sign, levels in ((1, self._bid_levels), (-1, self.options.levels)):
            key = sign * self.last_ticks - (0 if sign > 0 else 1)
            for index in range(levels):
                self.book.seed(key, self._far_lots[rng.getrandbits(12)])
                widening = self._spacing * (0.1 + 1.8 * index / levels)
                key -= 1 + int(rng.expovariate(1.0) * (widening - 1.0)) if widening > 1 else 1
                if sign > 0 and key <= 1:
                    break

    def _drift(self) -> None:
        """The price the market believes in: the coin's worth, and a little opinion of its own."""
        self._opinion += self._rng.gauss(0.0, OPINION) - self._opinion * AGREEMENT
        worth = self.worth(self.now_us) * (1.0 + self._opinion)
        self._believed = self.instrument.price_ticks * worth

    def _change(self) -> None:
        """One order placed or cancelled, near the believed price mostly, anywhere sometimes."""
        choice = self._rng.getrandbits(16)
        bid = bool(choice & 1)
        side = self.book.bids if bid else self.book.asks
        if self._barred == ("bids" if bid else "asks"):
            return
        missing = (self._bid_levels if bid else self.options.levels) - len(side)
        if (choice >> 1) & 15 < 2 + 4 * (missing > 0):
            if missing >= 0:
                self._place_far(side, bid)
            else:
                self.book.cancel(side[0])
        elif (choice >> 5) & 1 or len(side) < 2:
            self._place_near(side, bid)
        else:
            index = min(self._near_index[self._rng.getrandbits(12)], len(side) - 1)
            self.book.cancel(side[-1 - index])

    def _place_near(self, side: list[int], bid: bool) -> None:
        book, rng = self.book, self._rng
        other = book.asks if bid else book.bids
        believed = int(self._believed) if bid else -int(self._believed) - 1
        key = believed - self._near_ticks[rng.getrandbits(12)]
        narrow = side and other and -other[-1] - side[-1] <= 2 * self._spacing + 1
        if narrow and rng.getrandbits(1):
            key = side[-1 - min(self._near_index[rng.getrandbits(12)], len(side) - 1)]
        if other:
            key = min(key, -other[-1] - 1)
        if bid and key < 1:
            key = side[-1] if side else 1
        if book.orders_at(key) >= QUEUE:
            book.cancel(key)
        else:
            book.add(key, self._order_lots[rng.getrandbits(12)])

    def _place_far(self, side: list[int], bid: bool) -> None:
        rng = self._rng
        levels = self._bid_levels if bid else self.options.levels
        best = side[-1] if side else (1 if bid else -1) * self.last_ticks
        reach = int(1.1 * levels * self._spacing) + 1
        for _ in range(4):
            key = best - rng.randrange(reach)
            if bid and key < 1:
                key = 1 + rng.randrange(best)
            if key not in self.book.totals:
                break
        other = self.book.asks if bid else self.book.bids
        if other:
            key = min(key, -other[-1] - 1)
        self.book.add(key, self._far_lots[rng.getrandbits(12)])

    def _trade(self, time_us: int, sink: Sink) -> int:
        """One taker order, sweeping as many levels as it needs. Returns the trades made."""
        rng, book, tape = self._rng, self.book, self.tape
        wrong = (self._believed - self.mid_ticks()) / self._spacing
        buy = rng.random() < 0.5 + max(-0.45, min(0.45, wrong / 8))
        side = book.asks if buy else book.bids
        lots = self._taker_lots[rng.getrandbits(12)]
        if side and (wrong < 1.0 if buy else wrong > -1.0):
            boldness = rng.getrandbits(12)
            if boldness < self._bold // 8:
                lots = book.totals[side[-1]] + lots // 4
            else:
                patience = 2 if boldness < self._bold else 16
                lots = 1 + min(lots, book.totals[side[-1]]) * rng.getrandbits(4) // 16 // patience
        made = 0
        for _ in range(12):
            if lots <= 0 or len(side) <= 1:
                break
            key = side[-1]
            ticks = abs(key)
            if made and abs(ticks - self._believed) > LIMIT * self._spacing:
                break
            first = tape.next_id
            tape.begin_aggregate(ticks, time_us, not buy)
            for fill in book.take(key, lots):
                self.candles.add(tape.next_id, ticks, fill, time_us, not buy)
                tape.add(ticks, fill, time_us, not buy)
                lots -= fill
            self.last_ticks = ticks
            made += tape.next_id - first
            sink.traded(first, tape.next_id - 1)
        sink.quoted()
        return max(1, made)


class _Silent:
    """Nobody listens while the history is made."""

    def traded(self, first_id: int, last_id: int) -> None:
        """Recorded on the tape already."""

    def quoted(self) -> None:
        """The book has it already."""
