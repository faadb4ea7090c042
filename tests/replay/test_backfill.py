"""Paging through a history that a list stands for: what is asked, published, and left."""

import time
from collections.abc import Sequence

import pytest

from tests.quality.conftest import trade
from workers.exchanges.base import Poll
from workers.exchanges.history import TradeHistory
from workers.model.events import AnyEvent
from workers.model.http import HttpRequest
from workers.model.instrument import Instrument
from workers.replay.backfill import Filled, NotPublished, TradeBackfill

INSTRUMENT = Instrument(
    exchange="binance_spot",
    market_type="spot",
    symbol="BTC-USDT",
    raw_symbol="BTCUSDT",
    status="trading",
    raw_status="TRADING",
    base="BTC",
    quote="USDT",
)
LATER = float("inf")


class Past:
    """An exchange whose history has these ids, `rows` of them in an answer."""

    def __init__(self, order: str, ids: Sequence[int], rows: int = 10) -> None:
        self.order, self.ids, self.rows = order, sorted(ids), rows
        self.asked: list[tuple[int, int]] = []
        self.published: list[int] = []
        self.takes = True
        self.history = TradeHistory(
            self._page,
            order,  # type: ignore[arg-type]
            lambda *_: None,
            None,
            "only so much",
        )

    def _page(self, instrument: Instrument, first: int, last: int) -> Poll:
        self.asked.append((first, last))
        if self.order == "forward":
            found = [each for each in self.ids if each >= first][: self.rows]
        elif self.order == "backward":
            found = [each for each in self.ids if each <= last][-self.rows :]
        else:
            found = self.ids[-self.rows :]
        return Poll(HttpRequest("/past"), lambda body, ns: [trade(each, 0) for each in found])

    def publish(self, events: Sequence[AnyEvent], timeout_s: float) -> bool:
        assert {each.source for each in events} == {"backfill"}
        self.published += [each.trade_id for each in events if hasattr(each, "trade_id")]
        return self.takes

    def run(self, *missing: tuple[int, int], until_s: float = LATER) -> Filled:
        found = Filled()
        backfill = TradeBackfill(
            self.history, INSTRUMENT, "trade", lambda poll: poll.read(b"", 0), self.publish
        )
        for _ in backfill.run(missing, found, until_s=until_s):
            continue
        return found


@pytest.mark.parametrize("order", ["forward", "backward"])
def test_every_missing_id_is_published_once_and_no_other(order: str) -> None:
    past = Past(order, range(100))
    found = past.run((7, 41), (60, 60))
    assert sorted(past.published) == [*range(7, 42), 60]
    assert (found.published, found.absent, found.left) == (36, [], [])
    assert found.questions == 5


@pytest.mark.parametrize("order", ["forward", "backward"])
def test_ids_the_history_skips_are_absent_and_not_asked_for_again(order: str) -> None:
    past = Past(order, [each for each in range(100) if each not in range(20, 45)])
    found = past.run((18, 60))
    assert sorted(past.published) == [18, 19, *range(45, 61)]
    missing = {each for first, last in found.absent for each in range(first, last + 1)}
    assert missing == set(range(20, 45))
    assert found.left == []


def test_a_jump_of_a_billion_ids_takes_one_question() -> None:
    past = Past("forward", [*range(10), *range(10**9, 10**9 + 5)])
    found = past.run((10, 10**9 - 1))
    assert (found.questions, found.absent, found.left) == (1, [(10, 10**9 - 1)], [])


def test_an_answer_without_rows_proves_nothing() -> None:
    found = Past("forward", range(10)).run((10, 12))
    assert (found.absent, found.left, found.why) == ([], [(10, 12)], "only so much")


def test_of_the_newest_trades_what_lies_before_them_is_left() -> None:
    past = Past("newest", range(100))
    found = past.run((85, 95))
    assert past.published == list(range(90, 96))
    assert (found.left, found.why) == ([(85, 89)], "only so much")
    assert past.run((97, 120)).left == [(100, 120)]


def test_when_time_is_up_the_rest_is_left_for_the_next_run() -> None:
    past = Past("forward", range(100))
    found = past.run((10, 19), (30, 39), until_s=time.monotonic() - 1)
    assert (found.left, found.why) == ([(10, 19), (30, 39)], "time is up")
    assert past.asked == []


def test_what_nats_does_not_take_ends_the_run() -> None:
    past = Past("forward", range(100))
    past.takes = False
    with pytest.raises(NotPublished, match="not acknowledged"):
        past.run((10, 50))
    assert past.asked == [(10, 50)]
