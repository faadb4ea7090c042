"""The whole system as `marketprism up --demo` runs it, on free ports and in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import requests

import config
from config.settings import ROOT
from tests.alone import BINANCE_SPOT_ALONE
from tests.waiting import wait_until
from workers.local.bound import bound
from workers.local.ports import free_ports
from workers.local.supervision import Supervisor
from workers.model.errors import StoreError
from workers.store.queries import query

SYMBOLS = ("BTC-USDT", "ETH-USDT", "SOL-USDT")


class RunningStack:
    """One `marketprism up` as a child process.

    Args:
        folder: data, logs and output go here.
        every: all five exchanges as in the demo; else Binance spot alone.
        env: settings besides the free ports.
    """

    def __init__(self, folder: Path, *, every: bool = False, **env: str) -> None:
        self.folder = folder
        redis, nats, monitoring, tcp, http, flower, simulator = free_ports(7)
        ours = {
            "CONFIG": str(ROOT / "config" / "demo.yaml"),
            "DATA_DIR": str(folder / "data"),
            "REDIS__PORT": str(redis),
            "NATS_SERVERS": f"nats://127.0.0.1:{nats}",
            "NATS__MONITORING_PORT": str(monitoring),
            "CLICKHOUSE__PORT": str(tcp),
            "CLICKHOUSE__HTTP_PORT": str(http),
            "FLOWER__PORT": str(flower),
            "SIMULATOR__PORT": str(simulator),
            **env,
        }
        foreign = {key: value for key, value in os.environ.items() if "MARKETPRISM" not in key}
        if not every:
            foreign |= BINANCE_SPOT_ALONE
            ours.setdefault("EXCHANGES__BINANCE_SPOT__SYMBOLS", ",".join(SYMBOLS))
        self.env = {**foreign, **{f"MARKETPRISM_{key}": value for key, value in ours.items()}}
        self.settings = config.load(env=self.env)
        self.output = folder / "up.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.family: list[psutil.Process] = []

    def begin(self, *options: str) -> None:
        """Start `up`; does not wait."""
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                bound([sys.executable, "-m", "cli.main", "up", "--plain", *options]),
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def start(self) -> None:
        """Start `up` and wait until every book is SYNCED."""
        self.begin()
        wait_until(self._up, 90, "the stack up")
        wait_until(self.synced, 60, "all books SYNCED", every_s=0.5)
        self.family = psutil.Process(self._pid()).children(recursive=True)

    def _pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.output.read_text()
        return "up after" in self.output.read_text()

    def end(self, number: signal.Signals = signal.SIGINT, timeout_s: float = 60) -> int:
        """Ctrl-C, and its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(timeout_s)

    def wait(self, timeout_s: float) -> int:
        """Exit code of an `up` that ends by itself."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    def kill_if_left(self) -> None:
        """For the end of a test that failed in between."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`marketprism ...` as a person in a second shell would run it."""
        return self._run([sys.executable, "-m", "cli.main", *arguments])

    def celery(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`celery -A tasks ...`."""
        return self._run([sys.executable, "-m", "celery", "-A", "tasks", *arguments])

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=60, check=False
        )

    def status(self) -> dict[str, Any]:
        answer = self.command("status", "--json")
        assert answer.stdout, answer.stderr
        return dict(json.loads(answer.stdout))

    def synced(self) -> bool:
        """Whether every book of the settings is SYNCED."""
        wanted = {
            (name, symbol)
            for name, each in self.settings.enabled_exchanges().items()
            for symbol in each.symbols
            if not symbol.endswith("-DVOL")
        }
        books = self.status()["books"]
        return wanted == {
            (book["exchange"], book["symbol"]) for book in books if book["state"] == "SYNCED"
        }

    def rows(self, sql: str, **options: Any) -> list[tuple[Any, ...]]:
        """Rows of a `query`; waits for a ClickHouse that is being restarted."""
        answers: list[list[tuple[Any, ...]]] = []

        def answered() -> bool:
            try:
                answers.append(query(self.settings.clickhouse, sql, **options).rows)
            except StoreError as error:
                if not error.retryable:
                    raise
            return bool(answers)

        wait_until(answered, 90, "an answer from ClickHouse", every_s=0.2)
        return answers[0]

    def sim(self, path: str, body: object = None, *, post: bool = False) -> Any:
        url = f"{self.settings.exchanges['binance_spot'].rest_url}{path}"
        answer = (
            requests.post(url, json=body, timeout=20) if post else requests.get(url, timeout=20)
        )
        assert answer.status_code < 300, answer.text
        return answer.json()

    def pid_of(self, program: str) -> int:
        """Process id of a program that the supervisor runs now."""
        return Supervisor(self.settings.data_path).processes()[program].pid

    def kill(self, program: str) -> None:
        """kill -9."""
        os.kill(self.pid_of(program), signal.SIGKILL)
