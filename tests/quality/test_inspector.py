"""What is odd in the data: found, counted, told at most once in ten seconds."""

from typing import Any

import pytest

from workers.model.errors import WireError
from workers.model.events import Event, Gap, Quality, Trade
from workers.quality.inspector import Inspector
from workers.quality.jumps import ENOUGH, SAMPLE_NS, SAMPLES

SECOND = 1_000_000_000
BEGIN_NS = 1_760_000_000 * SECOND


def common(symbol: str = "BTC-USDT") -> dict[str, Any]:
    return {
        "exchange": "okx_spot",
        "market_type": "spot",
        "symbol": symbol,
        "raw_symbol": symbol,
        "exchange_ns": BEGIN_NS,
        "received_ns": BEGIN_NS,
    }


def trade(at_ns: int = BEGIN_NS, price: str = "100", **changes: Any) -> Trade:
    facts = common() | {"exchange_ns": at_ns, "received_ns": max(at_ns, BEGIN_NS)} | changes
    return Trade(**facts, trade_id=1, price=price, quantity="1", side="buy")


class Watch:
    """A stream's pace, as the collector knows it."""

    def __init__(self, age_s: float, *, expected: bool = True, attempts: int = 0) -> None:
        self._age_s, self.expected, self.attempts = age_s, expected, attempts

    def age_s(self, now_s: float) -> float:
        return self._age_s

    def limit_s(self) -> float:
        return 10.0


def told(inspector: Inspector, now_s: float = 0.0, **streams: Watch) -> list[Quality]:
    watches = {("trade", name): each for name, each in streams.items()}
    return inspector.due(now_s, BEGIN_NS, watches.items())


def feed(inspector: Inspector, *events: Event) -> None:
    for each in events:
        inspector.event(each, ("trade", each.symbol))  # type: ignore[arg-type]


@pytest.fixture
def inspector() -> Inspector:
    return Inspector("okx_spot", "spot")


def test_times_that_go_back_are_counted_with_the_first_case_shown(inspector: Inspector) -> None:
    late = [trade(BEGIN_NS - 3_000_000), trade(BEGIN_NS - 9_000_000)]
    feed(inspector, trade(), trade(), *late, trade(BEGIN_NS + 1))
    (event,) = told(inspector)
    assert (event.check, event.data_type, event.symbol) == ("time_reversed", "trade", "BTC-USDT")
    assert (event.count, event.value, event.limit) == (2, "3 ms", "0 ms")
    assert inspector.take_counts() == {"time_reversed": 2}


def test_a_time_in_the_future_makes_none_after_it_late(inspector: Inspector) -> None:
    ahead = trade(exchange_ns=BEGIN_NS + 3600 * SECOND)
    feed(inspector, ahead, trade(BEGIN_NS), trade(BEGIN_NS + 1))
    assert told(inspector) == []


def test_each_stream_has_its_own_order(inspector: Inspector) -> None:
    feed(inspector, trade(), trade(BEGIN_NS - SECOND, symbol="ETH-USDT"))
    inspector.event(trade(BEGIN_NS - SECOND), ("aggregate-trade", "BTC-USDT"))
    assert told(inspector) == []


def test_a_check_and_symbol_is_told_at_most_once_in_ten_seconds(inspector: Inspector) -> None:
    feed(inspector, trade(), trade(BEGIN_NS - 1))
    assert [each.count for each in told(inspector, 0.0)] == [1]
    feed(inspector, *[trade(BEGIN_NS - 1)] * 5)
    assert told(inspector, 9.9) == []
    assert [each.count for each in told(inspector, 10.0)] == [5]
    assert told(inspector, 30.0) == []


def steady(count: int, price: str = "100", begin: int = 0) -> list[Trade]:
    """Trades of one price, each remembered."""
    return [trade(BEGIN_NS + (begin + n) * SAMPLE_NS, price) for n in range(count)]


def test_a_price_far_from_the_median_is_a_jump_and_one_near_is_none(inspector: Inspector) -> None:
    feed(inspector, *steady(ENOUGH), trade(BEGIN_NS + 60 * SECOND, "104.9"))
    assert told(inspector) == []
    feed(inspector, trade(BEGIN_NS + 60 * SECOND, "105.1"))
    (event,) = told(inspector, 20)
    assert (event.check, event.value, event.limit) == ("price_jump", "105.1", "100 +- 5%")


def test_a_price_that_stays_is_no_jump_any_more(inspector: Inspector) -> None:
    feed(inspector, *steady(SAMPLES), *steady(SAMPLES, "200", SAMPLES))
    (event,) = told(inspector)
    assert event.count == SAMPLES // 2 + 1
    feed(inspector, *steady(5, "200", 2 * SAMPLES))
    assert told(inspector, 20) == []


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"market_type": "option"}, id="option"),
        pytest.param({"off_book": "block"}, id="block"),
    ],
)
def test_options_and_trades_beside_the_book_may_jump(inspector: Inspector, facts: Any) -> None:
    feed(inspector, *[trade(BEGIN_NS + n * SAMPLE_NS, **facts) for n in range(ENOUGH)])
    feed(inspector, trade(BEGIN_NS + 60 * SECOND, "500", **facts))
    assert told(inspector) == []


def test_before_enough_prices_nothing_is_judged(inspector: Inspector) -> None:
    feed(inspector, *steady(ENOUGH - 1), trade(BEGIN_NS + 60 * SECOND, "500"))
    assert told(inspector) == []


def test_silent_streams_are_told_with_age_and_limit(inspector: Inspector) -> None:
    events = told(
        inspector,
        silent=Watch(10.1),
        asked_in_vain=Watch(1.0, attempts=1),
        fresh=Watch(9.9),
        rare=Watch(1e6, expected=False),
    )
    assert [(each.check, each.symbol) for each in events] == [
        ("stale_stream", "silent"),
        ("stale_stream", "asked_in_vain"),
    ]
    assert (events[0].value, events[0].limit) == ("10.1 s", "10.0 s")


def test_a_crossed_book_and_an_unusable_frame_are_told(inspector: Inspector) -> None:
    inspector.crossed(Gap(**common(), data_type="orderbook-delta", cause="crossed"))
    inspector.unusable(WireError("okx_spot", "missing_field", "data[]: no px", b"{}"))
    crossed, unusable = told(inspector)
    assert (crossed.check, crossed.symbol) == ("crossed_book", "BTC-USDT")
    assert (unusable.check, unusable.symbol) == ("unusable_frame", "ALL")
    assert unusable.detail == "missing_field: data[]: no px"


def test_an_unknown_field_is_told_when_it_comes_and_then_hourly(inspector: Inspector) -> None:
    fields = {"OkxTrade.extra": 3}
    inspector.unknown(fields, 0.0)
    (event,) = told(inspector, 0.0)
    assert (event.check, event.detail, event.count) == ("unknown_field", "OkxTrade.extra", 3)
    fields["OkxTrade.extra"] = 500
    inspector.unknown(fields, 60.0)
    assert told(inspector, 60.0) == []
    inspector.unknown(fields, 3600.0)
    assert [each.count for each in told(inspector, 3600.0)] == [497]
