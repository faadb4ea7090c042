"""supervisord as a child of ours: start, ask, tell, end. It ends when its parent is gone."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from workers.local.bound import bound
from workers.local.ports import LocalStackError
from workers.local.programs import Program
from workers.local.server import tail
from workers.local.supervisor_conf import socket_path, supervisor_conf

CALL_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class ProcessState:
    """What the supervisor knows of a process.

    Args:
        state: STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL or UNKNOWN.
        pid: 0 if it does not run.
        detail: the supervisor's words, `pid 812, uptime 0:00:03`.
    """

    name: str
    state: str
    pid: int
    detail: str

    @property
    def failed(self) -> bool:
        """It ended although it should run."""
        return self.state in ("BACKOFF", "EXITED", "FATAL", "UNKNOWN")


def gone(pid: int) -> bool:
    """Whether a process has ended, even if its parent has not taken note of it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class SupervisorAway(LocalStackError):
    """supervisord does not answer on its socket."""


class SupervisorEnding(SupervisorAway):
    """supervisord is stopping its programs and takes no more calls."""


class Supervisor:
    """The supervisord of one data directory.

    Args:
        data_dir: absolute.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.log_dir = data_dir / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self, programs: Sequence[Program], environment: Mapping[str, str], timeout_s: float = 15.0
    ) -> None:
        """Start supervisord with no program running. It ends with the calling thread.

        Raises:
            LocalStackError: it ended, or does not answer in time; shows the end of its log.
        """
        conf = self.data_dir / "run" / "supervisord.conf"
        conf.parent.mkdir(parents=True, exist_ok=True)
        self.log_dir.mkdir(parents=True, exist_ok=True)
        conf.write_text(supervisor_conf(self.data_dir, programs))
        output = self.log_dir / "supervisord.out"
        with output.open("wb") as log:
            self._process = subprocess.Popen(
                bound(
                    [sys.executable, "-m", "supervisor.supervisord", "-c", str(conf)], os.getpid()
                ),
                cwd=self.data_dir,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is ours to pass on
            )
        deadline, pause = time.monotonic() + timeout_s, threading.Event()
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.end()
                raise LocalStackError(f"supervisord did not start:\n{tail(output)}")
            pause.wait(0.02)

    @property
    def started(self) -> bool:
        """Whether `start` ever got to starting it."""
        return self._process is not None

    @property
    def alive(self) -> bool:
        """Whether the supervisord that `start` started still lives."""
        return self._process is not None and self._process.poll() is None

    def answers(self) -> bool:
        """Whether a supervisord answers on this data directory's socket."""
        try:
            self.call("supervisor.getState")
        except SupervisorEnding:
            return True
        except SupervisorAway:
            return False
        return True

    def processes(self) -> dict[str, ProcessState]:
        """Every program by name.

        Raises:
            SupervisorAway: there is no answer.
        """
        return {
            each["name"]: ProcessState(
                each["name"],
                each["statename"],
                each["pid"],
                each["spawnerr"] or each["description"],
            )
            for each in self.call("supervisor.getAllProcessInfo")
        }

    def start_program(self, name: str) -> None:
        """Start a program; returns at once."""
        self.call("supervisor.startProcess", name, False)

    def stop_program(self, name: str) -> None:
        """Ask a program to stop; returns at once, and says nothing if it does not run."""
        try:
            self.call("supervisor.stopProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise

    def shutdown(self) -> None:
        """Ask supervisord to stop everything that still runs and to end.

        Raises:
            SupervisorAway: there is no answer.
        """
        with contextlib.suppress(SupervisorEnding):
            self.call("supervisor.shutdown")

    def wait(self, timeout_s: float) -> bool:
        """Whether the supervisord that `start` started ended in time."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self) -> None:
        """SIGKILL for supervisord; its programs get SIGTERM from the kernel."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def call(self, method: str, *arguments: Any) -> Any:
        """One XML-RPC call.

        Raises:
            SupervisorAway: there is no answer, or it is ending.
            xmlrpc.client.Fault: supervisord refused.
        """
        path = socket_path(self.data_dir)
        with xmlrpc.client.ServerProxy("http://supervisor/RPC2", transport=_Unix(path)) as proxy:
            try:
                return getattr(proxy, method)(*arguments)
            except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
                raise SupervisorAway(f"supervisord does not answer on {path}: {error}") from error
            except xmlrpc.client.Fault as fault:
                if "SHUTDOWN_STATE" not in fault.faultString:
                    raise
                raise SupervisorEnding(f"supervisord on {path} is ending") from None


class _Unix(xmlrpc.client.Transport):
    """XML-RPC over a unix socket, with a deadline."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _UnixConnection(self._path)
        self._connection = host, connection  # what `close` closes
        return connection


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("supervisor", timeout=CALL_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(CALL_TIMEOUT_S)
        try:
            self.sock.connect(os.fspath(self._path))
        except OSError:
            self.sock.close()
            raise
