"""A server of the local stack as a child process: configuration, health, start and stop.

Under `marketprism up` the supervisor runs `command()`; `start()` and `stop()` are for tests and
for anyone who wants one server alone.
"""

import os
import shutil
import subprocess
import sysconfig
import threading
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from workers.local.bound import bound
from workers.local.ports import LOOPBACK, LocalStackError


class LocalServer(ABC):
    """One server, listening on loopback only, with everything it owns under `data_dir`.

    Args:
        data_dir: data in `<data_dir>/<name>`, configuration in `<data_dir>/run/<name>`, logs in
            `<data_dir>/log`.
    """

    name: ClassVar[str]
    port: int
    stop_timeout_s: ClassVar[float] = 10.0

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def own_dir(self) -> Path:
        """Where the data is."""
        return self.data_dir / self.name

    @property
    def run_dir(self) -> Path:
        """Where the generated configuration is."""
        return self.data_dir / "run" / self.name

    @property
    def log_path(self) -> Path:
        """What the process says on its output."""
        return self.data_dir / "log" / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """Of the process that `start` started, while it lives."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    @abstractmethod
    def command(self) -> list[str]:
        """What to run.

        Raises:
            LocalStackError: the program is not installed; says what to install.
        """

    @abstractmethod
    def healthy(self) -> bool:
        """Whether it answers now; never raises for a server that is away."""

    @abstractmethod
    def write_configuration(self) -> None:
        """Write the server's own configuration into `run_dir`."""

    def prepare(self) -> None:
        """Make the directories and write the configuration."""
        for each in (self.own_dir, self.run_dir, self.log_path.parent):
            each.mkdir(parents=True, exist_ok=True)
        self.write_configuration()

    def start(self, timeout_s: float = 30.0) -> None:
        """Start it and wait until it is healthy. It ends with the thread that called this.

        Raises:
            LocalStackError: it ended, or was not healthy in time; shows the end of its log.
        """
        self.prepare()
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                bound(self.command(), os.getpid()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + timeout_s
        pause = threading.Event()
        while not self.healthy():
            code = self._process.poll()
            if code is not None:
                raise LocalStackError(f"{self.name} ended with {code}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise LocalStackError(
                    f"{self.name} is not healthy after {timeout_s:g} s:\n{self.log_tail()}"
                )
            pause.wait(0.02)

    def stop(self) -> None:
        """SIGTERM, wait, SIGKILL after `stop_timeout_s`; nothing to do if it does not run."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(self.stop_timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of its log."""
        return tail(self.log_path, lines)


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a text file; a remark where there is none."""
    try:
        content = path.read_bytes()[-65536:].decode(errors="replace")
    except OSError as error:
        return f"(no log: {error.strerror})"
    return "\n".join(content.splitlines()[-lines:]) or "(the log is empty)"


def program(name: str, remedy: str) -> str:
    """Path of a program: of this virtual environment, else on PATH.

    Raises:
        LocalStackError: there is none.
    """
    own = Path(sysconfig.get_path("scripts")) / name
    found = str(own) if own.is_file() else shutil.which(name)
    if found is None:
        raise LocalStackError(f"{name} is neither in {own.parent} nor on PATH; {remedy}")
    return found


def http_ok(port: int, path: str, timeout_s: float = 1.0) -> bool:
    """Whether a local HTTP server answers 200."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=timeout_s) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
