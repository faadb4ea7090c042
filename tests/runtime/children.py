"""Processes a test starts, with their environment and output; ended by their pid."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from config import ROOT


def environment(data_dir: Path, redis_port: int, more: Mapping[str, str] = {}) -> dict[str, str]:
    """This process's environment with settings of the test alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MARKETPRISM")}
    return {
        **kept,
        "MARKETPRISM_CONFIG": str(ROOT / "config" / "marketprism.yaml"),
        "MARKETPRISM_DATA_DIR": str(data_dir),
        "MARKETPRISM_REDIS__PORT": str(redis_port),
        "PYTHONUNBUFFERED": "1",
        **more,
    }


class Child:
    """A Python child process whose output goes to a file."""

    def __init__(self, arguments: list[str], env: Mapping[str, str], log: Path) -> None:
        self.arguments, self.log = arguments, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def alive(self) -> bool:
        return self.process.poll() is None

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def exit_code(self, timeout_s: float) -> int:
        """The exit code; an error with the output's end if the process outlives the time."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            tail = "\n".join(self.output.splitlines()[-40:])
            raise AssertionError(f"{self.arguments} lives after {timeout_s} s:\n{tail}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.alive():
            self.process.kill()
            self.process.wait()


def run(arguments: list[str], env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a Python module to its end, at most 60 s."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
