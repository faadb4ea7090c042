"""The comparison with peers: whole tapes, books without gaps, real differences."""

import pytest

from benchmarks._peers import by_marketprism, tapes
from benchmarks._peers.synthetic import WARM, synthetic
from benchmarks.peers import difference

TAPES = {tape.name: tape for tape in synthetic(30)}


@pytest.mark.parametrize("name", TAPES)
def test_every_tape_is_read_whole_and_its_book_keeps_its_course(name):
    tape = TAPES[name]
    found = by_marketprism.outcome(tape)
    if tape.kind == "trade":
        assert found["count"] == WARM + 30
    else:
        assert len(found["bids"]) >= 390
        assert len(found["asks"]) >= 390
    assert by_marketprism.measure(tape) > 0


def test_a_tape_survives_its_folder(tmp_path):
    for tape in TAPES.values():
        tapes.write(tape, tmp_path)
    assert {tape.name: tape for tape in tapes.read(tmp_path)} == TAPES


BOOK = {"bids": [["10.10", "1"], ["10", "2"]], "asks": [["11", "3"]]}


@pytest.mark.parametrize(
    ("theirs", "found"),
    [
        ({"bids": [["10.1", "1.0"], ["10", "2"], ["9", "9"]], "asks": [["11", "3"]]}, None),
        ({"bids": [["10.1", "1.0"], ["10", "5"]], "asks": [["11", "3"]]}, "bids differ at level 1"),
        ({"bids": [["10.1", "1.0"]], "asks": [["11", "3"]]}, "bids differ at level 1"),
        ({"bids": [["10.1", "1"], ["10", "2"]], "asks": []}, "asks differ at level 0"),
    ],
)
def test_books_are_compared_as_numbers_as_deep_as_ours_is_proven(theirs, found):
    assert difference(BOOK, theirs) == found


def test_trades_are_compared_by_count_sum_and_last():
    ours = {"count": 2, "notional": "3.50", "last_id": "7"}
    assert difference(ours, {"count": 2, "notional": "3.5", "last_id": "7"}) is None
    assert difference(ours, {"count": 2, "notional": "3.4", "last_id": "7"})
    assert difference(ours, {"count": 3, "notional": "3.5", "last_id": "7"})
    assert difference(ours, {"count": 2, "notional": "3.5", "last_id": "8"})
