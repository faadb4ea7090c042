"""Whatever the network does to a true USD-M history: a SYNCED book is the true book at its id.

Ids belong to all symbols, so those of one market have holes of any size between them.
"""

from hypothesis import given
from hypothesis import strategies as st

from tests.book.market import Market, exact
from workers.book.book import Book
from workers.book.sequence import Snapshot
from workers.book.sync import BookSync, Phase, PublishBook, PublishDelta, PublishGap
from workers.exchanges.binance.usdm.sequence import UsdmSequencer
from workers.model.events import BookDelta, Levels

LIMIT, DEPTH, BUFFER = 8, 6, 5

changes = st.lists(
    st.tuples(
        st.sampled_from(("bid", "ask")), st.integers(1, 16), st.sampled_from((0, 0, 1, 2, 3))
    ),
    min_size=1,
    max_size=4,
)
update = st.tuples(changes, st.integers(1, 9))
"""Changes of one event, and how far the ids of other symbols went on before each."""
faults = st.one_of(
    st.tuples(st.just("deliver"), update),
    st.tuples(st.just("deliver"), update),
    st.tuples(st.just("deliver"), update),
    st.tuples(st.just("drop"), update),
    st.tuples(st.just("delay"), update),
    st.tuples(st.just("arrive"), st.just(0)),
    st.tuples(st.just("duplicate"), st.integers(0, 6)),
    st.tuples(st.just("snapshot"), st.sampled_from((0, 0, 0, 1, 2, 5, 9))),
    st.tuples(st.just("snapshot"), st.just(0)),
    st.tuples(st.just("audit"), st.sampled_from((0, 0, 1, 2, 5, 9))),
    st.tuples(st.just("flood"), st.just(BUFFER + 2)),
    st.tuples(st.just("disconnect"), update),
    st.tuples(st.just("subscribed"), st.just(0)),
    st.tuples(st.just("resync"), st.just(0)),
)


class Exchange:
    """The exchange's side: a true market whose changes have ids with holes between them."""

    def __init__(self) -> None:
        self.market = Market()
        self.ids = [100]  # of each change; the first is the empty book
        self.last_sent = 100

    def event(self, detail) -> BookDelta:
        steps, hole = detail
        first = self.market.last_id + 1
        for side, price, quantity in steps:
            self.market.change(side, price, quantity)
            self.ids.append(self.ids[-1] + hole)
        message = self.market.message(first, self.market.last_id)
        message.prev_update_id = self.last_sent
        message.first_update_id, message.last_update_id = self.ids[first], self.ids[-1]
        self.last_sent = self.ids[-1]
        return message

    def snapshot(self, back: int) -> Snapshot:
        """What REST gave `back` changes ago."""
        at = max(0, self.market.last_id - back)
        bids, asks = self.market.levels(at)
        complete = len(bids) < DEPTH, len(asks) < DEPTH
        return Snapshot(self.ids[at], bids[:DEPTH], asks[:DEPTH], *complete)

    def book(self, last_id: int) -> tuple[Levels, Levels]:
        return self.market.levels(self.ids.index(last_id))


class Reader:
    """Somebody downstream who knows only what was published."""

    def __init__(self) -> None:
        self.last_id: int | None = None

    def take(self, actions, sync: BookSync) -> None:
        for action in actions:
            if isinstance(action, PublishGap):
                self.last_id = None
            elif isinstance(action, PublishBook):
                assert sync.phase is Phase.SYNCED
                self.last_id = sync.last_id
            elif isinstance(action, PublishDelta) and self.last_id is not None:
                follows = action.delta.prev_update_id == self.last_id
                holds = action.delta.first_update_id <= self.last_id <= action.delta.last_update_id
                assert follows or holds, "a hole nobody was told of"
                self.last_id = action.delta.last_update_id


class Network:
    """Carries an exchange's messages to the machine, badly."""

    def __init__(self) -> None:
        self.exchange, self.reader = Exchange(), Reader()
        self.sync = BookSync("BTC-USDT-PERP", Book(LIMIT), UsdmSequencer, buffer_limit=BUFFER)
        self.sent: list[BookDelta] = []
        self.delayed: list[BookDelta] = []

    def do(self, fault: str, detail) -> None:
        sync, exchange = self.sync, self.exchange
        match fault:
            case "deliver":
                self._take(sync.delta(self._next(detail)))
            case "drop":
                self._next(detail)
            case "delay":
                self.delayed.append(self._next(detail))
            case "arrive" if self.delayed:
                self._take(sync.delta(self.delayed.pop(0)))
            case "duplicate" if self.sent:
                self._take(sync.delta(self.sent[-1 - detail % len(self.sent)]))
            case "snapshot":
                self._take(sync.snapshot(exchange.snapshot(detail)))
            case "audit":
                self._take(sync.audit(exchange.snapshot(detail)))
            case "flood":
                for _ in range(detail):
                    self._take(sync.delta(self._next(([("ask", 16, 1)], 3))))
            case "disconnect":
                self._take(sync.disconnected())
                self.delayed.clear()
                self._next(detail)
            case "subscribed":
                self._take(sync.subscribed())
            case "resync":
                self._take(sync.resync("command"))

    def check(self) -> None:
        sync = self.sync
        assert sync.buffered <= BUFFER
        if sync.phase is not Phase.SYNCED:
            return
        assert sync.last_id is not None
        assert not sync.book.crossed
        assert self.reader.last_id == sync.last_id
        verified = sync.book.verified_bids, sync.book.verified_asks
        true = self.exchange.book(sync.last_id)
        proven, kept = sync.book.levels(10**6), sync.book.levels()
        for side in (0, 1):
            assert exact(proven[side]) == exact(true[side][: verified[side]])
            assert set(kept[side]) <= set(true[side])

    def _next(self, detail) -> BookDelta:
        message = self.exchange.event(detail)
        self.sent.append(message)
        return message

    def _take(self, actions) -> None:
        self.reader.take(actions, self.sync)


@given(st.lists(faults, max_size=60))
def test_a_synced_book_is_the_true_book_whatever_the_network_does(script):
    network = Network()
    for fault, detail in script:
        network.do(fault, detail)
        network.check()
    assert network.sync.audits_differed == 0


@given(st.lists(faults, max_size=40), update)
def test_after_any_faults_one_fresh_snapshot_brings_the_book_back(script, last):
    network = Network()
    for fault, detail in script:
        network.do(fault, detail)
    network.do("deliver", last)
    network.do("snapshot", 0)
    network.do("deliver", last)
    network.check()
    assert network.sync.state == "SYNCED"
    assert network.sync.last_id == network.exchange.ids[-1]


@given(st.lists(update, min_size=2, max_size=40), st.data())
def test_without_faults_there_is_no_gap_and_no_update_is_lost(history, data):
    network = Network()
    waiting = data.draw(st.integers(1, min(BUFFER, len(history) - 1)))
    for step in history[:waiting]:
        network.do("deliver", step)
    changed = network.exchange.market.last_id
    # at the oldest the snapshot ends where the first buffered event follows it by `pu`
    network.do("snapshot", data.draw(st.integers(0, changed)))
    assert network.sync.phase is Phase.SYNCED
    for step in history[waiting:]:
        network.do("deliver", step)
        network.check()
    assert network.sync.gaps == network.sync.stale_snapshots == 0
    assert network.sync.last_id == network.exchange.ids[-1]
