"""The ClickHouse process of the local stack: `clickhouse_child.py RUN_DIR DATA_DIR`.

Leans on a private symbol: `query` of chdb-core's extension module runs the clickhouse-local
entry point, whose engine knows SYSTEM START LISTEN (26.6 and later; measured with 26.9.0). So
chdb-core is pinned, and a test starts, writes, kills, restarts and reads.

Two processes. The engine's one blocks in a query that reads a FIFO and cannot run a Python signal
handler meanwhile; its small parent turns SIGTERM into a line on the FIFO, and into SIGKILL after
a deadline. The engine never outlives the parent. Run as a plain script.
"""

import errno
import importlib.util
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

PINNED = "chdb-core==26.9.*"
STOP_DEADLINE_S = 10
_FIFO = "stop"
_STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


def library() -> Path:
    """Path of the engine's library.

    Raises:
        SystemExit: chdb-core is missing or has another shape than the pinned version.
    """
    found = importlib.util.find_spec("chdb")  # finds, does not import: that would start an engine
    places = list(found.submodule_search_locations or []) if found else []
    for place in places:
        path = Path(place) / "_chdb.abi3.so"
        if path.is_file():
            return path
    raise SystemExit(
        f"the local ClickHouse needs the module chdb/_chdb.abi3.so of {PINNED}, which is not "
        f"{'in ' + places[0] if places else 'installed'}; run: pip install '{PINNED}', or point "
        "clickhouse.host and clickhouse.port at a server"
    )


def serve(run_dir: Path, data_dir: Path) -> None:
    """Serve until a line arrives on the FIFO.

    Args:
        run_dir: holds config.xml (the engine reads it from the working directory) and the FIFO.
        data_dir: the tables.

    Raises:
        SystemExit: the engine is not the one this module was written for, or refused to listen.
    """
    path = library()
    os.chdir(run_dir)
    spec = importlib.util.spec_from_file_location("_chdb", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} cannot be loaded as a module; needed: {PINNED}")
    engine: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(engine)
    try:
        engine.query(
            "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; "
            f"SELECT * FROM file('{run_dir / _FIFO}', 'LineAsString', 'line String')",
            "CSV",
            path=str(data_dir),
        )
    except (AttributeError, TypeError, RuntimeError) as error:
        raise SystemExit(
            f"the local ClickHouse ended: {error}\n(workers/local/clickhouse_child.py asks the "
            f"private module {path.name} of {PINNED} for SYSTEM START LISTEN)"
        ) from error


def watch(engine_pid: int, fifo: Path) -> int:
    """Wait for the engine to end, passing SIGTERM and SIGINT on as a line on its FIFO.

    Returns:
        the exit code to end with: 0 after a requested stop, else what became of the engine.
    """
    deadline = 0.0
    told = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal deadline
        deadline = deadline or time.monotonic() + STOP_DEADLINE_S
        press()

    def press(*_: object) -> None:
        nonlocal told
        told = told or _write_line(fifo)
        if time.monotonic() > deadline:
            print(f"clickhouse: no end within {STOP_DEADLINE_S} s of SIGTERM; killed", flush=True)
            os.kill(engine_pid, signal.SIGKILL)
        else:
            signal.setitimer(signal.ITIMER_REAL, 0.1)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGALRM, press)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    _, status = os.waitpid(engine_pid, 0)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)  # Python's own end would let it kill us
    code = os.waitstatus_to_exitcode(status)
    if deadline and code == 0:
        return 0
    return code if code > 0 else 1


def _write_line(fifo: Path) -> bool:
    """Whether the engine was there to read it; it opens the FIFO once its ports are open."""
    try:
        line = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return False
    os.write(line, b"stop\n")
    os.close(line)  # the reader's query ends at the end of the file
    return True


def main() -> int:
    """Fork the engine and watch over it."""
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # not this room: it has a redis.py
    from workers.local.bound import end_with_parent

    run_dir, data_dir = Path(sys.argv[1]), Path(sys.argv[2])
    fifo = run_dir / _FIFO
    fifo.unlink(missing_ok=True)
    os.mkfifo(fifo)
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)  # the engine keeps them blocked
    parent = os.getpid()
    engine_pid = os.fork()
    if engine_pid == 0:
        end_with_parent(signal.SIGKILL)
        if os.getppid() != parent:
            return 1
        serve(run_dir, data_dir)
        return 0
    return watch(engine_pid, fifo)


if __name__ == "__main__":
    sys.exit(main())
