"""Books that come on the stream: a full one replaces what is there, at any time."""

import pytest

from tests.book.market import delta, snapshot
from workers.book.book import Book
from workers.book.sync import BookSync, Phase, PublishBook, PublishGap, RequestSnapshot
from workers.exchanges.binance.spot.sequence import SpotSequencer

BIDS, ASKS = [("100", "1"), ("99", "1")], [("101", "1"), ("102", "1")]


def fresh() -> BookSync:
    return BookSync("BTC-USDT", Book(100), SpotSequencer)


def synced(last_id: int = 100) -> BookSync:
    sync = fresh()
    assert sync.reset(snapshot(last_id, BIDS, ASKS)) == (PublishBook(),)
    assert (sync.state, sync.last_id) == ("SYNCED", last_id)
    return sync


def test_the_first_book_of_a_stream_syncs_without_being_asked_for():
    assert synced().gaps == 0


@pytest.mark.parametrize(
    ("new", "gaps"),
    [
        pytest.param(100, [], id="same-id"),
        pytest.param(107, [PublishGap("sequence", 101, 107)], id="later"),
        pytest.param(3, [PublishGap("sequence", None, None)], id="ids-began-anew"),
    ],
)
def test_a_book_nobody_asked_for_replaces_a_synced_one(new, gaps):
    sync = synced()
    assert list(sync.reset(snapshot(new, [("90", "5")], []))) == [*gaps, PublishBook()]
    assert (sync.last_id, sync.book.levels()) == (new, ([("90", "5")], []))


def test_updates_that_waited_are_dropped_and_counted():
    sync = synced()
    sync.delta(delta(105, 106, [("98", "1")]))
    sync.delta(delta(107, 107, [("97", "1")]))
    assert sync.reset(snapshot(50, BIDS, ASKS)) == (PublishBook(),)
    assert (sync.ignored, sync.buffered, sync.last_id) == (2, 0, 50)
    assert sync.book.levels() == (BIDS, ASKS)


@pytest.mark.parametrize(
    ("new", "ids"), [(109, (101, 109)), (7, (None, None))], ids=["later", "ids-began-anew"]
)
def test_a_book_after_a_disconnect_tells_what_was_missed(new, ids):
    sync = synced()
    sync.disconnected()
    assert sync.reset(snapshot(new, BIDS, ASKS)) == (PublishGap("disconnect", *ids), PublishBook())


@pytest.mark.parametrize(
    ("bad", "cause"),
    [(snapshot(9, ASKS, BIDS), "crossed"), (snapshot(9, [("x", "1")], []), "malformed")],
    ids=["crossed", "malformed"],
)
def test_a_book_that_cannot_be_is_asked_for_again(bad, cause):
    sync = fresh()
    assert sync.reset(bad) == (RequestSnapshot(cause),)
    assert sync.phase is Phase.BUFFERING
    sync = synced()
    assert sync.reset(bad) == (PublishGap(cause, None, None), RequestSnapshot(cause))
    assert sync.book.levels() == (BIDS, ASKS)


def test_ids_that_run_backwards_are_not_called_missing():
    sync = synced()
    gap = sync.delta(delta(102, 111, prev_update_id=99))[0]
    assert gap == PublishGap("sequence", None, None)


def test_a_keep_alive_ends_staleness_and_changes_nothing():
    sync = synced()
    sync.stale()
    assert sync.delta(delta(100, 100, prev_update_id=100)) == ()
    assert sync.state == "SYNCED"
    sync.stale()
    sync.delta(delta(99, 99, prev_update_id=99))
    assert sync.state == "STALE"
