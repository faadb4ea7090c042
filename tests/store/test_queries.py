import json
from collections.abc import Iterator
from decimal import Decimal

import pytest

from config.settings import ClickHouseSettings
from tests.store.events import sample
from workers.model.errors import StoreError
from workers.store.insert import Inserter
from workers.store.queries import query, row_counts, trades
from workers.store.tables import TABLES


@pytest.fixture
def filled(store: ClickHouseSettings) -> Iterator[ClickHouseSettings]:
    """Trades 1 to 5, trade 5 twice; one of another symbol."""
    inserter = Inserter(store)
    found = [sample("trades", trade_id=number) for number in (1, 2, 3, 4, 5)]
    for token, batch in (("a", found), ("b", found[4:]), ("c", [sample("trades", symbol="X-Y")])):
        inserter.insert(TABLES["trades"], [json.dumps(each).encode() for each in batch], token)
    inserter.close()
    return store


def test_what_was_delivered_twice_counts_once(filled: ClickHouseSettings) -> None:
    sql = "SELECT count() FROM trades WHERE symbol = 'BTC-USDT'"
    assert query(filled, sql) == (["count()"], [(5,)])


def test_values_are_plain_and_exact(filled: ClickHouseSettings) -> None:
    sql = "SELECT price, aggregate, raw_quantity, trade_id, side FROM trades LIMIT 1"
    columns, rows = query(filled, sql)
    assert columns == ["price", "aggregate", "raw_quantity", "trade_id", "side"]
    assert rows[0][:3] == (Decimal("61837.63"), False, None)
    assert isinstance(rows[0][1], bool)


def test_the_last_trades_come_oldest_first(filled: ClickHouseSettings) -> None:
    found = trades(filled, "binance_spot", "BTC-USDT", last=3)
    assert [row[found.columns.index("trade_id")] for row in found.rows] == [3, 4, 5]


def test_rows_are_counted_by_table_exchange_and_symbol(filled: ClickHouseSettings) -> None:
    assert row_counts(filled, final=True)["trades"] == {
        ("binance_spot", "BTC-USDT"): 5,
        ("binance_spot", "X-Y"): 1,
    }
    assert row_counts(filled)["tickers"] == {}


@pytest.mark.parametrize(
    "sql",
    ["DROP TABLE trades", "INSERT INTO trades (symbol) VALUES ('x')", "TRUNCATE TABLE trades"],
)
def test_a_query_cannot_change_anything(filled: ClickHouseSettings, sql: str) -> None:
    with pytest.raises(StoreError, match="readonly"):
        query(filled, sql)
    assert row_counts(filled, final=True)["trades"][("binance_spot", "X-Y")] == 1


def test_a_longer_result_than_allowed_is_refused(filled: ClickHouseSettings) -> None:
    with pytest.raises(StoreError, match="code 396"):
        query(filled, "SELECT number FROM numbers(1000000)", max_rows=1000)


def test_a_slower_query_than_allowed_is_ended(filled: ClickHouseSettings) -> None:
    sql = "SELECT sum(sleepEachRow(0.01)) FROM numbers(10000) SETTINGS max_block_size = 10"
    with pytest.raises(StoreError, match="code 159") as caught:
        query(filled, sql, max_seconds=0.3)
    assert caught.value.retryable


def test_a_misspelt_query_is_refused_in_clickhouse_s_words_and_not_retryable(
    store: ClickHouseSettings,
) -> None:
    with pytest.raises(StoreError, match="Syntax error") as caught:
        query(store, "SELEKT 1")
    assert not caught.value.retryable
    assert "Stack trace" not in str(caught.value)


def test_clickhouse_away_is_retryable() -> None:
    with pytest.raises(StoreError) as caught:
        query(ClickHouseSettings(port=9), "SELECT 1")
    assert caught.value.retryable


def test_a_named_parameter_is_quoted(filled: ClickHouseSettings) -> None:
    found = query(filled, "SELECT %(text)s", {"text": "it's 100 %"})
    assert found.rows == [("it's 100 %",)]
