from typing import get_args

import pytest

from config.settings import TelemetrySettings
from tests.telemetry.page import page
from workers.local.ports import free_port
from workers.runtime.exposure import expose
from workers.telemetry.exporter import meanings, serve
from workers.telemetry.metrics import Counters, Metric


def test_every_metric_has_a_meaning_with_its_labels() -> None:
    known = meanings()
    assert set(known) == set(get_args(Metric))
    assert known["gaps_total"].labels == ("exchange", "data_type", "cause")
    assert known["publish_retries_total"].labels == ()
    assert known["rows_stored_total"].text == "rows ClickHouse took"


def test_the_page_shows_what_was_counted_and_follows_it() -> None:
    counters, port = Counters(), free_port()
    serve(counters, "collector.binance_spot", "127.0.0.1", port)
    assert page(port)["marketprism_gaps"] == {}
    counters.add("gaps_total", "binance_spot", "orderbook-delta", "sequence", by=2)
    counters.add("publish_retries_total")
    shown = page(port)
    assert shown["marketprism_gaps"] == {
        frozenset(
            {
                ("service", "collector.binance_spot"),
                ("exchange", "binance_spot"),
                ("data_type", "orderbook-delta"),
                ("cause", "sequence"),
            }
        ): 2
    }
    service = frozenset({("service", "collector.binance_spot")})
    assert shown["marketprism_publish_retries"] == {service: 1}
    counters.add("publish_retries_total")
    assert page(port)["marketprism_publish_retries"] == {service: 2}


class Counting:
    name = "writer"

    def __init__(self) -> None:
        self.counters = Counters()

    async def run(self) -> None:
        """Not run here."""

    async def drain(self) -> None:
        """Not run here."""

    def status(self) -> dict[str, object]:
        return {}


def test_a_service_has_a_page_where_the_settings_give_it_a_port() -> None:
    port = free_port()
    service = Counting()
    expose(service, TelemetrySettings(ports={"collector.binance_spot": port}))
    with pytest.raises(OSError, match="refused"):
        page(port)
    expose(service, TelemetrySettings(ports={"writer": port}))
    assert "marketprism_rows_stored" in page(port)


def test_a_taken_port_costs_the_page_not_the_service(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    serve(Counters(), "writer", "127.0.0.1", port)
    serve(Counters(), "collector.binance_spot", "127.0.0.1", port)
    assert "choose another telemetry.ports.collector.binance_spot" in caplog.text
