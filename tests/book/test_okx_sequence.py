"""The chain of seqId and prevSeqId: the official sequence, and whatever a network does to it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.book.market import Market, assert_true, delta, snapshot
from workers.book.book import Book
from workers.book.sequence import Snapshot, Verdict
from workers.book.sync import BookSync, Phase, PublishBook, PublishDelta, PublishGap
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
        pytest.param(4, 4, Verdict.STALE, id="older-keep-alive"),
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


class Channel:
    """OKX's side of one book: ids that jump, keep-alives, resets, a whole book on subscribing."""

    def __init__(self) -> None:
        self.market, self.sync = Market(), fresh()
        self.ids = [100]
        """The seqId after each change of the market; ids of different lives never meet."""
        self.lives = 0
        self.reader_id: int | None = None

    def at(self) -> int:
        """The market's change that the book's id stands for."""
        return self.ids.index(self.sync.last_id)

    def do(self, what: str, detail) -> None:
        match what:
            case "update":
                self.take(self.sync.delta(self.next(*detail)))
            case "lose":
                self.next(*detail)
            case "begin anew":
                self.lives += 1
                self.take(self.sync.delta(self.next(detail, -self.lives)))
            case "keep alive":
                self.take(self.sync.delta(update(self.ids[-1], self.ids[-1])))
            case "repeat" if len(self.ids) > 1 and self.ids[-2] < self.ids[-1]:
                self.take(self.sync.delta(self.message(self.market.last_id)))
            case "book":
                self.take(self.sync.reset(self.whole()))
            case "subscribed again":
                self.take(self.sync.resync("command"))
            case "disconnect":
                self.take(self.sync.disconnected())
            case "audit":
                self.take(self.sync.audit(self.whole()))
                assert self.sync.audits_differed == 0

    def next(self, change, jump: int) -> BookDelta:
        self.market.change(*change)
        # A new life counts from far below all ids of the lives before it.
        new = self.ids[-1] + jump if jump > 0 else min(self.ids) - 10_000
        self.ids.append(new)
        return self.message(self.market.last_id)

    def message(self, number: int) -> BookDelta:
        change = self.market.message(number, number)
        return update(self.ids[number - 1], self.ids[number], change.bids, change.asks)

    def whole(self) -> Snapshot:
        bids, asks = self.market.levels(self.market.last_id)
        return Snapshot(self.ids[-1], bids, asks, bids_complete=True, asks_complete=True)

    def take(self, actions) -> None:
        for action in actions:
            if isinstance(action, PublishGap):
                self.reader_id = None
            elif isinstance(action, PublishBook):
                self.reader_id = self.sync.last_id
            elif isinstance(action, PublishDelta) and self.reader_id is not None:
                assert action.delta.prev_update_id == self.reader_id, "a hole nobody was told of"
                self.reader_id = action.delta.last_update_id

    def check(self) -> None:
        assert self.sync.buffered <= BUFFER
        if self.sync.phase is Phase.SYNCED:
            assert_true(self.sync.book, self.market, self.at())
            assert self.reader_id == self.sync.last_id


changes = st.tuples(
    st.sampled_from(("bid", "ask")), st.integers(1, 16), st.sampled_from((0, 1, 2, 3))
)
steps = st.tuples(changes, st.sampled_from((1, 1, 2, 9, 500)))
faults = st.one_of(
    st.tuples(st.just("update"), steps),
    st.tuples(st.just("update"), steps),
    st.tuples(st.just("update"), steps),
    st.tuples(st.just("lose"), steps),
    st.tuples(st.just("begin anew"), changes),
    *(
        st.tuples(st.just(name), st.none())
        for name in (
            "keep alive",
            "repeat",
            "book",
            "book",
            "subscribed again",
            "disconnect",
            "audit",
        )
    ),
)


@given(st.lists(faults, max_size=60))
def test_a_synced_book_is_the_true_book_whatever_happens(script):
    channel = Channel()
    for what, detail in script:
        channel.do(what, detail)
        channel.check()


@given(st.lists(faults, max_size=40), steps)
def test_after_anything_one_whole_book_brings_it_back(script, last):
    channel = Channel()
    for what, detail in [*script, ("book", None), ("update", last)]:
        channel.do(what, detail)
    channel.check()
    assert channel.sync.state == "SYNCED"
    assert channel.sync.last_id == channel.ids[-1]


@given(st.lists(st.one_of(steps, st.none()), min_size=1, max_size=40))
def test_without_faults_there_is_no_gap(history):
    channel = Channel()
    channel.do("book", None)
    for step in history:
        channel.do("keep alive" if step is None else "update", step)
        channel.check()
    assert channel.sync.gaps == 0
    assert channel.sync.applied == sum(step is not None for step in history)
    assert all(before < last for before, last in pairwise(channel.ids))
