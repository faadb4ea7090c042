"""Commands to an exchange that two collectors share: each reaches the one it is for."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.runtime.children import run
from tests.tasks.conftest import System, running
from tests.waiting import wait_until
from workers.local.servers import ClickHouseServer

pytestmark = pytest.mark.e2e

FIRST, SECOND = "collector.binance_spot", "collector.binance_spot.1"


@pytest.fixture(scope="module")
def system(
    tmp_path_factory: pytest.TempPathFactory, clickhouse_server: ClickHouseServer
) -> Iterator[System]:
    """The first shard started by its other name."""
    with running(
        tmp_path_factory.mktemp("shards"),
        clickhouse_server,
        f"{FIRST}.0",
        SECOND,
        MARKETPRISM_EXCHANGES__BINANCE_SPOT__SHARDS="2",
    ) as found:
        yield found


def marketprism(system: System, *arguments: str) -> dict[str, Any]:
    """`marketprism run ... --wait --json`."""
    done = run(["cli.main", "run", *arguments, "--wait", "--json", "--timeout", "40"], system.env)
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_each_symbol_is_with_its_shard_alone(system: System) -> None:
    books = system.inspect("books")
    assert set(books[FIRST][FIRST]) == {"BTC-USDT"}
    assert set(books[SECOND][SECOND]) == {"ETH-USDT", "SOL-USDT"}


def test_a_command_goes_where_its_symbol_is(system: System) -> None:
    for symbol, node in (("BTC-USDT", FIRST), ("ETH-USDT", SECOND)):
        where = ("--exchange", "binance_spot", "--symbol", symbol)
        read = marketprism(system, "collector.read_book", *where, "--depth", "3")
        assert read["state"] == "SUCCESS", read
        assert read["worker"].startswith(f"{node}@")
        assert len(read["result"]["bids"]) == 3


def test_a_command_to_the_exchange_is_carried_out_by_all_of_its_shards(system: System) -> None:
    done = marketprism(system, "check_memory", "--exchange", "binance_spot")
    assert done["worker"].startswith(f"{FIRST}@")
    assert list(done["handed_on"]) == [SECOND]
    other = done["handed_on"][SECOND]
    assert (other["state"], other["result"]["level"]) == ("SUCCESS", "ok")
    assert other["worker"].startswith(f"{SECOND}@")
    alone = marketprism(system, "check_memory", "--exchange", "binance_spot", "--shard", "1")
    assert alone["worker"].startswith(f"{SECOND}@")
    assert "handed_on" not in alone
    status = marketprism(system, "collector.status", "--exchange", "binance_spot", "--shard", "1")
    assert (status["result"]["shard"], status["result"]["shards"]) == (1, 2)


def test_symbols_of_both_shards_are_removed_and_added_by_one_command(system: System) -> None:
    both = ("--exchange", "binance_spot", "--symbols", "ETH-USDT,BTC-USDT")
    gone = marketprism(system, "unsubscribe", *both)
    assert "orderbook ETH-USDT" in gone["result"]["ended"]
    assert "orderbook BTC-USDT" in gone["handed_on"][FIRST]["result"]["ended"]

    def left() -> list[str]:
        replies = system.inspect("books")
        return sorted([*replies[FIRST][FIRST], *replies[SECOND][SECOND]])

    wait_until(lambda: left() == ["SOL-USDT"], 20, "one book left")
    back = marketprism(system, "subscribe", *both)
    assert back["handed_on"][FIRST]["state"] == back["state"] == "SUCCESS"
    wait_until(lambda: len(left()) == 3, 20, "three books again")


def test_a_shard_that_is_not_there_is_refused_before_anything_is_sent(system: System) -> None:
    kwargs = json.dumps({"exchange": "binance_spot", "shard": 2})
    done = system.celery("call", "collector.check_memory", "--kwargs", kwargs)
    assert done.returncode == 1
    assert "binance_spot has shards 0 to 1, there is no shard 2" in done.stderr
