"""Turns one market's doings into pushes on the OKX channels, at the exchange's times.

trades as they happen; bbo-tbt each 10 ms, books, books5 and tickers each 100 ms, mark-price each
200 ms, all where something changed; candles each second; open-interest each three seconds. In one
step the books go out in the exchange's order: bbo-tbt, books, books5.
"""

from collections.abc import Callable
from functools import partial

from workers.simulator.hub import Hub
from workers.simulator.market.candles import Candle, bounds_us
from workers.simulator.market.engine import STEP_US, Engine
from workers.simulator.okx import payloads
from workers.simulator.okx.derived import Derived
from workers.simulator.okx.listing import Listing, stream_key
from workers.simulator.okx.options import OkxOptions
from workers.simulator.okx.sequence import SeqIds
from workers.simulator.okx.window import Window

BBO_STEPS = 10_000 // STEP_US
FAST_STEPS = 100_000 // STEP_US
MARK_STEPS = 200_000 // STEP_US
SECOND_STEPS = 1_000_000 // STEP_US

BARS = {
    **{f"{n}m": f"{n}m" for n in (1, 3, 5, 15, 30)},
    **{"1H": "1h", "2H": "2h", "4H": "4h"},
    **{"6Hutc": "6h", "12Hutc": "12h", "1Dutc": "1d"},
}
"""The bars that are offered, and what the engine calls them."""


class Publisher:
    """The channels of one instrument.

    Attributes:
        fast_id: update id up to which the channel `books` has been published.
        seq: its sequence numbers.
        last_seq: `seqId` of the latest push of `books`.
        window: what subscribers of `books` have.
        state: `live`, or `suspend` while halted.

    Args:
        listing: the instrument.
        engine: its market.
        derived: its figures beside the book.
        hub: where pushes go.
        options: of the dialect.
        phase: steps by which its windows are shifted.
    """

    def __init__(
        self,
        listing: Listing,
        engine: Engine,
        derived: Derived,
        *,
        hub: Hub,
        options: OkxOptions,
        phase: int,
    ) -> None:
        self.listing, self.engine, self.derived = listing, engine, derived
        self.state = "live"
        self.window = Window(listing, engine.book)
        self.seq = SeqIds(engine.book)
        self.fast_id = engine.book.update_id
        engine.book.fast.clear()
        engine.book.slow.clear()
        self._hub, self._options = hub, options
        self._steps = phase
        self._pushed_step = phase
        self.last_seq = self.seq.now()
        self._quiet: dict[str, object] = {}
        self._moved = False
        self._open = {bar: bounds_us(name, engine.now_us) for bar, name in BARS.items()}

    def step(self) -> None:
        """One step of the market, and what follows from it."""
        self.engine.step(self)
        self._steps += 1
        if self._steps % BBO_STEPS == 0:
            self._changed("bbo-tbt", self.bbo)
        if self._steps % FAST_STEPS == 0:
            self._books()
            self._changed("books5", self.books5)
            if self._moved:
                self._moved = False
                self._publish("tickers", lambda: [payloads.ticker(self.listing, self.engine)])
        if self.listing.swap:
            self._derived()
        if self._steps % SECOND_STEPS == 0:
            self._candles()

    def settled(self) -> bool:
        """Whether every book change has been published."""
        return self.fast_id == self.engine.book.update_id

    def traded(self, first_id: int, last_id: int) -> None:
        """One taker order traded at one price."""
        tape, listing = self.engine.tape, self.listing
        self._moved = True
        self._publish(
            "trades",
            lambda: [
                payloads.trades(listing, tape.aggregate(tape.next_aggregate_id - 1), self.seq.now())
            ],
        )
        for trade_id in range(first_id, last_id + 1):
            self._publish("trades-all", partial(self._single, trade_id))

    def quoted(self) -> None:
        """The best prices may have changed."""
        self._moved = True

    def reset_sequence(self) -> None:
        """Let the next push of `books` carry a sequence number below its predecessor."""
        self.seq.reset()

    def bbo(self) -> list[object]:
        """Row of `bbo-tbt`."""
        return [self._top(1)]

    def books5(self) -> list[object]:
        """Row of `books5`."""
        return [{**self._top(5), "instId": self.listing.inst_id}]

    def snapshot(self) -> bytes:
        """First push of `books`: what every other subscriber has now."""
        return self._book("snapshot", self.window.best_first(), -1, self.last_seq)

    def candle(self, bar: str) -> list[object]:
        """Row of a bar's present candle."""
        self.engine.candles.advance(self.engine.now_us)
        whole = self.engine.candles.range(*self._open[bar])
        return [payloads.candle(self.listing, whole, closed=False)]

    def _books(self) -> None:
        book = self.engine.book
        book.slow.clear()
        if book.fast:
            book.fast = set()
            changed = self.window.advance()
            self.fast_id = book.update_id
            if changed:
                self._push_update(changed, self.seq.take())
                return
        beats = self._options.heartbeat_s * 1e6 / STEP_US
        if self._steps - self._pushed_step >= beats:
            self._push_update([], self.last_seq)

    def _push_update(self, keys: list[int], seq_id: int) -> None:
        before, self.last_seq = self.last_seq, seq_id
        self._pushed_step = self._steps
        stream = f"{self.listing.key}@books"
        self._hub.publish(stream, lambda _: self._book("update", keys, before, seq_id))

    def _book(self, action: str, keys: list[int], before: int, seq_id: int) -> bytes:
        checksum = self.window.checksum() if self._options.legacy_checksum else 0
        return (
            f'{{"arg":{{"channel":"books","instId":"{self.listing.inst_id}"}},'
            f'"action":"{action}","data":[{{{self.window.sides(keys)},'
            f'"ts":"{payloads.stamp(self.engine.now_us)}","checksum":{checksum},'
            f'"prevSeqId":{before},"seqId":{seq_id}}}]}}'
        ).encode()

    def _top(self, count: int) -> payloads.Row:
        book, listing = self.engine.book, self.listing

        def rows(keys: list[int]) -> list[list[str]]:
            return [
                [
                    listing.price(abs(key)),
                    listing.size(book.totals[key]),
                    "0",
                    str(book.orders_at(key)),
                ]
                for key in keys
            ]

        return {
            "asks": rows(book.asks[: -count - 1 : -1]),
            "bids": rows(book.bids[: -count - 1 : -1]),
            "ts": payloads.stamp(self.engine.now_us),
            "seqId": self.seq.now(),
        }

    def _derived(self) -> None:
        derived, steps = self.derived, self._steps
        if steps % MARK_STEPS == 0:
            self._changed("mark-price", lambda: [derived.mark()], key="markPx", every_s=10)
        if steps % FAST_STEPS == 0:
            index = stream_key(self.listing.index)
            self._changed(
                "index-tickers", lambda: [derived.index()], key="idxPx", every_s=60, of=index
            )
        if steps % (3 * SECOND_STEPS) == 0:
            self._changed("open-interest", lambda: [derived.open_interest()], key="oi")
        if self._due(self._options.funding_s):
            self._publish("funding-rate", lambda: [derived.funding()])
        if self._due(self._options.liquidation_s):
            fill = self.engine.tape.fill(self.engine.tape.next_id - 1)
            row = payloads.liquidation(self.listing, fill, self.engine.now_us)
            self._hub.publish(
                "swap@liquidation-orders",
                lambda _: payloads.push("liquidation-orders", "SWAP", [row], "instType"),
            )

    def _candles(self) -> None:
        engine = self.engine
        for bar, (start, end) in self._open.items():
            if engine.now_us >= end:
                if self._hub.wanted(f"{self.listing.key}@candle{bar}"):
                    engine.candles.advance(engine.now_us)
                    whole = engine.candles.range(start, end)
                    self._publish(f"candle{bar}", partial(self._closed, whole))
                self._open[bar] = bounds_us(BARS[bar], engine.now_us)
            self._publish(f"candle{bar}", partial(self.candle, bar))

    def _closed(self, whole: Candle) -> list[object]:
        return [payloads.candle(self.listing, whole, closed=True)]

    def _single(self, trade_id: int) -> list[object]:
        return [payloads.trade(self.listing, self.engine.tape.fill(trade_id))]

    def _due(self, every_s: float) -> bool:
        return self._steps % max(1, int(every_s * SECOND_STEPS)) == 0

    def _changed(
        self,
        channel: str,
        rows: Callable[[], list[object]],
        *,
        key: str = "",
        every_s: float = 60,
        of: str = "",
    ) -> None:
        """Push where the row (or its field `key`) is another one, or after `every_s`."""
        stream = f"{of or self.listing.key}@{channel}"
        if not self._hub.wanted(stream):
            return
        found = rows()
        row = found[0]
        assert isinstance(row, dict)
        told = row[key] if key else (row["asks"], row["bids"])
        if self._quiet.get(stream) == told and not self._due(every_s):
            return
        self._quiet[stream] = told
        name = self.listing.index if of else self.listing.inst_id
        self._hub.publish(stream, lambda _: payloads.push(channel, name, found))

    def _publish(self, channel: str, rows: Callable[[], list[object]]) -> None:
        stream = f"{self.listing.key}@{channel}"
        if self._hub.wanted(stream):
            self._hub.publish(
                stream, lambda _: payloads.push(channel, self.listing.inst_id, rows())
            )
