"""Which consumer fills which table."""

import pytest

from config import ConfigError
from tests.every_event import EVENT_TYPES, type_of
from workers.bus.streams import Consumer, Stream, load_streams
from workers.store.tables import BY_TYPE, TABLES
from workers.writer.routes import routes

DECLARED = load_streams("nats_unified_streams.yaml")


def problems(streams: dict[str, Stream]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        routes(streams, "file")
    return [str(problem) for problem in caught.value.problems]


def test_every_table_has_one_consumer_and_a_shared_stream_several() -> None:
    found = {route.table.name: route for route in routes(DECLARED, "file")}
    assert set(found) == set(TABLES)
    assert found["klines"][:2] == ("KLINES", "writer")
    assert [each.whole for each in found.values() if each.stream != "FACTS"] == [True] * 11
    facts = ("gaps", "book_audits", "quality_events")
    assert [found[table].name for table in facts] == ["FACTS", "FACTS book-audit", "FACTS quality"]
    assert not any(found[table].whole for table in facts)


def test_a_table_that_nothing_fills_is_named() -> None:
    streams = {name: each for name, each in DECLARED.items() if name != "TRADES"}
    assert problems(streams) == [
        "streams: found 0 for table trades (file); declare one consumer writer for trade-data.>"
    ]


def test_a_table_that_two_consumers_would_fill_is_named() -> None:
    twice = Stream(subjects=["trade-data.>"], max_age=1, max_bytes=1, consumers={"writer": {}})
    [problem] = problems(DECLARED | {"MORE": twice})
    assert "2 for table trades" in problem


def test_a_consumer_of_several_types_must_choose() -> None:
    facts = DECLARED["FACTS"].model_copy(update={"consumers": {"writer": Consumer()}})
    text = "\n".join(problems(DECLARED | {"FACTS": facts}))
    assert "streams.FACTS.consumers.writer: found 'gap-data.> book-audit-data.> quality" in text
    assert "take the subject of one type: book-audit-data.>, funding-rate-data.>" in text


def test_consumers_of_others_are_left_alone() -> None:
    trades = DECLARED["TRADES"]
    more = trades.model_copy(update={"consumers": trades.consumers | {"archive": Consumer()}})
    assert len(routes(DECLARED | {"TRADES": more}, "file")) == len(TABLES)


def test_every_type_of_event_has_a_table() -> None:
    for kind in map(type_of, EVENT_TYPES):
        assert BY_TYPE[kind].event_type == kind
