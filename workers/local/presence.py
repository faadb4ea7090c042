"""Which stack runs in a data directory: a lock while it lives, and a file that describes it.

The lock is the kernel's (flock): it cannot outlive its process, so it alone says whether a stack
runs. `<data_dir>/run/stack.json` says which; a copy in the checkout, `.marketprism/current.json`,
lets a plain shell find a stack whose data is in the checkout too.
"""

import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from config.environment import CURRENT_STACK, is_running
from workers.local.ports import LocalStackError


@dataclass(frozen=True)
class Running:
    """A stack that runs.

    Args:
        pid: of its `marketprism up`.
        environment: what points a process at it.
        started_ns: when it was started.
        ready: whether all its processes have come up.
    """

    pid: int
    environment: dict[str, str]
    started_ns: int
    ready: bool = False


class AlreadyRunning(LocalStackError):
    """Another stack uses this data directory."""


class DataDirUnusable(LocalStackError):
    """The data directory cannot be made, read or written.

    Args:
        data_dir: the setting.
        error: what the system said.
    """

    def __init__(self, data_dir: Path, error: OSError) -> None:
        super().__init__(
            f"data_dir {data_dir} cannot be used: {error.strerror} ({error.filename}); choose "
            f"another (MARKETPRISM_DATA_DIR)"
        )


class Presence:
    """Our own claim on a data directory.

    Args:
        data_dir: absolute.
        current: the file for plain shells; written only for a data directory beside it.
    """

    def __init__(self, data_dir: Path, current: Path = CURRENT_STACK) -> None:
        self.data_dir = data_dir
        self._files = [_description(data_dir)]
        if data_dir.is_relative_to(current.parent):
            self._files.append(current)
        self._lock: int | None = None
        self.left_behind = False

    def claim(self) -> None:
        """Take the lock; `left_behind` then says whether a stack died here without cleaning up.

        Raises:
            AlreadyRunning: a stack runs here; says its pid.
            DataDirUnusable: the lock cannot be written.
        """
        lock = _lock_file(self.data_dir)
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DataDirUnusable(self.data_dir, error) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = None
            other = running(self.data_dir)
            raise AlreadyRunning(
                f"a stack runs in {self.data_dir} already"
                f"{f' (pid {other.pid})' if other else ''}; stop it with: marketprism down"
            ) from None
        self.left_behind = _description(self.data_dir).exists()

    def announce(self, environment: Mapping[str, str], started_ns: int, *, ready: bool) -> None:
        """Write the description."""
        content = json.dumps(asdict(Running(os.getpid(), dict(environment), started_ns, ready)))
        for file in self._files:
            file.parent.mkdir(parents=True, exist_ok=True)
            whole = file.with_name(f"{file.name}.{os.getpid()}")
            whole.touch(mode=0o600)  # the environment may hold a password
            whole.write_text(content)
            whole.replace(file)

    def release(self) -> None:
        """Remove what we, or a stack that was killed, wrote here, and give the lock back."""
        if self._lock is None:
            return
        for file in self._files:
            found = _read(file)
            if found is not None and (found.pid == os.getpid() or not is_running(found.pid)):
                file.unlink(missing_ok=True)
        _lock_file(self.data_dir).unlink(missing_ok=True)
        os.close(self._lock)
        self._lock = None


def running(data_dir: Path) -> Running | None:
    """The stack that runs in a data directory; None if none does.

    Raises:
        DataDirUnusable: the lock is there but cannot be asked.
    """
    try:
        lock = os.open(_lock_file(data_dir), os.O_RDWR)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataDirUnusable(data_dir, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _wait_for(_description(data_dir))
    finally:
        os.close(lock)
    return None


def _wait_for(description: Path) -> Running | None:
    """The description; it appears a moment after the lock is taken."""
    deadline = time.monotonic() + 1.0
    while (found := _read(description)) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def _read(file: Path) -> Running | None:
    try:
        return Running(**json.loads(file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _lock_file(data_dir: Path) -> Path:
    return data_dir / "run" / "up.lock"


def _description(data_dir: Path) -> Path:
    return data_dir / "run" / "stack.json"
