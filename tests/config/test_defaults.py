"""The defaults that are promised, each by its path."""

from typing import Any, get_args

import pytest

import config
from config.durations import format_duration, parse_duration
from config.exchanges import OFFERS, Channel
from config.settings import ROOT, Settings

CHANNELS = set(get_args(Channel))
STABILITY = {
    "heartbeat.binance_spot.interval": 20.0,
    "heartbeat.binance_derivatives.interval": 180.0,
    "heartbeat.okx.interval": 25.0,
    "heartbeat.deribit.interval": 10.0,
    "heartbeat.timeout": 60.0,
    "heartbeat.max_consecutive_failures": 3,
    "reconnect.first_delay": 1.0,
    "reconnect.max_delay": 30.0,
    "reconnect.max_attempts": None,
    "reconnect.connect_timeout": 10.0,
    "reconnect.health_check": 30.0,
    "memory.max_book_states": 1000,
    "memory.cleanup_interval": 300.0,
    "memory.inactive_after": 3600.0,
    "memory.check_interval": 60.0,
    "memory.max_mb": 512,
    "memory.warn_percent": 80.0,
    "errors.max_consecutive": 5,
    "errors.reset_after": 300.0,
    "errors.max_checksum": 3,
    "errors.max_sequence": 3,
    "errors.resync_delay": 5.0,
    "errors.resync_attempts": 3,
    "performance.report_interval": 60.0,
    "performance.max_latency": 0.1,
    "performance.min_throughput": 10.0,
    "performance.max_cpu_percent": 80.0,
    "performance.detail_interval": 300.0,
    "performance.history": 100,
}

LOCAL_PORTS = {
    "redis.port": 16379,
    "nats.servers": ["nats://127.0.0.1:14222"],
    "nats.monitoring_port": 18222,
    "clickhouse.port": 19000,
    "clickhouse.http_port": 18123,
    "simulator.port": 18080,
    "flower.port": 5555,
}


def at(path: str) -> Any:
    here: Any = Settings()
    for name in path.split("."):
        here = getattr(here, name)
    return here


@pytest.mark.parametrize(("path", "value"), STABILITY.items(), ids=STABILITY)
def test_stability_default(path: str, value: object) -> None:
    assert at(f"stability.{path}") == value


def test_every_stability_setting_has_its_default_tested() -> None:
    def leaves(tree: dict[str, Any], above: str = "") -> set[str]:
        found: set[str] = set()
        for name, value in tree.items():
            below = isinstance(value, dict)
            found |= leaves(value, f"{above}{name}.") if below else {f"{above}{name}"}
        return found

    assert leaves(Settings().stability.model_dump()) == set(STABILITY)


@pytest.mark.parametrize(("path", "value"), LOCAL_PORTS.items(), ids=LOCAL_PORTS)
def test_local_port(path: str, value: object) -> None:
    assert at(path) == value


def test_every_exchange_has_its_own_defaults() -> None:
    given = config.load(ROOT / "config" / "marketprism.yaml", {}).exchanges
    assert {name: each.depth for name, each in given.items()} == {
        "binance_spot": 5000,
        "binance_derivatives": 1000,
        "okx_spot": 400,
        "okx_derivatives": 400,
        "deribit": 10_000,
    }
    assert {each.publish_depth for each in given.values()} == {400}
    for name, each in given.items():
        assert tuple(each.channels) == OFFERS[name].collected
        assert {"trade", "orderbook", "ticker", "kline"} <= set(each.channels) <= CHANNELS
    assert "liquidation" in given["binance_derivatives"].channels
    assert "open-interest" in given["okx_derivatives"].channels
    assert "volatility-index" in given["deribit"].channels


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("100ms", 0.1),
        ("20s", 20.0),
        ("5m", 300.0),
        ("24h", 86_400.0),
        ("7d", 604_800.0),
        ("1.5s", 1.5),
        (" 3 s ", 3.0),
        ("30", 30.0),
        (30, 30.0),
        (0.25, 0.25),
    ],
)
def test_a_duration_is_read_with_its_unit(text: object, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["", "s", "-1s", "1 week", "1e3", "nan", "inf", True, None, [1]])
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="100ms, 20s, 5m or 24h"):
        parse_duration(value)


@pytest.mark.parametrize(
    "seconds", [0.0001, 0.1, 0.75, 1.0, 1.5, 59.0, 60.0, 3600.0, 86_400.0, 1_234_567.0, 90.125]
)
def test_a_formatted_duration_reads_back_the_same(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, rel=1e-12)
