"""What is compiled does exactly what the Python code does, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.book.market import snapshot
from workers.book import fast
from workers.book.book import Book
from workers.model.errors import BookError
from workers.model.events import Levels

pytestmark = pytest.mark.skipif(
    not fast.COMPILED,
    reason="NOT RUN: workers/book/_fast.c was not built; install with a compiler",
)

WORDS = st.one_of(st.text(max_size=25), st.text("0123456789.", max_size=25))
PLAIN = st.decimals(min_value=0, max_value=10**8, places=4).map(lambda each: f"{each:f}")
NEAR = st.integers(1, 40).map(lambda cents: f"{100 + cents / 100:.2f}")
ODD = st.sampled_from(
    ["0", "0.00000000", "5.", ".5", "00100.10", "100.100", "9007199254740993", "100000000.1234567"]
)
ABSURD = st.sampled_from(
    [
        *("", ".", "1.2.3", "-1", "+1", "1e5", "nan", "inf", "1_0", " 1", "1 ", "1,2", '1"'),
        *("\uff11", "²", "123456789012345678901", "1" * 30, "0" * 30, "0.00000000000000000000001"),
    ]
)


def levels(*prices: st.SearchStrategy[str]) -> st.SearchStrategy[Levels]:
    quantities = st.one_of(PLAIN, st.just("0.00"), *prices[2:])
    return st.lists(st.tuples(st.one_of(*prices), quantities), max_size=12)


def both(limit: int) -> tuple[Book, Book]:
    start = snapshot(
        1,
        [(f"{100 - n / 100:.2f}", "1.0") for n in range(20)],
        [(f"{100.1 + n / 100:.2f}", "1.0") for n in range(20)],
    )
    made = Book(limit), Book(limit)
    for each in made:
        each.load(start)
    return made


def outcome(book: Book, bids: Levels, asks: Levels, *, compiled: bool) -> tuple[object, ...]:
    try:
        (book.apply if compiled else book._apply_with_care)(bids, asks)
    except BookError as error:
        said: str | None = str(error)
    else:
        said = None
    return said, book.levels(), book.verified_bids, book.verified_asks, book.crossed


@given(
    st.lists(st.tuples(levels(NEAR, PLAIN), levels(NEAR, PLAIN)), max_size=6), st.integers(5, 40)
)
def test_usual_levels_end_in_the_same_book(updates, limit):
    compiled, python = both(limit)
    for bids, asks in updates:
        assert outcome(compiled, bids, asks, compiled=True) == outcome(
            python, bids, asks, compiled=False
        )
        assert compiled._bids.keys == python._bids.keys
        assert compiled._asks.keys == python._asks.keys


@given(
    st.lists(
        st.tuples(levels(NEAR, PLAIN, ODD, ABSURD), levels(NEAR, PLAIN, ODD, ABSURD)), max_size=6
    )
)
def test_odd_levels_are_taken_or_refused_alike(updates):
    compiled, python = both(30)
    for bids, asks in updates:
        assert outcome(compiled, bids, asks, compiled=True) == outcome(
            python, bids, asks, compiled=False
        )


@pytest.mark.parametrize(
    "level",
    [
        ("", "1"), (".", "1"), ("1.2.3", "1"), ("-1", "1"), ("1e5", "1"), ("\uff11", "1"),
        ("12345678901234567", "1"), ("9007199254740993", "1"), ("1", ""), ("1", "nan"),
        ("1", "123456789012345678901"), ("1", "²"), ("1",), ("1", "1", "1"), ["1", "1"],
        (1, "1"), ("1", 1.0), (b"1", "1"), None,
    ],
)  # fmt: skip
def test_an_unusual_level_is_left_to_python_and_nothing_changes(level):
    assert fast.set_usual_levels is not None
    keys, values = [1.0, 2.0], ["a", "b"]
    lists = keys[:], values[:], keys[:], values[:]
    usual = ("7", "1")
    assert fast.set_usual_levels([usual, level], [usual], *lists) is False
    assert fast.set_usual_levels([usual], [usual, level], *lists) is False
    assert lists == (keys, values, keys, values)


def test_more_levels_than_fit_on_the_stack_are_set():
    assert fast.set_usual_levels is not None
    bid_keys, bid_values, ask_keys, ask_values = [], [], [], []
    many = [(f"{n}.5", "1") for n in range(1, 1001)]
    assert fast.set_usual_levels(many, many, bid_keys, bid_values, ask_keys, ask_values)
    assert bid_keys == [n + 0.5 for n in range(1, 1001)]
    assert ask_keys == [-key for key in reversed(bid_keys)]
    assert bid_values == ask_values[::-1] == [f'["{n}.5","1"]' for n in range(1, 1001)]


@pytest.mark.parametrize(
    "lists", [([],) * 5, ([],) * 7, ([], [], [], [], [], ()), ([], [], [1.0], [], [], [])]
)
def test_a_wrong_call_is_an_error(lists):
    assert fast.set_usual_levels is not None
    with pytest.raises((TypeError, ValueError)):
        fast.set_usual_levels(*lists)


@given(st.one_of(PLAIN, WORDS), st.one_of(PLAIN, WORDS))
def test_decimals_above_zero_are_the_same_to_both(one, other):
    assert fast.positive(one, other) is fast.positive_in_python(one, other)


def test_what_is_no_text_is_no_decimal():
    assert not any(map(fast.positive, (1, 1.5, None, b"1", ["1"])))


def whole(read, *texts):
    try:
        return read(*texts)
    except ValueError:
        return None


@given(st.lists(st.one_of(st.integers(-9, 10**19).map(str), WORDS, st.text("01", max_size=20))))
def test_whole_numbers_are_the_same_to_both(texts):
    assert whole(fast.whole, *texts) == whole(fast.whole_in_python, *texts)


def test_what_is_no_text_is_no_whole_number():
    assert [whole(fast.whole, each) for each in (1, None, b"1")] == [None] * 3


TIMES = st.one_of(
    st.integers(0, 10**13).map(str),
    st.sampled_from(["9223372036854", "9223372036855", "999999999999999999"]),
    WORDS,
)


@given(st.one_of(PLAIN, WORDS), st.one_of(PLAIN, WORDS), TIMES, st.one_of(TIMES, WORDS))
def test_the_numbers_of_a_trade_are_the_same_to_both(price, quantity, time_ms, trade_id):
    texts = price, quantity, time_ms, trade_id
    assert whole(fast.traded, *texts) == whole(fast.traded_in_python, *texts)


@pytest.mark.parametrize("place", range(4))
def test_what_is_no_text_is_no_number_of_a_trade(place):
    texts = ["1.5", "2", "1786540436090", "77"]
    assert fast.traded(*texts) == (1_786_540_436_090_000_000, 77)
    for odd in (1, None, b"1", ["1"], "", "1 ", "\uff11"):
        with pytest.raises(ValueError, match=r"price|whole"):
            fast.traded(*texts[:place], odd, *texts[place + 1 :])


def test_too_few_texts_are_an_error():
    with pytest.raises(TypeError, match="4 texts, not 3"):
        fast.traded("1", "2", "3")
