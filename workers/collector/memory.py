"""What a collector does about its memory: warn, shed idle books, start anew.

Memory that Python freed mostly stays with the process, so idle books are shed early and a start
anew is what really helps. It costs what a restart costs: a standby takes over, or the supervisor
starts the process again; the span is named as a gap.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from config.settings import StabilitySettings
from workers.model.clock import Clock
from workers.model.errors import RestartWanted

log = structlog.get_logger(__name__)

YOUNG_S = 600.0
"""A process that needs too much so soon would need it again: it goes on, and says so."""

Clean = Callable[[], Awaitable[dict[str, Any]]]
Measure = Callable[[], float]


class MemoryLimit:
    """Holds one process to `stability.memory.max_mb`.

    Args:
        service: its name.
        measure: resident megabytes.
        clean: sheds idle books; what it did.
        clock: tells the age of the process.

    Attributes:
        wanted: why the process is to start anew; None: it is not.
    """

    def __init__(self, service: str, measure: Measure, clean: Clean, clock: Clock) -> None:
        self._service, self._measure, self._clean = service, measure, clean
        self._clock, self._begun_s = clock, clock.monotonic_s()
        self.wanted: RestartWanted | None = None

    async def check(self, stability: StabilitySettings) -> dict[str, Any]:
        """Measure, and do what is to be done.

        Returns:
            memory_mb, max_mb, percent, level (ok, warn, over); over: dropped, kept (books),
            memory_after_mb, restart (why, or None).
        """
        most_mb, memory = stability.memory.max_mb, stability.memory
        used_mb = self._measure()
        percent = 100.0 * used_mb / most_mb
        level = "over" if percent > 100 else "warn" if percent >= memory.warn_percent else "ok"
        report: dict[str, Any] = {
            "memory_mb": used_mb,
            "max_mb": most_mb,
            "percent": round(percent, 1),
            "level": level,
        }
        if level == "over":
            report |= await self._clean()
            after_mb = self._measure()
            restart = self._judge(after_mb, most_mb) if after_mb > most_mb else None
            report |= {"memory_after_mb": after_mb, "restart": restart}
        if level != "ok":
            log.warning("memory", service=self._service, **report)
        return report

    def _judge(self, used_mb: float, most_mb: int) -> str | None:
        """Why to start anew; None where that would not help."""
        age_s = self._clock.monotonic_s() - self._begun_s
        facts = f"{used_mb:g} MB are over stability.memory.max_mb {most_mb} without idle books"
        if age_s < YOUNG_S:
            log.error(
                "memory: starting anew would not help; raise stability.memory.max_mb or collect "
                "fewer symbols",
                service=self._service,
                reason=f"{facts} {age_s:.0f} s after the start",
            )
            return None
        self.wanted = RestartWanted(facts)
        return facts
