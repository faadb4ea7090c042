"""The simulated exchange as a child process, and its truth."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

from config.settings import ROOT
from tests.waiting import wait_until
from workers.local.bound import bound


class SimulatedExchange:
    """One simulator on a free port; ends with the process that started it.

    Args:
        options: command line of `python -m workers.simulator`.
        log: where its output goes.
    """

    def __init__(self, log: Path, *options: str) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                bound([sys.executable, "-m", "workers.simulator", "--port", "0", *options]),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.rest_url = wait_until(self._address, 30, "the simulator's address")
        self.ws_url = self.rest_url.replace("http", "ws", 1)

    def _address(self) -> str | None:
        if self._process.poll() is not None:
            raise AssertionError(f"the simulator ended:\n{self._log.read_text()}")
        for line in self._log.read_text().splitlines():
            if line.startswith("simulator: http"):
                return line.removeprefix("simulator: ").split()[0]
        return None

    def get(self, path: str, **params: object) -> Any:
        answer = requests.get(f"{self.rest_url}{path}", params=params, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object = None) -> Any:
        answer = requests.post(f"{self.rest_url}{path}", json=body, timeout=20)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def fault(self, kind: str, **facts: object) -> None:
        self.post("/sim/faults", {"kind": kind, **facts})

    def clear_faults(self) -> None:
        assert requests.delete(f"{self.rest_url}/sim/faults", timeout=20).status_code == 200

    @property
    def pid(self) -> int:
        """Of the simulator's process."""
        return self._process.pid

    def faults(self) -> list[dict[str, Any]]:
        return list(self.get("/sim/faults"))

    def book(self, symbol: str, update_id: int, depth: int | None = None) -> dict[str, Any]:
        facts = {} if depth is None else {"depth": depth}
        return dict(self.get("/sim/truth/book", symbol=symbol, update_id=update_id, **facts))

    def trades(self, symbol: str, from_id: int, to_id: int) -> list[dict[str, Any]]:
        answer = self.get("/sim/truth/trades", symbol=symbol, from_id=from_id, to_id=to_id)
        return list(answer["trades"])

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
