"""Settings that keep streams up: heartbeat, reconnect, memory, errors, performance."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from config.durations import Duration
from config.section import Section


def _unlimited(value: object) -> object:
    """Environment variables and people write `unlimited` for None."""
    words = ("", "none", "null", "unlimited")
    return None if isinstance(value, str) and value.strip().lower() in words else value


class HeartbeatRule(Section):
    """When the client of an exchange must speak."""

    interval: Duration = Field(gt=0)


class HeartbeatSettings(Section):
    """How a connection is kept and when it is given up."""

    binance_spot: HeartbeatRule = HeartbeatRule(interval=20.0)
    binance_derivatives: HeartbeatRule = HeartbeatRule(interval=180.0)
    okx: HeartbeatRule = HeartbeatRule(interval=25.0)
    deribit: HeartbeatRule = HeartbeatRule(interval=10.0)
    timeout: Duration = Field(60.0, gt=0)
    """No data and no control frame for this long: the connection is given up."""
    max_consecutive_failures: int = Field(3, ge=1)


class ReconnectSettings(Section):
    """Delays and attempts of new connections."""

    first_delay: Duration = Field(1.0, gt=0)
    max_delay: Duration = Field(30.0, gt=0)
    """The delay doubles from first_delay up to max_delay, each with jitter of 20 %."""
    max_attempts: Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_unlimited)] = None
    """None: for ever; written as null or unlimited."""
    connect_timeout: Duration = Field(10.0, gt=0)
    health_check: Duration = Field(30.0, gt=0)
    """How often a collector looks at itself and says what is not well."""


class MemorySettings(Section):
    """How many books, for how long, how much memory."""

    max_book_states: int = Field(1000, ge=1)
    cleanup_interval: Duration = Field(300.0, ge=1.0)
    inactive_after: Duration = Field(3600.0, ge=1.0)
    check_interval: Duration = Field(60.0, ge=1.0)
    max_mb: int = Field(512, ge=64)
    warn_percent: float = Field(80.0, gt=0, le=100)


class ErrorSettings(Section):
    """How many errors are too many, and how books are built again."""

    max_consecutive: int = Field(5, ge=1)
    reset_after: Duration = Field(300.0, gt=0)
    max_checksum: int = Field(3, ge=1)
    """A book found wrong (crossed, refuted by an audit or a checksum) so often within `reset_after`
    has its connection replaced."""
    max_sequence: int = Field(3, ge=1)
    """The same for a book that missed updates."""
    resync_delay: Duration = 5.0
    """Wait before a book that keeps failing is built again."""
    resync_attempts: int = Field(3, ge=1)
    """Attempts that far apart; after them the delay doubles, up to `reset_after`."""


class PerformanceSettings(Section):
    """What is reported, and from which figures on it is a warning."""

    report_interval: Duration = Field(60.0, ge=1.0)
    max_latency: Duration = Field(0.1, gt=0)
    min_throughput: float = Field(10.0, ge=0)
    """Messages a second."""
    max_cpu_percent: float = Field(80.0, gt=0)
    """Of one core; above 100 where a service uses several."""
    detail_interval: Duration = Field(300.0, ge=1.0)
    """Between reports with the rate of each channel and the slowest streams."""
    history: int = Field(100, ge=1)


class StabilitySettings(Section):
    """All of it."""

    heartbeat: HeartbeatSettings = HeartbeatSettings()
    reconnect: ReconnectSettings = ReconnectSettings()
    memory: MemorySettings = MemorySettings()
    errors: ErrorSettings = ErrorSettings()
    performance: PerformanceSettings = PerformanceSettings()
