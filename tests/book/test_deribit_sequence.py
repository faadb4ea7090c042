"""Deribit's order rule."""

import pytest

from tests.book.market import delta
from workers.book.book import Book
from workers.book.sequence import Snapshot, Verdict
from workers.book.sync import BookSync, PublishGap
from workers.exchanges.deribit.exchange import DERIBIT
from workers.exchanges.deribit.sequence import DeribitSequencer
from workers.model.events import BookDelta

STALE, NEXT, GAP = Verdict.STALE, Verdict.NEXT, Verdict.GAP


def change(before: int | None, last: int) -> BookDelta:
    return delta((before or 0) + 1, last, [("1", "1")], prev_update_id=before)


@pytest.mark.parametrize(
    ("before", "last", "verdict"),
    [
        pytest.param(100, 250, NEXT, id="continues"),
        pytest.param(90, 100, STALE, id="is-in-the-snapshot"),
        pytest.param(90, 95, STALE, id="is-older"),
        pytest.param(90, 120, NEXT, id="straddles-a-rest-snapshot"),
        pytest.param(101, 120, GAP, id="one-is-missing"),
        pytest.param(0, 120, GAP, id="starts-a-fresh-book"),
        pytest.param(0, 90, GAP, id="starts-a-fresh-book-of-lower-ids"),
        pytest.param(None, 120, GAP, id="no-chain"),
    ],
)
def test_the_first_change_after_a_snapshot(before, last, verdict):
    assert DeribitSequencer(100).judge(change(before, last)) is verdict


@pytest.mark.parametrize(
    ("before", "last", "verdict"),
    [
        pytest.param(250, 900, NEXT, id="jumps"),
        pytest.param(100, 250, GAP, id="repeated"),
        pytest.param(60, 90, GAP, id="older"),
        pytest.param(200, 300, GAP, id="overlaps"),
        pytest.param(251, 300, GAP, id="one-is-missing"),
    ],
)
def test_from_the_first_change_on_only_the_chain_counts(before, last, verdict):
    sequencer = DeribitSequencer(100)
    sequencer.accept(change(100, 250))
    assert sequencer.judge(change(before, last)) is verdict
    assert sequencer.last_id == 250


@pytest.mark.parametrize(("before", "old"), [(100, False), (40, False), (101, True), (None, True)])
def test_a_snapshot_is_too_old_for_changes_that_begin_after_it(before, old):
    assert DeribitSequencer(100).too_old(change(before, 200)) is old


def test_a_book_that_began_again_with_lower_ids_is_taken_from_its_snapshot():
    sync = BookSync("SOL-USDC-PERP", Book(8), DERIBIT.sequencer)
    sync.reset(Snapshot(9000, [("5", "1")], [("6", "1")], True, True))
    sync.delta(change(9000, 9010))
    (gap, _) = sync.delta(change(0, 12))
    assert isinstance(gap, PublishGap)
    sync.reset(Snapshot(12, [("4", "1")], [("6", "1")], True, True))
    sync.delta(change(12, 15))
    assert (sync.state, sync.last_id) == ("SYNCED", 15)
