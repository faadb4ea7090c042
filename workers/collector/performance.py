"""The collector's own report: rates, delay, CPU and memory against the settings' thresholds."""

from collections import deque
from collections.abc import Mapping
from typing import Any

import psutil
import structlog

from config.settings import PerformanceSettings
from workers.model.clock import Clock

log = structlog.get_logger(__name__)

SLOWEST = 5
"""Streams named in a detailed report."""

Streams = Mapping[str, Mapping[str, Any]]
"""Status of each stream by channel and symbol."""


class Performance:
    """Compares two looks at the counters, `report_interval` apart.

    Attributes:
        history: the latest reports, newest last.
        detail: the latest detailed one, made every `detail_interval`; None before the first.
    """

    def __init__(self, exchange: str, settings: PerformanceSettings, clock: Clock) -> None:
        self._exchange, self.settings, self._clock = exchange, settings, clock
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._last_s = clock.monotonic_s()
        self._last_messages = 0
        self.history: deque[dict[str, Any]] = deque(maxlen=settings.history)
        self.detail: dict[str, Any] | None = None
        self._detailed_s = self._last_s
        self._by_channel: dict[str, int] = {}

    def look(self, messages: int, streams: Streams) -> None:
        """Report if it is time; log a warning naming every threshold that was passed."""
        now_s = self._clock.monotonic_s()
        if now_s - self._detailed_s >= self.settings.detail_interval:
            self._look_closely(streams, now_s)
        elapsed_s = now_s - self._last_s
        if elapsed_s < self.settings.report_interval:
            return
        lags_ms = [
            stream["lag_ms"]
            for symbols in streams.values()
            for stream in symbols.values()
            if stream["lag_ms"] is not None
        ]
        report = {
            "messages_per_s": round(max(0, messages - self._last_messages) / elapsed_s, 1),
            "lag_ms": round(max(lags_ms), 1) if lags_ms else None,
            "cpu_percent": self._process.cpu_percent(),
            "memory_mb": round(self._process.memory_info().rss / 2**20, 1),
        }
        self._last_s, self._last_messages = now_s, messages
        self.history.append(report)
        passed = self._passed(report)
        tell = log.warning if passed else log.info
        tell("performance", exchange=self._exchange, thresholds_passed=passed, **report)

    def _look_closely(self, streams: Streams, now_s: float) -> None:
        """Rates of each channel, and the streams whose messages come latest."""
        elapsed_s, self._detailed_s = now_s - self._detailed_s, now_s
        counts = {
            channel: sum(each["messages"] for each in symbols.values())
            for channel, symbols in streams.items()
        }
        lags_ms = [
            (each["lag_ms"], f"{channel} {symbol}")
            for channel, symbols in streams.items()
            for symbol, each in symbols.items()
            if each["lag_ms"] is not None
        ]
        self.detail = {
            "messages_per_s": {
                channel: round(max(0, count - self._by_channel.get(channel, 0)) / elapsed_s, 2)
                for channel, count in counts.items()
            },
            "slowest_ms": {name: lag_ms for lag_ms, name in sorted(lags_ms)[-SLOWEST:]},
        }
        self._by_channel = counts
        log.info("performance in detail", exchange=self._exchange, **self.detail)

    def _passed(self, report: Mapping[str, Any]) -> list[str]:
        limits = self.settings
        passed = []
        if report["lag_ms"] is not None and report["lag_ms"] > limits.max_latency * 1000:
            passed.append(f"lag {report['lag_ms']} ms over {limits.max_latency * 1000:g} ms")
        if report["messages_per_s"] < limits.min_throughput:
            passed.append(
                f"{report['messages_per_s']} messages/s under {limits.min_throughput:g}/s"
            )
        if report["cpu_percent"] > limits.max_cpu_percent:
            passed.append(f"CPU {report['cpu_percent']} % over {limits.max_cpu_percent:g} %")
        return passed
