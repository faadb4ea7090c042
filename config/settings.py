"""The settings tree: every setting, its default and its bounds, written once.

`load.py` fills it from a YAML file and the environment. Durations are seconds in code and carry
their unit where they are written (`100ms`, `20s`); see durations.py.
"""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    model_validator,
)
from pydantic_core import PydanticCustomError

from config import queues, shards
from config.durations import Duration
from config.polls import POLLS
from config.reach import ExchangeSettings, NetworkSettings, with_offers
from config.section import Names, Port, Section, number
from config.stability import (
    ErrorSettings,
    HeartbeatSettings,
    PerformanceSettings,
    ReconnectSettings,
    StabilitySettings,
)

__all__ = [
    "ROOT",
    "TTL_DAYS",
    "ClickHouseSettings",
    "ErrorSettings",
    "ExchangeSettings",
    "HeartbeatSettings",
    "LogSettings",
    "NatsSettings",
    "NetworkSettings",
    "PerformanceSettings",
    "ReconnectSettings",
    "RedisSettings",
    "Settings",
    "SimulatorSettings",
    "StabilitySettings",
    "TelemetrySettings",
]

ROOT = Path(__file__).resolve().parent.parent


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
        secret = f":{quote(self.password.get_secret_value(), safe='')}@" if self.password else ""
        return f"redis://{secret}{self.host}:{self.port}/{self.database}"


class NatsSettings(Section):
    servers: Annotated[Names, Field(min_length=1)] = ["nats://127.0.0.1:14222"]
    monitoring_port: Port = 18222
    """HTTP monitoring of the local server."""
    streams_file: str = "nats_unified_streams.yaml"
    """Relative to config/."""
    publish_window: int = Field(1000, ge=1, le=100_000)
    """Unacknowledged messages at most, each process."""
    publish_ack_timeout: Duration = Field(5.0, gt=0)
    """After that a message is sent again under the same message id."""
    queue_max_mb: int = Field(256, ge=1)
    """Events waiting in memory; the overflow policy is in bus/outgoing.py."""
    spool_max_mb: int = Field(4096, ge=0)
    """Events waiting on disk while NATS is away, each service; 0: none. In data_dir/spool."""
    spool_after: Duration = Field(0.5, ge=0)
    """NATS away for so long: what waits goes to disk."""
    spool_fsync: Duration = Field(1.0, gt=0)
    """The disk is told to keep it this often: what a loss of power may cost. A killed process
    costs a tenth of a second."""


TTL_DAYS = {
    "trades": 0,
    "orderbook_snapshots": 7,
    "orderbook_deltas": 30,
    "tickers": 90,
    "klines": 0,
    "funding_rates": 365,
    "open_interest": 365,
    "liquidations": 0,
    "long_short_ratios": 0,
    "volatility_index": 0,
    "instruments": 0,
    "gaps": 0,
    "book_audits": 365,
    "quality_events": 365,
    "task_results": 14,
}
Days = Annotated[int, Field(ge=0, le=36_500), BeforeValidator(number)]


def _database(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError("write letters, digits and _ only, not a digit first (marketprism)")
    return name


class ClickHouseSettings(Section):
    host: str = "127.0.0.1"
    port: Port = 19000
    http_port: Port = 18123
    user: str = "default"
    password: SecretStr = SecretStr("")
    database: Annotated[str, AfterValidator(_database)] = "marketprism"
    connect_timeout: Duration = Field(5.0, gt=0)
    send_receive_timeout: Duration = Field(60.0, gt=0)
    ttl_days: Annotated[dict[str, Days], AfterValidator(lambda given: TTL_DAYS | given)] = TTL_DAYS
    """Days a row is kept after it was stored, per table; 0 keeps it for ever. A table that is not
    named keeps its default."""


class WriterSettings(Section):
    batch_rows: int = Field(10_000, ge=1, le=1_000_000)
    batch_mb: int = Field(32, ge=1, le=1024)
    batch_age: Duration = Field(0.5, gt=0, le=60.0)
    """The oldest message of a batch waits at most this long."""
    retry_first: Duration = Field(0.5, gt=0)
    retry_limit: Duration = Field(15.0, gt=0)


class CelerySettings(Section):
    worker_concurrency: int = Field(4, ge=1, le=64)
    """Threads of the general worker."""
    task_expires: Duration = Field(60.0, gt=0)
    """A task nobody took in this time is discarded."""
    result_buffer_mb: int = Field(16, ge=1)
    """Results waiting while ClickHouse is away, each process; the oldest give way, counted."""


class FlowerSettings(Section):
    address: str = "127.0.0.1"
    port: Port = 5555
    url_prefix: Annotated[str, AfterValidator(lambda v: v.strip("/"))] = ""
    """Path below which a reverse proxy shows it, `flower`; metrics are then at /flower/metrics."""
    basic_auth: SecretStr | None = None
    """`user:password`, several divided by commas; anybody who reaches the port may look and act
    without. Metrics and the health check stay open."""
    persistent: bool = True
    """Known workers and tasks survive a restart, in the data directory."""
    save_interval: Duration = Field(30.0, ge=1.0)
    max_tasks: int = Field(10_000, ge=1)
    """Tasks shown at most; all runs are in the table task_results."""

    @property
    def url(self) -> str:
        """Address for a browser."""
        return f"http://{self.address}:{self.port}" + (
            f"/{self.url_prefix}" * bool(self.url_prefix)
        )


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
    start_timeout: Duration = Field(120.0, gt=0)
    """Of all processes together: a dozen Pythons on two busy cores took 56 s."""
    stop_timeout: Duration = Field(20.0, gt=0)
    redis_max_mb: int = Field(256, ge=16)
    clickhouse_max_mb: int = Field(4096, ge=512)


def _off_or_a_second(interval_s: float) -> float:
    if 0 < interval_s < 1:
        raise PydanticCustomError("interval", "write a duration of at least 1s, or off")
    return interval_s


Interval = Annotated[Duration, AfterValidator(_off_or_a_second)]


class ScheduleSettings(Section):
    """How often each poll is made, all symbols spread over it; `off` or 0: not at all.

    The default is the poll's own (config/polls.py), stretched where many symbols would not fit the
    exchange's budget; what is written here is taken as it is.
    """

    long_short_ratio: Interval = POLLS[queues.POLL_LONG_SHORT_RATIO].interval_s
    volatility_index: Interval = POLLS[queues.POLL_VOLATILITY_INDEX].interval_s
    open_interest: Interval = POLLS[queues.POLL_OPEN_INTEREST].interval_s
    open_interest_history: Interval = POLLS[queues.POLL_OPEN_INTEREST_HISTORY].interval_s
    funding_rate: Interval = POLLS[queues.POLL_FUNDING_RATE].interval_s
    funding_rate_history: Interval = POLLS[queues.POLL_FUNDING_RATE_HISTORY].interval_s
    mark_price: Interval = POLLS[queues.POLL_MARK_PRICE].interval_s
    orderbook_snapshot: Interval = POLLS[queues.ORDERBOOK_SNAPSHOT].interval_s
    instruments: Interval = POLLS[queues.POLL_INSTRUMENTS].interval_s
    klines: Interval = POLLS[queues.POLL_KLINES].interval_s
    tickers: Interval = POLLS[queues.POLL_TICKERS].interval_s
    audit_books: Interval = 300.0
    """Each collector compares its books with fresh snapshots."""
    update_ledger: Interval = 60.0
    """Closed minutes are counted, holes are named."""
    fill_gaps: Interval = 30.0
    """Open gaps are asked for from the exchange's history."""
    daily_report: Interval = 3600.0
    """The report of yesterday is written, until one was made when nothing of it was missing."""

    @model_validator(mode="before")
    @classmethod
    def _off_is_zero(cls, given: object) -> object:
        """YAML reads `off` as false."""
        if not isinstance(given, dict):
            return given
        return {
            name: 0.0 if value is False or str(value).strip().lower() == "off" else value
            for name, value in given.items()
        }


class TelemetrySettings(Section):
    address: str = "127.0.0.1"
    ports: dict[str, Annotated[Port, BeforeValidator(number)]] = {}
    """Prometheus port per service (`collector.binance_spot: 9101`); absent: no page."""


class Settings(Section):
    """The whole tree. `config.load()` returns one."""

    data_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Path(".marketprism/live")
    """Servers' data, logs and run files; relative to the repository."""
    log: LogSettings = LogSettings()
    redis: RedisSettings = RedisSettings()
    nats: NatsSettings = NatsSettings()
    network: NetworkSettings = NetworkSettings()
    clickhouse: ClickHouseSettings = ClickHouseSettings()
    celery: CelerySettings = CelerySettings()
    flower: FlowerSettings = FlowerSettings()
    writer: WriterSettings = WriterSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    local: LocalSettings = LocalSettings()
    simulator: SimulatorSettings = SimulatorSettings()
    stability: StabilitySettings = StabilitySettings()
    exchanges: Annotated[dict[str, ExchangeSettings], BeforeValidator(with_offers)] = {}

    @property
    def data_path(self) -> Path:
        """`data_dir` made absolute."""
        return self.data_dir if self.data_dir.is_absolute() else ROOT / self.data_dir

    def enabled_exchanges(self) -> dict[str, ExchangeSettings]:
        """The exchanges a collector runs for, by name."""
        return {name: each for name, each in self.exchanges.items() if each.enabled}

    def collectors(self) -> dict[str, str]:
        """Exchange by collector, for every shard of every enabled exchange."""
        return {
            service: name
            for name, each in self.enabled_exchanges().items()
            for service in shards.collectors(name, each.shards)
        }
