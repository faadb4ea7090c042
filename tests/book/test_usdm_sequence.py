"""The order rule of USD-M depth updates, alone and in a book's machine."""

import pytest

from tests.book.market import delta, snapshot
from workers.book.book import Book
from workers.book.sequence import Verdict
from workers.book.sync import BookSync, PublishBook, PublishDelta, PublishGap, RequestSnapshot
from workers.exchanges.binance.usdm.sequence import UsdmSequencer

BIDS, ASKS = [("100", "1"), ("99", "1")], [("101", "1"), ("102", "1")]


def update(first: int, last: int, pu: int, bids=()):
    return delta(first, last, bids, prev_update_id=pu)


@pytest.mark.parametrize(
    ("first", "last", "pu", "verdict"),
    [
        pytest.param(80, 99, 70, Verdict.STALE, id="ends-before-the-snapshot"),
        pytest.param(90, 100, 80, Verdict.NEXT, id="ends-with-the-snapshot"),
        pytest.param(90, 110, 80, Verdict.NEXT, id="holds-the-snapshots-id"),
        pytest.param(100, 110, 95, Verdict.NEXT, id="begins-with-the-snapshots-id"),
        pytest.param(150, 160, 100, Verdict.NEXT, id="follows-the-snapshot-by-pu"),
        pytest.param(101, 110, 99, Verdict.GAP, id="begins-after-it-and-follows-another"),
        pytest.param(150, 160, 140, Verdict.GAP, id="is-far-ahead"),
    ],
)
def test_the_first_update_after_a_snapshot_that_ends_at_100(first, last, pu, verdict):
    sequencer = UsdmSequencer(100)
    assert sequencer.judge(update(first, last, pu)) is verdict
    assert sequencer.too_old(update(first, last, pu)) == (verdict is Verdict.GAP)
    assert sequencer.last_id == 100


@pytest.mark.parametrize(
    ("first", "last", "pu", "verdict"),
    [
        pytest.param(150, 160, 110, Verdict.NEXT, id="names-the-last-one"),
        pytest.param(111, 120, 109, Verdict.GAP, id="adjacent-ids-prove-nothing"),
        pytest.param(105, 120, 104, Verdict.GAP, id="overlaps"),
        pytest.param(90, 110, 80, Verdict.STALE, id="is-repeated"),
        pytest.param(70, 80, 60, Verdict.STALE, id="is-old"),
        pytest.param(150, 160, 120, Verdict.GAP, id="names-one-that-never-came"),
    ],
)
def test_an_update_in_a_chain_that_ends_at_110(first, last, pu, verdict):
    sequencer = UsdmSequencer(100)
    sequencer.accept(update(90, 110, 80))
    assert sequencer.judge(update(first, last, pu)) is verdict
    assert sequencer.last_id == 110


def buffering(*updates) -> BookSync:
    sync = BookSync("BTC-USDT-PERP", Book(100), UsdmSequencer)
    sync.subscribed()
    for each in updates:
        sync.delta(each)
    return sync


def test_a_buffer_is_applied_from_the_update_that_holds_the_snapshot():
    old, first, second = update(50, 60, 40), update(90, 110, 60), update(150, 155, 110)
    sync = buffering(old, first, second)
    assert sync.snapshot(snapshot(100, BIDS, ASKS)) == (
        PublishDelta(first),
        PublishDelta(second),
        PublishBook(),
    )
    assert (sync.state, sync.last_id, sync.ignored) == ("SYNCED", 155, 1)


def test_a_snapshot_older_than_the_buffer_is_fetched_again():
    first = update(150, 160, 140)
    sync = buffering(first)
    assert sync.snapshot(snapshot(100, BIDS, ASKS)) == (RequestSnapshot("stale_snapshot"),)
    assert sync.snapshot(snapshot(140, BIDS, ASKS)) == (PublishDelta(first), PublishBook())


def test_a_hole_in_the_chain_names_the_ids_between():
    sync = buffering(update(90, 110, 80))
    sync.snapshot(snapshot(100, BIDS, ASKS))
    assert sync.delta(update(200, 210, 150)) == (
        PublishGap("sequence", 111, 150),
        RequestSnapshot("sequence"),
    )
    assert sync.state == "SYNCING"


def test_a_first_update_that_follows_something_older_cannot_name_what_is_missing():
    sync = buffering()
    sync.snapshot(snapshot(100, BIDS, ASKS))
    assert sync.delta(update(110, 120, 90)) == (
        PublishGap("sequence", None, None),
        RequestSnapshot("sequence"),
    )


def test_a_new_connection_s_chain_starts_from_its_own_snapshot():
    sync = buffering(update(90, 110, 80))
    sync.snapshot(snapshot(100, BIDS, ASKS))
    sync.disconnected()
    ahead = update(300, 310, 290)
    assert sync.delta(ahead)[-1] == RequestSnapshot("disconnect")
    assert sync.snapshot(snapshot(305, BIDS, ASKS)) == (PublishDelta(ahead), PublishBook())


def test_an_audit_that_ends_inside_an_update_is_compared_after_it():
    changed = update(150, 160, 110, [("100", "7")])
    sync = buffering(update(90, 110, 80))
    sync.snapshot(snapshot(100, BIDS, ASKS))
    sync.delta(changed)
    assert sync.audit(snapshot(155, [("100", "7"), ("99", "1")], ASKS)) == ()
    assert (sync.audits_agreed, sync.audits_differed) == (1, 0)
    assert sync.audit(snapshot(155, [("100", "7"), ("99", "2")], ASKS))[0].cause == "audit"


def test_a_crossed_update_that_the_snapshot_contains_is_not_met_again():
    sync = buffering(update(90, 110, 80))
    sync.snapshot(snapshot(100, BIDS, ASKS))
    assert sync.delta(update(150, 160, 110, [("105", "1")]))[-1] == RequestSnapshot("crossed")
    assert sync.snapshot(snapshot(160, BIDS, ASKS)) == (PublishBook(),)
    assert (sync.state, sync.last_id) == ("SYNCED", 160)
