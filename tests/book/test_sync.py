"""The table in workers/book/sync.py, row by row."""

import pytest

from tests.book.market import delta, snapshot
from workers.book.book import Book
from workers.book.sync import (
    HISTORY,
    BookSync,
    Phase,
    PublishBook,
    PublishDelta,
    PublishGap,
    RequestSnapshot,
)
from workers.exchanges.binance.spot.sequence import SpotSequencer

BIDS, ASKS = [("100", "1"), ("99", "1")], [("101", "1"), ("102", "1")]


def fresh(buffer_limit: int = 10) -> BookSync:
    return BookSync("BTC-USDT", Book(100), SpotSequencer, buffer_limit)


def synced(last_id: int = 100, *, complete: bool = True) -> BookSync:
    sync = fresh()
    sync.delta(delta(last_id, last_id))
    sync.snapshot(snapshot(last_id, BIDS, ASKS, complete=complete))
    assert sync.state == "SYNCED"
    return sync


def test_the_first_delta_asks_for_a_snapshot():
    sync = fresh()
    assert sync.delta(delta(1, 5)) == (RequestSnapshot("start"),)
    assert sync.delta(delta(6, 7)) == ()
    assert (sync.phase, sync.state, sync.last_id) == (Phase.BUFFERING, "SYNCING", None)


def test_a_quiet_symbol_is_synced_without_any_delta():
    sync = fresh()
    assert sync.subscribed() == (RequestSnapshot("start"),)
    assert sync.subscribed() == ()
    assert sync.snapshot(snapshot(100, BIDS, ASKS)) == (PublishBook(),)
    assert (sync.state, sync.last_id) == ("SYNCED", 100)
    after = delta(101, 103, [("100", "5")])
    assert sync.delta(after) == (PublishDelta(after),)


@pytest.mark.parametrize(
    ("first", "last", "published"),
    [
        pytest.param(90, 99, False, id="ends-before-the-snapshot"),
        pytest.param(95, 100, False, id="ends-with-the-snapshot"),
        pytest.param(95, 105, True, id="straddles-the-snapshot"),
        pytest.param(100, 105, True, id="begins-with-the-snapshots-id"),
        pytest.param(101, 105, True, id="begins-right-after-it"),
    ],
)
def test_the_buffer_continues_a_snapshot_that_ends_at_100(first, last, published):
    sync, buffered = fresh(), delta(first, last)
    sync.delta(buffered)
    expected = (PublishDelta(buffered), PublishBook()) if published else (PublishBook(),)
    assert sync.snapshot(snapshot(100, BIDS, ASKS)) == expected
    assert sync.last_id == max(last, 100)
    assert (sync.applied, sync.ignored) == ((1, 0) if published else (0, 1))


def test_a_snapshot_older_than_the_buffer_is_fetched_again_and_the_buffer_kept():
    sync, first = fresh(), delta(102, 105)
    sync.delta(first)
    assert sync.snapshot(snapshot(100, BIDS, ASKS)) == (RequestSnapshot("stale_snapshot"),)
    assert (sync.phase, sync.stale_snapshots, sync.book.bid_count) == (Phase.BUFFERING, 1, 0)
    assert sync.snapshot(snapshot(101, BIDS, ASKS)) == (PublishDelta(first), PublishBook())


def test_a_snapshot_older_than_what_a_resync_has_seen_is_fetched_again():
    sync = synced(100)
    sync.delta(delta(101, 110))
    sync.resync("command")
    assert sync.snapshot(snapshot(105, BIDS, ASKS)) == (RequestSnapshot("stale_snapshot"),)
    assert sync.snapshot(snapshot(110, BIDS, ASKS)) == (PublishBook(),)


def test_a_hole_in_the_buffer_is_a_gap_and_the_rest_waits_for_the_next_snapshot():
    sync, first, after = fresh(), delta(101, 103), delta(110, 112)
    for each in (first, after, delta(113, 115)):
        sync.delta(each)
    assert sync.snapshot(snapshot(100, BIDS, ASKS)) == (
        PublishDelta(first),
        PublishGap("sequence", 104, 109),
        RequestSnapshot("sequence"),
    )
    assert (sync.state, sync.buffered, sync.last_id) == ("SYNCING", 2, 103)
    assert sync.snapshot(snapshot(108, BIDS, ASKS)) == (RequestSnapshot("stale_snapshot"),)
    sync.snapshot(snapshot(112, BIDS, ASKS))
    assert (sync.state, sync.last_id) == ("SYNCED", 115)


def test_the_next_update_is_applied_and_published():
    sync, update = synced(), delta(101, 104, [("100", "0")], [("101", "7")])
    assert sync.delta(update) == (PublishDelta(update),)
    assert sync.book.levels() == ([("99", "1")], [("101", "7"), ("102", "1")])


def test_an_update_that_overlaps_what_was_applied_is_applied_not_a_gap():
    # The recorded GNTBTC case of 2019: U 41603417 after a book at 41603418.
    sync, update = synced(41603418), delta(41603417, 41603419, [], [("103", "6080")])
    assert sync.delta(update) == (PublishDelta(update),)
    assert sync.gaps == 0


def test_an_update_the_book_contains_is_ignored():
    sync = synced()
    assert sync.delta(delta(90, 100, [("100", "9")])) == ()
    assert sync.book.levels()[0][0] == ("100", "1")
    assert sync.ignored == 2


def test_a_missing_update_freezes_the_book_and_names_what_is_missing():
    sync, late = synced(), delta(105, 106, [("100", "9")])
    assert sync.delta(late) == (PublishGap("sequence", 101, 104), RequestSnapshot("sequence"))
    assert (sync.state, sync.last_id, sync.gaps) == ("SYNCING", 100, 1)
    assert sync.book.levels()[0][0] == ("100", "1")
    assert sync.snapshot(snapshot(104, BIDS, ASKS)) == (PublishDelta(late), PublishBook())


def test_a_chained_exchange_names_the_missing_ids_by_its_chain():
    sync = synced()
    gap = sync.delta(delta(109, 112, prev_update_id=107))[0]
    assert gap == PublishGap("sequence", 101, 107)


def test_an_update_that_crosses_the_book_loses_it():
    sync, crossing = synced(), delta(101, 102, [("101.5", "1")])
    assert sync.delta(crossing) == (PublishGap("crossed", 101, 102), RequestSnapshot("crossed"))
    assert (sync.state, sync.applied) == ("SYNCING", 0)
    assert sync.snapshot(snapshot(102, BIDS, ASKS)) == (PublishBook(),)
    assert not sync.book.crossed


def test_a_crossed_snapshot_is_fetched_again():
    sync = fresh()
    sync.delta(delta(100, 100))
    assert sync.snapshot(snapshot(100, ASKS, BIDS)) == (RequestSnapshot("crossed"),)
    assert (sync.phase, sync.book.bid_count) == (Phase.BUFFERING, 0)


def test_an_absurd_update_loses_the_book_until_a_snapshot_covers_it():
    sync, absurd = synced(), delta(101, 102, [("100", "1e5")])
    assert sync.delta(absurd) == (PublishGap("malformed", 101, 102), RequestSnapshot("malformed"))
    assert sync.snapshot(snapshot(101, BIDS, ASKS))[-1] == RequestSnapshot("malformed")
    assert sync.state == "SYNCING"
    assert sync.snapshot(snapshot(102, BIDS, ASKS)) == (PublishBook(),)


def test_an_absurd_snapshot_is_fetched_again():
    sync = fresh()
    sync.delta(delta(100, 100))
    assert sync.snapshot(snapshot(100, [("nan", "1")])) == (RequestSnapshot("malformed"),)


def test_a_full_buffer_is_dropped_but_for_its_newest_and_said_so():
    sync = fresh(buffer_limit=3)
    for number in range(1, 4):
        sync.delta(delta(number, number))
    assert sync.delta(delta(4, 4)) == (PublishGap("overflow", 1, 3), RequestSnapshot("overflow"))
    assert (sync.overflows, sync.buffered) == (1, 1)
    assert sync.snapshot(snapshot(2, BIDS, ASKS)) == (RequestSnapshot("stale_snapshot"),)
    assert sync.snapshot(snapshot(3, BIDS, ASKS))[-1] == PublishBook()
    assert sync.last_id == 4


def test_a_late_snapshot_does_not_touch_a_synced_book():
    sync = synced()
    sync.delta(delta(101, 102))
    assert sync.snapshot(snapshot(100, [("1", "1")])) == ()
    assert (sync.last_id, sync.late_snapshots) == (102, 1)
    assert sync.book.levels() == (BIDS, ASKS)


def test_a_snapshot_asked_for_by_a_connection_that_is_gone_is_not_used():
    sync = fresh()
    sync.delta(delta(90, 95))
    assert sync.disconnected() == ()
    assert sync.snapshot(snapshot(95, BIDS, ASKS)) == ()
    assert (sync.phase, sync.buffered) == (Phase.EMPTY, 0)
    assert sync.delta(delta(98, 99)) == (RequestSnapshot("disconnect"),)
    assert sync.snapshot(snapshot(95, BIDS, ASKS)) == (RequestSnapshot("stale_snapshot"),)


def test_the_first_update_after_a_disconnect_tells_what_was_missed():
    sync = synced()
    sync.disconnected()
    assert (sync.state, sync.last_id) == ("SYNCING", 100)
    assert sync.delta(delta(120, 121)) == (
        PublishGap("disconnect", 101, 119),
        RequestSnapshot("disconnect"),
    )


def test_a_reconnect_that_missed_nothing_reports_no_gap():
    sync = synced()
    sync.disconnected()
    sync.subscribed()
    assert sync.snapshot(snapshot(100, BIDS, ASKS)) == (PublishBook(),)
    assert sync.gaps == 0


def test_a_quiet_reconnect_tells_what_the_snapshot_jumped_over():
    sync = synced()
    sync.disconnected()
    sync.subscribed()
    assert sync.snapshot(snapshot(130, BIDS, ASKS)) == (
        PublishGap("disconnect", 101, 130),
        PublishBook(),
    )


def test_a_resync_command_says_why_and_asks_again():
    sync = synced()
    assert sync.resync("command") == (
        PublishGap("command", None, None),
        RequestSnapshot("command"),
    )
    assert sync.resync("command") == (RequestSnapshot("command"),)
    assert (sync.state, sync.resyncs) == ("SYNCING", 2)


def test_a_silent_book_is_stale_until_the_next_update():
    sync = synced()
    assert sync.stale() == ()
    assert (sync.state, sync.phase) == ("STALE", Phase.SYNCED)
    sync.delta(delta(99, 100))
    assert sync.state == "STALE"
    sync.delta(delta(101, 101))
    assert sync.state == "SYNCED"
    unsynced = fresh()
    unsynced.stale()
    assert unsynced.state == "SYNCING"


def test_a_brand_new_symbol_takes_any_first_update_and_proves_nothing():
    sync, first = fresh(), delta(7, 9, [("100", "1")], [("101", "1")])
    sync.delta(first)
    assert sync.snapshot(snapshot(-1, complete=False)) == (PublishDelta(first), PublishBook())
    assert (sync.state, sync.last_id, sync.book.verified_depth) == ("SYNCED", 9, 0)
    sync.audit(snapshot(9, [("100", "1")], [("101", "1")]))
    assert sync.book.verified_depth == 1


def test_a_book_with_an_empty_side_is_synced():
    sync = fresh()
    sync.subscribed()
    assert sync.snapshot(snapshot(5, [], ASKS)) == (PublishBook(),)
    assert sync.book.best_bid is None


def test_an_audit_at_the_same_id_that_differs_loses_the_book():
    sync = synced()
    assert sync.audit(snapshot(100, [("100", "2"), ("99", "1")], ASKS)) == (
        PublishGap("audit", None, None),
        RequestSnapshot("audit"),
    )
    assert (sync.state, sync.audits_differed) == ("SYNCING", 1)


@pytest.mark.parametrize(
    "bids",
    [
        pytest.param([("100", "1")], id="a-level-too-many-here"),
        pytest.param([*BIDS, ("98", "1")], id="a-level-missing-here"),
        pytest.param([("100", "1"), ("99.5", "1")], id="another-price"),
    ],
)
def test_an_audit_sees_every_kind_of_difference(bids):
    sync = synced()
    assert sync.audit(snapshot(100, bids, ASKS))[-1] == RequestSnapshot("audit")


def test_an_audit_that_spells_numbers_differently_agrees():
    sync = synced()
    same = [("100.00", "1.0"), ("99", "1.000")]
    assert sync.audit(snapshot(100, same, ASKS)) == ()
    assert sync.audits_agreed == 1


@pytest.mark.parametrize("quantity", ["5", "6"], ids=["agrees", "differs"])
def test_an_audit_older_than_the_book_is_brought_forward(quantity):
    sync = synced()
    sync.delta(delta(101, 102, [("100", "5")]))
    sync.delta(delta(103, 104, [("98", "1")]))
    sync.audit(snapshot(102, [("100", quantity), ("99", "1")], ASKS))
    assert sync.state == ("SYNCED" if quantity == "5" else "SYNCING")
    assert sync.audits_agreed + sync.audits_differed == 1


@pytest.mark.parametrize("quantity", ["5", "6"], ids=["agrees", "differs"])
def test_an_audit_newer_than_the_book_waits_for_it(quantity):
    sync = synced()
    assert sync.audit(snapshot(103, [("100", quantity), ("99", "1")], ASKS)) == ()
    for update in (delta(101, 102), delta(103, 104, [("100", "5"), ("98", "1")])):
        assert sync.delta(update)[0] == PublishDelta(update)
        assert sync.audits_differed == 0
    # The last delta sets the quantity in both; the audited levels agree at 104 in either case.
    assert sync.audits_agreed == 1


def test_an_audit_newer_than_the_book_that_differs_is_found_when_the_book_arrives():
    sync, update = synced(), delta(101, 103, [("98", "1")])
    sync.audit(snapshot(103, [("100", "2"), ("99", "1"), ("98", "1")], ASKS))
    assert sync.delta(update) == (
        PublishDelta(update),
        PublishGap("audit", None, None),
        RequestSnapshot("audit"),
    )


def test_an_audit_too_old_to_be_brought_forward_decides_nothing():
    sync = synced()
    for number in range(101, 103 + HISTORY):
        sync.delta(delta(number, number))
    assert sync.audit(snapshot(100, [("1", "1")], ASKS)) == ()
    assert (sync.state, sync.audits_undecided) == ("SYNCED", 1)


@pytest.mark.parametrize(
    "bad", [snapshot(100, ASKS, BIDS), snapshot(100, [("x", "1")])], ids=["crossed", "absurd"]
)
def test_a_bad_audit_snapshot_does_not_cost_a_good_book(bad):
    sync = synced()
    assert sync.audit(bad) == ()
    assert (sync.state, sync.audits_undecided) == ("SYNCED", 1)


def test_an_agreeing_audit_widens_the_proven_range_and_the_book_is_published():
    sync = synced(complete=False)
    sync.delta(delta(101, 102, [("100", "0"), ("95", "3")]))
    assert sync.book.verified_bids == 1
    deeper = [("99", "1"), ("97", "2"), ("95", "3")]
    assert sync.audit(snapshot(102, deeper, ASKS)) == (PublishBook(),)
    assert sync.book.levels(10)[0] == deeper
    assert (sync.gaps, sync.state) == (0, "SYNCED")


def test_an_audit_does_not_survive_the_loss_of_the_book():
    sync = synced()
    sync.audit(snapshot(103, [("1", "1")], ASKS))
    sync.delta(delta(105, 106))
    sync.snapshot(snapshot(106, BIDS, ASKS))
    sync.delta(delta(107, 108))
    assert (sync.state, sync.audits_differed, sync.audits_undecided) == ("SYNCED", 0, 0)


def test_an_audit_newer_than_the_book_changes_nothing_before_the_book_arrives():
    sync = synced(complete=False)
    assert sync.audit(snapshot(103, [*BIDS, ("98", "1")], ASKS)) == ()
    assert sync.book.levels() == (BIDS, ASKS)
    assert sync.book.verified_bids == 2


def test_audits_outside_synced_decide_nothing():
    sync = fresh()
    assert sync.audit(snapshot(1)) == ()
    sync.delta(delta(1, 1))
    assert sync.audit(snapshot(1)) == ()
    assert sync.audits_undecided == 2
