"""A snapshot ahead of its stream: a moment ahead, or that of another symbol."""

from tests.book.market import delta, snapshot
from workers.book.book import Book
from workers.book.sync import BookSync, PublishDelta, RequestSnapshot
from workers.exchanges.binance.spot.sequence import SpotSequencer

BIDS, ASKS = [("100", "1"), ("99", "1")], [("101", "1"), ("102", "1")]


def ahead(*waiting: tuple[int, int]) -> BookSync:
    """A book built from a snapshot that ends at 100 while these waited."""
    sync = BookSync("BTC-USDT", Book(100), SpotSequencer, outdated_limit=5)
    sync.subscribed()
    for each in waiting:
        sync.delta(delta(*each))
    sync.snapshot(snapshot(100, BIDS, ASKS))
    return sync


def test_a_book_ahead_of_its_stream_is_stale_until_the_stream_continues_it():
    sync = ahead((90, 94))
    assert sync.state == "STALE"
    sync.delta(delta(95, 97))
    assert sync.state == "STALE"
    after = delta(98, 103)
    assert sync.delta(after) == (PublishDelta(after),)
    assert sync.state == "SYNCED"


def test_a_stream_that_ends_where_the_snapshot_does_has_nothing_to_add():
    assert ahead((90, 94), (95, 100)).state == "SYNCED"
    sync = ahead((90, 94))
    sync.delta(delta(95, 100))
    assert sync.state == "SYNCED"


def test_a_quiet_book_is_doubted_when_its_stream_speaks_of_the_past():
    sync = ahead()
    assert sync.state == "SYNCED"
    sync.delta(delta(90, 94))
    assert sync.state == "STALE"


def test_a_repeat_makes_no_book_stale_that_the_stream_has_reached():
    sync = ahead((95, 105))
    sync.delta(delta(90, 94))
    assert sync.state == "SYNCED"


def test_the_snapshot_of_another_symbol_is_never_synced_and_soon_given_up():
    sync = ahead((1, 2))
    states = {sync.state}
    for number in range(3, 7):
        assert sync.delta(delta(number, number)) == ()
        states.add(sync.state)
    assert states == {"STALE"}
    assert sync.delta(delta(7, 7))[-1] == RequestSnapshot("sequence")
