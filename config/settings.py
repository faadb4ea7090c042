"""The settings tree: every setting, its default and its bounds, written once.

`load.py` fills it from a YAML file and the environment. Durations are seconds in code and carry
their unit where they are written (`100ms`, `20s`); see durations.py.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from config.durations import Duration

ROOT = Path(__file__).resolve().parent.parent
Port = Annotated[int, Field(ge=1, le=65535)]


def _split(value: object) -> object:
    """Environment variables hold lists as `a,b,c`."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


Names = Annotated[list[str], BeforeValidator(_split)]


class Section(BaseModel):
    """A part of the tree: frozen, and a key nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class LogSettings(Section):
    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        BeforeValidator(lambda v: v.lower() if isinstance(v, str) else v),
    ] = "info"
    format: Literal["auto", "console", "json"] = "auto"
    """auto: console on a terminal, json elsewhere."""


class RedisSettings(Section):
    host: str = "127.0.0.1"
    port: Port = 16379
    database: int = Field(0, ge=0, le=15)
    password: SecretStr | None = None

    @property
    def url(self) -> str:
        """The broker's address with its password; never log it."""
        secret = f":{self.password.get_secret_value()}@" if self.password else ""
        return f"redis://{secret}{self.host}:{self.port}/{self.database}"


class NatsSettings(Section):
    servers: Annotated[Names, Field(min_length=1)] = ["nats://127.0.0.1:14222"]
    monitoring_port: Port = 18222
    """HTTP monitoring of the local server."""
    streams_file: str = "nats_unified_streams.yaml"
    """Relative to config/."""
    publish_window: int = Field(1000, ge=1, le=100_000)
    """Unacknowledged messages at most, each process."""
    publish_ack_timeout: Duration = 5.0
    """After that a message is sent again under the same message id."""
    queue_max_mb: int = Field(256, ge=1)
    """Events waiting while NATS is slow or away; the overflow policy is in bus/publisher.py."""


class ClickHouseSettings(Section):
    host: str = "127.0.0.1"
    port: Port = 19000
    http_port: Port = 18123
    user: str = "default"
    password: SecretStr = SecretStr("")
    database: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "marketprism"
    connect_timeout: Duration = 5.0
    send_receive_timeout: Duration = 60.0
    ttl_days: dict[str, int] = {
        "trades": 0,
        "orderbook_snapshots": 7,
        "orderbook_deltas": 30,
        "tickers": 90,
        "gaps": 0,
    }
    """Days a row is kept after it was stored, per table; 0 keeps it for ever."""


class WriterSettings(Section):
    batch_rows: int = Field(10_000, ge=1, le=1_000_000)
    batch_mb: int = Field(32, ge=1, le=1024)
    batch_age: Duration = 0.5
    """The oldest message of a batch waits at most this long."""
    retry_first: Duration = 0.5
    retry_limit: Duration = 15.0


class CelerySettings(Section):
    worker_concurrency: int = Field(4, ge=1, le=64)
    """Threads of the general worker."""
    task_expires: Duration = 60.0
    """A task nobody took in this time is discarded."""
    result_expires: Duration = 3600.0


class FlowerSettings(Section):
    address: str = "127.0.0.1"
    port: Port = 5555


class SimulatorSettings(Section):
    address: str = "127.0.0.1"
    port: Port = 18080
    seed: int = 7
    rate: float = Field(300.0, gt=0, le=20_000)
    """Messages a second, all symbols together."""
    symbols: Names = ["BTC-USDT", "ETH-USDT", "SOL-USDT"]


class LocalSettings(Section):
    """The single-machine stack that `marketprism up` runs."""

    simulate: bool = False
    """Start the simulated exchange and nothing that talks to the outside."""
    start_timeout: Duration = 60.0
    stop_timeout: Duration = 20.0
    redis_max_mb: int = Field(256, ge=16)
    clickhouse_max_mb: int = Field(4096, ge=512)


class ScheduleSettings(Section):
    orderbook_snapshot: Duration = Field(60.0, ge=1.0)
    """Each symbol's REST snapshot for audit and resync."""


class TelemetrySettings(Section):
    address: str = "127.0.0.1"
    ports: dict[str, int] = {}
    """Prometheus port per service (`collector.binance_spot: 9101`); absent: no page."""


def _http(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("write an http:// or https:// address")
    return url.rstrip("/")


def _websocket(url: str) -> str:
    if not url.startswith(("ws://", "wss://")):
        raise ValueError("write a ws:// or wss:// address")
    return url.rstrip("/")


Channel = Literal["trade", "aggregate-trade", "orderbook", "ticker", "book-ticker"]


class ExchangeSettings(Section):
    enabled: bool = True
    ws_url: Annotated[str, AfterValidator(_websocket)]
    rest_url: Annotated[str, AfterValidator(_http)]
    symbols: Annotated[Names, Field(min_length=1)]
    channels: Annotated[list[Channel], BeforeValidator(_split), Field(min_length=1)] = [
        "trade",
        "orderbook",
        "ticker",
    ]
    depth: int = Field(5000, ge=5, le=5000)
    """Levels a side asked for and kept."""
    publish_depth: int = Field(400, ge=1, le=5000)
    """Levels a side in published snapshots."""
    publish_interval: Duration = Field(0.1, ge=0.01, le=60.0)
    """A symbol's snapshots are published at most this often."""
    streams_per_connection: int = Field(200, ge=1, le=1024)
    rest_timeout: Duration = Field(10.0, gt=0, le=60.0)

    @model_validator(mode="after")
    def _publishes_what_it_keeps(self) -> "ExchangeSettings":
        if self.publish_depth > self.depth:
            raise ValueError(
                f"publish_depth {self.publish_depth} is more than depth {self.depth}; "
                f"choose at most {self.depth}"
            )
        return self


class HeartbeatRule(Section):
    interval: Duration = Field(gt=0)


class HeartbeatSettings(Section):
    binance_spot: HeartbeatRule = HeartbeatRule(interval=20.0)
    binance_derivatives: HeartbeatRule = HeartbeatRule(interval=180.0)
    okx: HeartbeatRule = HeartbeatRule(interval=25.0)
    timeout: Duration = Field(60.0, gt=0)
    """No data and no control frame for this long: the connection is given up."""
    max_consecutive_failures: int = Field(3, ge=1)


class ReconnectSettings(Section):
    first_delay: Duration = Field(1.0, gt=0)
    max_delay: Duration = Field(30.0, gt=0)
    """The delay doubles from first_delay up to max_delay, each with jitter of 20 %."""
    max_attempts: int | None = None
    """None: for ever."""
    connect_timeout: Duration = Field(10.0, gt=0)
    health_check: Duration = Field(30.0, gt=0)


class MemorySettings(Section):
    max_book_states: int = Field(1000, ge=1)
    cleanup_interval: Duration = Field(300.0, ge=1.0)
    inactive_after: Duration = Field(3600.0, ge=1.0)
    check_interval: Duration = Field(60.0, ge=1.0)
    max_mb: int = Field(512, ge=64)
    warn_percent: float = Field(80.0, gt=0, le=100)


class ErrorSettings(Section):
    max_consecutive: int = Field(5, ge=1)
    reset_after: Duration = 300.0
    max_checksum: int = Field(3, ge=1)
    max_sequence: int = Field(3, ge=1)
    resync_delay: Duration = 5.0
    """Wait before a book that keeps failing is built again."""
    resync_attempts: int = Field(3, ge=1)
    """Attempts that far apart; after them the delay doubles, up to `reset_after`."""


class PerformanceSettings(Section):
    report_interval: Duration = 60.0
    max_latency: Duration = 0.1
    min_throughput: float = 10.0
    """Messages a second."""
    max_cpu_percent: float = 80.0
    detail_interval: Duration = 300.0
    history: int = Field(100, ge=1)


class StabilitySettings(Section):
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    reconnect: ReconnectSettings = ReconnectSettings()
    memory: MemorySettings = MemorySettings()
    errors: ErrorSettings = ErrorSettings()
    performance: PerformanceSettings = PerformanceSettings()


class Settings(Section):
    """The whole tree. `config.load()` returns one."""

    data_dir: Path = Path(".marketprism/live")
    """Servers' data, logs and run files; relative to the repository."""
    log: LogSettings = LogSettings()
    redis: RedisSettings = RedisSettings()
    nats: NatsSettings = NatsSettings()
    clickhouse: ClickHouseSettings = ClickHouseSettings()
    celery: CelerySettings = CelerySettings()
    flower: FlowerSettings = FlowerSettings()
    writer: WriterSettings = WriterSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    local: LocalSettings = LocalSettings()
    simulator: SimulatorSettings = SimulatorSettings()
    stability: StabilitySettings = StabilitySettings()
    exchanges: dict[str, ExchangeSettings] = {}

    @property
    def data_path(self) -> Path:
        """`data_dir` made absolute."""
        return self.data_dir if self.data_dir.is_absolute() else ROOT / self.data_dir

    def enabled_exchanges(self) -> dict[str, ExchangeSettings]:
        """The exchanges a collector runs for, by name."""
        return {name: each for name, each in self.exchanges.items() if each.enabled}
