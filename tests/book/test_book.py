"""Levels are exact, proven or unpublished, and never half changed."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.book.market import exact, snapshot
from workers.book.book import Book
from workers.book.sequence import Snapshot
from workers.model.errors import BookError

BIDS = [("100.10", "1.50"), ("100.00", "2.00"), ("99.90", "3.00")]
ASKS = [("100.20", "1.00"), ("100.30", "0.70"), ("100.50", "9.00")]


def filled(limit: int = 10, *, complete: bool = False) -> Book:
    book = Book(limit)
    book.load(snapshot(1, BIDS, ASKS, complete=complete))
    return book


def test_levels_come_back_best_first_in_the_spelling_they_came_in():
    book = filled()
    assert book.levels() == (BIDS, ASKS)
    assert book.top(2) == (
        b'[["100.10","1.50"],["100.00","2.00"]]',
        b'[["100.20","1.00"],["100.30","0.70"]]',
    )
    assert (book.best_bid, book.best_ask) == (BIDS[0], ASKS[0])


def test_a_snapshot_in_any_order_is_sorted_as_numbers():
    book = Book(10)
    book.load(snapshot(1, [("9.5", "1"), ("10.5", "2"), ("100.5", "3")], [("1000.5", "1")]))
    assert book.levels()[0] == [("100.5", "3"), ("10.5", "2"), ("9.5", "1")]


def test_a_change_sets_the_quantity_and_zero_removes():
    book = filled()
    book.apply([("100.00", "7.00"), ("99.95", "1.00")], [("100.20", "0.00000000")])
    assert book.levels() == (
        [BIDS[0], ("100.00", "7.00"), ("99.95", "1.00"), BIDS[2]],
        ASKS[1:],
    )


def test_removing_a_level_that_is_not_there_changes_nothing():
    book = filled()
    book.apply([("1.00", "0.00")], [("999.00", "0")])
    assert book.levels() == (BIDS, ASKS)


def test_a_price_spelled_differently_is_the_same_level():
    book = filled()
    book.apply([("100.1", "5")], [])
    assert book.levels()[0][0] == ("100.1", "5")
    assert book.bid_count == 3


def test_a_zero_in_a_snapshot_is_no_level():
    book = Book(10)
    book.load(snapshot(1, [("10", "0.00"), ("9", "1")], []))
    assert book.levels() == ([("9", "1")], [])


@pytest.mark.parametrize("empty", ["bids", "asks", "both"])
def test_an_empty_side_has_no_best_and_is_not_crossed(empty):
    book = Book(10)
    book.load(
        snapshot(1, [] if empty in ("bids", "both") else BIDS, ASKS if empty == "bids" else [])
    )
    assert not book.crossed
    assert (book.best_bid is None) == (empty in ("bids", "both"))
    assert (book.best_ask is None) == (empty in ("asks", "both"))
    assert book.top(5)[0 if empty != "asks" else 1] == b"[]"


@pytest.mark.parametrize("price", ["100.20", "100.30"], ids=["locked", "crossed"])
def test_a_bid_at_or_above_the_best_ask_crosses_the_book(price):
    book = filled()
    book.apply([(price, "1")], [])
    assert book.crossed


ABSURD = ["nan", "inf", "-1", "-0", "+1", "1e5", "1_0", " 1", "1 ", "", ".", "1.2.3", "1,5", "0x1",
          "\uff11", "1" + "0" * 20, "99999999999999999999999.9", "1\n", "abc", "1\x00"]  # fmt: skip


@pytest.mark.parametrize("absurd", ABSURD, ids=repr)
@pytest.mark.parametrize("where", ["bid price", "bid quantity", "ask price", "ask quantity"])
def test_an_absurd_number_changes_nothing_at_all(where, absurd):
    book = filled()
    level = (absurd, "1") if where.endswith("price") else ("100.15", absurd)
    good = [("100.05", "4")]
    bids, asks = ([*good, level], []) if where.startswith("bid") else (good, [level])
    with pytest.raises(BookError):
        book.apply(bids, asks)
    assert book.levels() == (BIDS, ASKS)
    with pytest.raises(BookError):
        book.load(snapshot(2, bids, asks))
    assert book.levels() == (BIDS, ASKS)


def test_the_largest_quantity_binance_ever_sends_is_accepted():
    book = filled()
    book.apply([("100.00", "92233720368.54775807")], [])
    assert book.levels()[0][1] == ("100.00", "92233720368.54775807")


CLOSE = ("1000000.000000001", "1000000.0000000009999")
"""Two decimals, one float."""


def test_two_prices_that_share_a_float_are_refused_in_a_snapshot():
    assert float(CLOSE[0]) == float(CLOSE[1])
    book = filled()
    with pytest.raises(BookError, match="told apart"):
        book.load(snapshot(2, [(CLOSE[0], "1"), (CLOSE[1], "2")], []))
    assert book.levels() == (BIDS, ASKS)


@pytest.mark.parametrize("first", [0, 1])
def test_two_prices_that_share_a_float_are_refused_in_a_change(first):
    book = Book(10)
    book.load(snapshot(1, [], [(CLOSE[first], "1")]))
    with pytest.raises(BookError, match="told apart"):
        book.apply([("5", "1")], [(CLOSE[1 - first], "2")])
    assert book.levels() == ([], [(CLOSE[first], "1")])


def test_a_short_price_is_not_taken_for_a_long_one_that_is_here():
    book = Book(10)
    book.load(snapshot(1, [("1.00000000000000001", "1")], []))
    with pytest.raises(BookError, match="told apart"):
        book.apply([("1.0", "2")], [])
    assert book.levels()[0] == [("1.00000000000000001", "1")]


def test_two_prices_that_share_a_float_are_refused_within_one_change():
    book = filled()
    with pytest.raises(BookError, match="told apart"):
        book.apply([(CLOSE[0], "1"), (CLOSE[1], "2")], [])
    assert book.levels() == (BIDS, ASKS)


def test_a_long_price_spelled_differently_is_still_the_same_level():
    book = Book(10)
    book.load(snapshot(1, [], [("1000000.00000000100", "1")]))
    book.apply([], [("1000000.000000001", "2")])
    assert book.levels()[1] == [("1000000.000000001", "2")]


def test_a_short_snapshot_proves_the_whole_side():
    book = filled(complete=True)
    book.apply([("1.00", "1")], [])
    assert book.verified_bids == 4
    assert book.verified_depth == 3
    assert not book.thin(1000)


def test_levels_beyond_a_cut_snapshot_are_kept_but_not_published():
    book = filled()
    book.apply([("99.80", "1"), ("99.95", "2")], [])
    assert book.bid_count == 5
    assert book.verified_bids == 4
    assert json.loads(book.top(10)[0])[-1] == ["99.90", "3.00"]
    assert book.levels(10)[0][-1] == ("99.90", "3.00")
    assert book.levels()[0][-1] == ("99.80", "1")


def test_removing_the_last_level_of_a_snapshot_keeps_its_range_proven():
    book = filled()
    book.apply([("99.90", "0")], [])
    assert book.verified_bids == 2
    book.apply([("99.91", "1")], [])
    assert book.verified_bids == 3


def test_a_drained_range_proves_no_best_price_and_calls_for_a_snapshot():
    book = filled()
    book.apply([("90.00", "1"), *((price, "0") for price, _ in BIDS)], [])
    assert book.bid_count == 1
    assert book.best_bid is None
    assert book.top(5)[0] == b"[]"
    assert book.verified_depth == 0
    assert book.thin(1)


def test_a_cut_snapshot_without_levels_proves_nothing():
    book = Book(10)
    book.load(Snapshot(-1, [], [], bids_complete=False, asks_complete=False))
    book.apply([("10", "1")], [("11", "1")])
    assert book.verified_depth == 0
    assert book.best_bid is None
    assert book.thin(1)


def test_pruned_levels_end_the_proven_range():
    book = Book(10)
    book.load(snapshot(1, [(str(200 - n), "1") for n in range(10)], [("300", "1")]))
    assert book.verified_bids == 10
    book.apply([("199.5", "1"), ("198.5", "1")], [])  # slack of one is used up: cut back to ten
    assert book.bid_count == 10
    assert book.verified_bids == 10
    assert book.levels()[0][-1] == ("193", "1")
    book.apply([("192", "2"), ("193", "0")], [])
    assert book.verified_bids == 9
    assert book.bid_count == 10
    assert book.thin(10)


def test_pruning_takes_unproven_levels_first():
    book = Book(10)
    book.load(snapshot(1, BIDS, ASKS, complete=False))
    book.apply([(str(50 + n), "1") for n in range(9)], [])
    assert book.bid_count == 10
    assert book.verified_bids == 3


def test_a_snapshot_longer_than_the_limit_is_cut_at_the_best_levels():
    book = Book(2)
    book.load(snapshot(1, BIDS, ASKS, complete=True))
    assert book.levels() == (BIDS[:2], ASKS[:2])
    assert book.verified_depth == 2
    assert book.thin(3)


prices = st.decimals("0.00000001", "99999999", places=8).map(lambda d: format(d, "f"))
sizes = st.one_of(
    st.sampled_from(("0", "0.0", "0.00000000", "00.0")),
    st.decimals("0.00000001", "99999999", places=8).map(lambda d: format(d, "f")),
)
sides = st.lists(st.tuples(prices | st.integers(1, 30).map(str), sizes), max_size=12)


@given(sides, sides, st.lists(st.tuples(sides, sides), max_size=6))
def test_a_book_equals_a_dictionary_of_decimals(bids, asks, history):
    book = Book(1000)
    book.load(snapshot(1, bids, asks))
    expected: list[dict[Decimal, Decimal]] = [{}, {}]
    for number, step in enumerate([(bids, asks), *history]):
        if number:
            book.apply(*step)
        for side, levels in zip(expected, step, strict=True):
            for price, size in levels:
                side.pop(Decimal(price), None)
                if Decimal(size):
                    side[Decimal(price)] = Decimal(size)
    for side, levels, descending in zip(expected, book.levels(), (True, False), strict=True):
        assert exact(levels) == sorted(side.items(), reverse=descending)
    tops = book.top(10**6)
    assert [[tuple(each) for each in json.loads(top)] for top in tops] == list(book.levels(10**6))
