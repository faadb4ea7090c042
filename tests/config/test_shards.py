"""Which shard has a symbol: evenly, the same everywhere, and few move when one is added."""

from collections import Counter

import pytest

from config.shards import by_shard, collectors, exchange_of, plain, shard_number, shard_of

SYMBOLS = [f"COIN{number}-USDT" for number in range(2000)]


@pytest.mark.parametrize("shards", [2, 3, 8])
def test_symbols_are_spread_evenly(shards: int):
    counts = Counter(shard_of(each, shards) for each in SYMBOLS)
    assert set(counts) == set(range(shards))
    assert max(counts.values()) < 1.25 * len(SYMBOLS) / shards


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_a_new_shard_takes_its_part_and_nothing_else_moves(shards: int):
    moved = [each for each in SYMBOLS if shard_of(each, shards) != shard_of(each, shards + 1)]
    assert {shard_of(each, shards + 1) for each in moved} == {shards}
    assert 0.8 < len(moved) * (shards + 1) / len(SYMBOLS) < 1.2


def test_a_place_never_changes():
    """What is written here is what running systems go by."""
    assert by_shard(["BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT"], 3) == {
        0: ["BTC-USDT"],
        1: ["ETH-USDT", "SOL-USDT"],
        2: ["XRP-USDT"],
    }


def test_the_first_shard_has_the_exchange_s_own_name():
    names = collectors("deribit", 3)
    assert names == ["collector.deribit", "collector.deribit.1", "collector.deribit.2"]
    assert [shard_number(each) for each in names] == [0, 1, 2]
    assert [plain(each) for each in names] == names
    assert plain("collector.deribit.0") == "collector.deribit"
    assert plain("processor.mine.0") == "processor.mine.0"


def test_a_collector_s_name_tells_its_exchange():
    names = ("collector.deribit", "collector.deribit.1", "writer", "processor.collector")
    assert [exchange_of(each) for each in names] == ["deribit", "deribit", None, None]
