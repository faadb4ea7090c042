"""A service with every manner of behaving, and both hosts around it.

`celery -A tests.runtime.demo worker --service demo` and `python -m tests.runtime.demo demo`.
What the service does is written to `<data_path>/demo.log`, one word a line.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from celery import Celery

from config import Settings, load
from workers.model.errors import MarketPrismError
from workers.runtime import bootstep, standalone
from workers.runtime.hosted import hosted
from workers.runtime.lease import Lease


class DemoService:
    """Ticks every 20 ms; `DEMO` says how it misbehaves."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.ticks = 0
        self._log = settings.data_path / "demo.log"
        self._manner = os.environ.get("DEMO", "")
        self._crash, self._ready = asyncio.Event(), asyncio.Event()

    async def ready(self) -> None:
        if self._manner == "slow-start":
            await self._ready.wait()
            self.note("ready")

    async def run(self) -> None:
        self.note("run")
        while not self._crash.is_set():
            if self._manner == "crash-soon" and self.ticks == 5:
                raise RuntimeError("the demo was asked to crash")
            if self._manner == "hold" and (self._log.parent / "crash").exists():
                break
            if self._manner == "return-soon" and self.ticks == 5:
                return
            if self.ticks == 150:
                self._ready.set()
            self.ticks += 1
            await asyncio.sleep(0.02)
        raise RuntimeError("the demo was asked to crash")

    async def drain(self) -> None:
        self.note("drain")
        await asyncio.sleep(3600 if self._manner == "never-drain" else 0.1)
        self.note("drained")

    def status(self) -> dict[str, Any]:
        return {"ticks": self.ticks}

    async def answer(self, after_s: float) -> str:
        await asyncio.sleep(after_s)
        self.note("answered")
        return f"after {after_s:g} s"

    async def crash(self) -> None:
        self._crash.set()

    def note(self, word: str) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a") as log:
            log.write(f"{word}\n")


def make_demo(name: str, settings: Settings) -> DemoService:
    if not name.startswith("demo"):
        raise MarketPrismError(f"no service is called {name}; known: demo")
    return DemoService(name, settings)


def words(data_path: Path) -> list[str]:
    log = data_path / "demo.log"
    return log.read_text().split() if log.exists() else []


settings = load()
app = Celery("demo")
app.config_from_object("celeryconfig")
app.conf.result_backend = settings.redis.url  # no ClickHouse here


def demo_gate(name: str, settings: Settings) -> Lease | None:
    return Lease(settings, name) if os.environ.get("DEMO_LEASE") else None


bootstep.install(app, settings, make_demo, demo_gate)


@app.task(name="demo.answer")
def answer(after_s: float, timeout_s: float) -> str:
    return hosted("demo").call(lambda demo: demo.answer(after_s), timeout_s=timeout_s)


@app.task(name="demo.crash")
def crash() -> None:
    hosted("demo").call(lambda demo: demo.crash(), timeout_s=1)


if __name__ == "__main__":
    sys.exit(standalone.main(make=make_demo))
