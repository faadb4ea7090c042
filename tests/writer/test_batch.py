from hypothesis import given
from hypothesis import strategies as st

from workers.bus.subscription import Delivery
from workers.writer.batch import Holes, StoredRanges, token


def delivery(sequence: int, deliveries: int = 1, stored_ns: int = 5) -> Delivery:
    return Delivery(b"{}", "s", b"r", sequence, deliveries, stored_ns, 0)


def batch(*sequences: int) -> list[Delivery]:
    return [delivery(sequence) for sequence in sequences]


def test_the_same_messages_have_the_same_token() -> None:
    assert token("TRADES", batch(1, 2, 3)) == token("TRADES", batch(1, 2, 3))


def test_other_messages_have_another_token() -> None:
    tokens = {
        token("TRADES", batch(1, 2, 3)),
        token("TICKERS", batch(1, 2, 3)),
        token("TRADES", batch(1, 2)),
        token("TRADES", batch(1, 2, 4, 5)),
        token("TRADES", batch(1, 3, 4, 5)),
        token("TRADES", [delivery(1, stored_ns=6), *batch(2, 3)]),
    }
    assert len(tokens) == 6


@given(st.lists(st.lists(st.integers(1, 60), max_size=20), max_size=10))
def test_ranges_know_exactly_what_was_added(rounds: list[list[int]]) -> None:
    ranges, known = StoredRanges(), set()
    for numbers in rounds:
        ranges.add(numbers)
        known |= set(numbers)
    assert {number for number in range(62) if number in ranges} == known


def test_numbers_that_follow_each_other_are_one_range() -> None:
    ranges = StoredRanges()
    ranges.add([5, 6, 7, 1, 3, 2, 4])
    assert ranges._firsts == [1]


def test_the_lowest_ranges_are_forgotten_first() -> None:
    ranges = StoredRanges(kept=2)
    ranges.add([1, 3, 5, 7])
    assert [number for number in range(9) if number in ranges] == [5, 7]


def test_a_cleared_memory_knows_nothing() -> None:
    ranges = StoredRanges()
    ranges.add([1, 2])
    ranges.clear()
    assert 1 not in ranges


def test_a_jump_between_first_deliveries_is_a_hole() -> None:
    holes = Holes()
    assert holes.seen(batch(10, 11)) == []
    assert holes.seen(batch(14, 15)) == [(12, 13)]
    assert holes.seen(batch(16)) == []


def test_a_jump_since_the_writer_before_is_a_hole() -> None:
    holes = Holes()
    holes.start_after(5)
    assert holes.seen(batch(9)) == [(6, 8)]


def test_a_message_that_comes_again_is_no_hole() -> None:
    holes = Holes()
    holes.start_after(10)
    assert holes.seen([delivery(3, deliveries=2), *batch(11), delivery(4, 3), *batch(12)]) == []


def test_a_stream_made_anew_counts_from_one_without_a_hole() -> None:
    holes = Holes()
    holes.start_after(100)
    assert holes.seen(batch(1, 2)) == []
    assert holes.seen(batch(5)) == [(3, 4)]
