"""The simulated exchanges as a child process, and their truth."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

from config.settings import ROOT
from tests.waiting import wait_until
from workers.local.bound import bound


class SideDoor:
    """`/sim/...` of one dialect: what really happened, and orders for trouble.

    Args:
        rest_url: of the simulator.
        prefix: `/sim`, or `/sim/<exchange>` where several dialects are spoken.
        ca: file of the CA to verify with, None without TLS.
    """

    def __init__(self, rest_url: str, prefix: str = "/sim", ca: Path | None = None) -> None:
        self.rest_url = rest_url
        self._prefix = prefix
        self._verify: str | bool = True if ca is None else str(ca)

    def get(self, path: str, **params: object) -> Any:
        answer = requests.get(
            f"{self.rest_url}{self._at(path)}", params=params, timeout=20, verify=self._verify
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object = None) -> Any:
        answer = requests.post(
            f"{self.rest_url}{self._at(path)}", json=body, timeout=20, verify=self._verify
        )
        assert answer.status_code < 300, answer.text
        return answer.json()

    def fault(self, kind: str, **facts: object) -> None:
        self.post("/sim/faults", {"kind": kind, **facts})

    def clear_faults(self) -> None:
        url = f"{self.rest_url}{self._at('/sim/faults')}"
        assert requests.delete(url, timeout=20, verify=self._verify).status_code == 200

    def faults(self) -> list[dict[str, Any]]:
        return list(self.get("/sim/faults"))

    def book(self, symbol: str, update_id: int, depth: int | None = None) -> dict[str, Any]:
        facts = {} if depth is None else {"depth": depth}
        return dict(self.get("/sim/truth/book", symbol=symbol, update_id=update_id, **facts))

    def trades(self, symbol: str, from_id: int, to_id: int) -> list[dict[str, Any]]:
        answer = self.get("/sim/truth/trades", symbol=symbol, from_id=from_id, to_id=to_id)
        return list(answer["trades"])

    def _at(self, path: str) -> str:
        return self._prefix + path.removeprefix("/sim") if path.startswith("/sim/") else path


class SimulatedExchange(SideDoor):
    """One simulator on a free port; ends with the process that started it.

    It speaks Binance spot alone unless `--dialect` is among the options; with `--dialect all`,
    `at("okx_spot")` is the side door of one of them.

    Args:
        options: command line of `python -m workers.simulator`.
        log: where its output goes.
    """

    def __init__(self, log: Path, *options: str) -> None:
        self._log = log
        self.ca: Path | None = None
        if "--dialect" not in options:
            options = ("--dialect", "binance_spot", *options)
        if "--news-s" not in options:
            options = (*options, "--news-s", "0")
        if "--tls" in options:
            self.ca = log.with_suffix(".pem")
            options = (*options, "--ca-file", str(self.ca))
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                bound([sys.executable, "-m", "workers.simulator", "--port", "0", *options]),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        super().__init__(wait_until(self._address, 60, "the simulator's address"), ca=self.ca)
        self.ws_url = self.rest_url.replace("http", "ws", 1)

    def at(self, exchange: str) -> SideDoor:
        """The side door of one exchange, where several dialects are spoken."""
        return SideDoor(self.rest_url, f"/sim/{exchange}", self.ca)

    def _address(self) -> str | None:
        if self._process.poll() is not None:
            raise AssertionError(f"the simulator ended:\n{self._log.read_text()}")
        for line in self._log.read_text().splitlines():
            if line.startswith("simulator: http"):
                return line.removeprefix("simulator: ").split()[0]
        return None

    @property
    def pid(self) -> int:
        """Of the simulator's process."""
        return self._process.pid

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
