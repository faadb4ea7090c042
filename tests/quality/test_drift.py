"""Messages whose shape changes, sampled twice a second."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from workers.quality.drift import GONE, LEARNED, SAMPLE_NS, STILL, Drift, Drifted


class Venue:
    """An exchange's messages, one sample after another."""

    def __init__(self) -> None:
        self.drift, self.now_ns = Drift(), 0

    def say(self, row: dict[str, Any], symbol: str = "BTC-USDT") -> list[Drifted]:
        self.now_ns += SAMPLE_NS
        frame = json.dumps({"arg": {"channel": "books"}, "data": [row]}).encode()
        assert self.drift.wants("orderbook spot", symbol, self.now_ns)
        return self.drift.look("orderbook spot", symbol, frame, self.now_ns)

    def many(self, rows: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> list[Drifted]:
        return [each for row in rows for each in self.say(row)]


def row(number: int, **changes: Any) -> dict[str, Any]:
    return {"seqId": number, "ts": str(number), "px": f"{number}.5", "side": "buy"} | changes


def rows(begin: int, count: int, **changes: Any) -> list[dict[str, Any]]:
    return [row(number, **changes) for number in range(begin, begin + count)]


@pytest.fixture
def venue() -> Venue:
    return Venue()


def test_messages_that_stay_as_they_are_say_nothing(venue: Venue) -> None:
    assert venue.many(rows(1, 500)) == []


def test_a_field_that_left_is_named_once_and_within_a_minute(venue: Venue) -> None:
    venue.many(rows(1, LEARNED))
    left_ns = venue.now_ns
    without = [{k: v for k, v in each.items() if k != "ts"} for each in rows(100, 300)]
    (drifted,) = venue.many(without[:GONE])
    assert venue.now_ns - left_ns < 60 * 10**9
    assert (drifted.check, drifted.field) == ("vanished_field", "data[].ts")
    assert venue.many(without[GONE:]) == []


def test_a_field_that_comes_and_goes_is_not_missed(venue: Venue) -> None:
    for number in range(300):
        facts = {} if number % 3 else {"liquidation": "T"}
        assert venue.say(row(number, **facts)) == []


def test_a_field_that_came_back_is_missed_again(venue: Venue) -> None:
    gone = [{"seqId": number} for number in range(1000, 1000 + GONE)]
    for begin in (1, 100):
        venue.many([{"seqId": n, "ts": f"{n}.1"} for n in range(begin, begin + LEARNED)])
        assert [each.field for each in venue.many(gone)] == ["data[].ts"]


def test_a_field_that_varied_and_is_constant_is_named(venue: Venue) -> None:
    venue.many(rows(1, LEARNED, side="buy"))
    (drifted,) = venue.many([row(n, ts="7") for n in range(500, 500 + 2 * STILL)])
    assert (drifted.check, drifted.field, drifted.value) == ("constant_field", "data[].ts", "7")


def test_a_checksum_that_became_zero_is_named(venue: Venue) -> None:
    venue.many([row(n, checksum=n * 7919) for n in range(1, LEARNED + 2)])
    (drifted,) = venue.many(rows(500, 2 * STILL, checksum=0))
    assert (drifted.field, drifted.value) == ("data[].checksum", "0")


def test_a_checksum_that_is_always_zero_is_named_within_a_minute(venue: Venue) -> None:
    found = venue.many(rows(1, STILL, checksum=0))
    assert [(each.field, each.detail) for each in found] == [
        ("data[].checksum", "data[].checksum is always 0")
    ]
    assert venue.now_ns < 60 * 10**9
    assert venue.many(rows(1000, 200, checksum=0)) == []


def test_prices_may_rest(venue: Venue) -> None:
    venue.many(rows(1, 2 * LEARNED))
    assert venue.many([row(n, px="100.5") for n in range(500, 700)]) == []


def test_a_second_symbol_says_nothing_new_and_a_third_is_not_followed(venue: Venue) -> None:
    for number in range(STILL):
        venue.say(row(number, checksum=0))
    for number in range(STILL):
        assert venue.say(row(number, checksum=0), "ETH-USDT") == []
        venue.drift.wants("orderbook spot", "BTC-USDT", venue.now_ns)
    assert not venue.drift.wants("orderbook spot", "XRP-USDT", venue.now_ns + SAMPLE_NS)


def test_a_symbol_that_fell_silent_makes_room(venue: Venue) -> None:
    venue.say(row(1))
    venue.say(row(1), "ETH-USDT")
    assert venue.drift.wants("orderbook spot", "XRP-USDT", venue.now_ns + 60 * 10**9)


def test_what_is_no_json_tells_nothing(venue: Venue) -> None:
    assert venue.drift.wants("orderbook spot", "BTC-USDT", 1)
    assert venue.drift.look("orderbook spot", "BTC-USDT", b"{broken", 1) == []
