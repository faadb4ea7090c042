"""A faulty REST side: each failure has a name and a counter; the collector goes on behind it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.collector.conftest import Running
from tests.collector.dialects import ALL, SPOT, USDM, Dialect
from tests.waiting import wait_until

Run = Callable[..., Running]
SNAPSHOTS = {"binance_spot": "/api/v3/depth", "binance_derivatives": "/fapi/v1/depth"}
INSTRUMENTS = {
    "binance_spot": "/api/v3/exchangeInfo",
    "binance_derivatives": "/fapi/v1/exchangeInfo",
    "okx_spot": "/api/v5/public/instruments",
    "okx_derivatives": "/api/v5/public/instruments",
    "deribit": "/api/v2/public/get_instruments",
}
FAULTS: dict[str, dict[str, Any]] = {
    "server_error": {"kind": "http", "status": 500, "body": "{}"},
    "maintenance": {"kind": "maintenance"},
    "empty": {"kind": "empty"},
    "malformed": {"kind": "broken_json"},
    "unexpected": {"kind": "http", "status": 200, "body": '{"a":1}'},
    "refused": {"kind": "http", "status": 404, "body": "{}"},
    "timeout": {"kind": "hang", "duration_s": 1.5},
    "rate_limited": {"kind": "429", "retry_after_s": 1},
    "banned": {"kind": "418", "retry_after_s": 1},
}
"""By the name each must be counted under."""


def outcomes(running: Running, path: str) -> dict[str, int]:
    """How calls of an endpoint ended, and how often."""
    return {
        each: count
        for each in (*FAULTS, "ok")
        if (count := running.count("rest_outcomes_total", path, each))
    }


@pytest.mark.parametrize("dialect", [SPOT, USDM], ids=lambda each: each.exchange)
def test_a_snapshot_that_fails_is_counted_by_name_and_asked_for_again(
    run_collector: Run, dialect: Dialect
):
    section = f"EXCHANGES__{dialect.exchange.upper()}"
    running = run_collector(dialect=dialect, **{f"{section}__REST_TIMEOUT": "1s"})
    path, symbol = SNAPSHOTS[dialect.exchange], dialect.symbols[0]
    running.wait_synced(60)
    for number, (outcome, fault) in enumerate(FAULTS.items(), start=1):
        # A reply that hangs does so for its time, others once.
        count = {} if "duration_s" in fault else {"count": 1}
        running.exchange.fault(**{"path": path, **count, **fault})
        running.call(lambda service: service.resync_book(symbol))
        wait_until(lambda name=outcome: outcomes(running, path).get(name), 40, outcome)
        wait_until(lambda: running.synced(symbol), 60, f"the book behind {outcome}")
        assert outcomes(running, path)[outcome] == 1
        assert running.service.counters.total("rest_errors_total") == number
    running.assert_book_is_true(symbol)
    limits = running.service.status()["limits"][dialect.exchange]
    assert limits["breakers"][path] == "closed"


@pytest.mark.parametrize("dialect", [SPOT, USDM], ids=lambda each: each.exchange)
def test_a_snapshot_of_another_symbol_makes_no_wrong_book(run_collector: Run, dialect: Dialect):
    running = run_collector(
        dialect=dialect, before=lambda exchange: exchange.fault("other_symbol", count=2)
    )
    running.wait_synced(90)
    for symbol in dialect.symbols:
        running.assert_book_is_true(symbol)


@pytest.mark.parametrize("dialect", ALL, ids=lambda each: each.exchange)
def test_instruments_that_fail_at_the_start_are_asked_for_again(
    run_collector: Run, dialect: Dialect
):
    path = INSTRUMENTS[dialect.exchange]
    wanted = ("server_error", "maintenance", "empty", "malformed")
    if dialect.exchange == "deribit":
        wanted = ("maintenance",)  # a call in ten seconds is all it allows

    def before(exchange: Any) -> None:
        for number, outcome in enumerate(wanted):
            exchange.fault(**{"path": path, "count": 1, "after": number, **FAULTS[outcome]})

    running = run_collector(dialect=dialect, before=before)
    running.wait_synced(90)
    found = outcomes(running, path)
    assert {each: found.get(each) for each in wanted} == dict.fromkeys(wanted, 1)
    assert running.service.status()["last_error"] is None


def test_an_endpoint_that_is_down_is_left_alone_and_found_again_at_once(run_collector: Run):
    path = SNAPSHOTS["binance_spot"]
    running = run_collector()
    running.wait_synced(60)
    running.exchange.fault("http", path=path, status=503)
    for symbol in SPOT.symbols:
        running.call(lambda service, name=symbol: service.resync_book(name))

    def state() -> str:
        breakers: dict[str, str] = running.service.status()["limits"]["binance_spot"]["breakers"]
        return breakers[path]

    wait_until(lambda: state() == "open", 40, "the breaker opens")
    asked = running.exchange.get("/sim/state")["requests"][path]
    wait_until(lambda: running.count("rest_outcomes_total", path, "server_error") > 6, 40, "probes")
    probes = running.exchange.get("/sim/state")["requests"][path] - asked
    assert probes <= 4, "three books wait, one call in five seconds asks"
    running.exchange.clear_faults()
    running.wait_synced(60)
    assert state() == "closed"
