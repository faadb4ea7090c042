"""Handshakes the exchange refuses: nobody of the address tries again before it is allowed."""

import time
from collections.abc import Callable

import pytest

from tests.collector.conftest import Running
from tests.collector.dialects import ALL, DERIBIT, Dialect
from tests.waiting import wait_until

Run = Callable[..., Running]
ASKED_S = 4
DERIBIT_ASKED_S = 20
"""Deribit gives the list of instruments once in 10 s, and the other collector needs it first."""


@pytest.mark.parametrize("dialect", ALL, ids=lambda each: each.exchange)
def test_one_refused_connection_stops_the_other_collector_too(run_collector: Run, dialect: Dialect):
    running = run_collector(dialect=dialect)
    running.wait_synced(30)
    lines = len(running.service.status()["connections"])
    asked_s = DERIBIT_ASKED_S if dialect is DERIBIT else ASKED_S
    running.exchange.fault("refuse", status=429, retry_after_s=asked_s)
    running.exchange.fault("1006", connection=1)
    wait_until(lambda: running.count("connects_refused_total", "429"), 20, "a refusal")
    begun_s = time.monotonic()
    other = Running(running.settings, running.exchange, running.subscriber, dialect)
    try:
        wait_until(lambda: paused(other), 20, "the other knows")
        assert running.exchange.get("/sim/state")["limited"]["refused"] == 1
        running.exchange.clear_faults()
        wait_until(lambda: other.synced() and running.synced(), 40, "both again")
        assert time.monotonic() - begun_s > asked_s - 1
        assert other.service.counters.total("connects_refused_total") == 0
        assert running.count("connects_refused_total", "429") == 1
        assert len(running.service.status()["connections"]) == lines
    finally:
        other.host.stop(15)


def paused(running: Running) -> bool:
    status = running.service.status()
    waits = any(each["state"] == "waiting" for each in status["connections"])
    return (
        waits and status["limits"][running.name]["budgets"]["connects"]["paused_until"] is not None
    )
