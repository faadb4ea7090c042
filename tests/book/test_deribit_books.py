"""Deribit's order rule, and its books under faults: frames through the mapper, known truth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.book.market import Market, assert_true, delta
from tests.exchanges.deribit_frames import mapper
from workers.book.book import Book
from workers.book.sequence import Snapshot, Verdict
from workers.book.sync import BookSync, Phase, PublishGap
from workers.exchanges.base import BookReset
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


NAME = "SOL_USDC-PERPETUAL"
LIMIT, BUFFER, JUMP = 8, 5, 7

changes = st.lists(
    st.tuples(
        st.sampled_from(("bid", "ask")), st.integers(1, 16), st.sampled_from((0, 0, 1, 2, 3))
    ),
    min_size=1,
    max_size=4,
)
faults = st.one_of(
    st.tuples(st.just("deliver"), changes),
    st.tuples(st.just("deliver"), changes),
    st.tuples(st.just("deliver"), changes),
    st.tuples(st.just("drop"), changes),
    st.tuples(st.just("delay"), changes),
    st.tuples(st.just("arrive"), st.just(0)),
    st.tuples(st.just("duplicate"), st.integers(0, 6)),
    st.tuples(st.just("subscribe anew"), st.just(0)),
    st.tuples(st.just("subscribe anew"), st.just(0)),
    st.tuples(st.just("rest"), st.sampled_from((0, 0, 1, 2, 5))),
    st.tuples(st.just("audit"), st.sampled_from((0, 0, 1, 2, 5))),
    st.tuples(st.just("fresh book"), changes),
    st.tuples(st.just("disconnect"), changes),
    st.tuples(st.just("resync"), st.just(0)),
    st.tuples(st.just("stale"), st.just(0)),
)


class Deribit:
    """A market, its channel, and the machine at the end of it. Wire ids jump by JUMP."""

    def __init__(self) -> None:
        self.market, self.mapper = Market(), mapper()
        self.sync = BookSync("SOL-USDC-PERP", Book(LIMIT), DERIBIT.sequencer, BUFFER)
        self.sent: list[bytes] = []
        self.delayed: list[bytes] = []
        self.fresh = False

    def do(self, fault: str, detail) -> None:
        match fault:
            case "deliver":
                self._arrive(self._next(detail))
            case "drop":
                self._next(detail)
            case "delay":
                self.delayed.append(self._next(detail))
            case "arrive" if self.delayed:
                self._arrive(self.delayed.pop(0))
            case "duplicate" if self.sent:
                self._arrive(self.sent[-1 - detail % len(self.sent)])
            case "subscribe anew":
                self.delayed.clear()
                self._arrive(self._frame("snapshot", self._whole()))
            case "rest":
                self.sync.snapshot(self._snapshot(max(0, self.market.last_id - detail)))
            case "audit":
                self.sync.audit(self._snapshot(max(0, self.market.last_id - detail)))
            case "fresh book":
                for side in ("bid", "ask"):
                    for price in list(self.market.books[-1][side]):
                        self.market.change(side, price, 0)
                self.fresh = True
                self._arrive(self._next(detail))
            case "disconnect":
                self.sync.disconnected()
                self.delayed.clear()
                self._next(detail)
            case "resync":
                self.sync.resync("command")
            case "stale":
                self.sync.stale()

    def check(self) -> None:
        sync = self.sync
        if sync.phase is not Phase.SYNCED:
            assert sync.state == "SYNCING"
            return
        assert sync.last_id is not None
        assert sync.last_id % JUMP == 0
        assert not sync.book.crossed
        assert_true(sync.book, self.market, sync.last_id // JUMP)

    def _next(self, steps) -> bytes:
        before = self.market.last_id
        for step in steps:
            self.market.change(*step)
        message = self.market.message(before + 1, self.market.last_id)
        chain = 0 if self.fresh else before * JUMP
        self.fresh = False
        frame = self._frame("change", (message.bids, message.asks), f'"prev_change_id":{chain},')
        self.sent.append(frame)
        return frame

    def _whole(self):
        return self.market.levels(self.market.last_id)

    def _snapshot(self, at: int) -> Snapshot:
        bids, asks = self.market.levels(at)
        return Snapshot(at * JUMP, bids, asks, True, True)

    def _frame(self, kind: str, sides, chain: str = "") -> bytes:
        bids, asks = (
            ",".join(
                f'["{"new" if float(quantity) else "delete"}",{price},{quantity}]'
                for price, quantity in side
            )
            for side in sides
        )
        return (
            '{"jsonrpc":"2.0","method":"subscription","params":{"channel":'
            f'"book.{NAME}.100ms","data":{{"timestamp":1790133840638,"type":"{kind}",{chain}'
            f'"change_id":{self.market.last_id * JUMP},"instrument_name":"{NAME}",'
            f'"bids":[{bids}],"asks":[{asks}]}}}}}}'
        ).encode()

    def _arrive(self, frame: bytes) -> None:
        for item in self.mapper.map(frame, 0):
            if isinstance(item, BookReset):
                self.sync.reset(item.snapshot)
            else:
                assert isinstance(item, BookDelta)
                self.sync.delta(item)


@given(st.lists(faults, max_size=60))
def test_a_synced_book_is_the_true_book_whatever_happens_to_the_channel(script):
    channel = Deribit()
    for fault, detail in script:
        channel.do(fault, detail)
        channel.check()


@given(st.lists(faults, max_size=40), changes)
def test_after_any_faults_a_new_subscription_brings_the_book_back(script, last):
    channel = Deribit()
    for fault, detail in script:
        channel.do(fault, detail)
    channel.do("subscribe anew", 0)
    channel.do("deliver", last)
    channel.check()
    assert channel.sync.state == "SYNCED"
    assert channel.sync.last_id == channel.market.last_id * JUMP


@given(st.lists(changes, max_size=40))
def test_without_faults_there_is_no_gap_and_every_change_is_applied(history):
    channel = Deribit()
    channel.do("subscribe anew", 0)
    for step in history:
        channel.do("deliver", step)
        channel.check()
    assert (channel.sync.gaps, channel.sync.applied) == (0, len(history))


@given(st.lists(faults, max_size=60))
def test_an_audit_of_a_true_book_never_differs(script):
    channel = Deribit()
    for fault, detail in script:
        channel.do(fault, detail)
    assert channel.sync.audits_differed == 0


def test_a_book_that_began_again_with_lower_ids_is_taken_from_its_snapshot():
    sync = BookSync("SOL-USDC-PERP", Book(LIMIT), DERIBIT.sequencer)
    sync.reset(Snapshot(9000, [("5", "1")], [("6", "1")], True, True))
    sync.delta(change(9000, 9010))
    (gap, _) = sync.delta(change(0, 12))
    assert isinstance(gap, PublishGap)
    sync.reset(Snapshot(12, [("4", "1")], [("6", "1")], True, True))
    sync.delta(change(12, 15))
    assert (sync.state, sync.last_id) == ("SYNCED", 15)
