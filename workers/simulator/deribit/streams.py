"""Turns one market's doings into events on its channels, at the exchange's times.

Books, trades and tickers each 100 ms (and each second as `agg2`), quotes as they change, funding
and candles each second. Nothing is encoded that nobody hears.
"""

from collections.abc import Callable
from functools import partial

from workers.simulator.deribit import payloads
from workers.simulator.deribit.channels import RESOLUTIONS, stream_of
from workers.simulator.deribit.instruments import Contract
from workers.simulator.deribit.numbers import encode
from workers.simulator.deribit.prints import Prints
from workers.simulator.hub import Hub
from workers.simulator.market.candles import MINUTE_US
from workers.simulator.market.engine import STEP_US, Engine
from workers.simulator.market.fair import Worths
from workers.simulator.market.marks import Marks

FAST_STEPS = 100_000 // STEP_US
SLOW_STEPS = 1_000_000 // STEP_US
QUOTE_STEPS = 10


class BookChannel:
    """One book channel's chain: what it told last.

    Attributes:
        change_id, update_id, time_ms: of its last event.
    """

    def __init__(self, stream: str, marks: Marks, totals: dict[int, int]) -> None:
        self.stream = stream
        self.change_id, self.update_id = marks.change_id, marks.update_id
        self.time_ms = marks.time_ms
        self._known = set(totals)

    def advance(self, changed: set[int], totals: dict[int, int]) -> list[tuple[str, int, int]]:
        """Actions that lead from what it told to the present; maybe none."""
        actions = []
        for key in changed:
            lots, known = totals.get(key, 0), key in self._known
            if lots:
                actions.append(("change" if known else "new", key, lots))
                self._known.add(key)
            elif known:
                actions.append(("delete", key, 0))
                self._known.discard(key)
        return actions


class InstrumentStreams:
    """The channels of one instrument.

    Args:
        at: the instrument.
        engine: its market.
        hub: where events go.
        marks: its change ids.
        prints: its trades as rows.
        state: its present state, `open`.
        exponents: whether round amounts are written 4.2e3.
        worths: what coins are worth.
    """

    def __init__(
        self,
        at: Contract,
        engine: Engine,
        hub: Hub,
        marks: Marks,
        prints: Prints,
        state: Callable[[], str],
        exponents: bool,
        worths: Worths,
    ) -> None:
        self.at, self.engine, self.hub, self.marks, self.prints = at, engine, hub, marks, prints
        self.exponents, self.worths = exponents, worths
        self._state = state
        book = engine.book
        book.fast.clear()
        book.slow.clear()
        self.fast_id = book.update_id
        self.books = {
            interval: BookChannel(stream_of(f"book.{at.raw}.{interval}"), marks, book.totals)
            for interval in ("100ms", "agg2")
        }
        self._told = dict.fromkeys(("100ms", "agg2"), engine.tape.next_id)
        self._quote_stream = stream_of(f"quote.{at.raw}")
        self._charts = {name: stream_of(f"chart.trades.{at.raw}.{name}") for name in RESOLUTIONS}
        self._bars = dict.fromkeys(RESOLUTIONS, (0, 0))
        self._steps = 0
        self._quoted = False

    def step(self) -> None:
        """One step of the market, and what follows from it."""
        self.engine.step(self)
        self._steps += 1
        book = self.engine.book
        if book.update_id != self.marks.update_id:
            self.marks.note(book.update_id, self.engine.now_us // 1000)
        if self._quoted and self._steps % QUOTE_STEPS == 0:
            self._quoted = False
            self.hub.publish(self._quote_stream, lambda _: payloads.quote(self.at, self.engine))
        if self._steps % FAST_STEPS == 0:
            moved = self._window("100ms", book.fast)
            book.fast = set()
            self.fast_id = book.update_id
            if moved:
                self._ticker("100ms")
        if self._steps % SLOW_STEPS == 0:
            moved = self._window("agg2", book.slow)
            book.slow = set()
            if moved:
                self._ticker("agg2")
            self._each_second()

    @property
    def last_told(self) -> int:
        """The change_id that the 100 ms channel ended with."""
        return self.books["100ms"].change_id

    def settled(self) -> bool:
        """Whether every book change has been published on the 100 ms channel."""
        return self.fast_id == self.engine.book.update_id

    def traded(self, first_id: int, last_id: int) -> None:
        """One aggregate was made."""
        self.prints.number()

    def quoted(self) -> None:
        """The best prices may have changed."""
        self._quoted = True

    def snapshot(self, interval: str) -> bytes:
        """The book as the channel told it last, so that its next change follows."""
        channel = self.books[interval]
        totals = self.engine.book.totals_at(channel.update_id)
        return payloads.snapshot(
            self.at, totals, channel.change_id, channel.time_ms, self.exponents
        )

    def _window(self, interval: str, changed: set[int]) -> bool:
        """End of a window: book change and trades. Returns whether anything happened."""
        channel, marks = self.books[interval], self.marks
        actions = channel.advance(changed, self.engine.book.totals) if changed else []
        if actions:
            previous_id = channel.change_id
            channel.change_id, channel.update_id = marks.change_id, marks.update_id
            channel.time_ms = marks.time_ms
            self.hub.publish(
                channel.stream,
                lambda _: payloads.change(
                    self.at,
                    actions,
                    previous_id,
                    marks.change_id,
                    marks.time_ms,
                    self.exponents,
                ),
            )
        first, end = self._told[interval], self.engine.tape.next_id
        self._told[interval] = end
        if end > first:
            self._trades(interval, first, end)
        return bool(actions) or end > first

    def _trades(self, interval: str, first: int, end: int) -> None:
        at = self.at
        groups = {at.settlement, "any"}
        names = [f"trades.{at.raw}.{interval}"]
        names += [f"trades.{at.kind}.{each}.{interval}" for each in sorted(groups)]
        for name in names:
            self.hub.publish(
                stream_of(name),
                lambda _: encode([self.prints.row(seq) for seq in range(first, end)]),
            )

    def _ticker(self, interval: str) -> None:
        self.hub.publish(
            stream_of(f"ticker.{self.at.raw}.{interval}"),
            lambda _: encode(payloads.ticker(self.at, self.engine, self._state(), self.worths)),
        )

    def _each_second(self) -> None:
        now_us = self.engine.now_us
        if self.at.perpetual:
            for interval in ("100ms", "agg2"):
                self.hub.publish(
                    stream_of(f"perpetual.{self.at.raw}.{interval}"),
                    lambda _: payloads.perpetual(self.at, now_us // 1000, self.worths),
                )
        for name, stream in self._charts.items():
            if self.hub.wanted(stream):
                self._chart(name, stream, now_us)

    def _chart(self, name: str, stream: str, now_us: int) -> None:
        """The candle so far, if it grew; once more the one before, if it grew before its end."""
        length = RESOLUTIONS[name] * MINUTE_US
        start = (now_us - 1) // length * length
        told_start, told_id = self._bars[name]
        tape = self.engine.tape
        starts = [start] if told_start in (0, start) else [told_start, start]
        for each in starts:
            end_id = tape.first_at(each + length)
            row = payloads.bar(self.at, tape, each, each + length) if end_id > told_id else None
            if row is not None:
                told_id = end_id
                self.hub.publish(stream, partial(_encoded, row))
        self._bars[name] = (start, told_id)


def _encoded(row: dict[str, object], _micro: bool) -> bytes:
    return encode(row)
