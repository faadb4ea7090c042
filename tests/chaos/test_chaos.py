"""A few seeded faults; `python -m tests.chaos` is the long form.

CHAOS_SEED=number chooses other moments and another order.
"""

import os
import random
from collections.abc import Iterator

import pytest

from tests.chaos.campaign import Campaign
from tests.chaos.faults import KILLED, cut, kill_row
from tests.chaos.stack import ChaosStack
from tests.waiting import wait_until
from workers.store.client import connect

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        "CHAOS" not in os.environ, reason="NOT RUN: takes minutes; `make chaos`, or CHAOS=1 pytest"
    ),
]

SEED = int(os.environ.get("CHAOS_SEED", "7"))


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    stack = ChaosStack(
        tmp_path_factory.mktemp("chaos"), SCHEDULE__FILL_GAPS="2s", SCHEDULE__UPDATE_LEDGER="10s"
    )
    try:
        stack.start()
        made = Campaign(stack, SEED)
        yield made
        made.close()
    finally:
        stack.close()


def test_every_trade_is_stored_once_whatever_is_killed_or_cut_off(campaign: Campaign) -> None:
    victims = list(KILLED)
    random.Random(SEED).shuffle(victims)
    campaign.settle()
    outcomes = campaign.run(
        [kill_row(*victims[:4], within_s=5), kill_row(*victims[3:], within_s=5), cut(3)]
    )
    failed = [str(each) for each in outcomes if each.failed]
    assert failed == [], f"CHAOS_SEED={SEED}"


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
    with connect(stack.settings.clickhouse) as client:
        client.execute(
            f"INSERT INTO trades SELECT * REPLACE (price + 1 AS price) FROM trades WHERE {where}"
        )
        assert reckoning.duplicated() == 1
        client.execute(f"DELETE FROM trades WHERE {where}")
    ends = {symbol: first + 10}
    assert reckoning.missing(ends, again=True).lost == {symbol: [first + 5]}
