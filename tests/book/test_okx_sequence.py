"""The chain of seqId and prevSeqId: the official sequence, and whatever a network does to it."""

import pytest

from tests.book.market import delta, snapshot
from workers.book.book import Book
from workers.book.sequence import Verdict
from workers.book.sync import BookSync, PublishDelta
from workers.exchanges.okx.sequence import OkxSequencer
from workers.model.events import BookDelta

LIMIT, BUFFER = 400, 5


def update(before: int, last: int, bids=(), asks=()) -> BookDelta:
    first = before + 1 if before < last else last
    return delta(first, last, bids, asks, prev_update_id=before)


def fresh() -> BookSync:
    return BookSync("BTC-USDT", Book(LIMIT), OkxSequencer, buffer_limit=BUFFER)


def synced(last_id: int = 10) -> BookSync:
    sync = fresh()
    sync.reset(snapshot(last_id, [("100", "1")], [("101", "1")]))
    return sync


def test_the_official_sequence_is_followed_through_no_change_and_reset():
    sync = synced(10)
    steps = [
        update(10, 15, [("99", "1")]),
        update(15, 15),
        update(15, 3, [("98", "1")]),
        update(3, 5, [("99", "0")]),
    ]
    published = [action for step in steps for action in sync.delta(step)]
    assert published == [PublishDelta(steps[0]), PublishDelta(steps[2]), PublishDelta(steps[3])]
    assert (sync.last_id, sync.applied, sync.ignored, sync.gaps) == (5, 3, 1, 0)
    assert sync.book.levels()[0] == [("100", "1"), ("98", "1")]


@pytest.mark.parametrize(
    ("before", "last", "verdict"),
    [
        pytest.param(10, 11, Verdict.NEXT, id="continues"),
        pytest.param(10, 9_999_999, Verdict.NEXT, id="jumps"),
        pytest.param(10, 3, Verdict.NEXT, id="count-began-anew"),
        pytest.param(10, 10, Verdict.STALE, id="keep-alive"),
        pytest.param(8, 10, Verdict.STALE, id="ends-with-the-book"),
        pytest.param(9, 9, Verdict.STALE, id="older-keep-alive"),
        pytest.param(4, 4, Verdict.GAP, id="keep-alive-of-another-count"),
        pytest.param(4, 5, Verdict.GAP, id="of-another-count"),
        pytest.param(9, 11, Verdict.GAP, id="begins-before-and-ends-behind"),
        pytest.param(12, 13, Verdict.GAP, id="one-is-missing"),
        pytest.param(12, 12, Verdict.GAP, id="keep-alive-of-what-is-missing"),
        pytest.param(12, 3, Verdict.GAP, id="reset-of-what-is-missing"),
        pytest.param(-1, 11, Verdict.GAP, id="nothing-before"),
    ],
)
def test_an_update_against_a_book_at_10(before, last, verdict):
    sequencer = OkxSequencer(9)
    sequencer.accept(update(9, 10))
    assert sequencer.judge(update(before, last)) is verdict
    assert sequencer.last_id == 10


def test_an_update_whose_checksum_failed_continues_nothing():
    assert OkxSequencer(10).judge(delta(11, 11)) is Verdict.GAP


@pytest.mark.parametrize(
    ("before", "last", "applied"),
    [(8, 10, 0), (9, 12, 1), (10, 12, 1), (11, 12, 0)],
    ids=["contained", "straddles", "adjoins", "behind"],
)
def test_a_rest_book_at_10_takes_the_buffer_that_overlaps(before, last, applied):
    sync = fresh()
    sync.subscribed()
    sync.delta(update(before, last, [("99", "1")]))
    sync.snapshot(snapshot(10, [("100", "1")], [("101", "1")]))
    assert sync.applied == applied
    assert sync.stale_snapshots == (1 if before > 10 else 0)


def test_quantity_with_the_same_id_is_applied_not_taken_for_a_keep_alive():
    sync = synced(10)
    sync.delta(update(10, 10, [("99", "7")]))
    assert (sync.applied, sync.last_id) == (1, 10)
