"""When the ledger is said to know every injected gap: with exactly its ids, and no other."""

from tests.chaos.gaps import Span, compare

ONE, OTHER = Span("BTC-USDT", 100, 109), Span("ETH-USDT", 7, 7)


def test_every_gap_named_with_its_ids_and_filled_is_right() -> None:
    told = compare([ONE, OTHER], [(OTHER, "filled"), (ONE, "filled")])
    assert told.right
    assert str(told) == "2 injected, 2 reported with exact ids, 0 invented, 2 filled"


def test_an_id_too_much_is_an_invented_and_a_forgotten_gap() -> None:
    told = compare([ONE], [(Span("BTC-USDT", 100, 110), "filled")])
    assert (told.reported, len(told.invented), len(told.forgotten)) == (0, 1, 1)
    assert not told.right


def test_a_gap_that_is_not_filled_is_not_right() -> None:
    told = compare([ONE, OTHER], [(ONE, "filled"), (OTHER, "open")])
    assert (told.reported, told.filled, told.right) == (2, 1, False)


def test_a_gap_nobody_made_is_not_right() -> None:
    assert not compare([ONE], [(ONE, "filled"), (OTHER, "filled")]).right
