"""30 kills, a cut, gaps on the wire, and everything counted; `make chaos` is the long form.

CHAOS=0 leaves it out; CHAOS_SEED=number chooses other moments and another order.
"""

import os
import random
from collections.abc import Iterator

import pytest

from tests.chaos.campaign import Campaign
from tests.chaos.faults import cut
from tests.chaos.gaps import Injection, completeness
from tests.chaos.ledger import disagrees
from tests.chaos.outcome import Outcome
from tests.chaos.plan import kills
from tests.chaos.stack import ChaosStack
from tests.waiting import wait_until
from workers.store.client import connect

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.environ.get("CHAOS") == "0", reason="NOT RUN: CHAOS=0"),
]

SEED = int(os.environ.get("CHAOS_SEED", "7"))
KILLS = 30
GAPS = 15
PATIENCE_S = 300.0
SETTINGS = {
    "SCHEDULE__FILL_GAPS": "2s",
    "SCHEDULE__UPDATE_LEDGER": "5s",
    "SCHEDULE__ORDERBOOK_SNAPSHOT": "off",
    "SCHEDULE__KLINES": "off",
    "SCHEDULE__AUDIT_BOOKS": "off",
}
"""A killed collector's trades wait for the first, the end for the second. The others leave a
minute's REST weight to snapshots and missed trades: five restarts in two minutes would wait for it.
"""


@pytest.fixture(scope="module")
def injection() -> Injection:
    return Injection(GAPS)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory, injection: Injection) -> Iterator[Campaign]:
    stack = ChaosStack(tmp_path_factory.mktemp("chaos"), **SETTINGS)
    try:
        stack.start()
        made = Campaign(stack, SEED, PATIENCE_S, ended=_tell)
        try:
            made.settle()
            rows = kills(KILLS, 0, random.Random(SEED), row=10, within_s=12)
            made.run([injection.fault(at_once=False), *rows, cut(3)])
            yield made
        finally:
            made.close()
    finally:
        stack.close()


def _tell(outcome: Outcome) -> None:
    """Shown if a test fails."""
    print(f"{outcome.took_s:.0f} s: {outcome}")


def test_every_trade_is_stored_once_whatever_is_killed_or_cut_off(campaign: Campaign) -> None:
    failed = [str(each) for each in campaign.outcomes if each.failed]
    assert failed == [], f"CHAOS_SEED={SEED}"
    assert sum(len(each.killed) for each in campaign.outcomes) == KILLS
    assert len(set(campaign.stack.killed)) == 7


def test_the_command_names_each_gap_with_its_ids_no_other_and_shows_it_filled(
    campaign: Campaign, injection: Injection
) -> None:
    told = injection.told(campaign.stack)
    assert told.right, told
    assert told.injected == GAPS
    series = completeness(campaign.stack)["series"]
    trades = [each for each in series if each["data_type"] == "trade"]
    assert len(trades) == len(campaign.stack.traded)
    assert [each for each in trades if each["missing"]] == []


def test_a_gap_that_nobody_made_is_seen(campaign: Campaign, injection: Injection) -> None:
    span = injection.spans[0]
    where = f"symbol = '{span.symbol}' AND first_id = {span.first_id}"
    with connect(campaign.stack.settings.clickhouse) as client:
        client.execute(
            "INSERT INTO gap_ledger SELECT * REPLACE (last_id + 1 AS last_id, "
            f"'unfillable' AS state) FROM gap_ledger FINAL WHERE {where}"
        )
        assert len(injection.told(campaign.stack).invented) == 1
        assert len(disagrees(campaign.stack)) == 1
        client.execute(f"DELETE FROM gap_ledger WHERE {where} AND state = 'unfillable'")
    assert injection.told(campaign.stack).right


def test_a_book_that_is_not_true_is_seen(campaign: Campaign) -> None:
    symbol = campaign.stack.traded[0]
    door = campaign.stack.door(symbol.exchange)
    door.fault("corrupt", symbol=symbol.raw_symbol, count=100_000)
    try:
        wait_until(lambda: campaign.ears.unequal(0.0), 30, "a book that is not true", every_s=0.1)
    finally:
        door.clear_faults()


def test_a_lost_a_doubled_and_a_wrong_row_are_seen(campaign: Campaign) -> None:
    reckoning, stack = campaign.reckoning, campaign.stack
    symbol, first = next(iter(reckoning.first.items()))
    where = f"symbol = '{symbol.symbol}' AND trade_id = {first + 5}"
    ends = {symbol: first + 10}
    assert reckoning.whole(ends, again=True)
    with connect(stack.settings.clickhouse) as client:
        client.execute(
            f"INSERT INTO trades SELECT * REPLACE (price + 1 AS price) FROM trades WHERE {where}"
        )
        assert reckoning.duplicated() == 1
        client.execute(f"DELETE FROM trades WHERE {where}")
    assert not reckoning.whole(ends, again=True)
    assert reckoning.missing(ends, again=True).lost == {symbol: [first + 5]}
