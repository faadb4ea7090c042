"""Whatever the network does to a true history: a SYNCED book is the true book at its id."""

from hypothesis import given
from hypothesis import strategies as st

from tests.book.market import Market, assert_true
from workers.book.book import Book
from workers.book.sync import BookSync, Phase, PublishBook, PublishDelta, PublishGap
from workers.exchanges.binance.spot.sequence import SpotSequencer
from workers.model.events import Levels

LIMIT, DEPTH, BUFFER = 8, 6, 5

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
    st.tuples(st.just("overlap"), st.integers(1, 6)),
    st.tuples(st.just("snapshot"), st.sampled_from((0, 0, 0, 1, 2, 5, 9))),
    st.tuples(st.just("snapshot"), st.just(0)),
    st.tuples(st.just("audit"), st.sampled_from((0, 0, 1, 2, 5, 9))),
    st.tuples(st.just("audit ahead"), changes),
    st.tuples(st.just("flood"), st.just(BUFFER + 2)),
    st.tuples(st.just("disconnect"), changes),
    st.tuples(st.just("subscribed"), st.just(0)),
    st.tuples(st.just("resync"), st.just(0)),
    st.tuples(st.just("stale"), st.just(0)),
)


class Reader:
    """Somebody downstream who knows only what was published."""

    def __init__(self) -> None:
        self.last_id: int | None = None
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}

    def take(self, actions, sync: BookSync) -> None:
        for action in actions:
            if isinstance(action, PublishGap):
                self.last_id = None
            elif isinstance(action, PublishBook):
                assert sync.phase is Phase.SYNCED
                bids, asks = sync.book.levels()
                self.last_id, self.bids, self.asks = sync.last_id, dict(bids), dict(asks)
            elif isinstance(action, PublishDelta) and self.last_id is not None:
                delta = action.delta
                assert delta.first_update_id <= self.last_id + 1, "a hole nobody was told of"
                self._apply(self.bids, delta.bids)
                self._apply(self.asks, delta.asks)
                self.last_id = delta.last_update_id

    def _apply(self, side: dict[str, str], levels: Levels) -> None:
        for price, quantity in levels:
            side.pop(price, None)
            if float(quantity):
                side[price] = quantity


class Network:
    """Carries a market's messages to the machine, badly."""

    def __init__(self) -> None:
        self.market, self.reader = Market(), Reader()
        self.sync = BookSync("BTC-USDT", Book(LIMIT), SpotSequencer, buffer_limit=BUFFER)
        self.sent: list = []
        self.delayed: list = []

    def do(self, fault: str, detail) -> None:
        sync, market = self.sync, self.market
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
            case "overlap" if market.last_id > detail:
                # An event that starts inside what was sent before and brings the newest id.
                market.change("bid", 1, 1)
                self._take(sync.delta(market.message(market.last_id - detail, market.last_id)))
            case "snapshot":
                self._take(sync.snapshot(market.snapshot(max(0, market.last_id - detail), DEPTH)))
            case "audit":
                self._take(sync.audit(market.snapshot(max(0, market.last_id - detail), DEPTH)))
            case "audit ahead":
                message = self._next(detail)
                self._take(sync.audit(market.snapshot(message.first_update_id, DEPTH)))
                self._take(sync.delta(message))
            case "flood":
                for _ in range(detail):
                    self._take(sync.delta(self._next([("ask", 16, 1)])))
            case "disconnect":
                self._take(sync.disconnected())
                self.delayed.clear()
                self._next(detail)
            case "subscribed":
                self._take(sync.subscribed())
            case "resync":
                self._take(sync.resync("command"))
            case "stale":
                self._take(sync.stale())

    def check(self) -> None:
        sync = self.sync
        assert sync.buffered <= BUFFER
        if sync.phase is not Phase.SYNCED:
            assert sync.state == "SYNCING"
            return
        assert sync.state in ("SYNCED", "STALE")
        assert sync.last_id is not None
        assert not sync.book.crossed
        assert_true(sync.book, self.market, sync.last_id)
        assert self.reader.last_id == sync.last_id
        bids, asks = sync.book.levels(10**6)
        assert dict(bids).items() <= self.reader.bids.items()
        assert dict(asks).items() <= self.reader.asks.items()

    def _next(self, changes):
        first = self.market.last_id + 1
        for change in changes:
            self.market.change(*change)
        message = self.market.message(first, self.market.last_id)
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


@given(st.lists(faults, max_size=40), changes)
def test_after_any_faults_one_fresh_snapshot_brings_the_book_back(script, last):
    network = Network()
    for fault, detail in script:
        network.do(fault, detail)
    network.do("deliver", last)
    network.do("snapshot", 0)
    network.do("deliver", last)
    network.check()
    assert network.sync.state == "SYNCED"
    assert network.sync.last_id == network.market.last_id


@given(st.lists(changes, min_size=2, max_size=40), st.data())
def test_without_faults_there_is_no_gap_and_no_update_is_lost(history, data):
    network = Network()
    waiting = data.draw(st.integers(1, min(BUFFER, len(history) - 1)))
    for step in history[:waiting]:
        network.do("deliver", step)
    first_last_id = network.sent[0].first_update_id - 1
    network.do(
        "snapshot",
        network.market.last_id - data.draw(st.integers(first_last_id, network.market.last_id)),
    )
    for step in history[waiting:]:
        network.do("deliver", step)
        network.check()
    assert network.sync.gaps == network.sync.stale_snapshots == 0
    assert network.sync.last_id == network.market.last_id


@given(st.lists(faults, max_size=60))
def test_an_audit_of_a_true_book_never_differs(script):
    network = Network()
    for fault, detail in script:
        network.do(fault, detail)
    assert network.sync.audits_differed == 0
