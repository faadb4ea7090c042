import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.settings import ClickHouseSettings
from tests.store.events import events, row, sample
from workers.model.errors import StoreError
from workers.store.client import connect
from workers.store.insert import Inserter
from workers.store.tables import TABLES, Table

EACH_TABLE = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
SLOW = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def inserter(store: ClickHouseSettings) -> Iterator[Inserter]:
    inserter = Inserter(store)
    yield inserter
    inserter.close()


def lines(*found: dict[str, Any]) -> list[bytes]:
    return [json.dumps(event, ensure_ascii=False).encode() for event in found]


def read(store: ClickHouseSettings, table: Table, final: str = "") -> list[tuple[Any, ...]]:
    names = ", ".join(field.name for field in table.fields)
    with connect(store) as client:
        return list(client.execute(f"SELECT {names} FROM {table.name} {final} ORDER BY stored_ns"))


def refuses(inserter: Inserter, table: Table, line: bytes) -> bool:
    try:
        inserter.insert(table, [line], token=f"{table.name}{hash(line)}")
    except StoreError as error:
        if error.retryable:
            raise
        return True
    return False


@EACH_TABLE
@SLOW
@given(data=st.data())
def test_every_field_of_every_event_comes_back_exactly(
    inserter: Inserter, store: ClickHouseSettings, table: Table, data: st.DataObject
) -> None:
    event = data.draw(events(table))
    with connect(store) as client:
        client.execute(f"TRUNCATE TABLE {table.name}")
    inserter.insert(table, lines(event), token=str(data))
    assert [list(each) for each in read(store, table)] == [row(table, event)]


def test_absent_is_null_and_zero_is_zero(inserter: Inserter, store: ClickHouseSettings) -> None:
    event = sample("tickers", best_bid_price="0", best_ask_price=None, volume_24h=...)
    inserter.insert(TABLES["tickers"], lines(event), token="t")
    with connect(store) as client:
        found = client.execute("SELECT best_bid_price, best_ask_price, volume_24h FROM tickers")
    assert found == [(Decimal(0), None, None)]


BAD_VALUES: dict[str, list[Any]] = {
    "text": [..., None],
    "integer": ["x", 1.5, "", 2**63, True, [], {}],
    "natural": ["x", -1, 1.5, 2**64, "", "12 ", []],
    "decimal": [
        "x",
        "",
        "NaN",
        "inf",
        "1,5",
        "0x1",
        " 1",
        "1e400",
        "1" * 21,
        "0." + "0" * 18 + "1",
    ],
    "flag": ["x", "", 2, []],
    "levels": [
        ...,
        None,
        "x",
        5,
        {},
        [["1"]],
        [["1", "2", "3"]],
        [["1", None]],
        [["x", "2"]],
        [["1", ""]],
        [[1, 2]],
        ["1", "2"],
        [["1", "2"], 5],
        [["1", "NaN"]],
        [["1", "0." + "0" * 18 + "1"]],
        [["1", "1e-30"]],
    ],
}


@EACH_TABLE
def test_a_bad_value_in_any_field_fails_the_insert_and_the_complaint_names_the_field(
    inserter: Inserter, store: ClickHouseSettings, table: Table
) -> None:
    fields = table.fields if table.name == "trades" else table.own_fields
    for field in fields:  # those common to all are told once
        bad: list[Any] = list(BAD_VALUES[field.kind])
        if field.optional:
            bad = [value for value in bad if value not in (..., None)]
        if field.choices:
            bad += ["", "other", "1"]
        if not field.optional:
            bad += [..., None]
        wrong = [lines(sample(table.name, **{field.name: value}))[0] for value in bad]
        for value, line in zip(bad, wrong, strict=True):
            assert refuses(inserter, table, line), (field, value)
        complaints = inserter.complaints(table, wrong)
        assert sorted(complaints) == list(range(len(bad))), field
        assert all(each.startswith(f"{field.name}: ") for each in complaints.values()), complaints
    assert read(store, table) == []


@EACH_TABLE
def test_text_that_is_no_event_of_this_table_is_refused(inserter: Inserter, table: Table) -> None:
    other = sample(table.name, type="other")
    for line in (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"type":', *lines(other, {})):
        assert refuses(inserter, table, line), line
        assert 0 in inserter.complaints(table, [line]), line


_KINDS_OF_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5)
    | st.sampled_from(["1", "0.5", "-1", "1e5", "+1", ".5", "5.", "00", "true", "buy", "spot"])
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@EACH_TABLE
@SLOW
@given(data=st.data())
def test_the_complaint_and_the_insert_agree_on_any_value(
    inserter: Inserter, table: Table, data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(table.fields))
    line = lines(sample(table.name, **{field.name: data.draw(_KINDS_OF_JSON)}))[0]
    assert (inserter.complaints(table, [line]) != {}) == refuses(inserter, table, line)


def test_a_complaint_that_quotes_half_a_character_is_a_complaint(inserter: Inserter) -> None:
    """Found by the test above: the server cuts its quotation anywhere."""
    line = lines(sample("trades", aggregate=[["\x1f\x80"]]))[0]
    assert refuses(inserter, TABLES["trades"], line)
    assert inserter.complaints(TABLES["trades"], [line])


def test_complaints_name_exactly_the_bad_rows(inserter: Inserter) -> None:
    table = TABLES["trades"]
    found = [sample("trades", trade_id=number) for number in range(100)]
    found[7]["price"] = "cheap"
    del found[42]["side"]
    assert inserter.complaints(table, lines(*found)) == {
        7: "price: expected a decimal with at most 20 digits before and 18 after the point, "
        "was cheap",
        42: "side: missing",
    }


def test_one_bad_row_keeps_the_whole_batch_out(
    inserter: Inserter, store: ClickHouseSettings
) -> None:
    good, bad = sample("trades", trade_id=1), sample("trades", price="x")
    with pytest.raises(StoreError, match="insert of 2 rows into trades") as caught:
        inserter.insert(TABLES["trades"], lines(good, bad), token="t")
    assert not caught.value.retryable
    assert read(store, TABLES["trades"]) == []


def test_a_batch_sent_again_under_its_token_is_stored_once_even_without_final(
    inserter: Inserter, store: ClickHouseSettings
) -> None:
    batch = lines(*(sample("trades", trade_id=number) for number in range(50)))
    for _ in range(3):
        inserter.insert(TABLES["trades"], batch, token="TRADES:1-50")
    assert len(read(store, TABLES["trades"])) == 50


def test_equal_rows_under_other_tokens_are_not_mistaken_for_one_batch(
    inserter: Inserter, store: ClickHouseSettings
) -> None:
    for token in ("a", "b"):
        inserter.insert(TABLES["trades"], lines(sample("trades")), token=token)
    assert len(read(store, TABLES["trades"])) == 2


def test_a_replay_of_many_days_goes_into_one_insert(
    inserter: Inserter, store: ClickHouseSettings
) -> None:
    day_ns = 86_400 * 10**9
    found = [
        sample("orderbook_deltas", exchange_ns=n * day_ns, last_update_id=n) for n in range(400)
    ]
    inserter.insert(TABLES["orderbook_deltas"], lines(*found), token="t")
    assert len(read(store, TABLES["orderbook_deltas"])) == 400


def test_a_missing_table_is_not_blamed_on_the_rows(settings_env: dict[str, str]) -> None:
    import config

    inserter = Inserter(config.load(env=settings_env).clickhouse)
    try:
        with pytest.raises(StoreError) as caught:
            inserter.insert(TABLES["trades"], lines(sample("trades")), token="t")
    finally:
        inserter.close()
    assert caught.value.retryable
