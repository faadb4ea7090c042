"""What is odd at a live exchange becomes quality events; the data goes on."""

from collections.abc import Callable

import pytest

from tests.collector.conftest import Running
from tests.collector.dialects import OKX_SPOT
from tests.waiting import wait_until
from workers.collector.connection import watch
from workers.quality import drift, inspector

SAMPLE_NS = 50_000_000


def told(running: Running, check: str, symbol: str = "") -> list[dict[str, object]]:
    events = running.subscriber.of(f"quality-data.{running.name}.{symbol}")
    return [each for each in events if each["check"] == check]


def told_of(running: Running, check: str, detail: str) -> bool:
    return any(detail in str(each["detail"]).split("; ") for each in told(running, check))


def test_an_exchange_that_drifts_and_errs_is_told_and_its_data_kept(
    run_collector: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "SAMPLE_NS", SAMPLE_NS)
    monkeypatch.setattr(inspector, "SAMPLE_NS", SAMPLE_NS)
    running = run_collector(dialect=OKX_SPOT)
    odd, raw = OKX_SPOT.symbols[0], OKX_SPOT.raw[OKX_SPOT.symbols[0]]
    running.wait_synced(30)

    # OKX's own drift: since 2026-06-23 every checksum is 0
    frozen = "orderbook: data[].checksum is always 0"
    wait_until(lambda: told_of(running, "constant_field", frozen), 60, "a constant field")

    running.exchange.fault("extra_field", symbol=raw, stream="@trades", count=3)
    unknown = wait_until(lambda: told(running, "unknown_field", "ALL"), 30, "an unknown field")[0]
    assert str(unknown["detail"]).endswith(".zz")

    running.exchange.fault("broken_json", symbol=raw, stream="@trades")
    unusable = wait_until(lambda: told(running, "unusable_frame"), 30, "an unusable frame")[0]
    assert unusable["value"] == "broken_json"

    running.exchange.fault("crossed", symbol=raw, stream="@books")
    crossed = wait_until(lambda: told(running, "crossed_book"), 30, "a crossed book")[0]
    assert crossed["symbol"] == odd

    before = len(running.of("trade", odd))
    running.exchange.fault("missing_field", field="source", stream="@trades", duration_s=60)
    vanished = "trade: data[].source was in every message and is in none now"
    wait_until(lambda: told_of(running, "vanished_field", vanished), 60, "a vanished field")
    assert len(running.of("trade", odd)) > before
    assert running.count("quality_cases_total", "vanished_field") == 1


def test_a_mute_stream_is_told_while_it_is_mute(
    run_collector: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SILENT_AFTER_S", 1.0)
    monkeypatch.setattr(watch, "SILENT_AFTER_INTERVALS", 2.0)
    monkeypatch.setattr(inspector, "LOOK_EVERY_S", 0.5)
    running = run_collector("--rate", "1500", dialect=OKX_SPOT)
    mute = OKX_SPOT.symbols[0]
    running.wait_synced(30)
    wait_until(lambda: len(running.of("orderbook-delta", mute)) > 20, 30, "its pace known")
    running.exchange.fault("stall", symbol=OKX_SPOT.raw[mute], stream="@books", duration_s=30)
    stale = wait_until(lambda: told(running, "stale_stream", mute), 60, "a stale stream")[0]
    assert (stale["symbol"], stale["data_type"]) == (mute, "orderbook")
    assert str(stale["value"]).endswith(" s")
