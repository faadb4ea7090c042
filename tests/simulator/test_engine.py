"""The market itself, without a server."""

import random

import pytest

from workers.simulator.market.candles import MINUTE_US, Candles, bounds_us
from workers.simulator.market.engine import Engine, EngineOptions
from workers.simulator.market.instruments import instrument, split_name
from workers.simulator.market.journal import CHUNK, Journal, TooOld
from workers.simulator.market.orderbook import OrderBook
from workers.simulator.market.tape import Tape

START_US = 1_767_225_600_000_000


class Listener:
    """Counts, and looks at the book after every change."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.trades = engine, 0

    def traded(self, first_id: int, last_id: int) -> None:
        self.trades += last_id - first_id + 1
        self.quoted()

    def quoted(self) -> None:
        book = self.engine.book
        assert book.bids[-1] < -book.asks[-1], "the book is crossed"


def run(engine: Engine, seconds: float) -> Listener:
    listener = Listener(engine)
    for _ in range(int(seconds * 200)):
        engine.step(listener)
    return listener


@pytest.mark.parametrize("symbol", ["BTC-USDT", "SHIB-USDT", "ETH-BTC", "UNHEARDOF-USDC"])
def test_a_market_is_never_crossed_and_stays_deep(symbol: str) -> None:
    engine = Engine(instrument(symbol), EngineOptions(3, START_US, 100.0))
    run(engine, 20)
    book = engine.book
    assert sorted(book.bids) == book.bids
    assert sorted(book.asks) == book.asks
    assert set(book.bids) | set(book.asks) == set(book.totals)
    assert min(book.totals.values()) > 0
    assert len(book.asks) > 6000


@pytest.mark.parametrize("rate", [3.0, 100.0, 2000.0])
def test_trades_come_at_the_rate_asked_for(rate: float) -> None:
    engine = Engine(instrument("BTC-USDT"), EngineOptions(3, START_US, rate, levels=500))
    seconds = 60 if rate < 10 else 10
    trades = run(engine, seconds).trades / seconds
    expected = rate - min(10.0, rate / 2) - 1
    assert trades == pytest.approx(expected, rel=0.4 if rate < 10 else 0.05)


def test_any_recent_book_can_be_rebuilt() -> None:
    engine = Engine(instrument("ETH-USDT"), EngineOptions(5, START_US, 100.0, levels=200))
    seen = {engine.book.update_id: dict(engine.book.totals)}
    for _ in range(40):
        run(engine, 0.1)
        seen[engine.book.update_id] = dict(engine.book.totals)
    assert len(seen) > 30
    for update_id, totals in seen.items():
        assert engine.book.totals_at(update_id) == totals


def test_a_book_at_rest_lets_time_pass() -> None:
    engine = Engine(instrument("ETH-USDT"), EngineOptions(5, START_US, 100.0, levels=200))
    before, now_us = engine.book.update_id, engine.now_us
    engine.active = False
    run(engine, 1)
    assert (engine.book.update_id, engine.now_us) == (before, now_us + 1_000_000)


def test_a_taker_fills_the_oldest_order_first() -> None:
    book = OrderBook(10, 100)
    book.add(500, 3)
    book.add(500, 4)
    assert book.take(500, 5) == [3, 2]
    assert (book.totals[500], book.update_id) == (2, 13)
    assert book.take(500, 2) == [2]
    assert book.bids == []
    assert 500 not in book.totals


def test_a_cancel_takes_the_youngest_order() -> None:
    book = OrderBook(0, 100)
    book.add(-700, 3)
    book.add(-700, 4)
    book.cancel(-700)
    assert book.totals == {-700: 3}
    book.cancel(-700)
    assert book.asks == []


def test_the_journal_forgets_whole_chunks_and_says_so() -> None:
    journal = Journal(0, CHUNK)
    for _ in range(3 * CHUNK):
        journal.append(1, 0)
    assert journal.last_id - journal.oldest_id >= CHUNK
    with pytest.raises(TooOld, match="update id 5 is older than"):
        journal.rewind({}, 5)


def test_candles_have_no_holes_and_carry_the_last_price() -> None:
    candles = Candles(START_US, 100)
    candles.add(1, 110, 5, START_US + 1, True)
    candles.add(2, 90, 5, START_US + 3 * MINUTE_US, False)
    empty = candles.range(START_US + MINUTE_US, START_US + 2 * MINUTE_US)
    assert (empty.count, empty.close, empty.first_id) == (0, 110, -1)
    whole = candles.range(START_US, START_US + 4 * MINUTE_US)
    assert (whole.open, whole.high, whole.low, whole.close) == (110, 110, 90, 90)
    assert (whole.volume, whole.taker_volume, whole.count) == (10, 5, 2)


@pytest.mark.parametrize("interval", ["1s", "1m", "3m", "4h", "1d", "3d", "1w", "1M"])
def test_every_time_lies_within_its_interval(interval: str) -> None:
    draw = random.Random(1)
    for _ in range(200):
        time_us = draw.randrange(0, 2 * START_US)
        begin, end = bounds_us(interval, time_us)
        assert begin <= time_us < end
        assert bounds_us(interval, end)[0] == end


@pytest.mark.parametrize(
    ("symbol", "tick", "lot"),
    [("BTC-USDT", "0.01000000", "0.00001000"), ("ETH-USDT", "0.01000000", "0.00010000")],
)
def test_steps_are_those_of_the_real_pairs(symbol: str, tick: str, lot: str) -> None:
    at = instrument(symbol)
    assert (at.price(1), at.quantity(1)) == (tick, lot)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "-USDT", "BTC-", "A-B-C"])
def test_a_name_that_is_no_pair_is_refused(symbol: str) -> None:
    with pytest.raises(ValueError, match="write BASE-QUOTE"):
        instrument(symbol)


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("BTCUSDT", ("BTC", "USDT")),
        ("BLZETH", ("BLZ", "ETH")),
        ("RUNEEUR", ("RUNE", "EUR")),
        ("BTCFDUSD", ("BTC", "FDUSD")),
    ],
)
def test_joined_names_are_split_at_a_known_quote(name: str, pair: tuple[str, str]) -> None:
    assert split_name(name) == pair


def test_fills_of_one_price_and_side_share_an_aggregate_until_it_is_told() -> None:
    tape = Tape(first_id=1, first_aggregate_id=1, merge_us=100_000)

    def trade(ticks: int, time_us: int, *, maker: bool = False) -> None:
        tape.begin_aggregate(ticks, time_us, maker)
        tape.add(ticks, 1, time_us, maker)

    for ticks, time_us in ((500, 0), (500, 99_999), (500, 100_000), (501, 100_001)):
        trade(ticks, time_us)
    trade(501, 100_002, maker=True)
    tape.cut()
    trade(501, 100_003, maker=True)
    spans = [(each.first_id, each.last_id) for each in tape.aggregates(1, 9)]
    assert spans == [(1, 2), (3, 3), (4, 4), (5, 5), (6, 6)]
