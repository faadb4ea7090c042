"""Whatever a network and an exchange do: a SYNCED book is the true book, and it comes back.

300 scripts of up to 80 steps each; `pytest --hypothesis-profile=nightly` plays 10,000.
"""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.book.families import FAMILIES
from tests.book.faults import (
    BUFFER,
    OUTDATED,
    Network,
    changes,
    messages,
    places,
    scripts,
    short_scripts,
)
from workers.book.sync import Phase

pytestmark = pytest.mark.parametrize(
    "family", FAMILIES, ids=[each.__name__.lower() for each in FAMILIES]
)


@given(script=scripts, last=messages)
def test_a_synced_book_is_true_and_comes_back_however_it_was_lost(family, script, last):
    network = Network(family).play(script)  # looks after every step
    network.heal()  # no more faults, and no update either: a quiet symbol comes back too
    assert network.sync.phase is Phase.SYNCED
    for _ in range(OUTDATED + 1):
        network.do("deliver", last)
        network.heal()
    network.check()
    assert network.sync.state == "SYNCED"
    assert network.sync.last_id == network.exchange.ids[-1]
    assert network.sync.audits_differed == 0
    assert "different" not in network.outcomes


@given(history=st.lists(messages, min_size=2, max_size=40), data=st.data())
def test_without_faults_there_is_no_gap_and_no_update_is_lost(family, history, data):
    network = Network(family)
    waiting = data.draw(st.integers(0, min(BUFFER, len(history) - 1)))
    if family.from_stream:
        network.do("fresh book", 0)
    for step in history[:waiting]:
        network.do("deliver", step)
    if not family.from_stream:
        network.do("book", data.draw(st.integers(0, network.exchange.market.last_id)))
        if not waiting:  # a snapshot nobody asked for is not taken
            network.heal()
    assert network.sync.phase is Phase.SYNCED
    for step in history[waiting:]:
        network.do("deliver", step)
        network.check()
    sync = network.sync
    assert sync.gaps == sync.stale_snapshots == 0
    assert sync.last_id == network.exchange.ids[-1]


@given(
    script=short_scripts, history=st.lists(changes, min_size=OUTDATED + 1, max_size=6), place=places
)
def test_a_silent_change_of_a_proven_level_is_found_and_healed(family, script, history, place):
    network = Network(family).play(script)
    network.heal()
    for step in history:
        network.do("deliver", (step, 1))
        network.heal()
    sync = network.sync
    bids, asks = sync.book.levels(10**6)
    proven = [("bid", level) for level in bids] + [("ask", level) for level in asks]
    reference = network.exchange.snapshot(0)
    known = {price for price, _ in (*reference.bids, *reference.asks)}
    seen = [(side, price) for side, (price, _) in proven if price in known]
    assume(seen)
    side, price = seen[place % len(seen)]
    wrong = [(price, "77")]
    sync.book.apply(wrong if side == "bid" else [], wrong if side == "ask" else [])
    network._take(sync.audit(reference))
    assert sync.audits_differed == 1
    network.heal()
    network.check()
    assert sync.state == "SYNCED"
