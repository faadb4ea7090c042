"""What counts as a price or quantity."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.level import read_decimals, read_levels

BAD = ["", ".", "-1", "+1", "1e5", "nan", "inf", "1_000", " 1", "1,0", "1.2.3", "0x1", "\u0661",
       "\ud800",       "1" + "0" * 20, "100000000000000000000.0"]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=ascii)
def test_a_bad_text_among_good_ones_is_named(text):
    with pytest.raises(ValueError, match=r"is not a plain decimal|is 1e20 or more") as caught:
        read_decimals(["1.5", text, "2"])
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["0", "00.0", "1.", ".5", "99999999999999999999", "0." + "0" * 40])
def test_digits_with_at_most_one_point_are_fine(text):
    assert read_decimals([text]) == [float(text)]


def test_levels_are_read_in_order_and_the_longest_text_is_told():
    assert read_levels([("1", "2.50")], [("3", "4"), ("5", "6")]) == ([1, 2.5, 3, 4, 5, 6], 4)
    assert read_levels([], []) == ([], 0)


@given(st.lists(st.text(max_size=8)))
def test_whatever_is_accepted_is_a_finite_number_not_below_zero(texts):
    try:
        numbers = read_decimals(texts)
    except ValueError:
        return
    assert len(numbers) == len(texts)
    for text, number in zip(texts, numbers, strict=True):
        assert set(text) <= set("0123456789.")
        assert 0 <= Decimal(text) < 10**20
        assert float(Decimal(text)) == number
