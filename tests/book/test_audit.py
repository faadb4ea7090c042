"""A live book against a reference that ends at another id: what can be said of it, and what not."""

import pytest

from tests.book.market import delta, snapshot
from workers.book.audit import Trail, TrailAudit
from workers.book.book import Book
from workers.book.sync import BELIEVED_AFTER, BookSync, PublishGap, RequestSnapshot
from workers.exchanges.binance.spot.sequence import SpotSequencer
from workers.exchanges.binance.usdm.sequence import UsdmSequencer
from workers.exchanges.deribit.sequence import DeribitSequencer
from workers.exchanges.okx.sequence import OkxSequencer

BIDS, ASKS = [("100", "1"), ("99", "1")], [("101", "1"), ("102", "1")]


def synced(sequencer=SpotSequencer, last_id: int = 100, **options) -> BookSync:
    sync = BookSync("BTC-USDT", Book(100), sequencer, **options)
    sync.reset(snapshot(last_id, BIDS, ASKS))
    return sync


def chained(before: int, last: int, bids=(), asks=()):
    return delta(before + 1, last, bids, asks, prev_update_id=before)


def trail_of(sync: BookSync) -> Trail:
    trail = sync.trail()
    assert trail is not None
    return trail


def test_a_reference_at_the_same_id_is_compared_at_once():
    outcome = TrailAudit(trail_of(synced()), snapshot(100, BIDS, ASKS), SpotSequencer).advance()
    assert outcome == ("equal", 100, 4, 0, None)


def test_differences_are_counted_by_price_and_the_best_is_named():
    theirs = snapshot(100, [("100.0", "1"), ("98", "1")], [("101", "3"), ("102", "1.0")])
    outcome = TrailAudit(trail_of(synced()), theirs, SpotSequencer).advance()
    assert outcome[:4] == ("different", 100, 5, 3)
    assert outcome.detail == 'bids: ["99","1"] here, nothing there'


def test_a_reference_ahead_waits_for_the_updates_up_to_it():
    sync = synced()
    audit = TrailAudit(
        trail_of(sync), snapshot(103, [("100", "3"), *BIDS[1:]], ASKS), SpotSequencer
    )
    assert audit.advance() is None
    sync.delta(delta(101, 102, [("100", "2")]))
    assert audit.advance() is None
    sync.delta(delta(103, 103, [("100", "3")]))
    assert audit.advance()[:2] == ("equal", 103)


@pytest.mark.parametrize(
    ("sequencer", "spans"),
    [
        (SpotSequencer, delta(101, 110, [("100", "2")])),
        (UsdmSequencer, chained(100, 110, [("100", "2")])),
        (OkxSequencer, chained(100, 110, [("100", "2")])),
        (DeribitSequencer, chained(100, 110, [("100", "2")])),
    ],
    ids=["spot", "usdm", "okx", "deribit"],
)
@pytest.mark.parametrize(("quantity", "result"), [("1", "equal"), ("5", "different")])
def test_a_reference_inside_an_update_is_compared_after_it(sequencer, spans, quantity, result):
    sync = synced(sequencer)
    theirs = snapshot(105, [("100", "1"), ("99", quantity)], ASKS)
    audit = TrailAudit(trail_of(sync), theirs, sequencer)
    assert audit.advance() is None
    sync.delta(spans)
    assert audit.advance()[:2] == (result, 110)


def test_a_reference_older_than_the_trail_is_brought_forward_by_what_came_before_it():
    sync = synced()
    sync.delta(delta(101, 101, [("100", "2")]))
    trail = trail_of(sync)
    sync.delta(delta(102, 102, [("100", "7")]))
    assert TrailAudit(trail, snapshot(100, BIDS, ASKS), SpotSequencer).advance()[:2] == (
        "equal",
        101,
    )


def test_only_what_both_prove_is_compared():
    theirs = snapshot(100, BIDS[:1], ASKS[:1], complete=False)
    assert TrailAudit(trail_of(synced()), theirs, SpotSequencer).advance()[:4] == (
        "equal",
        100,
        2,
        0,
    )


def test_a_live_level_that_was_altered_is_found():
    sync = synced()
    sync.book.apply([("99", "9")], [])
    outcome = TrailAudit(trail_of(sync), snapshot(100, BIDS, ASKS), SpotSequencer).advance()
    assert outcome[:4] == ("different", 100, 4, 1)


@pytest.mark.parametrize(
    ("theirs", "why"),
    [
        (snapshot(90, BIDS, ASKS), "do not reach back"),
        (snapshot(100, ASKS, BIDS), "crossed"),
        (snapshot(100, [("x", "1")], ASKS), "unusable"),
        (snapshot(100, [], [], complete=False), "no range"),
    ],
)
def test_what_cannot_be_compared_says_why(theirs, why):
    outcome = TrailAudit(trail_of(synced()), theirs, SpotSequencer).advance()
    assert outcome[0] == "unmatched"
    assert why in outcome.detail


def test_a_reference_between_two_updates_of_shared_ids_decides_nothing():
    sync = synced(UsdmSequencer)
    audit = TrailAudit(trail_of(sync), snapshot(105, BIDS, ASKS), UsdmSequencer)
    held = chained(100, 120)
    held.first_update_id = 115
    sync.delta(held)
    assert audit.advance()[0] == "unmatched"


def test_ids_that_begin_anew_are_never_compared_with_the_old_ones():
    sync = synced(OkxSequencer, last_id=10)
    audit = TrailAudit(trail_of(sync), snapshot(15, BIDS, ASKS), OkxSequencer)
    sync.delta(chained(10, 3, [("100", "2")]))
    sync.delta(chained(3, 15, [("100", "3")]))
    assert audit.advance()[0] == "unmatched"
    assert sync.state == "SYNCED"


@pytest.mark.parametrize("end", ["lost", "followed by another audit"])
def test_a_trail_that_ends_before_the_reference_decides_nothing(end):
    sync = synced()
    audit = TrailAudit(trail_of(sync), snapshot(103, BIDS, ASKS), SpotSequencer)
    sync.delta(delta(101, 101))
    if end == "lost":
        sync.resync("command")
    else:
        sync.trail()
    assert audit.advance()[:2] == ("unmatched", 101)


def test_a_trail_nobody_reads_takes_no_memory_without_bound():
    trail = Trail(Book(5), 0, (), limit=3)
    for last in range(10):
        trail.take(delta(last, last))
    assert len(trail.later) == 3
    assert trail.ended == "3 updates came and the reference was not there yet"


def test_a_copy_is_not_moved_by_the_live_book():
    sync = synced()
    trail = trail_of(sync)
    sync.delta(delta(101, 101, [("100", "0")]))
    assert trail.book.levels() == (BIDS, ASKS)


def test_a_book_that_is_not_synced_leaves_no_trail():
    assert BookSync("BTC-USDT", Book(5), SpotSequencer).trail() is None


def test_a_quiet_symbol_whose_ids_began_anew_while_away_is_built_again():
    sync = synced()
    sync.disconnected()
    assert sync.subscribed() == (RequestSnapshot("disconnect"),)
    for _ in range(BELIEVED_AFTER - 1):
        assert sync.snapshot(snapshot(7, BIDS, ASKS)) == (RequestSnapshot("stale_snapshot"),)
    assert sync.snapshot(snapshot(7, BIDS, ASKS))[0] == PublishGap("disconnect", None, None)
    assert (sync.state, sync.last_id) == ("SYNCED", 7)


def test_a_synced_book_that_only_hears_of_the_past_is_given_up():
    sync = synced(outdated_limit=3)
    sync.delta(delta(50, 51))
    sync.delta(delta(101, 101))
    for last in (52, 53):
        assert sync.delta(delta(last, last)) == ()
    assert sync.delta(delta(54, 54)) == (
        PublishGap("sequence", None, None),
        RequestSnapshot("sequence"),
    )
    sync.delta(delta(55, 55))
    sync.snapshot(snapshot(54, BIDS, ASKS))
    assert (sync.state, sync.last_id) == ("SYNCED", 55)


def test_keep_alives_of_a_quiet_book_are_no_past():
    sync = synced(OkxSequencer, outdated_limit=3)
    for _ in range(9):
        assert sync.delta(chained(100, 100)) == ()
    assert sync.state == "SYNCED"
