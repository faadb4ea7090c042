"""One half of the exchange away, at the start or later."""

from collections.abc import Callable

from tests.collector.conftest import Running
from tests.waiting import wait_until

Run = Callable[..., Running]
BTC = "BTC-USDT"


def connection_state(running: Running) -> str:
    return str(running.service.status()["connections"][0]["state"])


def test_no_book_is_synced_without_its_stream_even_if_asked_to(run_collector: Run):
    running = run_collector("--connect-limit", "1")  # REST answers, a second WebSocket does not
    running.wait_synced()
    fetched = running.service.status()["snapshots"]["fetched"]
    running.exchange.fault("1006")
    wait_until(lambda: connection_state(running) == "waiting", 20, "the stream lost")
    answer = running.call(lambda service: service.resync_book(BTC))
    assert (answer["state_before"], answer["state"]) == ("SYNCING", "SYNCING")
    wait_until(lambda: running.service.status()["connections"][0]["attempts"] > 3, 20, "attempts")
    assert running.service.status()["snapshots"]["fetched"] == fetched
    assert running.books()[BTC]["state"] == "SYNCING"
