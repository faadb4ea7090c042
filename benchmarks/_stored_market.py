"""Events of every table, made from a seed, in the order in which a collector would publish them.

Twenty symbols, traded the less the higher their number; prices walk by ticks, quantities are round
as often as not, times come in bursts. What is polled comes at its own pace. Made to be stored and
weighed, so the texture matters: digits, repeats, how close one value is to the one before.
"""

import random
from collections.abc import Iterator

from workers.model.events import (
    BookAudit,
    BookDelta,
    Event,
    FundingRate,
    Gap,
    InstrumentChange,
    Kline,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    OrderBook,
    Quality,
    Ticker,
    Trade,
    VolatilityIndex,
)

START_NS = 1_795_392_000_000_000_000
MINUTE_NS = 60_000_000_000
SYMBOLS = 20
LEVELS = 400
NEAR = (8, 8, 8, 60, 400)
"""Changed levels lie within so many ticks of the best, one of these at a time."""


class Coin:
    """One symbol: where its price is, and what was told of it last."""

    def __init__(self, number: int, rng: random.Random) -> None:
        self.raw = f"C{number:02d}USDT"
        self.head = {
            "exchange": "binance_spot",
            "market_type": "spot",
            "symbol": f"C{number:02d}-USDT",
            "raw_symbol": self.raw,
        }
        self.cents = rng.randrange(20_000, 9_000_000)
        self.ids = rng.randrange(10**9, 5 * 10**10)
        self.trades = rng.randrange(10**8, 4 * 10**9)
        self.interest = rng.uniform(1e4, 1e5)
        self._rng = rng
        self._standing: dict[int, dict[int, str]] = {-1: {}, 1: {}}

    def price(self, ticks: int = 0) -> str:
        """A price so many ticks from the middle, as Binance writes it."""
        cents = max(1, self.cents + ticks)
        return f"{cents // 100}.{cents % 100:02d}000000"

    def quantity(self) -> str:
        """Half of them round, the others to five places."""
        rng = self._rng
        if rng.random() < 0.5:
            return f"{rng.choice((0.001, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 2)):.8f}"
        return f"{rng.lognormvariate(-3, 1.5):.5f}000"

    def side(self, direction: int, changes: int) -> list[tuple[str, str]]:
        """Changed levels of a side, best first."""
        rng = self._rng
        ticks = sorted({1 + rng.randrange(rng.choice(NEAR)) for _ in range(changes)})
        return [
            (self.price(direction * each), "0.00000000" if rng.random() < 0.4 else self.quantity())
            for each in ticks
        ]

    def standing(self, direction: int) -> list[tuple[str, str]]:
        """The best LEVELS levels of a side; some twenty changed since the last time."""
        rng, levels = self._rng, self._standing[direction]
        while len(levels) < LEVELS or rng.random() < 0.95:
            ticks = direction * (1 + int(rng.expovariate(1 / LEVELS)))
            levels[self.cents + ticks] = self.quantity()
        inner = (each for each in levels if (each - self.cents) * direction > 0)
        best = sorted(inner, key=lambda each: each * direction)[:LEVELS]
        self._standing[direction] = levels = {each: levels[each] for each in best}
        return [(f"{each // 100}.{each % 100:02d}000000", levels[each]) for each in levels]


class Market:
    """Makes events of one table at a time.

    Args:
        seed: the same seed gives the same events.
    """

    def __init__(self, seed: int = 7) -> None:
        self._rng = random.Random(seed)
        self._coins = [Coin(number, self._rng) for number in range(SYMBOLS)]
        self._weights = [1 / (1 + number) for number in range(SYMBOLS)]
        self._now_ns = START_NS

    def live(self, count: int, mean_ms: float) -> Iterator[tuple[Coin, dict[str, object]]]:
        """Symbol and common fields of events that come as they happen, in bursts."""
        rng = self._rng
        for coin in rng.choices(self._coins, self._weights, k=count):
            if rng.random() < 0.4:  # the others share the instant of the one before
                self._now_ns += int(rng.expovariate(1 / (2.5 * mean_ms)) * 1e6)
            made_ns = self._now_ns // 1_000_000 * 1_000_000
            coin.cents += rng.choice((-1, 0, 0, 0, 0, 1))
            yield coin, self._times(coin, made_ns)

    def polled(self, count: int, period_ns: int) -> Iterator[tuple[Coin, dict[str, object], int]]:
        """Every symbol once a period; the third is when the period began."""
        for number in range(count):
            coin = self._coins[number % SYMBOLS]
            begin_ns = START_NS + number // SYMBOLS * period_ns
            self._now_ns = begin_ns + (number % SYMBOLS) * 200_000_000
            coin.cents += self._rng.randrange(-40, 41)
            coin.interest *= self._rng.uniform(0.999, 1.001)
            yield coin, {**self._times(coin, begin_ns), "source": "poll"}, begin_ns

    def _times(self, coin: Coin, made_ns: int) -> dict[str, object]:
        received_ns = self._now_ns + int(self._rng.lognormvariate(2.5, 0.4) * 1e6)
        published_ns = received_ns + int(self._rng.lognormvariate(4.5, 0.5) * 1e3)
        times = {"exchange_ns": made_ns, "received_ns": received_ns, "published_ns": published_ns}
        return {**coin.head, **times}

    def events(self, table: str, count: int) -> Iterator[Event]:
        """Events of one table."""
        make: Iterator[Event] = getattr(self, f"_{table}")(count)
        return make

    def _trades(self, count: int) -> Iterator[Event]:
        for coin, head in self.live(count, 4):
            coin.trades += 1
            yield Trade(
                **head,  # type: ignore[arg-type]
                trade_id=coin.trades,
                price=coin.price(),
                quantity=coin.quantity(),
                side=self._rng.choice(("buy", "sell")),  # type: ignore[arg-type]
            )

    def _orderbook_deltas(self, count: int) -> Iterator[Event]:
        for coin, head in self.live(count, 5):
            first = coin.ids + 1
            coin.ids += self._rng.randrange(1, 60)
            sides = coin.side(-1, 11), coin.side(1, 11)
            yield BookDelta(
                **head,  # type: ignore[arg-type]
                first_update_id=first,
                last_update_id=coin.ids,
                bids=sides[0],
                asks=sides[1],
            )

    def _orderbook_snapshots(self, count: int) -> Iterator[Event]:
        for coin, head in self.live(count, 50):
            coin.ids += self._rng.randrange(1, 60)
            yield OrderBook(
                **head,  # type: ignore[arg-type]
                last_update_id=coin.ids,
                bids=coin.standing(-1),
                asks=coin.standing(1),
                depth=5000,
                state="SYNCED",
                verified_depth=LEVELS,
            )

    def _tickers(self, count: int) -> Iterator[Event]:
        for coin, head in self.live(count, 5):
            yield Ticker(
                **head,  # type: ignore[arg-type]
                best_bid_price=coin.price(-1),
                best_bid_quantity=coin.quantity(),
                best_ask_price=coin.price(1),
                best_ask_quantity=coin.quantity(),
            )

    def _klines(self, count: int) -> Iterator[Event]:
        for coin, head, begin_ns in self.polled(count, MINUTE_NS):
            ends = sorted(self._rng.randrange(-60, 60) for _ in range(4))
            volume = self._rng.lognormvariate(2, 1)
            yield Kline(
                **head,  # type: ignore[arg-type]
                interval="1m",
                open_time_ns=begin_ns,
                close_time_ns=begin_ns + MINUTE_NS - 1_000_000,
                open=coin.price(ends[1]),
                high=coin.price(ends[3]),
                low=coin.price(ends[0]),
                close=coin.price(ends[2]),
                volume=f"{volume:.5f}000",
                quote_volume=f"{volume * coin.cents / 100:.8f}",
                trade_count=self._rng.randrange(20, 4_000),
                closed=True,
            )

    def _funding_rates(self, count: int) -> Iterator[Event]:
        for coin, head, begin_ns in self.polled(count, 1_000_000_000):
            yield FundingRate(
                **head,  # type: ignore[arg-type]
                funding_rate=f"{self._rng.gauss(1e-4, 2e-5):.8f}",
                next_funding_time_ns=begin_ns - begin_ns % (480 * MINUTE_NS) + 480 * MINUTE_NS,
                mark_price=coin.price() + f"{self._rng.randrange(100):02d}",
                index_price=coin.price() + f"{self._rng.randrange(100):02d}",
            )

    def _open_interest(self, count: int) -> Iterator[Event]:
        for coin, head, _ in self.polled(count, MINUTE_NS):
            yield OpenInterest(**head, open_interest=f"{coin.interest:.3f}")  # type: ignore[arg-type]

    def _long_short_ratios(self, count: int) -> Iterator[Event]:
        for _, head, _ in self.polled(count, 5 * MINUTE_NS):
            share = round(self._rng.uniform(0.4, 0.7), 4)
            yield LongShortRatio(
                **head,  # type: ignore[arg-type]
                kind=self._rng.choice(("all_accounts", "top_accounts", "top_positions")),  # type: ignore[arg-type]
                period="5m",
                long_short_ratio=f"{share / (1 - share):.4f}",
                long_ratio=f"{share:.4f}",
                short_ratio=f"{1 - share:.4f}",
            )

    def _liquidations(self, count: int) -> Iterator[Event]:
        for coin, head in self.live(count, 2_000):
            quantity = coin.quantity()
            yield Liquidation(
                **head,  # type: ignore[arg-type]
                side=self._rng.choice(("buy", "sell")),  # type: ignore[arg-type]
                price=coin.price(self._rng.randrange(-300, 300)),
                average_price=coin.price(self._rng.randrange(-100, 100)),
                quantity=quantity,
                filled_quantity=quantity,
                status="FILLED",
                sampled=True,
            )

    def _volatility_index(self, count: int) -> Iterator[Event]:
        for _, head, _ in self.polled(count, 1_000_000_000):
            yield VolatilityIndex(**head, close=f"{self._rng.gauss(45, 0.5):.4f}")  # type: ignore[arg-type]

    def _instruments(self, count: int) -> Iterator[Event]:
        for coin, head in self.live(count, 100_000):
            yield InstrumentChange(
                **head,  # type: ignore[arg-type]
                status="trading",
                raw_status="TRADING",
                base=coin.raw[:3],
                quote="USDT",
                tick_size="0.01",
                lot_size="0.00001",
            )

    def _gaps(self, count: int) -> Iterator[Event]:
        for coin, head in self.live(count, 100_000):
            first = coin.trades = coin.trades + self._rng.randrange(10_000)
            gap = Gap(**head, data_type="trade", cause="disconnect", first_id=first)  # type: ignore[arg-type]
            gap.last_id = first + self._rng.randrange(200)
            yield gap

    def _book_audits(self, count: int) -> Iterator[Event]:
        for coin, head in self.live(count, 10_000):
            coin.ids += self._rng.randrange(60)
            yield BookAudit(
                **head,  # type: ignore[arg-type]
                result="equal",
                method="rest",
                last_update_id=coin.ids,
                levels_compared=2_000,
                levels_different=0,
            )

    def _quality_events(self, count: int) -> Iterator[Event]:
        for _, head in self.live(count, 10_000):
            lag_ms = f"{self._rng.uniform(1_000, 9_000):.0f} ms"
            yield Quality(
                **head,  # type: ignore[arg-type]
                check="exchange_time",
                data_type="trade",
                count=self._rng.randrange(1, 50),
                value=lag_ms,
                limit="1000 ms",
            )
